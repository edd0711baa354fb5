/** Rows `r` of the system $2 of the organisation $1, visible at $3 (as of), $4 (known at): begun and not ended, by what was known then. */
export const VISIBLE = `
  r.organization_id = $1 and r.system_id = $2
  and r.known_from <= $4 and (r.known_to is null or r.known_to > $4)
  and r.observed_from <= $3 and (r.observed_to is null or r.observed_to > $3 or r.ended_known > $4)`;

/** Rows `r` that have neither ended nor been corrected; they have an index of their own (result_open, fact_open). */
export const OPEN = 'r.observed_to is null and r.known_to is null';

/** Rows `r` that have ended and were not corrected, by their end; they have an index of their own (result_by_end, fact_by_end). */
export const ENDED = 'r.observed_to is not null and r.known_to is null';

/** Of a row `r` the latest instant at which its end or its correction became known. Of results it is indexed (result_told). */
const TOLD = 'greatest(r.ended_known, r.known_to)';

/**
 * Columns of the VISIBLE results: of the open ones; of those that have ended, and whose end was known, the ones that ended later than the instant that is asked for; and of what
 * became known later than is asked for all. Whatever else there is of a history is not read.
 */
export const visibleResults = (columns: string): string =>
  [OPEN, `${ENDED} and r.observed_to > $3 and r.ended_known <= $4`, `${TOLD} > $4`]
    .map((rows) => `select ${columns} from result r where ${VISIBLE} and ${rows}`)
    .join(' union all ');
