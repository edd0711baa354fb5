import type { Obligation, TypeDefinition } from '../catalog/record-type.js';
import { DAY_MS, earliest } from '../kernel/dates.js';
import type { EffectiveRecord } from './effective.js';
import { areFields } from './conditions.js';
import { instantOfField, lastOfField } from './instants.js';

/** The last instant that there is. */
const NEVER = new Date(8.64e15);

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
 * notice to individuals is none to HHS), within days of what one of its fields says, or what one that it links to says, whichever is the earlier. Where none says
 * anything the days count from its effect: nobody puts a duty off by leaving a date out. Nothing is due while a record lifts the duty. `others`: records in effect of
 * the types that are due, that lift it, and that the days may count from.
 */
export function dueOf(
  definition: TypeDefinition,
  record: EffectiveRecord,
  others: readonly EffectiveRecord[],
  asOf: Date,
): Due[] {
  return definition.obliges.flatMap((obligation): Due[] => {
    if (record.disposed || !areFields(obligation.when, record.fields)) return [];
    const since = sinceOf(obligation, record, others);
    const dueAt = dueAtOf(obligation, since?.ends ?? record.effectiveFrom);
    // What is asked for or done later, though its record be in effect, has put off and met nothing yet.
    const done = others.filter(({ goodFrom }) => goodFrom <= asOf);
    const delays = delaysOf(obligation, record, done, dueAt);
    if (delays.some(({ expiresAt }) => expiresAt === null || expiresAt > asOf)) return [];
    const met = done
      .filter((other) => meets(obligation, record, other, since))
      .reduce<EffectiveRecord | null>(
        (first, next) => (first === null || next.goodFrom < first.goodFrom ? next : first),
        null,
      );
    const isLate = met !== null && met.goodFrom > lastDayOf(dueAt, delays);
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

/** What may meet a duty. */
type Done = Pick<EffectiveRecord, 'type' | 'fields' | 'goodFrom'>;

/** What was done about a duty that was met too late (catalog/record-types/contingency.yaml). */
const ANSWER = 'corrective_action';

/** The types of records that tell from when an obligation counts, whether it is met or lifted, and of what was done about a late one. */
export const typesAsked = (obliges: readonly Obligation[]): string[] => [
  ...new Set(obliges.flatMap((obligation) => [...typesOf(obligation), ANSWER])),
];

/** The types of records that a record may link to, and its days count from. */
export const typesCounted = (obliges: readonly Obligation[]): string[] =>
  obliges.flatMap(({ or_earlier: earlier }) => earlier?.type ?? []);

/** The types of the other records that an obligation speaks of. */
const typesOf = ({ type, unless, or_earlier: earlier }: Obligation): string[] =>
  [type, unless, earlier?.type ?? null].filter((name) => name !== null);

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

/** A day, or an instant: that begins and ends at once. */
interface Since {
  readonly begins: Date;
  readonly ends: Date;
}

/** The day or instant from which its days count, as a field has it: of those that are told the earliest. Null: none is. */
function sinceOf(
  { from, or_earlier: earlier }: Obligation,
  record: EffectiveRecord,
  others: readonly EffectiveRecord[],
): Since | null {
  const named = [
    record.fields[from],
    ...others.flatMap((other) =>
      earlier !== null && other.type === earlier.type && isLinked(record, other) ? [other.fields[earlier.field]] : [],
    ),
  ].flatMap((value) => {
    const [begins, ends] = [instantOfField(value), lastOfField(value)];
    return begins === null || ends === null ? [] : [{ begins, ends }];
  });
  return named.reduce<Since | null>((first, next) => (first === null || next.ends < first.ends ? next : first), null);
}

/** Of days that count from a day, the last one is whole. */
function dueAtOf({ year_end: isYear, within_days: days }: Obligation, since: Date): Date {
  const counted = isYear ? Date.UTC(since.getUTCFullYear() + 1, 0, 1) - 1 : since.getTime();
  return new Date(counted + days * DAY_MS);
}

function meets(obligation: Obligation, record: EffectiveRecord, other: EffectiveRecord, since: Since | null): boolean {
  if (other.id === record.id || !isDue(obligation, other) || isBefore(obligation, other, since)) return false;
  return obligation.linked ? isLinked(other, record) : other.effectiveFrom >= record.effectiveFrom;
}

const isDue = ({ type, having }: Obligation, other: Done): boolean =>
  other.type === type && areFields(having, other.fields);

/** What a day is named of may have been done at any time of it. */
const isBefore = ({ within_days: days }: Obligation, { goodFrom }: Done, since: Since | null): boolean =>
  since !== null && days > 0 && goodFrom < dayBegin(firstDayOf(since));

/** Of an instant the day that it is where days begin last, twelve hours after those of UTC: an evening of 30 September in New York is in October by UTC, and in its September. */
const firstDayOf = ({ begins, ends }: Since): Date =>
  ends > begins ? begins : new Date(begins.getTime() - DAY_MS / 2);

/**
 * The first instant at which a record could answer what another makes due, where it lies before it and so answers nothing; null: it does not. `others`: records in
 * effect that the days may count from.
 */
export function tooEarlyFor(
  definition: TypeDefinition,
  record: EffectiveRecord,
  done: Done,
  others: readonly EffectiveRecord[],
): Date | null {
  return earliest(
    definition.obliges.map((obligation) => {
      const since = isDue(obligation, done) ? sinceOf(obligation, record, others) : null;
      return since !== null && isBefore(obligation, done, since) ? firstDayOf(since) : null;
    }),
  );
}

const dayBegin = (at: Date): Date => new Date(Math.floor(at.getTime() / DAY_MS) * DAY_MS);

/** What has put it off, each while the last day until then had not passed: nothing that is asked for afterwards takes back that a day was missed. */
function delaysOf(
  { unless }: Obligation,
  record: EffectiveRecord,
  others: readonly EffectiveRecord[],
  dueAt: Date,
): EffectiveRecord[] {
  const delays: EffectiveRecord[] = [];
  for (const other of others
    .filter(({ type, id, links }) => type === unless && id !== record.id && isLinked({ links }, record))
    .sort((one, next) => one.goodFrom.getTime() - next.goodFrom.getTime())) {
    if (other.goodFrom <= lastDayOf(dueAt, delays)) delays.push(other);
  }
  return delays;
}

/** Until when it is in time: to the end of the last delay. */
const lastDayOf = (dueAt: Date, delays: readonly EffectiveRecord[]): Date =>
  delays.reduce((last, { expiresAt }) => ((expiresAt ?? NEVER) > last ? (expiresAt ?? NEVER) : last), dueAt);

const isLinked = ({ links }: Pick<EffectiveRecord, 'links'>, { id }: EffectiveRecord): boolean =>
  links.some(({ kind, target }) => kind === 'record' && target === id);

/** Whether an obligation is judged in a system's part: where all records that it speaks of are of systems. Else in the organisation's. */
export const isOfSystems = (
  definition: TypeDefinition,
  obligation: Obligation,
  placeOf: (type: string) => TypeDefinition['place'] | undefined,
): boolean => definition.place === 'system' && typesOf(obligation).every((type) => placeOf(type) === 'system');
