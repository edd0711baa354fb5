import type { EffectiveRecord } from '../records/effective.js';
import { decisionOf, exceptionOf, type DecisionFields } from './fields.js';

const DAY = 86_400_000;

/** An exception in effect, for the work list: when it ends, what it covers returns by itself. */
export interface ExceptionInEffect {
  recordId: string;
  ownerId: string;
  until: Date;
}

/** That an addressable specification is met otherwise, or need not be. */
export interface DecisionInEffect {
  recordId: string;
  version: number;
  ownerId: string;
  outcome: Exclude<DecisionFields['outcome'], 'implement'>;
  /** The first instant at which it is too old; null: of any age. */
  until: Date | null;
}

/** What people have accepted at an instant, of one place. What fails goes on failing; it is shown as excepted. */
export interface Acceptances {
  /** Series of results of the system. */
  results: ReadonlySet<string>;
  /** `checkKey` of each check whose failing results in the system are covered. */
  checks: ReadonlySet<string>;
  practices: ReadonlySet<string>;
  /** Addressable specifications, by their id; of the organisation alone. */
  controls: ReadonlyMap<string, DecisionInEffect>;
  /** When the first of all of it ends, or another begins; null: nothing does. */
  until: Date | null;
  /** Ids of the records behind it. */
  ids: readonly string[];
  exceptions: readonly ExceptionInEffect[];
}

/** A source never holds a line feed, so the two parts cannot run into each other. */
export const checkKey = (source: string, check: string): string => `${source}\n${check}`;

export interface AcceptancesInput {
  /** In effect; of every place. */
  exceptions: readonly EffectiveRecord[];
  decisions: readonly EffectiveRecord[];
  /** How old a decision may be; null: as old as it is. */
  decisionDays: number | null;
  isAddressable(control: string): boolean;
}

/** `place`: a system, or null: what is of the whole organisation. */
export function acceptancesOf(input: AcceptancesInput, place: string | null, asOf: Date): Acceptances {
  const results = new Set<string>();
  const checks = new Set<string>();
  const practices = new Set<string>();
  const exceptions: ExceptionInEffect[] = [];
  const begins: Date[] = [];
  for (const record of input.exceptions) {
    const isOfPlace = place === null ? record.systemIds.length === 0 : record.systemIds.includes(place);
    const covered = exceptionOf(record);
    const until = untilOf(record, asOf);
    if (isOfPlace && record.decidedAt > asOf) begins.push(record.decidedAt);
    if (!isOfPlace || covered === null || until === null) continue;
    for (const practice of covered.practices) practices.add(practice);
    if (place !== null) {
      for (const { systemId, series } of covered.results) if (systemId === place) results.add(series);
      for (const { source, check } of covered.checks) checks.add(checkKey(source, check));
    }
    exceptions.push({ recordId: record.id, ownerId: record.ownerId, until });
  }
  const controls = place === null ? decisionsOf(input, asOf) : new Map<string, DecisionInEffect>();
  const ends = [...begins, ...[...exceptions, ...controls.values()].map(({ until }) => until)];
  return {
    results,
    checks,
    practices,
    controls,
    until: ends.reduce((first, end) => (end !== null && (first === null || end < first) ? end : first), null),
    ids: [...exceptions, ...controls.values()].map(({ recordId }) => recordId),
    exceptions,
  };
}

/**
 * When an exception ends that is not over yet; null where it is, or covers nothing. One without an end would be none: it is not one either. And none accepts anything
 * before the instant at which the second person has approved it, from whenever it says that it counts: what failed then failed with nobody's leave.
 */
export function untilOf(record: Pick<EffectiveRecord, 'fields' | 'expiresAt' | 'decidedAt'>, asOf: Date): Date | null {
  const { expiresAt, decidedAt } = record;
  const isOfThen = decidedAt <= asOf && expiresAt !== null && expiresAt > asOf;
  return isOfThen && exceptionOf(record) !== null ? expiresAt : null;
}

function decisionsOf(input: AcceptancesInput, asOf: Date): Map<string, DecisionInEffect> {
  const { decisionDays: days } = input;
  return new Map(
    input.decisions.flatMap((record): [string, DecisionInEffect][] => {
      const decision = decisionOf(record);
      if (decision === null || decision.outcome === 'implement' || !input.isAddressable(decision.control)) return [];
      if (record.goodFrom > asOf) return [];
      const tooOldAt = days === null ? null : new Date(record.goodFrom.getTime() + days * DAY + 1);
      const ends = [tooOldAt, record.expiresAt].filter((at) => at !== null).sort((a, b) => a.getTime() - b.getTime());
      const until = ends[0] ?? null;
      if (until !== null && until <= asOf) return [];
      const { id: recordId, version, ownerId } = record;
      return [[decision.control, { recordId, version, ownerId, outcome: decision.outcome, until }]];
    }),
  );
}
