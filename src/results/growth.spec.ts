import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { History, type Said } from '../../test/support/history.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { ResultsStore } from './results.store.js';

const HOUR = 3_600_000;
const END = Date.UTC(2100, 0, 1);
const at = (hours: number): Date => new Date(END + hours * HOUR);

/** Scans that each system has had, one an hour. */
const SCANS = { few: 40, many: 2_000 } as const;
type System = keyof typeof SCANS;
const CHECKS = 20;

const results = new ResultsStore();
let history: History;
const systems = {} as Record<System, string>;

const STATES = Object.fromEntries(Array.from({ length: CHECKS }, (_, index) => [`check ${index}`, 'pass' as const]));
const SAID: readonly Said[] = [
  { target: 'n1', source: 'whole', complete: true, checks: null, states: STATES },
  { target: 'n1', source: 'listed', complete: true, checks: ['check 1', 'check 2'], states: STATES },
  { target: 'n1', source: 'partial', complete: false, checks: null, states: STATES },
];

/** A first scan as it is; of those after it, an hour apart, what they would have written: each has found one result of each source otherwise for some minutes. */
async function fill(name: System): Promise<void> {
  const { admin } = history;
  const systemId = await history.newSystem();
  const first = { observedAt: at(-SCANS[name]), knownAt: at(-SCANS[name]), said: SAID };
  await history.write((tx) => history.post(tx, systemId, first));
  const later = `
    select number, scan, $3::timestamptz + number * interval '1 hour' as at
    from generate_series(1, $2::int) as number cross join lateral (select md5($1 || number)::uuid as scan) s`;
  const parameters = [systemId, SCANS[name] - 1, first.observedAt];
  await admin.query('set session_replication_role = replica');
  await admin.query(
    `insert into coverage (organization_id, system_id, target_id, source, observed_at, scan_id, evidence_id, known_at, complete, checks, checks_id, silent_pass, sighting_id)
     select organization_id, system_id, target_id, source, l.at, l.scan, evidence_id, l.at, complete, checks, checks_id, silent_pass, sighting_id
     from coverage cross join (${later}) l where system_id = $1::text::uuid`,
    parameters,
  );
  await admin.query(
    `insert into result (organization_id, system_id, series, observed_from, known_from, observed_to, ended_known, target_id, scan_id, source, check_id,
                         resource, namespace, status, severity, title, message)
     select organization_id, system_id, series, l.at - interval '9 minutes', l.at - interval '9 minutes', l.at - interval '1 minute', l.at - interval '1 minute',
            target_id, l.scan, source, check_id, resource, namespace, 'fail', severity, title, message
     from result cross join (${later}) l where system_id = $1::text::uuid and check_id = 'check ' || l.number % ${CHECKS}`,
    parameters,
  );
  await admin.query('set session_replication_role = origin');
  systems[name] = systemId;
}

beforeAll(async () => {
  history = await History.begin();
  await fill('few');
  await fill('many');
  await history.admin.query('analyze coverage, result, sighting');
});
afterAll(() => history.end());

const NAMES = ['few', 'many'] as const;

/** Rows that this connection has read, since when it does not matter. */
async function readSoFar(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ rows: number }>(
    `select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as rows from pg_stat_xact_user_tables
     where schemaname = 'public' and relname in ('coverage', 'result', 'sighting')`,
  );
  if (row === undefined) throw new Error('no count');
  return row.rows;
}

async function rowsRead(tx: Tx, work: () => Promise<unknown>): Promise<number> {
  const before = await readSoFar(tx);
  await work();
  return (await readSoFar(tx)) - before;
}

function expectAlike(few: number, many: number): void {
  expect(few).toBeGreaterThan(0);
  expect(few).toBeLessThan(SCANS.many / 4);
  expect(many).toBeLessThanOrEqual(few + 20);
}

async function expectReadsAlike(ask: (tx: Tx, systemId: string) => Promise<unknown>): Promise<void> {
  const [few, many] = await Promise.all(
    NAMES.map((name) => history.read((tx) => rowsRead(tx, () => ask(tx, systems[name])))),
  );
  expectAlike(few ?? 0, many ?? 0);
}

async function expectWritesAlike(work: (tx: WriteTx, systemId: string) => Promise<unknown>): Promise<void> {
  const [few, many] = await Promise.all(
    NAMES.map((name) => history.write((tx) => rowsRead(tx, () => work(tx, systems[name])))),
  );
  expectAlike(few ?? 0, many ?? 0);
}

describe('does a system that has had thousands of scans more read more rows?', () => {
  it.each([
    ['now', 0, 0],
    ['of yesterday', -24, 0],
    ['now, as known yesterday', 0, -24],
    ['of yesterday, as known then', -24, -24],
  ])('for its posture %s', async (_, asOf, knownAt) => {
    const instant = { asOf: at(asOf), knownAt: at(knownAt) };
    await expectReadsAlike((tx, systemId) => results.summarise(tx, systemId, instant, []));
    await expectReadsAlike((tx, systemId) => results.coverage(tx, systemId, instant));
  });

  it('for what «now» is, of a system and of all', async () => {
    await expectReadsAlike((tx, systemId) => results.present(tx, systemId, at(0)));
    await expectReadsAlike((tx) => results.present(tx, null, at(0)));
  });

  it('for a scan that finds the same, one that finds otherwise, and one that says what the one before said', async () => {
    const scanIds = new Map<string, string>();
    await expectWritesAlike(async (tx, systemId) => {
      scanIds.set(systemId, await history.post(tx, systemId, { observedAt: at(1), knownAt: at(1), said: SAID }));
    });
    await expectWritesAlike(async (tx, systemId) => {
      const scanned = { observedAt: at(2), knownAt: at(2) };
      expect(await history.repeat(tx, systemId, scanIds.get(systemId) ?? '', scanned)).not.toBeNull();
    });
    const said = SAID.map((one) => ({
      ...one,
      states: { ...STATES, 'check 3': 'fail' as const, new: 'pass' as const },
    }));
    await expectWritesAlike((tx, systemId) => history.post(tx, systemId, { observedAt: at(3), knownAt: at(3), said }));
  });

  it('for one that comes hours late', async () => {
    const said = SAID.map((one) => ({ ...one, states: { ...STATES, 'check 4': 'fail' as const } }));
    await expectWritesAlike((tx, systemId) =>
      history.post(tx, systemId, { observedAt: at(-5.5), knownAt: at(4), said }),
    );
  });
});
