import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { History, type Said } from '../../test/support/history.js';
import { INSTANTS, onGrid, SCANS, tell } from '../../test/support/random-history.js';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { VISIBLE } from './interval.js';
import { ResultsStore, type CheckSummary, type CoverageSummary } from './results.store.js';

const results = new ResultsStore();
let history: History;
beforeAll(async () => {
  history = await History.begin();
});
afterAll(() => history.end());

/** What is asked of the whole history, by reading all of it: the plain meaning of `summarise`, `coverage` and `present`, of which the store's are faster forms. */
const PLAIN = {
  summarise: `
    with complete as (
      select distinct on (target_id, source, checks) target_id, source, checks, observed_at as at, known_at, scan_id, evidence_id
      from coverage
      where organization_id = $1 and system_id = $2 and observed_at <= $3 and known_at <= $4 and complete
      order by target_id, source, checks, observed_at desc, known_at desc
    ),
    sighted as (
      select distinct on (g.series) g.series, c.observed_at as at, c.known_at, c.scan_id, c.evidence_id
      from coverage c
        join sighting s on s.organization_id = $1 and s.id = c.sighting_id
        cross join lateral unnest(s.series) as g(series)
      where c.organization_id = $1 and c.system_id = $2 and c.observed_at <= $3 and c.known_at <= $4
      order by g.series, c.observed_at desc, c.known_at desc
    ),
    counted as (
      select r.source, r.check_id, r.target_id, r.status, count(*)::int as count,
             count(*) filter (where r.namespace = any ($5::text[]))::int as phi,
             count(*) filter (where r.series = any ($6::uuid[]))::int as accepted,
             min(greatest(r.observed_from, p.at)) as oldest, max(greatest(r.observed_from, p.at)) as newest,
             (array_agg(r.series order by r.series))[1:5] as series,
             max(p.at) as sighted_at, (array_agg(p.scan_id order by p.at desc nulls last, p.known_at desc))[1] as scan_id,
             (array_agg(p.evidence_id order by p.at desc nulls last, p.known_at desc))[1] as evidence_id
      from result r left join sighted p on p.series = r.series
      where ${VISIBLE}
      group by r.source, r.check_id, r.target_id, r.status
    )
    select n.source, n.check_id as "check", n.target_id as "targetId", json_build_object('kind', t.kind, 'name', t.name) as target, n.status, n.count, n.phi, n.accepted,
           greatest(n.oldest, c.at) as "oldestSeen", greatest(n.newest, c.at) as "newestSeen", n.series,
           case when c.at >= n.sighted_at or n.sighted_at is null then c.scan_id else n.scan_id end as "scanId",
           case when c.at >= n.sighted_at or n.sighted_at is null then c.evidence_id else n.evidence_id end as "evidenceId"
    from counted n
    join target t on t.organization_id = $1 and t.system_id = $2 and t.id = n.target_id
    left join lateral (
      select at, scan_id, evidence_id from complete c
      where c.target_id = n.target_id and c.source = n.source and (c.checks is null or n.check_id = any (c.checks))
      order by at desc, known_at desc
      limit 1) c on true
    order by n.source, n.check_id, n.target_id, n.status`,
  coverage: `
    select distinct on (c.target_id, c.source, c.checks)
      c.target_id as "targetId", json_build_object('kind', t.kind, 'name', t.name) as target, c.source, c.checks,
      c.silent_pass as "silentPass", c.observed_at as "observedAt", c.scan_id as "scanId", c.evidence_id as "evidenceId"
    from coverage c join target t on t.organization_id = c.organization_id and t.system_id = c.system_id and t.id = c.target_id
    where c.organization_id = $1 and c.system_id = $2 and c.observed_at <= $3 and c.known_at <= $4 and c.complete
    order by c.target_id, c.source, c.checks, c.observed_at desc, c.known_at desc`,
  known:
    'select max(known_at) as known from coverage where organization_id = $1 and ($2::uuid is null or system_id = $2)',
  repeatable: `
    with earlier as (select * from coverage where organization_id = $1 and system_id = $2 and scan_id = $3)
    select exists (select from earlier) and not exists (
      select from earlier o
        join coverage c on c.organization_id = $1 and c.system_id = $2 and c.target_id = o.target_id and c.source = o.source
      where o.observed_at >= $4 or (c.observed_at >= o.observed_at and c.scan_id <> o.scan_id)) as repeatable`,
};

interface Answers {
  summaries: CheckSummary[];
  coverage: CoverageSummary[];
}

const PHI = ['phi'];

/** About half of all that was ever said of a system. */
async function someSeries(tx: Tx, systemId: string): Promise<string[]> {
  const rows = await tx.query<{ series: string }>(
    'select distinct series from result where organization_id = $1 and system_id = $2 and get_byte(uuid_send(series), 15) % 2 = 0',
    [tx.organizationId, systemId],
  );
  return rows.map(({ series }) => series);
}

