import { retentionEnd } from '../kernel/retention.js';

/** What of a version decides how long it is kept. */
export interface Lifetime {
  createdAt: Date;
  /** Its intervals, by what is known now: each until when, null: until something ends it. None: it was never in effect. */
  ends: readonly { effectiveTo: Date | null; expiresAt: Date | null }[];
}

/**
 * 45 CFR 164.316(b)(2)(i): six years from the date of its creation or the date when it last was in effect, whichever is later. Null: it is in effect, and when it
 * will last have been is not known. What says itself when it ends (an agreement) was in effect until then.
 */
export function keptUntil({ createdAt, ends }: Lifetime): Date | null {
  let last = createdAt;
  for (const { effectiveTo, expiresAt } of ends) {
    const end = earliest(effectiveTo, expiresAt);
    if (end === null) return null;
    if (end > last) last = end;
  }
  return retentionEnd(last);
}

function earliest(a: Date | null, b: Date | null): Date | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

/** The last of all that keep a thing: one that has no end yet keeps it without an end. */
export function latest(ends: readonly (Date | null)[]): Date | null {
  const [first = null, ...others] = ends;
  return others.reduce((last, end) => (last === null || end === null ? null : end > last ? end : last), first);
}
