import { earliest, later } from '../kernel/dates.js';
import type { EffectiveRecord } from '../records/effective.js';
import type { Statement, WorkKind } from '../records/statement.js';

/** The record types that a practice of the catalogue asks for, with the days that they are good for; undefined where it does not. */
export type LimitOf = (practice: string, type: string) => { days: number | null } | undefined;

/** By what recovery is judged. */
export interface Judged {
  /** Records in effect of the place. */
  records: readonly EffectiveRecord[];
  limitOf: LimitOf;
  asOf: Date;
}

/** A statement about a practice; of another need than its own it would be lost. */
export function stating({ limitOf, asOf }: Judged, practice: string, type: string) {
  return (
    says: Statement['says'],
    reason: string,
    more: Partial<Pick<Statement, 'records' | 'series' | 'until' | 'again' | 'work'>> = {},
  ): Statement => ({
    about: { practice },
    need: limitOf(practice, type) === undefined ? null : type,
    says,
    reason,
    records: [],
    series: [],
    at: asOf,
    until: null,
    ...more,
  });
}

export const work = (
  kind: WorkKind,
  record: EffectiveRecord,
  dueAt: Date | null,
): { work: NonNullable<Statement['work']> } => ({
  work: { kind, ownerId: record.ownerId, dueAt },
});

export const idsOf = (records: readonly EffectiveRecord[]): string[] => records.slice(0, 5).map(({ id }) => id);

export interface Age {
  newest: EffectiveRecord;
  isOver: boolean;
  end: Date | null;
}

/** Of records the one that speaks: not expired before expired, then the youngest. */
export function ageOf(records: readonly EffectiveRecord[], days: number | null, asOf: Date): Age | null {
  const hasExpired = ({ expiresAt }: EffectiveRecord) => expiresAt !== null && expiresAt <= asOf;
  const [newest] = records.toSorted(
    (one, other) =>
      Number(hasExpired(one)) - Number(hasExpired(other)) || other.goodFrom.getTime() - one.goodFrom.getTime(),
  );
  if (newest === undefined) return null;
  const end = earliest([newest.expiresAt, days === null ? null : later(newest.goodFrom, days)]);
  return { newest, isOver: end !== null && end <= asOf, end };
}
