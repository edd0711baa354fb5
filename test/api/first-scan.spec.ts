import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi, type MockInstance } from 'vitest';
import { MergeStore } from '../../src/results/merge.store.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { policyReport, send, type Finding } from './reports.js';

/** More rows than wait between the parser's thread and the database. */
const MANY = 40_000;
const AT = '2026-01-02T00:00:00Z';
const EARLIER = '2026-01-01T00:00:00Z';

interface Scan {
  status: string;
  observedAt: string;
  counts: { total: number; new: number };
}

let world: World;
let clinic: Clinic;
let officer: Caller;
let admin: pg.Client;
let open: MockInstance<MergeStore['open']>;
beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
  officer = await clinic.member('compliance_officer');
  admin = new pg.Client({ connectionString: world.database.urls.admin });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await world.stop();
});
beforeEach(() => {
  // Looked at, and not replaced.
  open = vi.spyOn(MergeStore.prototype, 'open');
});
afterEach(() => {
  open.mockRestore();
});

async function newSystem(): Promise<{ id: string; post: (report: string, query: string) => Promise<Scan> }> {
  const name = `system ${process.hrtime.bigint()}`;
  const { body } = await clinic.admin
    .post(`${clinic.path}/systems`, { name, environment: 'production', phi: 'stores', phiNamespaces: ['emr'] })
    .expect(201);
  const id = String(body.id);
  const post = async (report: string, query: string): Promise<Scan> =>
    (
      await send<Scan>(world.url, officer, 'POST', `${clinic.path}/systems/${id}/scans?${query}`, {
        body: report,
      })
    ).body;
  return { id, post };
}

const findings = (length: number): Finding[] =>
  Array.from({ length }, (_, index) => ({
    check: `check-${index % 50}`,
    result: index % 4 === 0 ? 'fail' : 'pass',
    name: `pod-${index}`,
    namespace: index % 3 === 0 ? 'emr' : 'web',
  }));

const QUERY = `targets=cluster/cluster&observedAt=${AT}`;

/** All that is stored of a system's scans of AT, but the ids that are new with each. */
async function stored(systemId: string): Promise<unknown> {
  const [results, coverage] = await Promise.all(
    [
      `select series, observed_from, observed_to, ended_known, known_to, target_id, source, check_id, resource, namespace, status, severity, title, message,
              known_from = (select known_at from scan s where s.system_id = r.system_id and s.id = r.scan_id) as known_with_scan
       from result r where system_id = $1 and observed_from = '${AT}' order by series`,
      `select target_id, source, observed_at, complete, checks, checks_id, silent_pass, sighting_id, g.series
       from coverage c left join sighting g on g.organization_id = c.organization_id and g.id = c.sighting_id
       where system_id = $1 and observed_at = '${AT}' order by target_id, source`,
    ].map(async (sql) => (await admin.query(sql, [systemId])).rows),
  );
  return { results, coverage };
}

it.each([
  ['complete', QUERY],
  ['partial', `${QUERY}&partial=true`],
])(
  'is the first scan of a system, taken while it is read, stored like one that comes after another? (%s)',
  async (extent, query) => {
    const report = policyReport(findings(MANY));
    const [fresh, used] = [await newSystem(), await newSystem()];
    const other = policyReport([{ check: 'other', result: 'pass', source: 'gatekeeper' }]);
    expect(await used.post(other, `observedAt=${EARLIER}`)).toMatchObject({ status: 'stored' });

    const first = await fresh.post(report, query);
    expect(open).toHaveBeenCalledOnce();
    const second = await used.post(report, query);
    expect(open).toHaveBeenCalledOnce();

    expect(first).toMatchObject({ status: 'stored', counts: { total: MANY, new: MANY } });
    expect(second.counts).toEqual(first.counts);
    const kept = (await stored(fresh.id)) as { results: unknown[]; coverage: unknown[] };
    expect(kept.results).toHaveLength(MANY);
    expect(kept.coverage).toMatchObject([{ complete: extent === 'complete' }]);
    expect(kept).toEqual(await stored(used.id));
  },
);

