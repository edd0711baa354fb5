import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Response } from 'supertest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openCheckpoint } from '../../src/audit/checkpoint.js';
import { Frontier, isIncluded, leafHash } from '../../src/audit/merkle.js';
import { parseVerifierKey } from '../../src/audit/note.js';
import { entriesOf, entryBundlesOf, tilePath, tilesBetween } from '../../src/audit/tile.js';
import { parseTlogProof } from '../../src/audit/tlog-proof.js';
import { canonicalJson, type JsonValue } from '../../src/kernel/crypto/canonical-json.js';
import { Database } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { ProgressMeter } from '../../src/packages/build-progress.js';
import { PackageGatherer } from '../../src/packages/gather.js';
import { PackagesService } from '../../src/packages/packages.service.js';
import { PackagesStore } from '../../src/packages/packages.store.js';
import { PackagesWorker } from '../../src/packages/packages.worker.js';
import { targetId } from '../../src/results/series.js';
import { bagFaults } from '../packages/bagit-validator.js';
import { bagIn, readZip, type ZipEntry } from '../packages/read-zip.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { holdEvent, holdFact } from '../support/held.js';
import { ofToday, unqueuedPackage, YEAR } from '../support/packages.js';

const HOUR = 3_600_000;

const kubeBench = (status: string, description = 'Ensure that permissions are set (Automated)'): string =>
  JSON.stringify({
    Controls: [
      {
        id: '1',
        version: 'cis-1.9',
        detected_version: '1.31',
        text: 'Control Plane',
        node_type: 'master',
        tests: [
          {
            section: '1.1',
            desc: 'Files',
            results: [{ test_number: '1.1.1', test_desc: description, status, scored: true }],
          },
        ],
      },
    ],
    Totals: { total_pass: 1, total_fail: 0, total_warn: 0, total_info: 0 },
  });

const bytesOf = (response: Response): Buffer => response.body as Buffer;

/** supertest would parse or drop what it does not know. */
const asBytes = (response: NodeJS.ReadableStream, done: (error: Error | null, body: Buffer) => void): void => {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('end', () => done(null, Buffer.concat(chunks)));
  response.on('error', (error) => done(error, Buffer.alloc(0)));
};

/** The leaves of the log in a package, when its tiles, its root, its signature and its proofs have been found to agree. */
function loggedEvents(entries: readonly ZipEntry[]): string[] {
  const bag = bagIn(entries);
  const file = (path: string): Buffer => {
    const bytes = bag.get(`data/${path}`);
    if (bytes === undefined) throw new Error(`the package has no ${path}`);
    return bytes;
  };
  const key = entries.find(({ path }) => path.endsWith('/keys/log.vkey'))?.bytes.toString() ?? '';
  const head = openCheckpoint(file('log/checkpoint'), parseVerifierKey(key));
  const frontier = new Frontier();
  const leaves = [...entryBundlesOf(head.size)].flatMap((bundle) => entriesOf(file(`log/${tilePath(bundle)}`)));
  for (const leaf of leaves) frontier.append(leafHash(leaf));
  expect([frontier.size, frontier.root]).toEqual([head.size, head.root]);
  for (const tile of tilesBetween(0, head.size)) expect(file(`log/${tilePath(tile)}`)).toHaveLength(32 * tile.width);
  const proofs = [...bag.keys()].filter((path) => path.startsWith('data/proofs/') && path.endsWith('.tlog-proof'));
  expect(proofs.length).toBeGreaterThan(0);
  for (const path of proofs) {
    const { index, hashes, checkpoint } = parseTlogProof(bag.get(path)!);
    const leaf = bag.get(path.replace('.tlog-proof', ''))!;
    expect(checkpoint).toEqual(file('log/checkpoint'));
    expect(leaf).toEqual(leaves[index]);
    expect(isIncluded(leafHash(leaf), index, head, hashes)).toBe(true);
  }
  // What came after the instant of knowledge is in the log, and not among the events.
  const { knownAt } = JSON.parse(file('index.json').toString()) as { knownAt: string };
  return leaves
    .map((leaf) => leaf.toString())
    .filter((leaf) => (JSON.parse(leaf) as { time: string }).time <= knownAt)
    .sort();
}

