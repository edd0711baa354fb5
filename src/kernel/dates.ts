export const DAY_MS = 24 * 3_600_000;
export const MINUTE_MS = 60_000;

export const later = (instant: Date, days: number): Date => new Date(instant.getTime() + days * DAY_MS);

/** The day of an instant in UTC, `YYYY-MM-DD`. */
export const dayOf = (instant: Date): string => instant.toISOString().slice(0, 10);

/** Null is no instant. */
export const earlier = (one: Date | null, other: Date | null): Date | null =>
  one === null || (other !== null && other < one) ? other : one;

export const earliest = (dates: readonly (Date | null)[]): Date | null => dates.reduce(earlier, null);

/** The first of the dates after an instant. */
export const firstAfter = (instant: Date, dates: readonly (Date | null)[]): Date | null =>
  earliest(dates.filter((date) => date !== null && date > instant));
