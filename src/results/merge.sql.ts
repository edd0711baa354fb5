import { ENDED, OPEN } from './interval.js';
import { FACT_STAGING, FACT_STAGING_COLUMNS } from './staged-fact.js';
import { RESULT_STAGING, STAGING_COLUMNS } from './copy.js';

/** One sort of rows that are kept as intervals, and what their merge has to know of it. Results and facts are merged by the same statements. */
export interface IntervalKind {
  table: 'result' | 'fact';
  staging: string;
  /** The staging table's columns with their types. */
  stagingColumns: string;
  /** What names and what says, beside what every row has: in the table and in its staging table. */
  own: readonly string[];
  /** What a scan's coverage means where it says that it is complete for some only: a check, a kind of facts. */
  check: string;
  /** A row whose values of these differ says another thing of the same. */
  says: readonly string[];
}

export const RESULT: IntervalKind = {
  table: 'result',
  staging: RESULT_STAGING,
  stagingColumns: STAGING_COLUMNS,
  own: ['check_id', 'resource', 'namespace', 'status', 'severity', 'title', 'message'],
  check: 'check_id',
  says: ['status', 'severity'],
};

export const FACT: IntervalKind = {
  table: 'fact',
  staging: FACT_STAGING,
  stagingColumns: FACT_STAGING_COLUMNS,
  own: ['kind', 'subject', 'namespace', 'value', 'value_digest'],
  check: 'kind',
  says: ['value_digest'],
};

/** $1 organisation, $2 system, $3 coverage, $4 observed, $5 known, $6 scan, $7 evidence. */
export const COVERED = `
  covered as materialized (
    select * from jsonb_to_recordset($3::jsonb) as c("targetId" uuid, source text, complete boolean, checks text[])
  )`;

const prefixed = (prefix: string, columns: readonly string[]): string =>
  columns.map((column) => `${prefix}.${column}`).join(', ');

/**
 * Rows `r` by the places where `present` has just found them: no other merge of the system is under way, so they are there yet. By their keys they would be read
 * with the history of their series, or with that of the system where a planner expects many of them.
 */
const foundAt = (places: string): string =>
  `r.organization_id = $1 and r.system_id = $2 and r.ctid = any (array(${places}))`;

/** Rows `r` that had not ended at $4, and have since. */
const ENDED_LATER = `${ENDED} and r.observed_to > $4`;

const COUNTS = `
  select count(*) filter (where staged is not null and ended is null)::int as opened,
         count(*) filter (where staged is not null and ended is not null)::int as changed,
         count(*) filter (where staged is null)::int as closed
  from delta`;

/** The present, of what is covered, against what was staged: rows that begin, rows that end, and nothing of those that go on. */
function delta({ check, says, staging }: IntervalKind, columns: string): string {
  // A scan that completely covered a target speaks of a series by its absence, if the series' check is among those that it evaluated.
  const closable = `p.complete and (p.checks is null or p.${check} = any (p.checks))`;
  const differs = `(${prefixed('s', says)}) is distinct from (${prefixed('p', says)})`;
  return `select ${columns}
          from present p full join ${staging} s on s.series = p.series
          where case when s.series is null then ${closable} when p.series is null then true else ${differs} end`;
}

/**
 * What was never covered has no intervals: all that was staged begins. In the order of the primary key, so that its pages are filled one after the other and each is
 * written once.
 */
export const insertAll = (kind: IntervalKind): string => `
  insert into ${kind.table} (organization_id, system_id, series, observed_from, known_from, target_id, scan_id, source, ${kind.own.join(', ')})
  select $1, $2, s.series, $3, $4, s.target_id, $5::uuid, s.source, ${prefixed('s', kind.own)}
  from ${kind.staging} s order by s.series`;

/** The common case: nothing is known of a later instant. What differs from the open intervals ends them and opens new ones. */
export const mergeForward = (kind: IntervalKind): string =>
  `
  with ${COVERED},
  present as (
    select r.series, r.ctid as place, ${prefixed('r', [...kind.says, kind.check])}, c.complete, c.checks
    from ${kind.table} r join covered c on r.target_id = c."targetId" and r.source = c.source
    where r.organization_id = $1 and r.system_id = $2 and ${OPEN}
  ),
  delta as materialized (${delta(kind, 's.series as staged, p.series as ended, p.place')}),
  ended as (
    update ${kind.table} r set observed_to = $4, ended_known = $5
    where ${foundAt('select place from delta where ended is not null')}
  ),
  opened as (
    insert into ${kind.table} (organization_id, system_id, series, observed_from, known_from, target_id, scan_id, source, ${kind.own.join(', ')})
    select $1, $2, s.series, $4, $5, s.target_id, $6::uuid, s.source, ${prefixed('s', kind.own)}
    from ${kind.staging} s where s.series in (select staged from delta where staged is not null) order by s.series
  )
  ${COUNTS}`;

