const DAY = 24 * 3_600_000;

/*
 * What fields name in days and instants: days are days in UTC.
 */

const isDay = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text);

/** The instant that a field names: a date-time, or the beginning of a day in UTC. */
export function instantOfField(value: unknown): Date | null {
  if (typeof value !== 'string') return null;
  const at = Date.parse(isDay(value) ? `${value}T00:00:00Z` : value);
  return Number.isNaN(at) ? null : new Date(at);
}

/** The first instant after what a field names: what holds until a day holds on that day. */
export function endOfField(value: unknown): Date | null {
  const at = instantOfField(value);
  return at !== null && typeof value === 'string' && isDay(value) ? new Date(at.getTime() + DAY) : at;
}

/** The last instant of what a field names. */
export function lastOfField(value: unknown): Date | null {
  const [at, end] = [instantOfField(value), endOfField(value)];
  return at !== null && end !== null && end > at ? new Date(end.getTime() - 1) : at;
}

/** Whether what is named second lies before what is named first; of two days, or a day and an instant in it, neither does. */
export function liesBefore(second: unknown, first: unknown): boolean {
  const [begins, ends, end] = [instantOfField(first), instantOfField(second), endOfField(second)];
  if (begins === null || ends === null || end === null) return false;
  return end > ends ? end <= begins : end < begins;
}
