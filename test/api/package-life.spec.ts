import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import type pg from 'pg';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { EvidenceDriver } from '../../src/evidence/drivers/driver.js';
import { EVIDENCE_DRIVER } from '../../src/evidence/evidence.service.js';
import { Clock } from '../../src/kernel/clock.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { PackagesService } from '../../src/packages/packages.service.js';
import { PackagesStore } from '../../src/packages/packages.store.js';
import { bagFaults } from '../packages/bagit-validator.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import type { Caller, Clinic, World } from '../support/app.js';
import { programOf } from '../support/log.js';
import {
  heldBuilds,
  ofAll,
  ofToday,
  packageObjects,
  startPackages,
  unqueuedPackage,
  type PackagesRoom,
  type PackageView,
} from '../support/packages.js';

let world: World;
let admin: pg.Client;
let clinic: Clinic;
let officer: Caller;
let packages: string;
let room: PackagesRoom;

beforeAll(async () => {
  const suite = await startPackages();
  ({ world, admin, clinic, officer, room } = suite);
  packages = room.path;
  return suite.stop;
});
/** What a test holds is let go on when it ends, however it ends. */
const holding: (() => void)[] = [];
afterEach(() => {
  for (const release of holding.splice(0)) release();
  vi.restoreAllMocks();
});

const request = (body?: object): Promise<PackageView> => room.request(body);
const read = (id: string): Promise<PackageView> => room.read(id);
const settled = (id: string): Promise<PackageView> => room.settled(id);
const content = (id: string) => room.content(id);
/** One that is finished, of which tests ask what is so of any. */
let finished: Promise<PackageView> | undefined;
const one = (): Promise<PackageView> => (finished ??= request().then(({ id }) => settled(id)));
const objects = (id: string): Promise<string[]> => packageObjects(world, clinic, id);

/** What a turn of the sweeper does. */
const swept = () => world.app.get(PackagesService).removeBytes(new AbortController().signal);

const actions = async (id: string): Promise<string[]> => {
  const { body } = await officer.get(`${clinic.path}/audit-events?objectId=${id}`).expect(200);
  return (body as { items: { action: string }[] }).items.map(({ action }) => action).sort();
};

/** Builds are held, at most until the test ends. */
function held(): ReturnType<typeof heldBuilds> {
  const build = heldBuilds(world);
  holding.push(build.release);
  return build;
}

/** The events of a stream that has ended, each as the package that it tells. */
const eventsIn = (text: string): PackageView[] =>
  text
    .split('\n\n')
    .filter((event) => event.startsWith('event: package\n'))
    .map((event) => JSON.parse(event.slice('event: package\ndata: '.length)) as PackageView);

const follow = (id: string): Promise<Response> =>
  fetch(`${world.url}${packages}/${id}/events`, { headers: { Authorization: `Bearer ${officer.token}` } });