/**
 * A late report takes its true place. What it says holds from its instant to the next one at which a scan spoke of the same series; the interval that it
 * corrects is not changed but known to be wrong from now on, and replaced by its parts on either side.
 */
export const mergeLate = (kind: IntervalKind): string =>
  `
  with ${COVERED},
  present as (${[OPEN, ENDED_LATER].map(
    (rows) => `
    select r.*, r.ctid as place, c.complete, c.checks
    from ${kind.table} r join covered c on r.target_id = c."targetId" and r.source = c.source
    where r.organization_id = $1 and r.system_id = $2 and ${rows} and r.observed_from <= $4`,
  ).join(`
    union all`)}
  ),
  delta as materialized (${delta(
    kind,
    `coalesce(s.series, p.series) as series, coalesce(s.target_id, p.target_id) as target_id,
          coalesce(s.source, p.source) as source, coalesce(s.${kind.check}, p.${kind.check}) as check_of,
          s.series as staged, p.series as ended, p.observed_from, p.observed_to, p.place`,
  )}),
  later as materialized (
    select k.target_id, k.source, k.observed_at, k.complete, k.checks, k.sighting_id
    from coverage k join covered c on k.target_id = c."targetId" and k.source = c.source
    where k.organization_id = $1 and k.system_id = $2 and k.observed_at > $4
  ),
  covered_next as (
    select d.series, min(l.at) as at
    from delta d
      join (select target_id, source, checks, min(observed_at) as at from later where complete group by 1, 2, 3) l
        on l.target_id = d.target_id and l.source = d.source and (l.checks is null or d.check_of = any (l.checks))
    group by d.series
  ),
  sighted_next as materialized (
    select g.series, min(l.at) as at
    from (select sighting_id, min(observed_at) as at from later group by 1) l
      join sighting s on s.organization_id = $1 and s.id = l.sighting_id
      cross join lateral unnest(s.series) as g(series)
    group by g.series
  ),
  placed as materialized (
    select d.*, n.next, d.observed_to is null and n.next is null and d.observed_from < $4 as simple
    from delta d left join covered_next c on c.series = d.series left join sighted_next g on g.series = d.series
      cross join lateral (select least(c.at, g.at) as next) n
  ),
  ended as (
    update ${kind.table} r set observed_to = $4, ended_known = $5
    where ${foundAt('select place from placed where simple')}
  ),
  corrected as (
    update ${kind.table} r set known_to = $5
    where ${foundAt('select place from placed where ended is not null and not simple')}
  ),
  pieces as (
    select p.place, piece.starts, piece.ends
    from placed p cross join lateral (values
      (p.observed_from, $4::timestamptz),
      (p.next, p.observed_to)) as piece(starts, ends)
    where p.ended is not null and not p.simple
      and piece.starts is not null and (piece.ends is null or piece.starts < piece.ends)
  ),
  kept as (
    insert into ${kind.table} (organization_id, system_id, series, observed_from, known_from, observed_to, ended_known, target_id,
                        scan_id, source, ${kind.own.join(', ')})
    select r.organization_id, r.system_id, r.series, k.starts, $5, k.ends, case when k.ends is null then null else $5::timestamptz end,
           r.target_id, r.scan_id, r.source, ${prefixed('r', kind.own)}
    from pieces k cross join lateral (
      select * from ${kind.table} r where r.organization_id = $1 and r.system_id = $2 and r.ctid = k.place offset 0) r
  ),
  opened as (
    insert into ${kind.table} (organization_id, system_id, series, observed_from, known_from, observed_to, ended_known, target_id,
                        scan_id, source, ${kind.own.join(', ')})
    select $1, $2, s.series, $4, $5, p.next, case when p.next is null then null else $5::timestamptz end, s.target_id,
           $6::uuid, s.source, ${prefixed('s', kind.own)}
    from placed p join ${kind.staging} s on p.staged = s.series
  )
  ${COUNTS}`;
