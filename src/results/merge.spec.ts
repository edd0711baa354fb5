import fc from 'fast-check';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DataSource } from 'typeorm';
import { rowsOf } from '../../test/support/copy.js';
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.js';
import { openDataSource } from '../kernel/db/data-source.js';
import type { CopyRows } from '../kernel/db/copy-rows.js';
import { Database } from '../kernel/db/database.js';
import { newId } from '../kernel/ids.js';
import { servicePrincipal } from '../kernel/principal.js';
import { copyResult } from './copy.js';
import { RESULT } from './merge.sql.js';
import { MergeStore } from './merge.store.js';
import type { MergeCounts, StagedRows } from './staged.js';
import { ResultsStore } from './results.store.js';
import { Places, seriesId, targetId } from './series.js';

const ORGANIZATION = newId();
const principal = servicePrincipal('test', ORGANIZATION, 'test');
const merges = new MergeStore();
const results = new ResultsStore();
let testDatabase: TestDatabase;
let source: DataSource;
let database: Database;
let admin: pg.Client;
let evidenceId: string;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  source = await openDataSource(testDatabase.urls.server, { max: 8, statementTimeout: 30_000 });
  database = new Database(source, pino({ enabled: false }));
  admin = new pg.Client({ connectionString: testDatabase.urls.admin });
  await admin.connect();
  evidenceId = newId();
  const keyId = newId();
  await admin.query(`insert into organization values ($1, 'clinic', '{}', 1, now(), now())`, [ORGANIZATION]);
  await admin.query(`insert into data_key values ($1, $2, '2026Q4', 'test', 1, '\\x00', now())`, [ORGANIZATION, keyId]);
  await admin.query(
    `insert into evidence values ($1, $2, '\\x00', 1, 'application/json', 'agent', 'a', now(), now(), $3, 'k', null, 1, '\\x00')`,
    [ORGANIZATION, evidenceId, keyId],
  );
});

afterAll(async () => {
  await source.destroy();
  await admin.end();
  await testDatabase.drop();
});

/** A system of its own for each case: nothing is shared but the organisation. */
let systemId: string;
beforeEach(async () => {
  systemId = await newSystem();
});

async function newSystem(): Promise<string> {
  const id = newId();
  await admin.query(`insert into system values ($1, $2, $3, 'production', 'stores', '{}', 1, now(), now(), null)`, [
    ORGANIZATION,
    id,
    id,
  ]);
  return id;
}

interface Seen {
  target: string;
  check: string;
  status: 'pass' | 'fail';
}
interface Scan {
  day: number;
  coverage: { target: string; complete: boolean; checks: string[] | null }[];
  seen: Seen[];
}

const day = (number: number): Date => new Date(Date.UTC(2026, 0, 1 + number));

async function post(system: string, scan: Scan): Promise<{ known: Date; counts: MergeCounts }> {
  return database.write(principal, async (tx) => {
    tx.withoutAudit('a test of the store alone');
    const { known } = await merges.lockSystem(tx, system);
    const scanId = newId();
    await tx.execute(
      `insert into scan (organization_id, system_id, id, evidence_id, status, declared, declared_digest, reading_digest, received_at, posted_by, known_at)
       values ($1, $2, $3, $4, 'queued', '{}', $5, '\\x00', now(), 'test', $6)`,
      [ORGANIZATION, system, scanId, evidenceId, Buffer.from(scanId), known],
    );
    await merges.stage(tx, staged(rowsOf(scan.seen, copySeen)), true);
    const [counts] = await merges.merge(
      tx,
      {
        systemId: system,
        scanId,
        evidenceId,
        observedAt: day(scan.day),
        coverage: scan.coverage.map((covered) => ({
          targetId: targetId('node', covered.target),
          targetKind: 'node',
          targetName: covered.target,
          source: 'tool',
          complete: covered.complete,
          checks: covered.checks,
          silentPass: [],
        })),
        totals: { result: scan.seen.length, fact: 0 },
        replaced: false,
        opened: null,
      },
      [RESULT],
      known,
    );
    if (counts === undefined) throw new Error('no counts');
    return { known, counts };
  });
}