async function asked(tx: Tx, systemId: string, instant: Instant, accepted: readonly string[]): Promise<Answers> {
  return {
    summaries: await results.summarise(tx, systemId, instant, PHI, accepted),
    coverage: await results.coverage(tx, systemId, instant),
  };
}

async function plain(
  tx: Tx,
  systemId: string,
  { asOf, knownAt }: Instant,
  accepted: readonly string[],
): Promise<Answers> {
  const at = [tx.organizationId, systemId, asOf, knownAt];
  return {
    summaries: await tx.query<CheckSummary>(PLAIN.summarise, [...at, PHI, accepted]),
    coverage: await tx.query<CoverageSummary>(PLAIN.coverage, at),
  };
}

describe('whatever a system’s history, and whatever instants are asked for', () => {
  it('is what indexes are probed for what reading the whole history gives?', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(SCANS, INSTANTS, async (scans, instants) => {
        const systemId = await history.newSystem();
        await tell(history, systemId, scans, async (earlierId, observedAt) => {
          const [row] = await history.read((tx) =>
            tx.query<{ repeatable: boolean }>(PLAIN.repeatable, [tx.organizationId, systemId, earlierId, observedAt]),
          );
          return (wasTaken) => expect(wasTaken).toBe(row?.repeatable);
        });
        await history.read(async (tx) => {
          const accepted = await someSeries(tx, systemId);
          for (const instant of instants) {
            const answers = await asked(tx, systemId, instant, accepted);
            expect(answers).toEqual(await plain(tx, systemId, instant, accepted));
            compared += answers.summaries.length + answers.coverage.length;
          }
          for (const system of [systemId, null]) {
            const [row] = await tx.query<{ known: Date | null }>(PLAIN.known, [tx.organizationId, system]);
            const present = await results.present(tx, system, new Date(0));
            if (row?.known != null) expect(present).toEqual(row.known);
          }
        });
      }),
      { numRuns: 50 },
    );
    expect(compared).toBeGreaterThan(1_000);
  });
});

it('when was a series seen last, that a late scan saw between one that had seen it and one that had not?', async () => {
  const systemId = await history.newSystem();
  const saw = (...checks: string[]): Said[] => {
    const states = Object.fromEntries(checks.map((check) => [check, 'fail' as const]));
    return [{ target: systemId, source: 'one', complete: false, checks: null, states }];
  };
  const scans = [
    { observedAt: onGrid(0), said: saw('a', 'b') },
    { observedAt: onGrid(4), said: saw('b') },
    { observedAt: onGrid(8), said: saw('a') },
    { observedAt: onGrid(2), said: saw('a') },
  ];
  for (const [index, scan] of scans.entries()) {
    await history.write((tx) => history.post(tx, systemId, { ...scan, knownAt: onGrid(10 + index) }));
  }
  const seen = async (asOf: number, knownAt: number): Promise<Record<string, Date>> => {
    const instant = { asOf: onGrid(asOf), knownAt: onGrid(knownAt) };
    const summaries = await history.read((tx) => results.summarise(tx, systemId, instant, []));
    return Object.fromEntries(summaries.map(({ check, oldestSeen }) => [check, oldestSeen]));
  };
  expect(await seen(5, 12)).toEqual({ a: onGrid(0), b: onGrid(4) });
  expect(await seen(5, 13)).toEqual({ a: onGrid(2), b: onGrid(4) });
  expect(await seen(9, 13)).toEqual({ a: onGrid(8), b: onGrid(4) });
});

describe('what the probes rest on', () => {
  const scanned = { observedAt: onGrid(0), knownAt: onGrid(0) };
  const said = (source: string, checks: string[] | null): Said => {
    return { target: 'n1', source, complete: true, checks, states: {} };
  };

  it('is any list of checks taken for another, or for all checks?', async () => {
    const systemId = await history.newSystem();
    const lists = [null, [], [''], ['a', 'b'], ['a,b'], ['{a,b}'], ['"a'], ['null'], ['a'], ['b', 'a']];
    for (const [index, checks] of lists.entries()) {
      const scan = { observedAt: onGrid(index), knownAt: onGrid(index), said: [said('one', checks)] };
      await history.write((tx) => history.post(tx, systemId, scan));
    }
    const instant = { asOf: onGrid(99), knownAt: onGrid(99) };
    const coverage = await history.read((tx) => results.coverage(tx, systemId, instant));
    expect(coverage.map(({ checks }) => JSON.stringify(checks)).sort()).toEqual(
      lists.map((checks) => JSON.stringify(checks)).sort(),
    );
  });

  it('is a scan kept that was observed more than a day after it is known?', async () => {
    const systemId = await history.newSystem();
    const observedAt = new Date(onGrid(4).getTime() + 1);
    const ahead = history.write((tx) =>
      history.post(tx, systemId, { ...scanned, observedAt, said: [said('one', null)] }),
    );
    await expect(ahead).rejects.toThrow(/coverage_ahead/);
  });
});
