import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EvidenceDriver } from '../../src/evidence/drivers/driver.js';
import { EVIDENCE_DRIVER } from '../../src/evidence/evidence.service.js';
import { NoticesWorker } from '../../src/notices/notices.worker.js';
import { MergeStore } from '../../src/results/merge.store.js';
import { ReevaluationWorker } from '../../src/scans/reevaluation.worker.js';
import { UPLOADS } from '../../src/scans/scans.service.js';
import { startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { holdingMerges as holdMerges } from '../support/merges.js';
import { beginUpload } from '../support/upload.js';
import { policyReport, send, type Answer, type Finding } from './reports.js';
import { filesIn } from './server.js';

/** As many results as make some 5 MB: more than is held, so it is read from custody and copied while it is read. */
const MANY = 24_000;

let world: World;
let clinic: Clinic;
let officer: Caller;
let admin: pg.Client;
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer, admin } = suite);
  return suite.stop;
});

interface Body {
  id: string;
  status: string;
  type?: string;
  reason?: string;
  duplicate?: boolean;
  counts?: { total: number; new: number };
}

let systemPath: string;
let said: number;
beforeEach(async () => {
  systemPath = (await clinic.system({ phi: 'none' })).path;
  said = world.logs.length;
});
afterEach(async () => {
  await untilIdle();
  expect(world.logs.slice(said).filter((line) => /"msg":"(request failed|job failed)"/.test(line))).toEqual([]);
});

const AT = 'observedAt=2026-01-01T00:00:00Z';
const scansOf = () => `${systemPath}/scans?${AT}`;
const findings = (count: number): Finding[] =>
  Array.from({ length: count }, (_, row) => ({ check: `check-${row}`, result: 'fail' }));
/** No two are the same bytes. */
const newReport = (count: number): string =>
  policyReport(findings(count), { pass: count, run: randomBytes(8).toString('hex') });

const post = (body: string | Uint8Array, headers: Record<string, string> = {}, path = scansOf()) =>
  send<Body>(world.url, officer, 'POST', path, { body, headers });

/** A post of which so many bytes are sent, and whose answer nobody reads. */
const begin = (bytes: Uint8Array, sent: number, head: readonly string[] = []): Promise<Socket> =>
  beginUpload(world.url, officer, scansOf(), { bytes, sent, head });

/** What is being received. */
const intakes = async (): Promise<string[]> =>
  (await filesIn(world.evidenceDirectory)).filter((path) => path.includes('.incoming'));
const untilIntakes = (count: number) =>
  vi.waitFor(async () => expect(await intakes()).toHaveLength(count), { timeout: 10_000, interval: 10 });

const BUSY = `pg_stat_activity where datname = current_database() and usename = 'safeguard_server' and xact_start is not null`;
const busy = async (condition = BUSY): Promise<number> => {
  const { rows } = await admin.query<{ count: number }>(`select count(*)::int as count from ${condition}`);
  return rows[0]!.count;
};
/** No request, job or poll holds a transaction: the queue's own are too short to be met again and again, and what is made of a scan afterwards ends. */
const untilIdle = () => vi.waitFor(async () => expect(await busy()).toBe(0), { timeout: 60_000, interval: 5 });
const untilBusy = (condition: string) =>
  vi.waitFor(async () => expect(await busy(condition)).toBeGreaterThan(0), { timeout: 10_000, interval: 2 });
const WAITING_TO_MERGE = `${BUSY} and wait_event_type = 'Lock' and wait_event = 'advisory'`;

const holdingMerges = <T>(work: () => Promise<T>): Promise<T> =>
  holdMerges(admin, { organizationId: clinic.organizationId, systemId: systemPath.split('/').at(-1)! }, work);

/** What there is of the system: scans by status, and rows of everything that a report becomes. */
async function kept(): Promise<Record<string, unknown>> {
  const { rows } = await admin.query(
    `select (select coalesce(jsonb_object_agg(status, count), '{}') from (select status, count(*) from scan where system_id = $1 group by 1) s) as scans,
            (select count(*)::int from result where system_id = $1) as results,
            (select count(*)::int from coverage where system_id = $1) as coverage,
            (select count(*)::int from target where system_id = $1) as targets`,
    [systemPath.split('/').at(-1)],
  );
  return rows[0] as Record<string, unknown>;
}
const NOTHING = { scans: {}, results: 0, coverage: 0, targets: 0 };
const one = (results: number) => ({ scans: { stored: 1 }, results, coverage: 1, targets: 1 });
const evidence = async (): Promise<number> => busy('evidence');

