/** Rows `r` of the system $2 of the organisation $1, visible at $3 (as of), $4 (known at): begun and not ended, by what was known then. */
export const VISIBLE = `
  r.organization_id = $1 and r.system_id = $2
  and r.known_from <= $4 and (r.known_to is null or r.known_to > $4)
  and r.observed_from <= $3 and (r.observed_to is null or r.observed_to > $3 or r.ended_known > $4)`;
