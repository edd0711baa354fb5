import type { Obligation, TypeDefinition } from '../catalog/record-type.js';
import { earliest } from '../kernel/dates.js';
import type { EffectiveRecord } from './effective.js';
import { areFields } from './conditions.js';
import { instantOfField, lastOfField } from './instants.js';

const DAY = 24 * 3_600_000;

/** What a record in effect makes due. */
export interface Due {
  /** The record that makes it due. */
  record: EffectiveRecord;
  /** The type of the record that is due. */
  type: string;
  /** The duty, in a sentence. */
  says: string;
  /** The items of the law that say so. */
  items: readonly string[];
  dueAt: Date;
  /** The record in effect that met it first; null while there is none. */
  metBy: string | null;
  /** As of when. */
  metAt: Date | null;
  /** It was met, and not in time: a delay that lifted the duty counts to its end. */
  isLate: boolean;
  /** Of what was late: the corrective action, completed by then and linked to the record that made it due. */
  answeredBy: string | null;
  /** Where there is none: when one will have been completed; null: none is known. */
  answeredAt: Date | null;
  /** It is not met, and the day is past. */
  isOverdue: boolean;
}

/**
 * What a record makes due of others, at an instant: a record of the type that its own type names, in effect, linked to it and with the fields that are asked for (a
 * notice to individuals is none to HHS), within days of what one of its fields says. Where that field says nothing the days count from its effect: nobody puts a duty
 * off by leaving a date out. Nothing is due while a record lifts the duty. `others`: records in effect of the types that are due, and of those that lift it.
 */
export function dueOf(
  definition: TypeDefinition,
  record: EffectiveRecord,
  others: readonly EffectiveRecord[],
  asOf: Date,
): Due[] {
  return definition.obliges.flatMap((obligation): Due[] => {
    if (record.disposed || !areFields(obligation.when, record.fields)) return [];
    if (others.some((other) => lifts(obligation, record, other, asOf))) return [];
    const dueAt = dueAtOf(obligation, record);
    // What is done later, though its record be in effect, has met nothing yet.
    const met = others
      .filter((other) => other.goodFrom <= asOf && meets(obligation, record, other))
      .reduce<EffectiveRecord | null>(
        (first, next) => (first === null || next.goodFrom < first.goodFrom ? next : first),
        null,
      );
    const isLate = met !== null && met.goodFrom > lastDayOf(obligation, record, others, dueAt);
    return [
      {
        record,
        type: obligation.type,
        says: obligation.says,
        items: obligation.items,
        dueAt,
        metBy: met?.id ?? null,
        metAt: met?.goodFrom ?? null,
        isLate,
        ...(isLate ? answerOf(record, others, asOf) : { answeredBy: null, answeredAt: null }),
        isOverdue: met === null && dueAt < asOf,
      },
    ];
  });
}

/** What was done about a duty that was met too late (catalog/record-types/contingency.yaml). */
const ANSWER = 'corrective_action';

/** The types of records that tell whether an obligation is met or lifted, and of what was done about a late one. */
export const typesAsked = (obliges: readonly Obligation[]): string[] => [
  ...new Set(obliges.flatMap(({ type, unless }) => [type, ANSWER, ...(unless === null ? [] : [unless])])),
];

function answerOf(
  record: EffectiveRecord,
  others: readonly EffectiveRecord[],
  asOf: Date,
): Pick<Due, 'answeredBy' | 'answeredAt'> {
  const answers = others.flatMap((other) => {
    const done = other.type === ANSWER ? instantOfField(other.fields['completedOn']) : null;
    return done !== null && isLinked(other, record) ? [{ id: other.id, done }] : [];
  });
  const answer = answers.find(({ done }) => done <= asOf);
  const answeredAt = answer === undefined ? earliest(answers.map(({ done }) => done)) : null;
  return { answeredBy: answer?.id ?? null, answeredAt };
}

/** Of days that count from a day, the last one is whole. */
function dueAtOf(obligation: Obligation, { fields, effectiveFrom }: EffectiveRecord): Date {
  const named = lastOfField(fields[obligation.from]) ?? effectiveFrom;
  const counted = obligation.year_end ? Date.UTC(named.getUTCFullYear() + 1, 0, 1) - 1 : named.getTime();
  return new Date(counted + obligation.within_days * DAY);
}

function meets(obligation: Obligation, record: EffectiveRecord, other: EffectiveRecord): boolean {
  if (other.type !== obligation.type || other.id === record.id || !areFields(obligation.having, other.fields))
    return false;
  return obligation.linked ? isLinked(other, record) : other.effectiveFrom >= record.effectiveFrom;
}

const lifts = ({ unless }: Obligation, record: EffectiveRecord, other: EffectiveRecord, asOf: Date): boolean =>
  other.type === unless &&
  other.id !== record.id &&
  isLinked(other, record) &&
  (other.expiresAt === null || other.expiresAt > asOf);

/** Until when it was in time: to the end of the last delay, over by now, that lifted it. */
const lastDayOf = (
  { unless }: Obligation,
  record: EffectiveRecord,
  others: readonly EffectiveRecord[],
  dueAt: Date,
): Date =>
  others.reduce(
    (last, { type, expiresAt, links, id }) =>
      type === unless && id !== record.id && isLinked({ links }, record) && expiresAt !== null && expiresAt > last
        ? expiresAt
        : last,
    dueAt,
  );

const isLinked = ({ links }: Pick<EffectiveRecord, 'links'>, { id }: EffectiveRecord): boolean =>
  links.some(({ kind, target }) => kind === 'record' && target === id);

/** Whether an obligation is judged in a system's part: where all records that it speaks of are of systems. Else in the organisation's. */
export const isOfSystems = (
  definition: TypeDefinition,
  { type, unless }: Obligation,
  placeOf: (type: string) => TypeDefinition['place'] | undefined,
): boolean =>
  definition.place === 'system' && placeOf(type) === 'system' && (unless === null || placeOf(unless) === 'system');
