/** Rows `r` of the system $2 of the organisation $1, visible at $3 (as of), $4 (known at): begun and not ended, by what was known then. */
export const VISIBLE = `
  r.organization_id = $1 and r.system_id = $2
  and r.known_from <= $4 and (r.known_to is null or r.known_to > $4)
  and r.observed_from <= $3 and (r.observed_to is null or r.observed_to > $3 or r.ended_known > $4)`;

/** Rows `r` that have neither ended nor been corrected; they have an index of their own (result_open, fact_open). */
export const OPEN = 'r.observed_to is null and r.known_to is null';

/** Of a row `r` that is not open, the latest instant that says so; null of an open one. Indexed (result_past, fact_past). */
export const PAST = 'greatest(r.observed_to, r.ended_known, r.known_to)';

/**
 * Columns of the VISIBLE results. A row that is not open is visible only at instants of which one lies before its last: so what is read beside the open rows is
 * what has changed since the instants that are asked for, and not all that ever did.
 */
export const visibleResults = (columns: string): string =>
  [OPEN, `${PAST} > least($3::timestamptz, $4::timestamptz)`]
    .map((rows) => `select ${columns} from result r where ${VISIBLE} and ${rows}`)
    .join(' union all ');