describe('packages', () => {
  let world: World;
  let clinic: Clinic;
  let officer: Caller;
  let packages: string;
  /** The report that was posted first, and its evidence. */
  const report = kubeBench('FAIL', '=HYPERLINK("http://evil")');
  let evidenceId: string;

  const post = async (of: Clinic, text: string, ago: number): Promise<{ id: string; evidenceId: string }> => {
    const observedAt = new Date(Date.now() - ago).toISOString();
    const { body } = await of.agent
      .post(`${of.systemPath}/scans?observedAt=${observedAt}&targets=node/worker-1&format=kube-bench`)
      .set('Content-Type', 'application/json')
      .send(text)
      .expect(201);
    return body as { id: string; evidenceId: string };
  };

  /** Polls as a client does; the test's own time limit ends it. */
  const ready = async (caller: Caller, path: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const { body } = await caller.get(path).expect(200);
      if ((body as { status: string }).status !== 'queued') return body as Record<string, unknown>;
      await pause(50);
    }
  };

  const request = async (body: object): Promise<string> => {
    const { headers } = await officer.post(packages, body).expect(202);
    return headers['location'] as string;
  };

  const fetched = async (path: string): Promise<ZipEntry[]> => {
    const response = await officer
      .get(`${path}/content`)
      .buffer()
      .parse(asBytes as never)
      .expect(200);
    return readZip(bytesOf(response));
  };

  const index = (entries: readonly ZipEntry[]) =>
    JSON.parse(bagIn(entries).get('data/index.json')!.toString()) as {
      faults: { evidenceId: string }[];
      counts: Record<string, number>;
      evidence: { evidenceId: string; path: string | null }[];
      knownAt: string;
    };

  const linesIn = (entries: readonly ZipEntry[]) => {
    const bag = bagIn(entries);
    return (name: string) =>
      bag
        .get(name)!
        .toString()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
  };

  /** What lies in the store for a package. */
  const objects = async (of: Clinic, id: string): Promise<string[]> =>
    readdir(join(world.evidenceDirectory, of.organizationId, 'packages', id)).catch(() => []);

  const events = async (action: string, id: string): Promise<unknown[]> => {
    const { body } = await officer.get(`${clinic.path}/audit-events?action=${action}&objectId=${id}`).expect(200);
    return (body as { items: unknown[] }).items;
  };

  const unqueued = (period?: number): Promise<string> => unqueuedPackage(world, clinic, undefined, period);

  beforeAll(async () => {
    world = await startApp();
    clinic = await startClinic(world);
    officer = await clinic.member('compliance_officer');
    packages = `${clinic.path}/packages`;
    ({ evidenceId } = await post(clinic, report, 2 * HOUR));
  });
  afterAll(() => world.stop());

  it('is a valid bag that holds posture, results, scans, events and the evidence byte for byte?', async () => {
    const path = await request({ scope: { systemId: clinic.systemId } });
    const built = await ready(officer, path);
    expect(built).toMatchObject({ status: 'ready', problem: null, scope: { systemId: clinic.systemId } });

    const response = await officer
      .get(`${path}/content`)
      .buffer()
      .parse(asBytes as never)
      .expect(200);
    const archive = bytesOf(response);
    const sha256 = createHash('sha256').update(archive).digest();
    expect(built).toMatchObject({ size: archive.length, sha256: sha256.toString('hex') });
    expect(response.headers).toMatchObject({
      'content-type': 'application/zip',
      'repr-digest': `sha-256=:${sha256.toString('base64')}:`,
    });

    const entries = await readZip(archive);
    const bag = bagIn(entries);
    expect(bagFaults(bag)).toEqual([]);
    expect(bag.get(`data/evidence/${evidenceId}/content.json`)?.toString()).toBe(report);
    expect(index(entries)).toMatchObject({
      faults: [],
      counts: { scans: 1, results: 1, coverage: 1, evidence: 1, evidenceUnreadable: 0, systems: 1 },
    });
    const results = bag.get('data/results.csv')!.toString();
    expect(results).toContain(`"'=HYPERLINK(""http://evil"")"`);
    expect(results).toContain(evidenceId);
    const leaves = bag
      .get('data/audit/events.jsonl')!
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse((JSON.parse(line) as { leaf: string }).leaf) as { action: string; tenant: string });
    expect(leaves.map(({ action }) => action)).toContain('scan.stored');
    expect(new Set(leaves.map(({ tenant }) => tenant))).toEqual(new Set([clinic.organizationId]));
    expect(loggedEvents(entries)).toEqual(leaves.map((leaf) => canonicalJson(leaf as unknown as JsonValue)).sort());
    const posture = JSON.parse(bag.get('data/posture/posture.json')!.toString()) as { systemId: string };
    expect(posture.systemId).toBe(clinic.systemId);
  });

  /** A package of the whole organisation from when there was one report: tests that change nothing ask of it together. */
  let whole: Promise<string> | undefined;
  const ofOneReport = (): Promise<string> =>
    (whole ??= (async () => {
      const path = await request(ofToday());
      await ready(officer, path);
      return path;
    })());

  it('shows what was looked at completely, when, and by which report?', async () => {
    const lines = linesIn(await fetched(await ofOneReport()));
    const [scan] = lines('data/scans.jsonl');
    expect(lines('data/coverage.jsonl')).toEqual([
      {
        systemId: clinic.systemId,
        target: 'node/worker-1',
        source: 'kube-bench/master',
        checks: ['cis-1.9/1.1.1'],
        silentPass: [],
        observedAt: scan?.['observedAt'],
        scanId: scan?.['id'],
        evidenceId,
      },
    ]);
  });

  it('has the facts of the instant, and what had happened by then, of its systems alone?', async () => {
    const admin = new pg.Client({ connectionString: world.database.urls.admin });
    await admin.connect();
    const knownAt = new Date();
    const asOf = new Date(knownAt.getTime() - HOUR);
    const later = new Date(knownAt.getTime() + 1);
    const before = new Date(asOf.getTime() - HOUR);
    const notYet = new Date(asOf.getTime() + 1);
    try {
      const { body: other } = await clinic.admin
        .post(`${clinic.path}/systems`, { name: 'elsewhere', environment: 'staging', phi: 'stores' })
        .expect(201);
      const elsewhere = { organizationId: clinic.organizationId, systemId: String(other.id) };
      const ofNode = { targetId: targetId('node', 'worker-1'), from: before };
      await holdFact(admin, clinic, { ...ofNode, to: notYet, endedKnown: knownAt });
      await holdFact(admin, clinic, { ...ofNode, knownFrom: later, subject: 'not known yet' });
      await holdEvent(admin, clinic, { id: 'before', at: before.toISOString() }, before);
      await holdEvent(admin, clinic, { id: 'at', at: asOf.toISOString() }, knownAt);
      await holdEvent(admin, clinic, { id: 'not yet', at: notYet.toISOString() }, knownAt);
      await holdEvent(admin, clinic, { id: 'not known yet', at: before.toISOString() }, later);
      await holdEvent(admin, elsewhere, { id: 'elsewhere', at: before.toISOString() }, before);
    } finally {
      await admin.end();
    }
    const instant = { asOf: asOf.toISOString(), knownAt: knownAt.toISOString() };
    const path = await request({ scope: { systemId: clinic.systemId }, ...instant });
    expect(await ready(officer, path)).toMatchObject({ status: 'ready' });
    const entries = await fetched(path);
    const lines = linesIn(entries);
    expect(lines('data/facts.jsonl')).toMatchObject([
      {
        systemId: clinic.systemId,
        target: 'node/worker-1',
        kind: 'volume-snapshot-class',
        subject: 'planted',
        value: { driver: 'planted', deletionPolicy: null },
        observedFrom: before.toISOString(),
        observedTo: notYet.toISOString(),
      },
    ]);
    expect(lines('data/security-events.jsonl').map(({ nativeId }) => nativeId)).toEqual(['at', 'before']);
    expect(lines('data/security-events.jsonl')[0]).toMatchObject({ systemId: clinic.systemId, category: 'exec' });
    expect(index(entries).counts).toMatchObject({ facts: 1, securityEvents: 2 });
  });

  it('leaves every evidence that was read for it in the log?', async () => {
    const path = await ofOneReport();
    expect(await events('package.built', path.split('/').at(-1)!)).toMatchObject([
      { details: { part: 1, parts: 1, evidence: [evidenceId], unreadable: [] } },
    ]);
  });

  it('is downloaded in ranges that fit together, and again only when it is another?', async () => {
    const path = await ofOneReport();
    const { size } = await ready(officer, path);
    const reads = async (): Promise<number> => (await events('package.read', path.split('/').at(-1)!)).length;
    const before = await reads();
    const whole = await officer
      .get(`${path}/content`)
      .buffer()
      .parse(asBytes as never)
      .expect(200);
    const tail = await officer
      .get(`${path}/content`)
      .set('Range', 'bytes=100-')
      .buffer()
      .parse(asBytes as never)
      .expect(206);
    expect(tail.headers['content-range']).toBe(`bytes 100-${Number(size) - 1}/${Number(size)}`);
    expect(bytesOf(tail).equals(bytesOf(whole).subarray(100))).toBe(true);
    const etag = whole.headers['etag'] as string;
    await officer.get(`${path}/content`).set('If-None-Match', etag).expect(304);
    await officer
      .get(`${path}/content`)
      .set('Range', `bytes=${Number(size)}-`)
      .expect(416);
    expect((await reads()) - before).toBe(4);
  });

  it('says what was known when it was asked for: a later report is not in it?', async () => {
    const before = new Date().toISOString();
    const later = await post(clinic, kubeBench('PASS'), HOUR);
    const old = await request({ ...ofToday(), knownAt: before });
    const now = await request(ofToday());
    await Promise.all([ready(officer, old), ready(officer, now)]);
    const ids = (entries: readonly ZipEntry[]) => index(entries).evidence.map((item) => item.evidenceId);
    expect(ids(await fetched(old))).toEqual([evidenceId]);
    expect(ids(await fetched(now)).sort()).toEqual([evidenceId, later.evidenceId].sort());
  });

  it('is asked for once per Idempotency-Key?', async () => {
    const key = newId();
    const ask = (body: object) => officer.post(packages, body).set('Idempotency-Key', key);
    const first = await ask({ scope: { systemId: null } }).expect(202);
    const second = await ask({ scope: { systemId: null } }).expect(202);
    expect(second.body).toEqual(first.body);
    await ask({ scope: { systemId: clinic.systemId } }).expect(409);
    expect(await events('package.requested', (first.body as { id: string }).id)).toHaveLength(1);
  });

  it('is listed, newest first, in pages?', async () => {
    const { body: whole } = await officer.get(packages).expect(200);
    const all = (whole as { items: { id: string }[] }).items.map(({ id }) => id);
    expect(all).toEqual([...all].sort().reverse());
    const { body: page } = await officer.get(`${packages}?limit=1`).expect(200);
    const { items, next } = page as { items: { id: string }[]; next: string };
    expect(items[0]?.id).toBe(all[0]);
    const { body: rest } = await officer.get(`${packages}?cursor=${next}`).expect(200);
    expect((rest as { items: { id: string }[] }).items.map(({ id }) => id)).toEqual(all.slice(1));
  });

  it('refuses instants yet to come and bodies of another shape?', async () => {
    const future = new Date(Date.now() + HOUR).toISOString();
    for (const name of ['asOf', 'knownAt']) {
      const { body } = await officer.post(packages, { scope: { systemId: null }, [name]: future }).expect(400);
      expect((body as { pointer: string }).pointer).toBe(`/${name}`);
    }
    const period = { asOf: '2026-01-02T00:00:00Z', periodFrom: '2026-01-03T00:00:00Z' };
    const { body: late } = await officer.post(packages, { scope: { systemId: null }, ...period }).expect(400);
    expect((late as { pointer: string }).pointer).toBe('/periodFrom');
    await officer.post(packages, {}).expect(400);
    await officer.post(packages, { scope: { systemId: 'x' } }).expect(400);
  });

  it('shows nothing of it to another organisation, a viewer, or nobody?', async () => {
    const path = await request({ scope: { systemId: null } });
    await ready(officer, path);
    const id = path.split('/').at(-1)!;
    const other = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    await post(other, kubeBench('PASS', 'of the other clinic'), HOUR);
    const stranger = await other.member('approver');
    for (const room of [packages, `${other.path}/packages`]) {
      await stranger.get(`${room}/${id}`).expect(404);
      await stranger.get(`${room}/${id}/content`).expect(404);
    }
    await stranger.get(packages).expect(404);
    const theirs = await other.member('compliance_officer');
    await theirs.post(`${other.path}/packages`, { scope: { systemId: clinic.systemId } }).expect(404);
    const viewer = await clinic.member('viewer');
    await viewer.get(path).expect(403);
    await viewer.get(`${path}/content`).expect(403);
    await (await clinic.member('auditor')).post(packages, { scope: { systemId: null } }).expect(403);
    await (await world.as(null)).get(path).expect(401);

    const entries = await fetched(path);
    for (const { bytes } of entries) {
      expect(bytes.includes(other.organizationId)).toBe(false);
      expect(bytes.includes('of the other clinic')).toBe(false);
    }
  });

  it('is not to be had before it is ready?', async () => {
    const id = await unqueued();
    const { body } = await officer.get(`${packages}/${id}/content`).expect(409);
    expect(body).toMatchObject({ type: '/problems/conflict', packageStatus: 'queued' });
    expect(await events('package.read', id)).toEqual([]);
  });

  describe('its worker', () => {
    const job = (id: string) => ({ organizationId: clinic.organizationId, systemId: '', id });
    const handle = (id: string) => world.app.get(PackagesWorker).handle(job(id));

    it('builds once, however often and at once it is told to?', async () => {
      const id = await unqueued();
      await Promise.all([handle(id), handle(id), handle(id)]);
      const { body: first } = await officer.get(`${packages}/${id}`).expect(200);
      await handle(id);
      const { body: again } = await officer.get(`${packages}/${id}`).expect(200);
      expect(again).toEqual(first);
      expect(first).toMatchObject({ status: 'ready' });
      expect(await objects(clinic, id)).toHaveLength(1);
      expect(await events('package.built', id)).toHaveLength(1);
      expect(bagFaults(bagIn(await fetched(`${packages}/${id}`)))).toEqual([]);
    });

    it('clears away what a killed attempt has left?', async () => {
      const id = await unqueued();
      const key = `${clinic.organizationId}/packages/${id}/${newId()}`;
      const orphan = join(world.evidenceDirectory, key);
      await mkdir(dirname(orphan), { recursive: true, mode: 0o700 });
      await writeFile(orphan, 'half a package');
      const principal = servicePrincipal('test', clinic.organizationId, newId());
      await world.app.get(Database).write(principal, async (tx) => {
        tx.withoutAudit('a test');
        await world.app.get(PackagesStore).claim(tx, id, key);
      });
      await officer.get(`${packages}/${id}/content`).expect(409);
      await handle(id);
      const left = await objects(clinic, id);
      expect(left).toHaveLength(1);
      expect(key.endsWith(left[0]!)).toBe(false);
    });

    it('makes the same files in a second attempt, but for the log and its anchors, which have gone on?', async () => {
      const id = await unqueued(YEAR);
      const service = world.app.get(PackagesService);
      const principal = servicePrincipal('package-worker', clinic.organizationId, newId());
      const finish = vi.spyOn(world.app.get(PackagesStore), 'finish');
      const attempt = async (): Promise<Map<string, Buffer>> => {
        const made: Parameters<PackagesService['open']>[1][] = [];
        finish.mockImplementation((_tx, _id, kept, dataKeyId) => {
          made.push({ id, kept, dataKeyId, isEncrypted: false });
          return Promise.reject(new Error('the connection broke'));
        });
        await expect(service.build(principal, id)).rejects.toThrow('broke');
        return bagIn(await readZip(await buffer(await service.open(principal, made[0]!))));
      };
      const first = await attempt();
      await post(clinic, kubeBench('WARN'), HOUR / 2);
      const second = await attempt();
      finish.mockRestore();
      const differing = [...new Set([...first.keys(), ...second.keys()])].filter(
        (path) => second.get(path)?.equals(first.get(path) ?? Buffer.alloc(0)) !== true,
      );
      expect(differing).toContain('data/log/checkpoint');
      const ofTheLog = /^(data\/(log|proofs|anchor)\/|bag-info\.txt|(tag)?manifest-)/;
      expect(differing.filter((path) => !ofTheLog.test(path))).toEqual([]);
      await service.build(principal, id);
      const { body } = await officer.get(`${packages}/${id}`).expect(200);
      expect(body).toMatchObject({ status: 'ready' });
      expect(await objects(clinic, id)).toHaveLength(1);
    });

    it('leaves a failure queued until the last attempt, and then tells it?', async () => {
      const id = await unqueued();
      const gather = vi.spyOn(world.app.get(PackageGatherer), 'gather').mockRejectedValue(new Error('secret detail'));
      await expect(handle(id)).rejects.toThrow();
      await officer.get(`${packages}/${id}`).expect(200, /"status":"queued"/);
      await world.app.get(PackagesWorker).giveUp(job(id));
      gather.mockRestore();
      const { body } = await officer.get(`${packages}/${id}`).expect(200);
      expect(body).toMatchObject({ status: 'failed', problem: { type: '/problems/internal', status: 500 } });
      expect(JSON.stringify(body)).not.toContain('secret');
      await officer.get(`${packages}/${id}/content`).expect(409);
      expect(await objects(clinic, id)).toEqual([]);
      expect(await events('package.failed', id)).toHaveLength(1);
      // Finished is finished.
      await handle(id);
      await officer.get(`${packages}/${id}`).expect(200, /"status":"failed"/);
    });

    // Last: it damages the store.
    it('makes the package without evidence that no longer has its digest, and says so first?', async () => {
      const [file] = (await readdir(join(world.evidenceDirectory, clinic.organizationId), { recursive: true })).filter(
        (name) => name.includes(evidenceId),
      );
      const stored = join(world.evidenceDirectory, clinic.organizationId, file!);
      const bytes = await readFile(stored);
      bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
      await chmod(stored, 0o600);
      await writeFile(stored, bytes);

      const begun = vi.spyOn(ProgressMeter.prototype, 'begin');
      const done = vi.spyOn(ProgressMeter.prototype, 'fileDone');
      const path = await request(ofToday());
      expect(await ready(officer, path)).toMatchObject({ status: 'ready' });
      // One that cannot be read has been looked at all the same: no progress stops before its end.
      const [reading] = begun.mock.calls;
      const [, writing = 0] = begun.mock.invocationCallOrder;
      expect(done.mock.invocationCallOrder.filter((at) => at < writing)).toHaveLength(reading?.[1] ?? 0);
      const entries = await fetched(path);
      const bag = bagIn(entries);
      expect(bagFaults(bag)).toEqual([]);
      expect(await events('package.built', path.split('/').at(-1)!)).toMatchObject([
        { details: { evidence: index(entries).evidence.map((item) => item.evidenceId), unreadable: [evidenceId] } },
      ]);
      expect(index(entries)).toMatchObject({ faults: [{ evidenceId }], counts: { evidenceUnreadable: 1 } });
      expect(index(entries).evidence.find((item) => item.evidenceId === evidenceId)?.path).toBeNull();
      const named = [...bag.keys()].filter((name) => name.includes(evidenceId));
      // What was done with it is told all the same, and that it was found so.
      expect(named).toEqual([`data/evidence/${evidenceId}/custody.jsonl`]);
      expect(entries[0]?.bytes.toString()).toMatch(/^# Evidence package .+\n\n\*\*INCOMPLETE: 1 of/);
    });
  });
});