describe('a package while it is built', () => {
  it('does it say how far it is, to who asks and to who follows?', async () => {
    const { release, reached } = held();
    const { id, progress } = await request();
    expect(progress).toBeNull();
    await reached;
    const first = await read(id);
    expect(first).toMatchObject({
      status: 'queued',
      progress: { phase: 'reading', filesDone: 0, filesTotal: 1, bytesDone: 0 },
    });
    expect(first.progress?.['bytesTotal']).toBeGreaterThan(100);
    const stream = await follow(id);
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const reader = stream.body!.getReader();
    const told = Buffer.from((await reader.read()).value).toString();
    expect(eventsIn(told)).toEqual([first]);
    release();
    let rest = '';
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      rest += Buffer.from(part.value).toString();
    }
    const ready = await settled(id);
    expect(eventsIn(rest).at(-1)).toEqual(ready);
    expect(ready).toMatchObject({ status: 'ready', progress: null });
    // Of one that is ready there is one event.
    expect(eventsIn(await (await follow(id)).text())).toEqual([ready]);
  });

  it('is what happens while it looks evidence up in its log?', async () => {
    const { release, reached } = held();
    const { id } = await request();
    await reached;
    const meanwhile = await request({ ...ofToday(), expiresAt: '2099-01-01T00:00:00Z' });
    release();
    for (const one of [id, meanwhile.id]) await settled(one);
    const entries = (await readZip(await room.bytes(id))).filter(({ path }) => path.includes('/log/tile/entries/'));
    expect(Buffer.concat(entries.map(({ bytes }) => bytes)).includes(meanwhile.id)).toBe(true);
  });

  it('can one principal not follow without end?', async () => {
    const { release, reached } = held();
    const { id } = await request();
    await reached;
    const streams = await Promise.all(Array.from({ length: 4 }, () => follow(id)));
    expect(streams.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await follow(id)).status).toBe(429);
    await streams[0]!.body!.cancel();
    await vi.waitFor(async () => expect((await follow(id)).status).toBe(200), { timeout: 5_000, interval: 100 });
    release();
    await settled(id);
  });

  it('does a package that is not there have no events?', async () => {
    await officer.get(`${packages}/${newId()}/events`).expect(404);
    const viewer = await clinic.member('viewer');
    const { id } = await one();
    await viewer.get(`${packages}/${id}/events`).expect(403);
  });

  it('is it ended when it is cancelled, and does nothing stay of it?', async () => {
    const { release, reached } = held();
    const { id } = await request();
    await reached;
    const { body } = await officer.post(`${packages}/${id}/cancellation`).expect(200);
    expect(body).toMatchObject({ id, status: 'cancelled', progress: null, sha256: null });
    release();
    await world.app.get(PackagesService).build(servicePrincipal('test', clinic.organizationId, newId()), id);
    await pause(300);
    expect(await objects(id)).toEqual([]);
    expect(await read(id)).toMatchObject({ status: 'cancelled' });
    const { body: refused } = await content(id).expect(409);
    expect(refused).toMatchObject({ packageStatus: 'cancelled' });
    await officer.post(`${packages}/${id}/cancellation`).expect(409);
    expect(await actions(id)).toEqual(['package.cancelled', 'package.requested']);
  });

  it('is it cancelled also when what was begun of it cannot be removed now?', async () => {
    const { release, reached } = held();
    const { id } = await request();
    await reached;
    const driver = world.app.get<EvidenceDriver>(EVIDENCE_DRIVER, { strict: false });
    vi.spyOn(driver, 'remove').mockRejectedValueOnce(new Error('the store is away'));
    await officer.post(`${packages}/${id}/cancellation`).expect(200);
    release();
    expect(await settled(id)).toMatchObject({ status: 'cancelled' });
  });

  it('does one that is cancelled after its last byte was written leave nothing either?', async () => {
    const store = world.app.get(PackagesStore, { strict: false });
    const finish = store.finish.bind(store);
    vi.spyOn(store, 'finish').mockImplementationOnce(async (tx, id, ...rest) => {
      expect(await objects(id)).toHaveLength(1);
      await officer.post(`${packages}/${id}/cancellation`).expect(200);
      return finish(tx, id, ...rest);
    });
    const { id } = await request();
    expect(await settled(id)).toMatchObject({ status: 'cancelled' });
    await vi.waitFor(async () => expect(await objects(id)).toEqual([]));
  });

  it('does one that is killed after its last byte leave nothing for longer than a day, when it was cancelled meanwhile?', async () => {
    const id = await unqueuedPackage(world, clinic);
    const store = world.app.get(PackagesStore, { strict: false });
    const service = world.app.get(PackagesService);
    vi.spyOn(store, 'finish').mockImplementationOnce(async () => {
      await officer.post(`${packages}/${id}/cancellation`).expect(200);
      // Cancelled before the object was named, and named before the process was killed.
      await driver.put(key!, Readable.from([Buffer.from('bytes')]), { retainUntil: new Date() });
      throw new Error('killed');
    });
    const driver = world.app.get<EvidenceDriver>(EVIDENCE_DRIVER, { strict: false });
    let key: string | undefined;
    const put = driver.put.bind(driver);
    vi.spyOn(driver, 'put').mockImplementationOnce((at, ...rest) => {
      key = at;
      return put(at, ...rest);
    });
    await expect(service.build(programOf(clinic), id)).rejects.toThrow('killed');
    expect(await objects(id)).toHaveLength(1);
    // An attempt might still be under way.
    expect((await swept()).removed).toBe(0);
    vi.spyOn(world.app.get(Clock), 'now').mockImplementation(() => new Date(Date.now() + 25 * 3_600_000));
    expect((await swept()).removed).toBeGreaterThan(0);
    expect(await objects(id)).toEqual([]);
    expect((await swept()).removed).toBe(0);
    // By the present clock again: tokens of the tests do not live for a day.
    vi.restoreAllMocks();
    expect(await actions(id)).toEqual(['package.cancelled']);
  });

  it('may who only reads packages cancel none?', async () => {
    const { id } = await one();
    await (await clinic.member('auditor')).post(`${packages}/${id}/cancellation`).expect(403);
    await officer.post(`${packages}/${id}/cancellation`).expect(409);
  });
});

