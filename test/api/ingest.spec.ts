import { createHash } from 'node:crypto';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type pg from 'pg';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Database } from '../../src/kernel/db/database.js';
import { reportJsonSchema } from '../../src/scans/formats/safeguard-report.js';
import { startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { kubeBench, policyReport, send, type Finding } from './reports.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let admin: pg.Client;
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer, admin } = suite);
  return suite.stop;
});

interface Counts {
  total: number;
  new: number;
  changed: number;
  unchanged: number;
  closed: number;
  rejected: number;
}
interface Scan {
  id: string;
  status: string;
  evidenceId: string;
  counts: Counts | null;
  observedAt: string;
  knownAt: string;
  receivedAt: string;
  duplicate: boolean;
}
interface Result {
  series: string;
  check: string;
  status: string;
  severity: string;
  observedFrom: string;
  observedTo: string | null;
  knownFrom?: string;
  knownTo?: string | null;
}

/** A system of one's own, so that tests know nothing of each other. */
async function system() {
  const { id, path } = await clinic.system({ phiNamespaces: ['emr'] });
  const post = (report: string | Uint8Array, query: string, headers: Record<string, string> = {}) =>
    send<Scan>(world.url, officer, 'POST', `${path}/scans?${query}`, { body: report, headers });
  const results = async (query = ''): Promise<Result[]> =>
    (await officer.get(`${path}/results?limit=500${query}`).expect(200)).body.items as Result[];
  const rows = async (): Promise<number> =>
    Number((await admin.query('select count(*) from result where system_id = $1', [id])).rows[0].count);
  return { id, path, post, results, rows };
}

const CLUSTER = 'targets=cluster/cluster';
const at = (day: number): string => `observedAt=2026-01-${String(day).padStart(2, '0')}T00:00:00Z`;
const iso = (day: number): string => `2026-01-${String(day).padStart(2, '0')}T00:00:00.000Z`;
const finding = (check: string, result: Finding['result'] = 'fail', more: Partial<Finding> = {}): Finding => ({
  check,
  result,
  ...more,
});
const counts = (said: Partial<Counts>): Counts => ({
  total: 0,
  new: 0,
  changed: 0,
  unchanged: 0,
  closed: 0,
  rejected: 0,
  ...said,
});

/** Intervals of one series that stand (are not corrected) never overlap; the end never comes before the start. */
async function expectSoundIntervals(systemId: string): Promise<void> {
  const { rows } = await admin.query(
    `select a.series from result a join result b on a.organization_id = b.organization_id and a.system_id = b.system_id and a.series = b.series
       and (a.observed_from, a.known_from) < (b.observed_from, b.known_from)
     where a.system_id = $1 and a.known_to is null and b.known_to is null
       and tstzrange(a.observed_from, a.observed_to) && tstzrange(b.observed_from, b.observed_to)`,
    [systemId],
  );
  expect(rows).toEqual([]);
}

