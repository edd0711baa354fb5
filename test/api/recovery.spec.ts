import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startClinic, type Caller, type Clinic } from '../support/app.js';
import { startOwnPostgres, type OwnPostgres } from '../support/own-postgres.js';
import { policyReport, send } from './reports.js';
import { prepareGround, type Ground, type RunningServer } from './server.js';

/** Rows of a report that is copied while it is read, and of one that is read at once. */
const LARGE = 24_000;
const SMALL = 40;

const OTHER_SYSTEM = { name: 'other', environment: 'production', phi: 'none', phiNamespaces: [] };

interface Post {
  name: string;
  rows: number;
  bytes: string;
  path: string;
}

interface Posted {
  id: string;
  status: string;
  duplicate: boolean;
}

let postgres: OwnPostgres;
let ground: Ground;
let clinic: Clinic;
let officer: Caller;
let server: RunningServer;
let minute = 0;
/** By the id of the scan: every post that was acknowledged. */
const acknowledged = new Map<string, Post>();

beforeAll(async () => {
  postgres = await startOwnPostgres();
  ground = await prepareGround(postgres.database);
  server = await ground.serve();
  clinic = await startClinic(ground.worldOf(server));
  officer = await clinic.member('compliance_officer');
}, 120_000);
afterAll(() => ground.stop());

function newPost(name: string, rows: number, systemId = clinic.systemId): Post {
  const findings = Array.from({ length: rows }, (_, row) => ({
    check: `${name}/${row}`,
    result: row % 2 === 0 ? ('fail' as const) : ('pass' as const),
  }));
  minute += 1;
  // Partial: no report closes what another has said.
  const observedAt = new Date(Date.parse('2026-01-01T00:00:00Z') + minute * 60_000).toISOString();
  return {
    name,
    rows,
    bytes: policyReport(findings),
    path: `${clinic.path}/systems/${systemId}/scans?observedAt=${observedAt}`,
  };
}

const deliver = (post: Post, headers: Record<string, string> = {}) =>
  send<Posted>(server.url, officer, 'POST', post.path, { body: post.bytes, headers });

/** Posts, asking not to wait for the end; it is to be there then, whatever happens. */
async function enqueue(post: Post): Promise<void> {
  const { status, body } = await deliver(post, { Prefer: 'respond-async' });
  expect([status, body.status]).toEqual([202, 'queued']);
  acknowledged.set(body.id, post);
}

/** An administrator's connection, for as long as the work takes. It may be cut meanwhile. */
async function asAdmin<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: postgres.database.urls.admin });
  admin.on('error', () => undefined);
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end().catch(() => undefined);
  }
}

interface Row {
  id: string;
  status: string;
  new: number | null;
  results: number;
  covered: number;
  events: string[];
}

const scans = () =>
  asAdmin(async (admin) => {
    const { rows } = await admin.query<Row>(
      `select s.id, s.status, (s.counts ->> 'new')::int as new,
              (select count(*)::int from result r where r.scan_id = s.id) as results,
              (select count(*)::int from coverage c where c.scan_id = s.id) as covered,
              (select array_agg(a.action order by a.id) from audit_event a where a.object_id = s.id::text) as events
       from scan s`,
    );
    return rows;
  });

/** Until the database does this: what its statements under way are is asked again and again. */
const until = (admin: pg.Client, condition: string): Promise<void> =>
  vi.waitFor(
    async () => {
      const { rows } = await admin.query(`select from ${condition}`);
      expect(rows.length, condition).toBeGreaterThan(0);
    },
    { timeout: 20_000, interval: 5 },
  );
/** Rows leave Postgres' own view of copies within milliseconds: what the connection was told last is there as long as the report is read. */
const COPYING = String.raw`pg_stat_activity where xact_start is not null and query ~ '^\s*(copy staging|insert into result)'`;
const waitsFor = (lock: string) => `pg_stat_activity where wait_event_type = 'Lock' and wait_event = '${lock}'`;
const WAITING_TO_MERGE = waitsFor('advisory');
const MERGING = waitsFor('relation');

/** Makes every merge wait in its midst, until the connection ends. */
const holdResults = (admin: pg.Client) => admin.query('begin; lock table result in exclusive mode');