describe('a package that two ask for', () => {
  const earlier = new Date(Date.now() - 3_600_000).toISOString();

  it('is one when both ask at once for the same, and another when one asks for something else, or later?', async () => {
    const { release, reached } = held();
    const recent = new Date().toISOString();
    const body = { ...ofToday(), asOf: recent, knownAt: recent };
    const asked = await Promise.all(Array.from({ length: 5 }, () => request(body)));
    expect(new Set(asked.map(({ id }) => id)).size).toBe(1);
    const { id } = asked[0]!;
    const recipient = await identityToRecipient(await generateIdentity());
    const others = await Promise.all([
      request({ ...body, encryptTo: [recipient] }),
      request({ ...body, expiresAt: '2099-01-01T00:00:00Z' }),
      request({ ...body, asOf: earlier }),
      request({ ...body, periodFrom: earlier }),
      request({ ...body, scope: { systemId: clinic.systemId } }),
    ]);
    expect(new Set([id, ...others.map((other) => other.id)]).size).toBe(6);
    await reached;
    release();
    for (const one of [id, ...others.map((other) => other.id)]) {
      expect(await settled(one)).toMatchObject({ status: 'ready' });
    }
    expect((await actions(id)).filter((action) => action !== 'package.requested')).toEqual(['package.built']);
    expect((await actions(id)).filter((action) => action === 'package.requested')).toHaveLength(5);
    const later = await request(body);
    expect(later.id).not.toBe(id);
    await settled(later.id);
  });
});