describe('what becomes of a report?', () => {
  it('the first opens an interval for each of its results', async () => {
    const { post, results, rows } = await system();
    const { status, body, headers } = await post(
      policyReport([finding('a'), finding('b', 'pass')]),
      `${CLUSTER}&${at(1)}`,
    );
    expect(status).toBe(201);
    expect(headers['location']).toMatch(new RegExp(`/scans/${body.id}$`));
    expect(body).toMatchObject({
      status: 'stored',
      observedAt: iso(1),
      counts: counts({ total: 2, new: 2 }),
      duplicate: false,
    });
    expect(
      (await results())
        .map(({ check, status, observedFrom, observedTo }) => [check, status, observedFrom, observedTo])
        .sort(),
    ).toEqual([
      ['a', 'fail', iso(1), null],
      ['b', 'pass', iso(1), null],
    ]);
    expect(await rows()).toBe(2);
  });

  it('an unchanged rescan adds a scan and no result row', async () => {
    const { post, results, rows, path } = await system();
    const report = policyReport([finding('a'), finding('b', 'pass')]);
    await post(report, `${CLUSTER}&${at(1)}`);
    const before = await results();
    for (const day of [2, 3, 4]) {
      const { status, body } = await post(report, `${CLUSTER}&${at(day)}`);
      expect([status, body.counts]).toEqual([201, counts({ total: 2, unchanged: 2 })]);
    }
    expect(await rows()).toBe(2);
    expect(await results()).toEqual(before);
    expect((await officer.get(`${path}/scans`).expect(200)).body.items).toHaveLength(4);
  });

  it('the same bytes again are not taken for unchanged when another scan, even of the same instant, came between', async () => {
    for (const between of [2, 1]) {
      const { post, results } = await system();
      const bad = policyReport([finding('a'), finding('b')]);
      await post(bad, `${CLUSTER}&${at(1)}`);
      await post(policyReport([finding('a', 'pass'), finding('b')]), `${CLUSTER}&${at(between)}`);
      const { status, body } = await post(bad, `${CLUSTER}&${at(3)}`);
      expect([status, body.counts]).toEqual([201, counts({ total: 2, changed: 1, unchanged: 1 })]);
      expect((await results('&check=a')).map(({ status: now, observedFrom }) => [now, observedFrom])).toEqual([
        ['fail', iso(3)],
      ]);
    }
  });

  it('the same bytes of an earlier instant, or said to be partial, are read as what they are then', async () => {
    const { post, results } = await system();
    const report = policyReport([finding('a')]);
    await post(report, `${CLUSTER}&${at(5)}`);
    const earlier = await post(report, `${CLUSTER}&${at(2)}`);
    expect(earlier.body.counts).toEqual(counts({ total: 1, new: 1 }));
    expect((await results(`&asOf=${iso(3)}`)).length).toBe(1);
    const partial = await post(report, `${CLUSTER}&${at(6)}&partial=true`);
    expect(partial.body.counts).toEqual(counts({ total: 1, unchanged: 1 }));
    // It covered nothing completely, and is of another way of reading: the next complete one is read too.
    const complete = await post(report, `${CLUSTER}&${at(7)}`);
    expect(complete.body.counts).toEqual(counts({ total: 1, unchanged: 1 }));
  });

  it('a report that says its own time is never taken for one of a later instant', async () => {
    const { post } = await system();
    const report = policyReport([finding('a')]).replace(
      '"result"',
      `"timestamp":{"seconds":${Date.UTC(2026, 0, 1) / 1000},"nanos":0},"result"`,
    );
    const first = await post(report, `${CLUSTER}&${at(1)}`);
    expect([first.status, first.body.observedAt]).toEqual([201, iso(1)]);
    expect((await post(report, `${CLUSTER}&${at(2)}`)).status).toBe(422);
  });

  it('a repeated report refreshes what it saw: posture goes by the later instant', async () => {
    const { post, path } = await system();
    const report = kubeBench({ '1.2.1': 'PASS' });
    await post(report, `targets=node/cp-1&${at(1)}`);
    await post(report, `targets=node/cp-1&${at(9)}`);
    const { body } = await officer.get(`${path}/posture?asOf=${iso(12)}`).expect(200);
    const seen = (body.practices as { observedAt: string | null }[]).map(({ observedAt }) => observedAt);
    expect(seen).toContain(iso(9));
    expect(seen).not.toContain(iso(1));
  });

  it('a flipped status ends one interval and opens the next', async () => {
    const { post, results, path } = await system();
    await post(policyReport([finding('a')]), `${CLUSTER}&${at(1)}`);
    const { body } = await post(policyReport([finding('a', 'pass')]), `${CLUSTER}&${at(5)}`);
    expect(body.counts).toEqual(counts({ total: 1, changed: 1 }));
    const [now] = await results();
    expect(now).toMatchObject({ status: 'pass', observedFrom: iso(5), observedTo: null });
    expect(await results(`&asOf=${iso(4)}`)).toMatchObject([
      { status: 'fail', observedFrom: iso(1), observedTo: iso(5) },
    ]);
    const history = await officer.get(`${path}/results/${now!.series}`).expect(200);
    expect(history.body.items).toMatchObject([
      { status: 'fail', observedFrom: iso(1), observedTo: iso(5), knownTo: null },
      { status: 'pass', observedFrom: iso(5), observedTo: null, knownTo: null },
    ]);
  });

  it('a changed severity does the same', async () => {
    const { post, results } = await system();
    await post(policyReport([finding('a', 'fail', { severity: 'low' })]), `${CLUSTER}&${at(1)}`);
    const { body } = await post(policyReport([finding('a', 'fail', { severity: 'critical' })]), `${CLUSTER}&${at(2)}`);
    expect(body.counts).toEqual(counts({ total: 1, changed: 1 }));
    expect(await results()).toMatchObject([{ severity: 'critical', observedFrom: iso(2) }]);
  });

  it('what a completely covered target no longer shows is closed, and is not a pass', async () => {
    const { post, results } = await system();
    await post(policyReport([finding('a'), finding('b')]), `${CLUSTER}&${at(1)}`);
    const { body } = await post(policyReport([finding('b')]), `${CLUSTER}&${at(2)}`);
    expect(body.counts).toEqual(counts({ total: 1, unchanged: 1, closed: 1 }));
    expect((await results()).map(({ check }) => check)).toEqual(['b']);
    expect(await results('&check=a')).toEqual([]);
    expect(await results(`&check=a&asOf=${iso(1)}`)).toMatchObject([{ status: 'fail', observedTo: iso(2) }]);
  });

  it.each([
    ['that declares no target', ''],
    ['that says partial=true', `${CLUSTER}&partial=true&`],
  ])('a report %s closes nothing', async (_name, query) => {
    const { post, results } = await system();
    await post(policyReport([finding('a'), finding('b')]), `${CLUSTER}&${at(1)}`);
    const { body } = await post(policyReport([finding('b')]), `${query}${at(2)}`);
    expect(body.counts).toEqual(counts({ total: 1, unchanged: 1 }));
    expect((await results()).map(({ check }) => check).sort()).toEqual(['a', 'b']);
  });

  it('a report that was cut closes nothing', async () => {
    const { post, results } = await system();
    await post(policyReport([finding('a'), finding('b')]), `${CLUSTER}&${at(1)}`);
    const { body } = await post(policyReport([finding('b')], { pass: 1, fail: 1 }), `${CLUSTER}&${at(2)}`);
    expect(body.counts).toEqual(counts({ total: 1, unchanged: 1 }));
    expect(await results()).toHaveLength(2);
  });

  it('another source, another target and other checks close nothing of each other', async () => {
    const { post, results } = await system();
    await post(policyReport([finding('a')]), `${CLUSTER}&${at(1)}`);
    await post(policyReport([finding('a', 'pass', { source: 'falco' })]), `${CLUSTER}&${at(2)}`);
    await post(policyReport([finding('a', 'pass', { namespace: 'billing' })]), `targets=namespace/billing&${at(3)}`);
    await post(kubeBench({ '1.2.1': 'FAIL' }), `targets=node/one&${at(4)}`);
    await post(kubeBench({ '1.2.1': 'PASS' }), `targets=node/two&${at(5)}`);
    // kube-bench lists what it ran: it was told to run one check.
    const { body } = await post(kubeBench({ '1.2.2': 'PASS' }), `targets=node/one&${at(6)}`);
    expect(body.counts).toEqual(counts({ total: 1, new: 1 }));
    expect(await results()).toHaveLength(6);
  });

  it('the tool’s own words stay apart: warn, error and skip are no pass', async () => {
    const { post, results } = await system();
    const all = (['pass', 'fail', 'warn', 'error', 'skip'] as const).map((result) => finding(result, result));
    await post(policyReport(all), `${CLUSTER}&${at(1)}`);
    expect((await results()).map(({ status }) => status).sort()).toEqual(['error', 'fail', 'pass', 'skip', 'warn']);
    expect(await results('&status=pass')).toHaveLength(1);
  });
});