/** All that was acknowledged is stored, each once, and nothing else is there. */
async function expectEachOnce(): Promise<void> {
  const found = await scans();
  expect(found.map(({ id }) => id).sort()).toEqual([...acknowledged.keys()].sort());
  for (const { id, events, ...scan } of found) {
    const { name, rows } = acknowledged.get(id)!;
    expect(scan, name).toEqual({ status: 'stored', new: rows, results: rows, covered: 1 });
    expect(
      events.filter((action) => action === 'scan.stored'),
      name,
    ).toHaveLength(1);
  }
  const total = [...acknowledged.values()].reduce((sum, { rows }) => sum + rows, 0);
  const { rows } = await asAdmin((admin) =>
    admin.query(
      'select (select count(*)::int from result) as results, (select count(*)::int from evidence) as evidence',
    ),
  );
  expect(rows).toEqual([{ results: total, evidence: acknowledged.size }]);
}

/** What was said to be queued is whole and untouched. */
async function expectQueued(names: RegExp): Promise<void> {
  const found = await scans();
  for (const [id, { name }] of acknowledged) {
    if (!names.test(name)) continue;
    const { status, results, covered, events } = found.find((scan) => scan.id === id)!;
    expect([status, results, covered, events], name).toEqual(['queued', 0, 0, ['scan.queued']]);
  }
}

describe('are asynchronous scans lost or halved', () => {
  it('when the server is killed while it copies one and others wait?', async () => {
    await asAdmin(async (admin) => {
      // One worker waits for its turn in another system, the other has the large report, and nobody is left for the rest.
      const { body: other } = await clinic.admin.post(`${clinic.path}/systems`, OTHER_SYSTEM).expect(201);
      await admin.query(`select pg_advisory_lock(hashtextextended($1, 0))`, [
        `merge/${clinic.organizationId}/${other.id}`,
      ]);
      await enqueue(newPost('server/held', SMALL, other.id));
      await until(admin, WAITING_TO_MERGE);
      await enqueue(newPost('server/large', LARGE));
      for (const name of ['server/small-1', 'server/small-2']) await enqueue(newPost(name, SMALL));
      await until(admin, COPYING);
      await server.kill('SIGKILL');
    });
    await expectQueued(/^server/);
    server = await ground.serve();
  });

  it('when both it and Postgres are killed while one is being merged?', async () => {
    await asAdmin(async (admin) => {
      await holdResults(admin);
      await enqueue(newPost('both/large', LARGE));
      for (const name of ['both/small-1', 'both/small-2']) await enqueue(newPost(name, SMALL));
      await until(admin, MERGING);
      await Promise.all([postgres.kill(), server.kill('SIGKILL')]);
    });
    await postgres.start();
    await expectQueued(/^both/);
    server = await ground.serve();
  });

  it('when Postgres is killed while one is being merged? Is it 503 until it is back?', async () => {
    const unlucky = newPost('postgres/synchronous', SMALL);
    await asAdmin(async (admin) => {
      await holdResults(admin);
      await enqueue(newPost('postgres/large', LARGE));
      for (const name of ['postgres/small-1', 'postgres/small-2']) await enqueue(newPost(name, SMALL));
      await until(admin, MERGING);
      const answer = deliver(unlucky);
      await postgres.kill();
      await expectUnavailable(answer);
    });
    await expectUnavailable(deliver(unlucky));
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(503);

    const complaints = server
      .output()
      .split('\n')
      .filter((line) => line.includes('"msg":"queue"'));
    expect(complaints.length).toBeGreaterThan(0);
    expect(complaints.length).toBeLessThan(10);

    await postgres.start();
    await expectQueued(/^postgres/);
    await vi.waitFor(async () => expect((await fetch(`${server.url}/health/ready`)).status).toBe(200));
    const { status, body } = await deliver(unlucky);
    expect(status).toBe(201);
    acknowledged.set(body.id, unlucky);
  });

  it('or does the server that is left finish all of them, by itself and each once?', async () => {
    await vi.waitFor(
      async () => {
        const left = (await scans()).filter(({ status }) => status !== 'stored');
        expect(left).toEqual([]);
      },
      // A dead worker is missed after 10 seconds, looked for every 10, and its job tried again after a pause.
      { timeout: 55_000, interval: 250 },
    );
    await expectEachOnce();
    expect(server.child.exitCode).toBeNull();
  });

  it('and is each still the same scan when it is posted again?', async () => {
    for (const [id, post] of acknowledged) {
      const { status, body } = await deliver(post);
      expect([status, body.id, body.duplicate], post.name).toEqual([200, id, true]);
    }
    await expectEachOnce();
  });
});

async function expectUnavailable(answer: ReturnType<typeof deliver>): Promise<void> {
  const { status, headers, body } = await answer;
  expect(status, JSON.stringify(body)).toBe(503);
  expect(body).toMatchObject({ type: '/problems/unavailable' });
  expect(Number(headers['retry-after'])).toBeGreaterThan(0);
}
