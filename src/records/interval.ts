/** The place of what is of the whole organisation. */
export const WHOLE = '00000000-0000-0000-0000-000000000000';

/** Rows `r` of the organisation $1 visible at $2 (as of), $3 (known at): begun and not ended, by what was known then. */
export const VISIBLE = `
  r.organization_id = $1
  and r.known_from <= $3 and (r.known_to is null or r.known_to > $3)
  and r.effective_from <= $2 and (r.effective_to is null or r.effective_to > $2 or r.ended_known > $3)`;

/** Rows `r` that have neither an end nor been corrected; they have an index of their own (record_open). */
export const OPEN = 'r.effective_to is null and r.known_to is null';

/** Of a row `r` that is not open, the latest instant that says so; null of an open one. Indexed (record_past). */
export const PAST = 'greatest(r.effective_to, r.ended_known, r.known_to)';

/** When a row last became known; indexed, by place too (record_known, record_told). */
export const KNOWN = 'greatest(known_from, ended_known, known_to)';

/**
 * Columns of the visible intervals for which `where` holds. A row that is not open is visible only at instants of which one lies before its last: so what is read
 * beside the open rows is what has changed since the instants that are asked for, and not all that ever did.
 */
export const visibleIntervals = (columns: string, where: string): string =>
  [OPEN, `${PAST} > least($2::timestamptz, $3::timestamptz)`]
    .map((rows) => `select ${columns} from record_interval r where ${VISIBLE} and ${rows} and (${where})`)
    .join(' union all ');