describe('is an upload that breaks off simply posted again?', () => {
  const zipped = (bytes: string) => gzipSync(bytes, { level: 1 });
  it.each([
    ['plain', (report: string) => Buffer.from(report), []],
    ['compressed', zipped, ['Content-Encoding: gzip']],
  ])('%s, cut in the middle: nothing is kept of it, and then it is one scan', async (_name, encode, head) => {
    const report = newReport(MANY);
    const bytes = encode(report);
    const [before, files] = [await evidence(), (await filesIn(world.evidenceDirectory)).length];
    const socket = await begin(bytes, bytes.length >> 1, head);
    await untilIntakes(1);
    // What the service does by itself of what came before ends; a sender in the middle holds nothing.
    await untilIdle();
    socket.destroy();
    await untilIntakes(0);
    expect([await kept(), await evidence()]).toEqual([NOTHING, before]);
    expect((await filesIn(world.evidenceDirectory)).length).toBe(files);

    expect((await post(report)).status).toBe(201);
    expect([await kept(), await evidence()]).toEqual([one(MANY), before + 1]);
  });

  it.each([
    ['without a key', {}],
    ['with a key', { 'Idempotency-Key': randomBytes(8).toString('hex') }],
  ])('taken, its answer lost: again it is the same scan, %s', async (_name, key) => {
    const report = newReport(3);
    await holdingMerges(async () => {
      const bytes = Buffer.from(report);
      const head = Object.entries(key).map((field) => field.join(': '));
      const socket = await begin(bytes, bytes.length, head);
      await untilBusy(WAITING_TO_MERGE);
      socket.destroy();
    });
    await untilIdle();
    expect(await kept()).toEqual(one(3));
    const { rows } = await admin.query<{ id: string }>('select id from scan where system_id = $1', [
      systemPath.split('/').at(-1),
    ]);
    const { status, body } = await post(report, key);
    expect([status, body.id, body.duplicate]).toEqual([200, rows[0]?.id, true]);
    expect(await kept()).toEqual(one(3));
  });

  it('left to be read later, its answer lost: again it is the same scan', async () => {
    const report = Buffer.from(newReport(3));
    const socket = await begin(report, report.length, ['Prefer: respond-async']);
    await vi.waitFor(async () => expect(await kept()).toEqual(one(3)), { timeout: 10_000, interval: 10 });
    socket.destroy();
    const { status, body } = await post(report, { Prefer: 'respond-async' });
    expect([status, body.duplicate]).toEqual([200, true]);
    expect(await kept()).toEqual(one(3));
  });
});

