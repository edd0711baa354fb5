/** The place of what is of the whole organisation. */
export const WHOLE = '00000000-0000-0000-0000-000000000000';

/** Rows `r` of the organisation $1 visible at an instant, $3 (known at): begun and not ended, by what was known then. */
const visibleAt = (asOf: string): string => `
  r.organization_id = $1
  and r.known_from <= $3 and (r.known_to is null or r.known_to > $3)
  and r.effective_from <= ${asOf} and (r.effective_to is null or r.effective_to > ${asOf} or r.ended_known > $3)`;

/** Of rows `r` that are visible: an end to come that was known. An open row has none, so that its index has all that is asked. */
export const plannedEnd = (isOpen: boolean): string =>
  isOpen ? 'null::timestamptz' : 'case when r.ended_known <= $3 then r.effective_to end';

/** Rows `r` that have neither an end nor been corrected; they have an index of their own (record_open). */
export const OPEN = 'r.effective_to is null and r.known_to is null';

/** Of a row `r` that is not open, the latest instant that says so; null of an open one. Indexed (record_past). */
export const PAST = 'greatest(r.effective_to, r.ended_known, r.known_to)';

/** When a row last became known; indexed, by place too (record_known, record_told). */
export const KNOWN = 'greatest(known_from, ended_known, known_to)';

/**
 * Columns of the intervals for which `where` holds that are visible at $2, or another instant. A row that is not open is visible only at instants of which one lies before its
 * last: so what is read beside the open rows is what has changed since the instants that are asked for, and not all that ever did.
 */
export const visibleIntervals = (
  columns: string | ((isOpen: boolean) => string),
  where: string,
  asOf = '$2::timestamptz',
): string =>
  [true, false]
    .map(
      (isOpen) =>
        `select ${typeof columns === 'string' ? columns : columns(isOpen)} from record_interval r
         where ${visibleAt(asOf)} and ${isOpen ? OPEN : `${PAST} > least(${asOf}, $3::timestamptz)`} and (${where})`,
    )
    .join(' union all ');
