import { WHOLE } from './interval.js';

/** An approved version, as far as intervals follow from it. */
export interface Decided {
  recordId: string;
  version: number;
  kind: 'content' | 'end';
  systemIds: readonly string[];
  effectiveFrom: Date;
  decidedAt: Date;
}

/** Where and when a version is in effect, as it is known over an interval of our time. */
export interface Replayed {
  version: number;
  systemId: string;
  effectiveFrom: Date;
  knownFrom: Date;
  effectiveTo: Date | null;
  endedKnown: Date | null;
  knownTo: Date | null;
}

/** The intervals of one record, from its versions alone, one decision after another: what APPROVED_INTERVALS writes of them (interval.sql.ts says the rule). */
export function replayed(versions: readonly Decided[]): Replayed[] {
  const intervals: Replayed[] = [];
  const order = versions.toSorted((a, b) => a.decidedAt.getTime() - b.decidedAt.getTime() || a.version - b.version);
  for (const { version, kind, systemIds, effectiveFrom: begins, decidedAt: known } of order) {
    const standing = intervals.filter(
      ({ knownTo, effectiveTo }) => knownTo === null && (effectiveTo === null || effectiveTo > begins),
    );
    for (const one of standing) {
      const isBefore = one.effectiveFrom < begins;
      if (isBefore && one.effectiveTo === null) Object.assign(one, { effectiveTo: begins, endedKnown: known });
      else {
        one.knownTo = known;
        if (isBefore) {
          intervals.push({ ...one, knownFrom: known, effectiveTo: begins, endedKnown: known, knownTo: null });
        }
      }
    }
    if (kind === 'end') continue;
    for (const systemId of systemIds.length === 0 ? [WHOLE] : systemIds) {
      intervals.push({
        ...{ version, systemId, effectiveFrom: begins, knownFrom: known },
        ...{ effectiveTo: null, endedKnown: null, knownTo: null },
      });
    }
  }
  return intervals;
}