describe('does somebody who waits or goes away hold what others need?', () => {
  it('thirty slow senders hold no connection and no parser, whether they end well or not', async () => {
    const reports = Array.from({ length: 30 }, () => Buffer.from(newReport(50)));
    const sockets = await Promise.all(reports.map((report) => begin(report, report.length - 1)));
    await untilIntakes(30);
    await untilIdle();
    // One that is held, and one that is read from custody: each kind of parser is free.
    expect((await post(newReport(3))).status).toBe(201);
    expect((await post(newReport(MANY))).status).toBe(201);
    for (const socket of sockets.slice(0, 15)) socket.destroy();
    for (const [index, socket] of sockets.entries()) if (index >= 15) socket.write(reports[index]!.subarray(-1));
    await vi.waitFor(async () => expect(await kept()).toMatchObject({ scans: { stored: 17 } }), {
      timeout: 20_000,
      interval: 20,
    });
    expect(await intakes()).toEqual([]);
    for (const socket of sockets) socket.destroy();
  });

  it('whoever sends more at once than are received keeps the rest of his own waiting unread, is told to come back with those beyond, and nobody else notices', async () => {
    const report = Buffer.from(newReport(50));
    const slow = await Promise.all(Array.from({ length: UPLOADS.atOnce }, () => begin(report, report.length - 1)));
    await untilIntakes(UPLOADS.atOnce);
    const more = Array.from({ length: UPLOADS.waiting + 1 }, () => post(newReport(3)));
    const first = await Promise.race(more);
    expect([first.status, first.body.type]).toEqual([429, expect.stringMatching(/too-many-requests$/)]);
    expect(first.headers['retry-after']).toBe('5');

    const answered = Promise.race(
      more.map(async (one) => ((await one) === first ? new Promise(() => undefined) : one)),
    );
    const other = await send<Body>(world.url, clinic.agent, 'POST', `${clinic.systemPath}/scans?${AT}`, {
      body: newReport(3),
    });
    expect(other.status).toBe(201);
    expect(await Promise.race([answered, intakes()])).toHaveLength(UPLOADS.atOnce);

    for (const socket of slow) socket.destroy();
    const statuses = (await Promise.all(more)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(UPLOADS.waiting);
    await untilIntakes(0);
  });

  it('senders of large reports that go away while these are copied give their parser back', async () => {
    // Looked at, and not replaced: Postgres copies too fast to be met while it does.
    const staging = vi.spyOn(MergeStore.prototype, 'stage');
    for (let turn = 1; turn <= 3; turn++) {
      const report = Buffer.from(newReport(MANY));
      const socket = await begin(report, report.length);
      await vi.waitFor(() => expect(staging).toHaveBeenCalledTimes(turn), { timeout: 10_000, interval: 2 });
      socket.destroy();
    }
    staging.mockRestore();
    // What had come whole is taken all the same.
    expect((await post(newReport(MANY))).status).toBe(201);
    await vi.waitFor(async () => expect(await kept()).toMatchObject({ scans: { stored: 4 } }), { timeout: 10_000 });
  });

  it('what is sent again and again while it is being merged waits with one connection in hand', async () => {
    const report = newReport(3);
    const files = (await filesIn(world.evidenceDirectory)).length;
    const answers = await holdingMerges(async () => {
      const first = post(report);
      await untilBusy(WAITING_TO_MERGE);
      const more = Array.from({ length: 30 }, (_, index) =>
        post(report, index < 15 ? {} : { Prefer: 'respond-async' }),
      );
      // Each of them has come whole.
      const all = files + 1 + more.length;
      await vi.waitFor(async () => expect(await filesIn(world.evidenceDirectory)).toHaveLength(all), {
        timeout: 10_000,
      });
      await vi.waitFor(async () => expect(await busy()).toBe(1), { timeout: 10_000, interval: 5 });
      await clinic.admin.get(systemPath).expect(200);
      return [first, ...more];
    });
    const all: Answer<Body>[] = await Promise.all(answers);
    expect(all.map(({ status }) => status).sort()).toEqual([...Array.from({ length: 30 }, () => 200), 201]);
    expect(new Set(all.map(({ body }) => body.id)).size).toBe(1);
    expect(await kept()).toEqual(one(3));
  });

  it('reports of one system that wait to be merged do not keep those of another in the queue', async () => {
    const other = `${(await clinic.system({ phi: 'none' })).path}/scans`;
    await holdingMerges(async () => {
      for (let report = 0; report < 4; report++) await post(newReport(3), { Prefer: 'respond-async' });
      await untilBusy(WAITING_TO_MERGE);
      const { body: queued } = await post(newReport(3), { Prefer: 'respond-async' }, `${other}?${AT}`);
      await vi.waitFor(
        async () => expect((await officer.get(`${other}/${queued.id}`)).body).toMatchObject({ status: 'stored' }),
        { timeout: 10_000, interval: 50 },
      );
      expect(await kept()).toMatchObject({ scans: { queued: 4 } });
    });
    await vi.waitFor(async () => expect(await kept()).toMatchObject({ scans: { stored: 4 } }), { timeout: 20_000 });
  });

  it('a report that is to be read later is taken at once, though another of its system is being merged', async () => {
    const [now, later] = [newReport(3), newReport(5)];
    const first = await holdingMerges(async () => {
      const answer = post(now);
      await untilBusy(WAITING_TO_MERGE);
      const { status, body } = await post(later, { Prefer: 'respond-async' });
      expect([status, body.status]).toEqual([202, 'queued']);
      return [answer];
    });
    expect((await first[0]!).status).toBe(201);
    await vi.waitFor(async () => expect(await kept()).toMatchObject({ scans: { stored: 2 } }), { timeout: 10_000 });
  });
});

describe('does a report that turns out to be none when half of it is read leave anything but its refusal?', () => {
  /** With the member at this place as this text. */
  const spoilt = (place: number, text: string): Buffer => {
    const members = findings(MANY).map(({ check }) => member(check));
    members[place] = text;
    return Buffer.from(
      `{"apiVersion":"wgpolicyk8s.io/v1alpha2","kind":"ClusterPolicyReport","metadata":{"name":"${randomBytes(8).toString('hex')}"},` +
        `"summary":{"fail":${MANY}},"results":[${members.join(',')}]}`,
      'latin1',
    );
  };
  const member = (check: string, more = '') =>
    `{"source":"kyverno","policy":"${check}","result":"fail","severity":"high","message":"what was found in this place, and what to do about it",` +
    `"resources":[{"apiVersion":"v1","kind":"Pod","namespace":"emr","name":"portal"}]${more}}`;
  const late = Math.floor(MANY * 0.8);
  const last = MANY - 1;

  it.each([
    ['no JSON', 'not-json', () => spoilt(late, '{"source":]')],
    ['a number that is none', 'not-json', () => spoilt(late, member('a', ',"scored":01'))],
    ['a key twice', 'duplicate-key', () => spoilt(last, member('a', ',"policy":"b"'))],
    ['no UTF-8 at its very end', 'invalid-utf8', () => spoilt(last, member('a\xff'))],
    ['no end', 'truncated', () => spoilt(last, member('a')).subarray(0, -40)],
  ])('%s: %s', async (_name, reason, make) => {
    const bytes = make();
    const { status, body } = await post(bytes);
    expect([status, body.type, body.reason]).toEqual([422, '/problems/report-refused', reason]);
    expect(await kept()).toEqual({ ...NOTHING, scans: { refused: 1 } });
    await expectNextIsWhole();
  });

  it('a row whose text no database takes is that row’s fault alone', async () => {
    const { status, body } = await post(spoilt(late, member('a\\u0000b')));
    expect([status, body.counts?.total]).toEqual([201, MANY - 1]);
  });

  it('no time, which is known only when all rows are copied', async () => {
    const staging = vi.spyOn(MergeStore.prototype, 'stage');
    const { status, body } = await post(newReport(MANY), {}, `${systemPath}/scans`);
    expect(staging).toHaveBeenCalled();
    staging.mockRestore();
    expect([status, body.type]).toEqual([422, '/problems/observed-at-required']);
    expect(await kept()).toEqual({ ...NOTHING, scans: { refused: 1 } });
    await expectNextIsWhole();
  });

  it('the same, left to be read later', async () => {
    await post(newReport(MANY), { Prefer: 'respond-async' }, `${systemPath}/scans`);
    await vi.waitFor(async () => expect(await kept()).toEqual({ ...NOTHING, scans: { refused: 1 } }), {
      timeout: 20_000,
      interval: 20,
    });
    await expectNextIsWhole();
  });

  /** Every connection that may still have rows of the other is used: each of them stages a report of its own. */
  async function expectNextIsWhole(): Promise<void> {
    await untilIdle();
    const { status, body } = await post(newReport(7));
    expect([status, body.counts]).toMatchObject([201, { total: 7, new: 7 }]);
    expect(await kept()).toEqual({ scans: { refused: 1, stored: 1 }, results: 7, coverage: 1, targets: 1 });
  }
});

it('is a report that is there already one that is there, also when its new copy cannot be removed?', async () => {
  const report = newReport(2);
  const { status, body } = await post(report);
  expect(status).toBe(201);
  const driver = world.app.get<EvidenceDriver>(EVIDENCE_DRIVER, { strict: false });
  const stuck = vi.spyOn(driver, 'remove').mockRejectedValueOnce(new RangeError('the store is away'));
  expect(await post(report)).toMatchObject({ status: 200, body: { id: body.id, duplicate: true } });
  expect(stuck).toHaveBeenCalledOnce();
  expect(world.logs.slice(said).join()).toContain(
    '"reason":"RangeError","msg":"received bytes that became no evidence stay"',
  );
});

it.each([
  ['of whom somebody is to be told anything', NoticesWorker, 'webhook'],
  ['of what another version has judged', ReevaluationWorker, 'snapshot'],
] as const)('does a shutdown wait for the search %s, which a start has begun?', async (_, Worker, table) => {
  const worker = world.app.get<NoticesWorker | ReevaluationWorker>(Worker, { strict: false });
  let isOver = false;
  let over: Promise<void>;
  await admin.query('begin');
  try {
    await admin.query(`lock table ${table} in access exclusive mode`);
    worker.onApplicationBootstrap();
    over = worker.beforeApplicationShutdown().then(() => void (isOver = true));
    const waiting = `select from pg_locks where relation = '${table}'::regclass and not granted`;
    await vi.waitFor(async () => expect((await admin.query(waiting)).rows).not.toEqual([]), {
      timeout: 10_000,
      interval: 10,
    });
    expect(isOver).toBe(false);
  } finally {
    await admin.query('rollback');
  }
  await over;
  expect(world.logs.slice(said).join()).not.toContain(' failed');
});