function copySeen(to: CopyRows, { target: name, check, status }: Seen): void {
  const target = targetId('node', name);
  copyResult(to, seriesId(target, 'tool', check, 'pod'), target, {
    source: 'tool',
    check,
    resource: 'pod',
    namespace: null,
    status,
    severity: 'high',
    title: 'tab\tnew\nline\\N',
    message: '',
  });
}

async function* staged(bytes: Buffer): AsyncGenerator<StagedRows> {
  yield await Promise.resolve({ table: RESULT.staging, columns: RESULT.stagingColumns, bytes });
}

async function stateAt(system: string, asOf: Date, knownAt: Date): Promise<Record<string, string>> {
  const listed = await database.read(principal, (tx) =>
    results.list(tx, system, { asOf, knownAt }, { after: null, limit: 1_000 }),
  );
  return Object.fromEntries(listed.map((result) => [`${result.target.name}/${result.check}`, result.status]));
}

const rowCount = async (system: string): Promise<number> =>
  Number((await admin.query('select count(*) from result where system_id = $1', [system])).rows[0].count);

const node = (complete = true, checks: string[] | null = null) => [{ target: 'n1', complete, checks }];
const saw = (states: Record<string, 'pass' | 'fail'>): Seen[] =>
  Object.entries(states).map(([check, status]) => ({ target: 'n1', check, status }));
const FUTURE = new Date('2100-01-01');

describe('what a scan does to the intervals', () => {
  it('opens one interval per result at first, and writes no result row when the same is said again', async () => {
    const first = await post(systemId, { day: 1, coverage: node(), seen: saw({ a: 'pass', b: 'fail' }) });
    expect(first.counts).toEqual({ new: 2, changed: 0, unchanged: 0, closed: 0 });
    const again = await post(systemId, { day: 2, coverage: node(), seen: saw({ a: 'pass', b: 'fail' }) });
    expect(again.counts).toEqual({ new: 0, changed: 0, unchanged: 2, closed: 0 });
    expect(await rowCount(systemId)).toBe(2);
  });

  it('ends an interval and opens the next when one flips', async () => {
    await post(systemId, { day: 1, coverage: node(), seen: saw({ a: 'pass', b: 'fail' }) });
    const flip = await post(systemId, { day: 2, coverage: node(), seen: saw({ a: 'fail', b: 'fail' }) });
    expect(flip.counts).toEqual({ new: 0, changed: 1, unchanged: 1, closed: 0 });
    expect(await stateAt(systemId, day(1), FUTURE)).toEqual({ 'n1/a': 'pass', 'n1/b': 'fail' });
    expect(await stateAt(systemId, day(2), FUTURE)).toEqual({ 'n1/a': 'fail', 'n1/b': 'fail' });
  });

  it('closes what is absent from a completely covered target, as no longer reported and never as a pass', async () => {
    await post(systemId, { day: 1, coverage: node(), seen: saw({ a: 'fail', b: 'fail' }) });
    const gone = await post(systemId, { day: 2, coverage: node(), seen: saw({ b: 'fail' }) });
    expect(gone.counts).toEqual({ new: 0, changed: 0, unchanged: 1, closed: 1 });
    expect(await stateAt(systemId, day(2), FUTURE)).toEqual({ 'n1/b': 'fail' });
  });

  it('leaves alone what is absent from a target that was not or only partly covered', async () => {
    await post(systemId, { day: 1, coverage: node(), seen: saw({ a: 'fail' }) });
    await post(systemId, { day: 2, coverage: node(false), seen: saw({ b: 'fail' }) });
    await post(systemId, { day: 3, coverage: [{ target: 'n2', complete: true, checks: null }], seen: [] });
    expect(await stateAt(systemId, day(3), FUTURE)).toEqual({ 'n1/a': 'fail', 'n1/b': 'fail' });
  });

  it('closes only the checks that a complete scan says it evaluated', async () => {
    await post(systemId, { day: 1, coverage: node(), seen: saw({ a: 'fail', b: 'fail' }) });
    await post(systemId, { day: 2, coverage: node(true, ['b']), seen: [] });
    expect(await stateAt(systemId, day(2), FUTURE)).toEqual({ 'n1/a': 'fail' });
  });

  it('puts a late report in its true place, leaves today alone, and hides it from before its receipt', async () => {
    await post(systemId, { day: 1, coverage: node(), seen: saw({ a: 'pass' }) });
    const before = await post(systemId, { day: 5, coverage: node(), seen: saw({ a: 'pass' }) });
    const late = await post(systemId, { day: 3, coverage: node(), seen: saw({ a: 'fail' }) });
    expect(late.counts).toEqual({ new: 0, changed: 1, unchanged: 0, closed: 0 });
    expect(await stateAt(systemId, day(2), FUTURE)).toEqual({ 'n1/a': 'pass' });
    expect(await stateAt(systemId, day(4), FUTURE)).toEqual({ 'n1/a': 'fail' });
    expect(await stateAt(systemId, day(6), FUTURE)).toEqual({ 'n1/a': 'pass' });
    expect(await stateAt(systemId, day(4), before.known)).toEqual({ 'n1/a': 'pass' });
  });

  it('lets the later receipt win where two scans say the same instant', async () => {
    await post(systemId, { day: 1, coverage: node(), seen: saw({ a: 'pass', b: 'pass' }) });
    await post(systemId, { day: 1, coverage: node(), seen: saw({ a: 'fail' }) });
    expect(await stateAt(systemId, day(1), FUTURE)).toEqual({ 'n1/a': 'fail' });
  });

  it('keeps an unchanged partial rescan out of the result rows and still remembers what it saw', async () => {
    await post(systemId, { day: 1, coverage: node(false), seen: saw({ a: 'pass' }) });
    await post(systemId, { day: 9, coverage: node(false), seen: saw({ a: 'pass' }) });
    expect(await rowCount(systemId)).toBe(1);
    const [summary] = await database.read(principal, (tx) =>
      results.summarise(tx, systemId, { asOf: day(20), knownAt: FUTURE }, []),
    );
    expect(summary?.oldestSeen).toEqual(day(9));
  });

  it('serialises different scans of one target that arrive at the same time', async () => {
    const days = [1, 2, 3, 4, 5, 6];
    await Promise.all(
      days.map((number) =>
        post(systemId, { day: number, coverage: node(), seen: saw({ a: number % 2 === 0 ? 'pass' : 'fail' }) }),
      ),
    );
    for (const number of days) {
      expect(await stateAt(systemId, day(number), FUTURE)).toEqual({ 'n1/a': number % 2 === 0 ? 'pass' : 'fail' });
    }
  });
});