it('does the worse of two results stand, where it comes when the other one was taken already?', async () => {
  const { id, post } = await newSystem();
  const rows = findings(MANY);
  const twice = { ...rows[1]!, result: 'fail' } as const;
  const scan = await post(policyReport([...rows, twice]), QUERY);
  expect(open).toHaveBeenCalledOnce();
  expect(scan.counts).toMatchObject({ total: MANY, new: MANY });
  const { rows: found } = await admin.query(
    `select status, observed_to from result where system_id = $1 and check_id like '%check-1' and resource like '%pod-1'`,
    [id],
  );
  expect(found).toEqual([{ status: 'fail', observed_to: null }]);
});

it('does it where far more rows follow than wait between the thread and the database?', async () => {
  const { post } = await newSystem();
  const rows = findings(2 * MANY);
  rows.splice(MANY / 2, 0, { ...rows[1]!, result: 'fail' });
  const scan = await post(policyReport(rows), QUERY);
  expect(open).toHaveBeenCalledOnce();
  expect(scan.counts).toMatchObject({ total: 2 * MANY, new: 2 * MANY });
});

it('is a report of the instant that it tells in its last row, and not of the one under which its first rows were taken?', async () => {
  const { id, post } = await newSystem();
  const report = JSON.parse(policyReport(findings(MANY))) as { results: object[] };
  Object.assign(report.results.at(-1)!, { timestamp: { seconds: Date.parse(AT) / 1_000, nanos: 400_000_000 } });
  const scan = await post(JSON.stringify(report), QUERY);
  expect(open).toHaveBeenCalledOnce();
  expect(scan).toMatchObject({ observedAt: '2026-01-02T00:00:00.400Z', counts: { new: MANY } });
  const { rows } = await admin.query('select distinct observed_from from result where system_id = $1', [id]);
  expect(rows).toEqual([{ observed_from: new Date('2026-01-02T00:00:00.400Z') }]);
});

it('does nothing stay of a first scan that turns out to be unfit when most of its rows were taken?', async () => {
  const { id, post } = await newSystem();
  const report = JSON.parse(policyReport(findings(MANY))) as { results: object[] };
  // Another day than its poster says.
  Object.assign(report.results.at(-1)!, { timestamp: { seconds: Date.parse(EARLIER) / 1_000, nanos: 0 } });
  expect(await post(JSON.stringify(report), QUERY)).toMatchObject({ reason: 'observed-at-mismatch' });
  expect(open).toHaveBeenCalledOnce();
  const { rows } = await admin.query(
    `select (select count(*)::int from result where system_id = $1) as results, (select count(*)::int from coverage where system_id = $1) as coverage,
            (select array_agg(status) from scan where system_id = $1) as scans`,
    [id],
  );
  expect(rows).toEqual([{ results: 0, coverage: 0, scans: ['refused'] }]);
  expect((await post(policyReport(findings(MANY)), QUERY)).counts).toMatchObject({ new: MANY });
});

it('are two first scans of one system at once both taken, one after the other?', async () => {
  const { id, post } = await newSystem();
  const [one, two] = await Promise.all([
    post(policyReport(findings(MANY)), `targets=cluster/cluster&observedAt=${EARLIER}`),
    post(policyReport(findings(MANY - 1)), QUERY),
  ]);
  expect([one.status, two.status]).toEqual(['stored', 'stored']);
  const { rows } = await admin.query(
    `select count(*) filter (where observed_from <= $2 and (observed_to is null or observed_to > $2))::int as earlier,
            count(*) filter (where observed_to is null)::int as open
     from result where system_id = $1 and known_to is null`,
    [id, EARLIER],
  );
  // Whichever was first to be taken: the later one as a next scan, or the earlier one as a late one, whose intervals end where the others begin.
  expect(rows).toEqual([{ earlier: MANY, open: MANY - 1 }]);
});
