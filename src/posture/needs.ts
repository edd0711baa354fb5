import { earliest } from '../kernel/dates.js';
import type { NeedSummary } from '../records/effective.js';
import { TOLD_IN_WORDS, type Statement } from '../records/statement.js';
import { keyOf, type Ask, type Asks } from './asks.js';
import { combinedNeed, countedNeed, type NeedState } from './rule.js';
import { day, sentence } from './words.js';

/*
 * What records say of what practices and items ask for, in one place (a system, or the organisation). What nobody speaks to is missing.
 */

const DAY = 24 * 60 * 60 * 1000;
const MAX_RECORDS = 5;

/** One need in one place, or in two together. */
export interface NeedPart {
  readonly type: string;
  readonly state: NeedState;
  readonly reason: string;
  /** Ids of the records that speak, at most five. */
  readonly records: readonly string[];
  /** Of `met`: when age alone or a date ends it; null: nothing of that sort does. */
  readonly until: Date | null;
}

/** What is said of one practice or item beside scanners. */
export interface SubjectPart {
  readonly needs: readonly NeedPart[];
  /** What contradicts it beside its needs. */
  readonly failures: readonly string[];
}

/** What one place says of it. */
export interface OwnPart extends SubjectPart {
  /** What counts the records that are asked for says that there was none. */
  readonly isNone: boolean;
}

/** What people have accepted in a place (src/exceptions). */
export interface Accepted {
  /** Series of results. */
  readonly results: ReadonlySet<string>;
  /** `<source>\n<check>` of checks whose failing results are covered. */
  readonly checks: ReadonlySet<string>;
  readonly practices: ReadonlySet<string>;
  /** Addressable items that a decision in effect speaks of. */
  readonly controls: ReadonlyMap<
    string,
    { readonly recordId: string; readonly outcome: string; readonly until: Date | null }
  >;
  /** When the first of all of it ends; null: nothing does. */
  readonly until: Date | null;
}

export const NOTHING_ACCEPTED: Accepted = {
  results: new Set(),
  checks: new Set(),
  practices: new Set(),
  controls: new Map(),
  until: null,
};

/** A statement that somebody has to do something about, now or soon. */
export type Working = Statement & { readonly work: NonNullable<Statement['work']> };

/** What one place says of every practice and every item. */
export interface PlacePart {
  readonly practices: ReadonlyMap<string, OwnPart>;
  readonly controls: ReadonlyMap<string, OwnPart>;
  readonly accepted: Accepted;
  /** For the work list. */
  readonly works: readonly Working[];
  /** The first instant after the one asked for at which age or a date alone may change any of it; null: none does. */
  readonly until: Date | null;
}

/** What a machine says in place of records of a type. */
export interface MachineWord {
  /** When it was last so. */
  readonly seen: Date;
  /** The source that says it. */
  readonly source: string;
}

export interface PlaceInput {
  /** A system's id; null: the organisation. */
  readonly systemId: string | null;
  readonly asOf: Date;
  readonly summaries: readonly NeedSummary[];
  readonly statements: readonly Statement[];
  /** What is to be done beside what statements say of themselves: it moves no need. */
  readonly works: readonly Working[];
  /** By record type. */
  readonly machines: ReadonlyMap<string, MachineWord>;
  /** Types of which every fresh record says of its period that there was none of what it counts. */
  readonly none: ReadonlySet<string>;
  readonly accepted: Accepted;
}