describe('a package that expires', () => {
  it('is it given out until then and not after, its bytes removed, and what it was still told?', async () => {
    const expiresAt = new Date(Date.now() + 120_000).toISOString();
    const { id } = await request({ ...ofToday(), expiresAt });
    const stays = await one();
    const ready = await settled(id);
    expect(ready).toMatchObject({ status: 'ready', expiresAt });
    await room.bytes(id);
    expect((await swept()).removed).toBe(0);

    vi.spyOn(world.app.get(Clock), 'now').mockImplementation(() => new Date(Date.now() + 180_000));
    expect(await read(id)).toEqual({ ...ready, status: 'expired' });
    await content(id).expect(410);
    expect(await objects(id)).toHaveLength(1);
    expect((await swept()).removed).toBe(1);
    expect(await objects(id)).toEqual([]);
    expect((await swept()).removed).toBe(0);
    expect(await read(id)).toEqual({ ...ready, status: 'expired' });
    expect(await actions(id)).toEqual(['package.built', 'package.expired', 'package.read', 'package.requested']);
    expect(await objects(stays.id)).toHaveLength(1);
    vi.restoreAllMocks();
    // Its bytes are gone: it is not there again when a clock goes back.
    await content(id).expect(410);
  });

  it('does one that cannot be removed keep no other, and is it tried again?', async () => {
    const [first, second] = [
      await request({ ...ofToday(), expiresAt: new Date(Date.now() + 120_000).toISOString() }),
      await request({ ...ofToday(), expiresAt: new Date(Date.now() + 121_000).toISOString() }),
    ];
    for (const { id } of [first, second]) await settled(id);
    vi.spyOn(world.app.get(Clock), 'now').mockImplementation(() => new Date(Date.now() + 180_000));
    const driver = world.app.get<EvidenceDriver>(EVIDENCE_DRIVER, { strict: false });
    const remove = driver.remove.bind(driver);
    const stuck = vi
      .spyOn(driver, 'remove')
      .mockImplementation((object) =>
        object.key.includes(first.id)
          ? Promise.reject(Object.assign(new Error('under a lock'), { code: 'EACCES' }))
          : remove(object),
      );
    const { removed, stay } = await swept();
    expect([removed, [...stay]]).toEqual([1, [['EACCES', 1]]]);
    expect(await objects(first.id)).toHaveLength(1);
    expect(await objects(second.id)).toEqual([]);
    stuck.mockRestore();
    expect((await swept()).removed).toBe(1);
    expect(await objects(first.id)).toEqual([]);
  });

  it('do as many as are read at once, none of which can be removed, keep one that comes after them?', async () => {
    const { id } = await request({ ...ofToday(), expiresAt: new Date(Date.now() + 122_000).toISOString() });
    await settled(id);
    await admin.query(
      `insert into package
       select (jsonb_populate_record(p, jsonb_build_object(
         'id', '00000000-0000-7000-8000-' || lpad(n::text, 12, '0'), 'storage_key', 'stuck', 'expires_at', p.expires_at - interval '1 minute'))).*
       from package p, generate_series(1, 1000) as n where p.id = $1`,
      [id],
    );
    vi.spyOn(world.app.get(Clock), 'now').mockImplementation(() => new Date(Date.now() + 180_000));
    const driver = world.app.get<EvidenceDriver>(EVIDENCE_DRIVER, { strict: false });
    const remove = driver.remove.bind(driver);
    vi.spyOn(driver, 'remove').mockImplementation((object) =>
      object.key === 'stuck' ? Promise.reject(new RangeError('under a lock')) : remove(object),
    );
    const { stay } = await swept();
    expect([...stay]).toEqual([['RangeError', 1_000]]);
    expect(await objects(id)).toEqual([]);
    // One that has to end begins nothing.
    expect(await world.app.get(PackagesService).removeBytes(AbortSignal.abort())).toMatchObject({
      removed: 0,
      stay: new Map(),
    });
    await admin.query(`delete from package where storage_key = 'stuck'`);
  });

  it('is one that has expired already not taken?', async () => {
    const { body } = await officer.post(packages, { ...ofAll, expiresAt: '2026-01-01T00:00:00Z' }).expect(400);
    expect(body).toMatchObject({ pointer: '/expiresAt' });
  });
});

describe('a package that is encrypted', () => {
  it('does its recipient open it, and find the same as in a plain one?', async () => {
    const identity = await generateIdentity();
    const encryptTo = [await identityToRecipient(identity)];
    const { id } = await request({ ...ofToday(), encryptTo });
    const ready = await settled(id);
    expect(ready).toMatchObject({ status: 'ready', encryptTo });
    const answer = await content(id).expect(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="safeguard-package-${id}.zip.age"`,
    });
    const sealed = answer.body as Buffer;
    expect(createHash('sha256').update(sealed).digest('hex')).toBe(ready.sha256);
    expect(sealed.length).toBe(ready.size);
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const entries = await readZip(Buffer.from(await decrypter.decrypt(sealed)));
    expect(bagFaults(bagIn(entries))).toEqual([]);
  });

  it('is what is no recipient refused?', async () => {
    const good = await identityToRecipient(await generateIdentity());
    for (const [encryptTo, pointer] of [
      [[good, 'age1nobody'], '/encryptTo/1'],
      [[await generateIdentity()], '/encryptTo/0'],
      [[], '/encryptTo'],
      [Array.from({ length: 11 }, () => good), '/encryptTo'],
    ]) {
      const { body } = await officer.post(packages, { ...ofAll, encryptTo }).expect(400);
      expect(body).toMatchObject({ pointer });
    }
  });
});
