/** What can be said of a control or practice. The order is the one in which people work: what asks for work first. */
export const STATUSES = ['failing', 'missing', 'stale', 'partial', 'excepted', 'evidenced', 'not_applicable'] as const;
/**
 * `failing`: something known contradicts it. `missing`: nothing speaks for it. `stale`: what spoke for it is too old. `partial`: something fresh speaks
 * for it and does not prove it. `evidenced`: proven as far as the catalogue asks. `not_applicable`: judged through other items. `excepted`: met by an
 * approved exception.
 */
export type Status = (typeof STATUSES)[number];

export type StatusCounts = Record<Status, number>;

export function countStatuses(statuses: Iterable<Status>): StatusCounts {
  const counts: StatusCounts = {
    failing: 0,
    missing: 0,
    stale: 0,
    partial: 0,
    excepted: 0,
    evidenced: 0,
    not_applicable: 0,
  };
  for (const status of statuses) counts[status]++;
  return counts;
}