describe('does a late report take its true place?', () => {
  it('between two: what was not known then stays not known then', async () => {
    const { id, post, results } = await system();
    await post(policyReport([finding('a')]), `${CLUSTER}&${at(1)}`);
    const last = await post(policyReport([finding('a')]), `${CLUSTER}&${at(9)}`);
    const late = await post(policyReport([finding('a', 'pass')]), `${CLUSTER}&${at(5)}`);
    expect(late.body.counts).toEqual(counts({ total: 1, changed: 1 }));
    expect(Date.parse(late.body.knownAt)).toBeGreaterThan(Date.parse(last.body.knownAt));
    const seen = async (day: number, knownAt = '') =>
      (await results(`&asOf=${iso(day)}${knownAt}`)).map(({ status }) => status);
    expect(await seen(3)).toEqual(['fail']);
    expect(await seen(6)).toEqual(['pass']);
    expect(await seen(9)).toEqual(['fail']);
    const before = `&knownAt=${last.body.knownAt}`;
    expect(await seen(3, before)).toEqual(['fail']);
    expect(await seen(6, before)).toEqual(['fail']);
    expect(await seen(9, before)).toEqual(['fail']);
    await expectSoundIntervals(id);
  });

  it('before all others: it holds until the first', async () => {
    const { id, post, results } = await system();
    await post(policyReport([finding('a')]), `${CLUSTER}&${at(9)}`);
    await post(policyReport([finding('a', 'pass')]), `${CLUSTER}&${at(1)}`);
    expect((await results()).map(({ status }) => status)).toEqual(['fail']);
    expect(await results(`&asOf=${iso(8)}`)).toMatchObject([
      { status: 'pass', observedFrom: iso(1), observedTo: iso(9) },
    ]);
    expect(await results('&asOf=2025-12-31T00:00:00Z')).toEqual([]);
    await expectSoundIntervals(id);
  });

  it('in whatever order reports arrive, now is the same', async () => {
    const days = [1, 2, 3, 4, 5, 6];
    const report = (day: number) =>
      policyReport([finding('a', day % 2 === 0 ? 'pass' : 'fail'), ...(day % 3 === 0 ? [] : [finding('b')])]);
    const shown = async (order: number[]) => {
      const { id, post, results } = await system();
      for (const day of order) await post(report(day), `${CLUSTER}&${at(day)}`);
      await expectSoundIntervals(id);
      const said = [];
      for (const day of days) {
        said.push((await results(`&asOf=${iso(day)}`)).map(({ check, status }) => `${check} ${status}`).sort());
      }
      return said;
    };
    const inOrder = await shown(days);
    expect(inOrder).toEqual(
      days.map((day) => [`a ${day % 2 === 0 ? 'pass' : 'fail'}`, ...(day % 3 === 0 ? [] : ['b fail'])]),
    );
    for (const order of [
      [6, 5, 4, 3, 2, 1],
      [3, 1, 6, 2, 5, 4],
      [2, 6, 1, 4, 3, 5],
    ]) {
      expect(await shown(order), order.join()).toEqual(inOrder);
    }
  });

  it('the future cannot be asked for', async () => {
    const { path } = await system();
    for (const name of ['asOf', 'knownAt']) {
      const { body } = await officer.get(`${path}/results?${name}=2999-01-01T00:00:00Z`).expect(400);
      expect(body.pointer).toBe(`query/${name}`);
    }
  });
});