export function placePart(asks: Asks, input: PlaceInput): PlacePart {
  const summaries = new Map(input.summaries.map((summary) => [keyOf(summary.limit), summary]));
  const said = {
    practice: Map.groupBy(input.statements, ({ about }) => ('practice' in about ? about.practice : '')),
    control: Map.groupBy(input.statements, ({ about }) => ('control' in about ? about.control : '')),
  };
  const partsOf = (all: ReadonlyMap<string, readonly Ask[]>, statements: ReadonlyMap<string, readonly Statement[]>) =>
    new Map(
      [...all].map(([id, wanted]): [string, OwnPart] => [
        id,
        subjectPart(wanted, statements.get(id) ?? [], summaries, input),
      ]),
    );
  const practices = partsOf(asks.practices, said.practice);
  const controls = partsOf(asks.controls, said.control);
  const ends = [
    ...[...practices.values(), ...controls.values()].flatMap(({ needs }) => needs.map(({ until }) => until)),
    ...input.statements.flatMap(({ until, again = null }) => [until, again]),
    // At the instant at which it is due it is not overdue yet.
    ...input.works.map(({ work: { dueAt } }) => dueAt && new Date(dueAt.getTime() + 1)),
    input.accepted.until,
  ];
  return {
    practices,
    controls,
    accepted: input.accepted,
    works: [...input.works, ...input.statements.filter(isWorking)],
    until: earliest(ends.filter((at) => at !== null && at > input.asOf)),
  };
}

const isWorking = (statement: Statement): statement is Working => statement.work !== undefined;

/** A place of which nothing is known. */
export const emptyPart = (asks: Asks, systemId: string | null): PlacePart =>
  placePart(asks, {
    systemId,
    asOf: new Date(0),
    summaries: [],
    statements: [],
    works: [],
    machines: new Map(),
    none: new Set(),
    accepted: NOTHING_ACCEPTED,
  });

function subjectPart(
  asks: readonly Ask[],
  statements: readonly Statement[],
  summaries: ReadonlyMap<string, NeedSummary>,
  input: PlaceInput,
): OwnPart {
  const types = new Set(asks.map(({ type }) => type));
  return {
    needs: asks.map((ask) => {
      const own = statements.filter(({ need }) => need === ask.type);
      return worstOf(ask, [ofStatements(ask, own), ask.isJudged ? null : ofRecords(ask, summaries, input)], input);
    }),
    // What fails and is of no need that is asked for fails all the same.
    failures: statements
      .filter(({ says, need }) => says === 'failing' && (need === null || !types.has(need)))
      .map(({ reason }) => reason),
    isNone:
      asks.some(({ countedIn }) => countedIn !== null) && counters(asks).every(({ type }) => input.none.has(type)),
  };
}

/** Those of the asks that count what others ask for. */
export const counters = (asks: readonly Ask[]): Ask[] =>
  asks.filter(({ type }) => asks.some(({ countedIn }) => countedIn === type));

/** The worst that was said: what judges say and what the records of the type say both stand. */
function worstOf(ask: Ask, parts: readonly (NeedPart | null)[], { systemId }: PlaceInput): NeedPart {
  const said = parts.filter((part) => part !== null);
  if (said.length === 0) {
    return { type: ask.type, state: 'missing', reason: missingReason(ask, systemId), records: [], until: null };
  }
  const state = (['failing', 'stale', 'met'] as const).find((one) => said.some((part) => part.state === one));
  const [worst, ...alike] = said.filter((part) => part.state === state);
  if (worst === undefined) throw new RangeError('no such state');
  // What both call met is met while it is by both.
  return alike.length === 0 ? worst : { ...worst, until: earliest([worst, ...alike].map(({ until }) => until)) };
}

function ofStatements(ask: Ask, statements: readonly Statement[]): NeedPart | null {
  if (statements.length === 0) return null;
  for (const state of ['failing', 'stale', 'met'] as const) {
    const told = statements.filter(({ says }) => says === state);
    if (told.length === 0) continue;
    const more = told.slice(TOLD_IN_WORDS).reduce((sum, { alike = 1 }) => sum + alike, 0);
    return {
      type: ask.type,
      state,
      reason: told
        .slice(0, TOLD_IN_WORDS)
        .map(({ reason }) => reason)
        .concat(more > 0 ? [`${more} more of this kind.`] : [])
        .join(' '),
      records: [...new Set(told.flatMap(({ records }) => records))].slice(0, MAX_RECORDS),
      until: state === 'met' ? earliest(told.map(({ until }) => until)) : null,
    };
  }
  return null;
}

