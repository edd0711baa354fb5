import type { IntervalKind } from './merge.sql.js';
import type { StagedCoverage } from './staged.js';

/** Where a scan stands among those of what it covers. */
export interface Place {
  /** Something of it was covered at or after its instant already. */
  late: boolean;
  /** Something of it was covered at all. */
  covered: boolean;
}

/** Names a list of checks, or that there is none (all of a source): rows of one name are found by an index, which a long list would not fit into. */
const CHECKS_ID = `encode(substring(sha256(convert_to(coalesce(c.checks::text, ''), 'UTF8')) for 16), 'hex')::uuid`;

/**
 * One row of coverage per target and source, and what the scan saw without covering it completely. $1 organisation, $2 system, $3 coverage, $4 observed,
 * $5 known, $6 scan, $7 evidence. `areOpened`: the scan is the system's first, and its rows are intervals already.
 */
export function keepCoverage(
  kinds: readonly IntervalKind[],
  coverage: readonly StagedCoverage[],
  place: Place,
  areOpened: boolean,
): string {
  const isAllCovered = coverage.every(({ complete, checks }) => complete && checks === null);
  return `
  with covered as (
    select * from jsonb_to_recordset($3::jsonb)
      as c("targetId" uuid, source text, complete boolean, checks text[], "silentPass" text[])
  )
  ${isAllCovered ? '' : `, ${sighting(kinds, areOpened)}${place.covered ? `, ${losses(place)}` : ''}`}
  insert into coverage (organization_id, system_id, target_id, source, observed_at, scan_id, evidence_id, known_at, complete, checks, checks_id,
                        silent_pass, sighting_id)
  select $1, $2, c."targetId", c.source, $4, $6::uuid, $7::uuid, $5, c.complete, c.checks, ${CHECKS_ID}, coalesce(c."silentPass", '{}'),
         ${isAllCovered ? 'null' : 'n.id'}
  from covered c ${isAllCovered ? '' : 'left join named n on n."targetId" = c."targetId" and n.source = c.source'}`;
}

/**
 * What a scan saw without covering it completely (all of a partial scan; of a complete one, results of checks that it does not list) is kept once per distinct
 * set of series: it spoke of them too.
 */
function sighting(kinds: readonly IntervalKind[], areOpened: boolean): string {
  const staged = kinds
    .map(({ table, staging, check }) => {
      const rows = areOpened ? `${table} where organization_id = $1 and system_id = $2` : staging;
      return `select target_id, source, series, ${check} as check_of from ${rows}`;
    })
    .join(' union all ');
  return `
  seen as materialized (
    select c."targetId", c.source, coalesce(array_agg(s.series order by s.series) filter (where s.series is not null), '{}') as series
    from covered c left join (${staged || NOTHING_STAGED}) s on s.target_id = c."targetId" and s.source = c.source
      and not (c.complete and (c.checks is null or s.check_of = any (c.checks)))
    group by c."targetId", c.source
    having not bool_and(c.complete) or count(s.series) > 0
  ),
  named as materialized (
    select *, encode(substring(sha256(convert_to(array_to_string(series, ','), 'UTF8')) for 16), 'hex')::uuid as id from seen
  ),
  kept as (
    insert into sighting (organization_id, id, series)
    select distinct on (id) $1::uuid, id, series from named
    on conflict do nothing
  )`;
}

/** Of a report of events, which have no series. */
const NOTHING_STAGED =
  'select null::uuid as target_id, null as source, null::uuid as series, null as check_of where false';

/**
 * Of two sightings that come one after the other it is kept, once, what of the earlier is not in the later. So the last scan to see a series is found without
 * reading every sighting: the series is in the last one, or it was lost after the last one to have it. A scan that covered all of the target and source stands
 * between sightings like one, for nobody asks for what was seen before it.
 */
const losses = ({ late }: Place): string => `
  steps as (
    select b.id as earlier_id, b.series as earlier, n.id as later_id, n.series as later
    from named n cross join lateral (${beside('<= $4', 'desc')}) b
    ${late ? `union all select n.id, n.series, a.id, a.series from named n cross join lateral (${beside('> $4', 'asc')}) a` : ''}
  ),
  lost as (
    insert into sighting_loss (organization_id, earlier_id, later_id, series)
    select $1, s.earlier_id, s.later_id, array(select unnest(s.earlier) except select unnest(s.later))
    from steps s
    where s.earlier_id <> s.later_id and (
      select l.later_id from sighting_loss l
      where l.organization_id = $1 and l.earlier_id = s.earlier_id and l.later_id = s.later_id) is null
    on conflict do nothing
  )`;

/** The sighting of the scan next to this one, of those that saw or covered all of what `n` names. */
const beside = (instants: string, direction: 'asc' | 'desc'): string => `
      select k.sighting_id as id,
             (select series from sighting where organization_id = $1 and id = k.sighting_id) as series
      from coverage k
      where k.organization_id = $1 and k.system_id = $2 and k.target_id = n."targetId" and k.source = n.source
        and (k.sighting_id is not null or k.checks is null) and k.observed_at ${instants}
      order by k.observed_at ${direction}, k.known_at ${direction}
      limit 1`;
