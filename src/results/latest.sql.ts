/**
 * How far ahead of our knowledge an observation may lie (constraint coverage_ahead; a report from minutes ahead is refused). What is known at an instant was
 * observed no later than that after it, so scans that came long after need not be passed by one after the other.
 */
const AHEAD = `interval '24 hours'`;

/** Into which sets the coverage of a target and source falls, each with an index that has the rows of a set by instant. */
const SETS = {
  /** Complete scans, by the checks that they are complete for (index coverage_latest). */
  complete: { key: 'checks_id', where: 'complete' },
  /** Scans that saw what they did not cover completely, by what they saw of it (index coverage_sighted). */
  sighted: { key: 'sighting_id', where: 'sighting_id is not null' },
} as const;

/**
 * Members of a WITH RECURSIVE: `name` has of each set of the system $2 of the organisation $1 its latest row at $3 (as of), as known at $4; of equal instants,
 * the one that was known last. It steps through the index from one set to the next, and in each to that row: its cost is that of the sets, however many scans
 * they have. What it passes by are scans of instants before $3 that became known after $4.
 */
export function latest(name: keyof typeof SETS): string {
  const { key, where } = SETS[name];
  const own = `organization_id = $1 and system_id = $2 and ${where}`;
  const scope = `target_id, source, ${key}`;
  return `
  ${name}_set as (
    (select ${scope} from coverage where ${own} order by ${scope} limit 1)
    union all
    select n.* from ${name}_set s cross join lateral (
      select ${scope} from coverage
      where ${own} and (${scope}) > (s.target_id, s.source, s.${key})
      order by ${scope} limit 1) n
  ),
  ${name} as materialized (
    select c.* from ${name}_set s cross join lateral (
      select target_id, source, checks, silent_pass, sighting_id, observed_at, known_at, scan_id, evidence_id from coverage
      where ${own} and (${scope}) = (s.target_id, s.source, s.${key})
        and observed_at <= least($3::timestamptz, $4::timestamptz + ${AHEAD}) and known_at <= $4
      order by observed_at desc, known_at desc
      limit 1) c
  )`;
}