function ofRecords(ask: Ask, summaries: ReadonlyMap<string, NeedSummary>, input: PlaceInput): NeedPart | null {
  const kept = ofSummary(ask, summaries.get(keyOf(ask.limit)));
  const machine = ofMachine(ask, input);
  // What is written down and what was reported are two ways to the same: either will do, and what somebody calls failed stays so.
  if (kept === null || machine === null) return kept ?? machine;
  return combinedNeed(kept.state, machine.state, false) === kept.state ? kept : machine;
}

function ofSummary(ask: Ask, summary: NeedSummary | undefined): NeedPart | null {
  if (summary === undefined || summary.subjects === 0) return null;
  const { subjects, failing, expired, fresh, oldestGoodFrom, newestGoodFrom, firstExpires, endsAt } = summary;
  const name = named(ask);
  const { days } = ask.limit;
  const of = ask.isEach ? `${subjects === 1 ? 'the one' : `${subjects}`} that it is kept of` : '';
  const part = { type: ask.type, records: summary.records.slice(0, MAX_RECORDS), until: null };
  if (failing > 0) {
    const reason = ask.isEach
      ? `Failing: ${name} is kept of ${subjects}, and says of ${failing} that it failed.`
      : `Failing: ${name}, the last of which says that it failed.`;
    return { ...part, state: 'failing', reason };
  }
  if (fresh === subjects) {
    const tooOld =
      days === null || oldestGoodFrom === null ? null : new Date(oldestGoodFrom.getTime() + days * DAY + 1);
    const since = oldestGoodFrom === null ? '' : `, of ${day(oldestGoodFrom.getTime())}`;
    const reason = ask.isEach ? `Kept: ${name}, for ${of}.` : `Kept: ${name}${since}.`;
    return { ...part, state: 'met', reason, until: earliest([tooOld, firstExpires, endsAt]) };
  }
  const tooOld = subjects - fresh - expired;
  const parts = [
    ...(expired > 0 ? [ask.isEach ? `${expired} expired` : 'it has expired'] : []),
    ...(tooOld > 0 ? [`${ask.isEach ? `${tooOld} ` : ''}older than ${days ?? 0} days`] : []),
  ];
  const last = newestGoodFrom === null ? '' : ` The last is of ${day(newestGoodFrom.getTime())}.`;
  const counted = ask.isEach ? ` for ${subjects - fresh} of ${of}` : '';
  return { ...part, state: 'stale', reason: `Stale: ${name}${counted}: ${parts.join(', ')}.${last}` };
}

function ofMachine(ask: Ask, { machines, asOf }: PlaceInput): NeedPart | null {
  const word = machines.get(ask.type);
  if (word === undefined) return null;
  const { days } = ask.limit;
  const until = days === null ? null : new Date(word.seen.getTime() + days * DAY + 1);
  const part = { type: ask.type, records: [] };
  const said = `${named(ask)}: ${word.source} last reported it on ${day(word.seen.getTime())}`;
  return until !== null && until <= asOf
    ? { ...part, state: 'stale', reason: `Stale: ${said}, more than ${days ?? 0} days before.`, until: null }
    : { ...part, state: 'met', reason: `In place of ${said}.`, until };
}

const named = ({ type, title }: Ask): string => `record \`${type}\` (${title})`;

const WHERE: Readonly<Record<Ask['place'], string>> = {
  organization: 'of the organisation',
  system: 'for this system',
  either: 'for this system or the organisation',
};

/** Most of what is asked for is missing somewhere, and asks stay the same from question to question. */
const missing = new WeakMap<Ask, Map<string, string>>();

