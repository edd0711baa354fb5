import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bagFaults } from '../packages/bagit-validator.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { startTransit } from '../support/key-services.js';
import {
  expectSigned,
  ofAll,
  packageObjects,
  packagesRoom,
  startPackages,
  type PackagesRoom,
  type PackageView,
} from '../support/packages.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let room: PackagesRoom;

beforeAll(async () => {
  const suite = await startPackages();
  ({ world, clinic, officer, room } = suite);
  return suite.stop;
});

describe('what is asked of packages by mistake or in malice', () => {
  it.each([
    ['several ranges', 'bytes=0-1,5-6', 200],
    ['many ranges', `bytes=${Array.from({ length: 500 }, (_, index) => `${index}-${index}`).join(',')}`, 200],
    ['an end before its beginning', 'bytes=5-2', 200],
    ['no numbers', 'bytes=a-b', 200],
    ['another unit', 'lines=1-2', 200],
    ['nothing from the end', 'bytes=-0', 416],
    ['a beginning beyond the end', 'bytes=999999999999-', 416],
    ['more than there is from the end', 'bytes=-999999999999', 206],
    ['an end beyond the end', 'bytes=0-999999999999', 206],
  ])('does a range of %s do no harm?', async (_what, range, status) => {
    const { id, size } = await one();
    const answer = await room.content(id).set('Range', range);
    expect(answer.status).toBe(status);
    if (status !== 416) expect((answer.body as Buffer).length).toBe(size);
  });

  it('do many ranges at once fit together?', async () => {
    const { id, size } = await one();
    const step = Math.ceil(size / 24);
    const parts = await Promise.all(
      Array.from({ length: 24 }, (_, index) =>
        room
          .content(id)
          .set('Range', `bytes=${index * step}-${(index + 1) * step - 1}`)
          .expect(206),
      ),
    );
    const whole = Buffer.concat(parts.map((part) => part.body as Buffer));
    expect(whole.equals(await room.bytes(id))).toBe(true);
  });

  let built: PackageView | undefined;
  const one = async (): Promise<PackageView> => (built ??= await room.settled((await room.request()).id));

  it('is a package of no system, and one of a time of which there is no evidence, whole and signed?', async () => {
    const empty = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    const theirs = await empty.member('compliance_officer');
    await empty.admin.post(`${empty.systemPath}/retire`).set('If-Match', '"1"').send({}).expect(200);
    for (const [asked, body, systems] of [
      [packagesRoom(`${empty.path}/packages`, theirs), ofAll, 0],
      [room, { ...ofAll, asOf: '2020-01-01T00:00:00Z' }, 1],
    ] as const) {
      const { id } = await asked.request(body);
      expect(await asked.settled(id)).toMatchObject({ status: 'ready' });
      const entries = await readZip(await asked.bytes(id));
      expect(bagFaults(bagIn(entries))).toEqual([]);
      const index = JSON.parse(bagIn(entries).get('data/index.json')!.toString()) as { counts: object };
      expect(index.counts).toMatchObject({ systems, evidence: 0, results: 0 });
      await expectSigned(entries, officer);
    }
  });

  it('does a name of every legal character add nothing to what is signed but itself?', async () => {
    const name = 'Lakeside: "Clinic" <b>&amp;</b> ../%00 \\ =cmd|\u{1f3e5} é\u0301 Payload-Oxum: 1.1';
    const { body: before } = await clinic.admin.get(clinic.path).expect(200);
    await clinic.admin.patch(clinic.path, { name }).set('If-Match', `"${before.version}"`).expect(200);
    const { id } = await room.request();
    await room.settled(id);
    const entries = await readZip(await room.bytes(id));
    const bag = bagIn(entries);
    expect(bagFaults(bag)).toEqual([]);
    expect(bag.get('bag-info.txt')!.toString()).toContain(`Source-Organization: ${name}\n`);
    const index = JSON.parse(bag.get('data/index.json')!.toString()) as { organization: object };
    expect(index.organization).toEqual({ id: clinic.organizationId, name });
    for (const { path } of entries) expect(path).toMatch(/^[A-Za-z0-9._/-]+$/);
    await expectSigned(entries, officer);
  });
});

describe('a package whose key lies in a key service', () => {
  let transit: Awaited<ReturnType<typeof startTransit>>;
  let directory: string;
  let other: World;
  beforeAll(async () => {
    transit = await startTransit();
    directory = await mkdtemp(join(tmpdir(), 'safeguard-vault-'));
    await writeFile(join(directory, 'token'), transit.token);
    const environment = {
      PACKAGE_SIGNING_KEY: `vault:${transit.keyUrl.href}`,
      VAULT_TOKEN_FILE: join(directory, 'token'),
    };
    other = await startApp({ environment });
  });
  afterAll(async () => {
    await other.stop();
    await transit.stop();
    await rm(directory, { recursive: true });
  });

  it('is it signed there; and does nothing look finished while the service refuses?', async () => {
    const theirs = await startClinic(other);
    const caller = await theirs.member('compliance_officer');
    const asked = packagesRoom(`${theirs.path}/packages`, caller);
    const tokens = transit.token;
    transit.token = 's.revoked';
    const { id } = await asked.request();
    await vi.waitFor(() => expect(transit.asked.some(({ path }) => path.includes('/sign/'))).toBe(true), 30_000);
    await pause(200);
    expect(await asked.read(id)).toMatchObject({ status: 'queued', sha256: null });
    expect(await packageObjects(other, theirs, id)).toEqual([]);
    await asked.content(id).expect(409);
    transit.token = tokens;
    expect(await asked.settled(id)).toMatchObject({ status: 'ready' });
    await expectSigned(await readZip(await asked.bytes(id)), caller);
  });
});