it('is a copy whose rows cease to come given up, and its connection free?', async () => {
  // One connection, on which a statement has all the time that there is.
  const one = await openDataSource(testDatabase.urls.server, { max: 1, statementTimeout: 0 });
  try {
    const patient = new Database(one, pino({ enabled: false }));
    const cut = patient.write(principal, async (tx) => {
      tx.withoutAudit('a test of the store alone');
      await merges.stage(tx, cease(), false);
    });
    await expect(cut).rejects.toThrow('no more rows');
    expect(await patient.read(principal, (tx) => tx.query('select 1 as free'))).toEqual([{ free: 1 }]);
  } finally {
    await one.destroy();
  }
  async function* cease(): AsyncGenerator<StagedRows> {
    yield* staged(rowsOf([{ target: 'n1', check: 'a', status: 'pass' }], copySeen));
    throw new Error('no more rows');
  }
});

describe('whatever order scans arrive in', () => {
  const status = fc.constantFrom('pass' as const, 'fail' as const);
  const covered = fc.record({
    complete: fc.boolean(),
    checks: fc.constantFrom<(string[] | null)[]>(null, null, ['a'], ['a', 'b']),
    states: fc.dictionary(fc.constantFrom('a', 'b', 'c'), status, { maxKeys: 3 }),
  });
  const scan = fc
    .record({ day: fc.nat({ max: 5 }), n1: fc.option(covered), n2: fc.option(covered) })
    .map(({ day: number, n1, n2 }): Scan => {
      const of = [
        ['n1', n1],
        ['n2', n2],
      ] as const;
      const coverage: Scan['coverage'] = [];
      const seen: Seen[] = [];
      for (const [target, said] of of) {
        if (said === null) continue;
        const checks = said.complete ? said.checks : null;
        coverage.push({ target, complete: said.complete, checks });
        for (const [check, state] of Object.entries(said.states)) {
          seen.push({ target, check, status: state });
        }
      }
      return { day: number, coverage, seen };
    });

  /** The rule itself, without intervals: the latest scan that speaks of a series says its state; of equal instants, the one received last. */
  function expected(scans: Scan[], upTo: number): Record<string, string> {
    const state: Record<string, string> = {};
    for (const target of ['n1', 'n2']) {
      for (const check of ['a', 'b', 'c']) {
        let latest: { day: number; status: string | null } | null = null;
        for (const { day: number, coverage, seen } of scans) {
          const own = coverage.find((one) => one.target === target);
          if (own === undefined || number > upTo || (latest !== null && number < latest.day)) continue;
          const said = seen.find((one) => one.target === target && one.check === check);
          const closes = own.complete && (own.checks === null || own.checks.includes(check));
          if (said !== undefined || closes) latest = { day: number, status: said?.status ?? null };
        }
        if (latest !== null && latest.status !== null) state[`${target}/${check}`] = latest.status;
      }
    }
    return state;
  }

  it('every past instant shows what the latest scan that spoke of a series said, as known at every instant', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(scan, { minLength: 1, maxLength: 7 }), async (scans) => {
        const system = await newSystem();
        const known: Date[] = [];
        for (const one of scans) known.push((await post(system, one)).known);
        for (const [index, knownAt] of known.entries()) {
          for (let number = 0; number <= 5; number++) {
            expect(await stateAt(system, day(number), knownAt)).toEqual(expected(scans.slice(0, index + 1), number));
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('the store itself', () => {
  it('merges a large late report in time that grows with its rows, not with their square', async () => {
    const many = (name: string): Seen[] =>
      Array.from({ length: 20_000 }, (_, row) => ({ target: 'n1', check: `${name}/${row}`, status: 'fail' }));
    await post(systemId, { day: 9, coverage: node(false), seen: many('later') });
    // Row by row this would be 400,000,000 comparisons: longer than a statement may take.
    const late = await post(systemId, { day: 1, coverage: node(false), seen: many('late') });
    expect(late.counts).toMatchObject({ new: 20_000 });
    const earlier = await post(systemId, { day: 0, coverage: node(), seen: many('late') });
    expect(earlier.counts).toMatchObject({ new: 20_000 });
    expect(await rowCount(systemId)).toBe(60_000);
  });

  it('refuses to delete results, to end one twice and to take back a correction', async () => {
    await post(systemId, { day: 1, coverage: node(), seen: saw({ a: 'pass' }) });
    await post(systemId, { day: 2, coverage: node(), seen: saw({ a: 'fail' }) });
    const app = new pg.Client({ connectionString: testDatabase.urls.server });
    await app.connect();
    await app.query(`select set_config('app.organization_id', $1, false)`, [ORGANIZATION]);
    await expect(app.query('delete from result')).rejects.toThrow(/permission denied/);
    await expect(app.query(`update result set status = 'pass'`)).rejects.toThrow(/permission denied/);
    await expect(app.query('update result set observed_to = now() where observed_to is not null')).rejects.toThrow(
      /not changed again/,
    );
    await app.end();
    await expect(admin.query('delete from result where system_id = $1', [systemId])).rejects.toThrow(/append-only/);
  });

  it('gives the same target and series the same id, and no two different ones', () => {
    expect(targetId('node', 'a')).toBe(targetId('node', 'a'));
    expect(seriesId('t', 'ab', 'c', 'd')).not.toBe(seriesId('t', 'a', 'bc', 'd'));
    const places = new Places();
    const named = ([target, source]: [string, string]) => seriesId(target, source, 'c', 'd', places);
    const said: [string, string][] = [
      ['t', 's'],
      ['t', 's'],
      ['t', 'r'],
      ['u', 'r'],
      ['t', 's'],
    ];
    expect(said.map(named)).toEqual(said.map(([target, source]) => seriesId(target, source, 'c', 'd')));
  });
});