function missingReason(ask: Ask, systemId: string | null): string {
  const where = systemId === null ? WHERE.organization : WHERE[ask.place];
  let known = missing.get(ask);
  if (known === undefined) missing.set(ask, (known = new Map<string, string>()));
  let reason = known.get(where);
  if (reason === undefined) {
    const asks = ask.auditorAsks.length === 0 ? '' : ` An auditor asks for: ${sentence(ask.auditorAsks.join('; '))}`;
    const none = ask.countedIn === null ? '' : ` Where there was none, a record \`${ask.countedIn}\` says so.`;
    reason = `Missing: ${named(ask)} ${where}: ${sentence(ask.what)}${none}${asks}`;
    known.set(where, reason);
  }
  return reason;
}

/** What a system says of a practice or item where only its states are known: the words are in the posture of the system. */
export const statedPart = (
  asks: readonly Ask[],
  { needs, fails, isNone }: { needs: readonly NeedState[]; fails: boolean; isNone: boolean },
): OwnPart => ({
  needs: asks.map((ask, at): NeedPart => {
    const state = needs[at] ?? 'missing';
    const reason = state === 'missing' ? missingReason(ask, '') : `${STATED[state]}: ${named(ask)}, of this system.`;
    return { type: ask.type, state, reason, records: [], until: null };
  }),
  failures: fails ? ['What the records of this system say contradicts it.'] : [],
  isNone,
});

const STATED = { stale: 'Stale', met: 'Kept', failing: 'Failing' } as const;

/** What a system's own records and the organisation's say together. */
export function combinedPart(asks: readonly Ask[], own: OwnPart, whole: OwnPart): SubjectPart {
  const needs = asks.flatMap((ask, at): NeedPart[] => {
    const [mine, ours] = [own.needs[at], whole.needs[at]];
    return mine === undefined || ours === undefined ? [] : [combined(ask, mine, ours)];
  });
  const isNone = [own, whole].every((part) => part.isNone || counters(asks).every((ask) => isSilent(ask, part)));
  return {
    needs: needs.map((need, at) => counted(asks[at], need, needs, isNone)),
    failures: [...own.failures, ...whole.failures],
  };
}

const isSilent = ({ type }: Ask, { needs }: SubjectPart): boolean =>
  needs.every((need) => need.type !== type || need.state === 'missing');

/** Only of both places together: what one of them has kept another does not call none. */
function counted(ask: Ask | undefined, need: NeedPart, needs: readonly NeedPart[], isNone: boolean): NeedPart {
  const count = needs.find(({ type }) => type === ask?.countedIn);
  if (ask === undefined || count === undefined || need.state !== 'missing' || count.state === 'missing') return need;
  if (countedNeed(need.state, count.state, isNone) === need.state)
    return {
      ...need,
      reason: `${need.reason} The one that is kept (\`${count.type}\`) does not say that there was none.`,
    };
  return { ...count, type: need.type, reason: `No ${named(ask)}; what says that there was none: ${count.reason}` };
}

function combined(ask: Ask, own: NeedPart, whole: NeedPart): NeedPart {
  if (own.state !== whole.state) return combinedNeed(own.state, whole.state, ask.isEach) === own.state ? own : whole;
  if (own.state === 'missing') return ask.place === 'organization' ? whole : own;
  const ends = [own.until, whole.until];
  return {
    ...own,
    reason: own.reason === whole.reason ? own.reason : `${own.reason} ${whole.reason}`,
    records: [...new Set([...own.records, ...whole.records])].slice(0, MAX_RECORDS),
    until: ask.isEach ? earliest(ends) : latest(ends),
  };
}

/** Of several ends the last; null where one of them never comes. */
export const latest = (dates: readonly (Date | null)[]): Date | null =>
  dates.reduce<Date | null>(
    (last, date, at) => (at === 0 ? date : last === null || date === null ? null : date > last ? date : last),
    null,
  );