describe('what if it is posted more than once?', () => {
  it('the same file eight times at once has one effect', async () => {
    const { id, post, rows } = await system();
    const report = policyReport(Array.from({ length: 200 }, (_, index) => finding(`check-${index}`)));
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(report, `${CLUSTER}&${at(1)}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(new Set(answers.map(({ body }) => body.evidenceId)).size).toBe(1);
    expect(answers.filter(({ body }) => body.duplicate)).toHaveLength(7);
    for (const { body } of answers) expect(body.counts).toEqual(counts({ total: 200, new: 200 }));
    expect(await rows()).toBe(200);
    const { rows: scans } = await admin.query('select from scan where system_id = $1', [id]);
    expect(scans).toHaveLength(1);
  });

  it('later again: 200 with the same scan', async () => {
    const { post } = await system();
    const report = policyReport([finding('a')]);
    const first = await post(report, `${CLUSTER}&${at(1)}`);
    const again = await post(report, `${CLUSTER}&${at(1)}`);
    expect([again.status, again.body]).toEqual([200, { ...first.body, duplicate: true }]);
  });

  it('the same bytes of another instant are another scan over the same evidence', async () => {
    const { post } = await system();
    const report = policyReport([finding('a')]);
    const first = await post(report, `${CLUSTER}&${at(1)}`);
    const second = await post(report, `${CLUSTER}&${at(2)}`);
    expect(second.status).toBe(201);
    expect(second.body.id).not.toBe(first.body.id);
    expect(second.body.evidenceId).toBe(first.body.evidenceId);
  });

  it('different reports of one target at once are merged one after another', async () => {
    const { id, post, results } = await system();
    const days = [1, 2, 3, 4, 5, 6, 7, 8];
    const answers = await Promise.all(
      days.map((day) =>
        post(
          policyReport([finding('a', day % 2 === 0 ? 'pass' : 'fail'), finding(`day-${day}`)]),
          `${CLUSTER}&${at(day)}`,
        ),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(days.map(() => 201));
    expect(new Set(answers.map(({ body }) => body.knownAt)).size).toBe(8);
    await expectSoundIntervals(id);
    for (const day of days) {
      const seen = (await results(`&asOf=${iso(day)}`)).map(({ check, status }) => `${check} ${status}`).sort();
      expect(seen, iso(day)).toEqual([`a ${day % 2 === 0 ? 'pass' : 'fail'}`, `day-${day} fail`]);
    }
  });

  it('an Idempotency-Key gets the first answer again, and is not taken for another report', async () => {
    const { post } = await system();
    const report = policyReport([finding('a')]);
    const key = { 'Idempotency-Key': `night-${process.hrtime.bigint()}` };
    const first = await post(report, `${CLUSTER}&${at(1)}`, key);
    const again = await post(report, `${CLUSTER}&${at(1)}`, key);
    expect(first.status).toBe(201);
    expect([200, 201]).toContain(again.status);
    expect(again.body.id).toBe(first.body.id);
    for (const other of [
      await post(policyReport([finding('b')]), `${CLUSTER}&${at(1)}`, key),
      await post(report, `${CLUSTER}&${at(2)}`, key),
      await post(report, at(1), key),
      await (await system()).post(report, `${CLUSTER}&${at(1)}`, key),
    ]) {
      expect([other.status, other.body]).toEqual([
        409,
        expect.objectContaining({ type: '/problems/idempotency-conflict', pointer: 'header/Idempotency-Key' }),
      ]);
    }
  });

  it('one key eight times at once has one effect', async () => {
    const { id, post } = await system();
    const key = { 'Idempotency-Key': `night-${process.hrtime.bigint()}` };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => post(policyReport([finding('a')]), `${CLUSTER}&${at(1)}`, key)),
    );
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect((await admin.query('select from scan where system_id = $1', [id])).rows).toHaveLength(1);
  });
});

describe('can a report be left to be read later?', () => {
  const settled = (path: string, id: string) =>
    vi.waitFor(
      async () => {
        const { body } = await officer.get(`${path}/scans/${id}`).expect(200);
        expect(body.status).not.toBe('queued');
        return body as Scan;
      },
      { timeout: 20_000, interval: 100 },
    );

  it('202 as soon as the bytes are safe, then stored', async () => {
    const { path, post, results } = await system();
    const { status, body, headers } = await post(policyReport([finding('a')]), `${CLUSTER}&${at(1)}`, {
      Prefer: 'respond-async',
    });
    expect([status, body.status, body.counts]).toEqual([202, 'queued', null]);
    expect(headers['location']).toBe(`${path}/scans/${body.id}`);
    const evidence = await officer.get(`${clinic.path}/evidence/${body.evidenceId}`).expect(200);
    expect(evidence.body.sha256).toBe(
      createHash('sha256')
        .update(policyReport([finding('a')]))
        .digest('hex'),
    );
    expect(await settled(path, body.id)).toMatchObject({ status: 'stored', counts: counts({ total: 1, new: 1 }) });
    expect(await results()).toHaveLength(1);
  });

  it('202, then refused with the reason', async () => {
    const { path, post } = await system();
    const { status, body } = await post('{"nothing":"known"}', at(1), { Prefer: 'respond-async' });
    expect(status).toBe(202);
    expect(await settled(path, body.id)).toMatchObject({ status: 'refused', problem: { code: 'unknown-format' } });
  });

  it('eight at once are all stored, each in its place, and the queue holds ids only', async () => {
    const { id, path, post, results } = await system();
    const days = [1, 2, 3, 4, 5, 6, 7, 8];
    const posted = await Promise.all(
      days.map((day) =>
        post(
          policyReport([finding('a', day % 2 === 0 ? 'pass' : 'fail'), finding(`day-${day}`)]),
          `${CLUSTER}&${at(day)}`,
          { Prefer: 'respond-async' },
        ),
      ),
    );
    const { rows: jobs } = await admin.query<{ data: object }>(
      `select data from queue.job where name = 'scan' and data->>'systemId' = $1`,
      [id],
    );
    expect(jobs).toHaveLength(8);
    for (const { data } of jobs) expect(Object.keys(data).sort()).toEqual(['id', 'organizationId', 'systemId']);
    for (const { body } of posted) expect(await settled(path, body.id)).toMatchObject({ status: 'stored' });
    await expectSoundIntervals(id);
    expect((await results()).map(({ check }) => check).sort()).toEqual(['a', 'day-8']);
  });
});

describe('what if the database is lost around the commit?', () => {
  const failing = async (fail: (write: () => Promise<unknown>) => Promise<unknown>, query: string) => {
    const { id, post } = await system();
    const database = world.app.get(Database);
    const write = database.write.bind(database);
    const report = policyReport([finding(`of ${id}`)]);
    const spy = vi.spyOn(database, 'write').mockImplementation((principal, work, once) => {
      const run = () => write(principal, work, once);
      // The write that records the scan, not the one that finds the data key.
      return once === undefined ? run() : fail(run);
    });
    try {
      const { status } = await post(report, query);
      expect(status).toBe(500);
    } finally {
      spy.mockRestore();
    }
    const sha256 = createHash('sha256').update(report).digest('hex');
    const { body } = await officer.get(`${clinic.path}/evidence?sha256=${sha256}`).expect(200);
    return { report, post, query, kept: body.items as { id: string }[] };
  };
  const lost = () => Promise.reject(new Error('Connection terminated unexpectedly'));

  it('the commit took place and its answer was lost: the evidence is there, and posting again finds it', async () => {
    const { report, post, query, kept } = await failing((write) => write().then(lost), `${CLUSTER}&${at(1)}`);
    expect(kept).toHaveLength(1);
    const again = await post(report, query);
    expect([again.status, again.body.duplicate, again.body.evidenceId]).toEqual([200, true, kept[0]!.id]);
    const content = await send(world.url, officer, 'GET', `${clinic.path}/evidence/${kept[0]!.id}/content`);
    expect([content.status, content.bytes.toString('utf8')]).toEqual([200, report]);
  });

  it('nothing took place: nothing is there, and posting again is the first time', async () => {
    const { report, post, query, kept } = await failing(lost, `${CLUSTER}&${at(1)}`);
    expect(kept).toEqual([]);
    expect((await post(report, query)).status).toBe(201);
  });
});

describe('are the bytes what they are said to be?', () => {
  const report = policyReport([finding('a')]);
  const digest = (bytes: string | Uint8Array, algorithm = 'sha256', name = 'sha-256') => ({
    'Content-Digest': `${name}=:${createHash(algorithm).update(bytes).digest('base64')}:`,
  });

  it('plain, gzip and zstd of one report are one evidence', async () => {
    const { post } = await system();
    const gzip = gzipSync(report);
    const zstd = zstdCompressSync(report);
    const query = `${CLUSTER}&${at(1)}`;
    const plain = await post(report, query, digest(report));
    const zipped = await post(gzip, query, { ...digest(gzip), 'Content-Encoding': 'gzip' });
    const frames = await post(zstd, query, { ...digest(zstd, 'sha512', 'sha-512'), 'Content-Encoding': 'zstd' });
    expect([plain.status, zipped.status, frames.status]).toEqual([201, 200, 200]);
    expect(new Set([plain, zipped, frames].map(({ body }) => body.evidenceId)).size).toBe(1);
    const content = await send(world.url, officer, 'GET', `${clinic.path}/evidence/${plain.body.evidenceId}/content`);
    expect(content.bytes.toString('utf8')).toBe(report);
  });

  it.each([
    'application/json',
    'application/yaml',
    'application/x-ndjson',
    'application/xml',
    'text/xml',
    'application/octet-stream',
    'application/json; charset=utf-8',
  ])('Content-Type %s', async (type) => {
    const { post } = await system();
    expect((await post(report, `${CLUSTER}&${at(1)}`, { 'Content-Type': type })).status).toBe(201);
  });

  it('a report in chunks, of unknown length', async () => {
    const { path } = await system();
    const chunks = inPieces(report, 7);
    const { status } = await send(world.url, officer, 'POST', `${path}/scans?${CLUSTER}&${at(1)}`, { body: chunks });
    expect(status).toBe(201);
  });

  it('40,000 results: pages show each once', async () => {
    const { id, path, post } = await system();
    const findings = Array.from({ length: 40_000 }, (_, index) =>
      finding(`check-${index % 40}`, 'fail', { name: `pod-${index}` }),
    );
    const { status, body } = await post(policyReport(findings), `${CLUSTER}&${at(1)}`);
    expect([status, body.counts]).toEqual([201, counts({ total: 40_000, new: 40_000 })]);
    const seen = new Set<string>();
    let next: string | null = '';
    for (let page = 0; next !== null && page < 5; page++) {
      const answer = await officer
        .get(`${path}/results?limit=500&check=check-7${next === '' ? '' : `&cursor=${next}`}`)
        .expect(200);
      for (const item of answer.body.items as Result[]) seen.add(item.series);
      next = answer.body.next as string | null;
      if (next !== null) expect(answer.headers['link']).toContain('rel="next"');
    }
    expect(seen.size).toBe(1000);
    const rescan = await post(policyReport(findings), `${CLUSTER}&${at(2)}`);
    expect(rescan.body.counts).toEqual(counts({ total: 40_000, unchanged: 40_000 }));
    await expectSoundIntervals(id);
  });
});

describe('reports of own tools', () => {
  it('is their schema there for everybody, as a schema?', async () => {
    const answer = await fetch(`${world.url}/v1/formats/safeguard/schema`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/schema+json']);
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(reportJsonSchema())));
  });

  it('are they stored, and support no practice?', async () => {
    const { path, post } = await system();
    const report = {
      safeguardReport: 1,
      tool: { name: 'kube-bench' },
      observedAt: '2026-01-01T00:00:00Z',
      targets: [{ kind: 'cluster', name: 'cluster', complete: true }],
      results: [{ check: 'cis-1.9/1.2.1', resource: 'apiserver', status: 'pass' }],
    };
    const { status, body } = await post(JSON.stringify(report), 'format=safeguard');
    expect([status, body.counts]).toMatchObject([201, { total: 1, new: 1, rejected: 0 }]);
    const results = await officer.get(`${path}/results`).expect(200);
    expect(results.body.items).toMatchObject([{ source: 'custom/kube-bench', status: 'pass' }]);
    const posture = await officer.get(`${path}/posture`).expect(200);
    expect(posture.body.unmapped).toMatchObject([{ source: 'custom/kube-bench', check: 'cis-1.9/1.2.1' }]);
  });
});

/** A body that comes in pieces. */
function inPieces(text: string, size: number): ReadableStream<Uint8Array> {
  const bytes = Buffer.from(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(at, (at += size)));
    },
  });
}
