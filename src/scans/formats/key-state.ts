import type { FactValue } from '../../results/fact.js';
import type { Coverage, Declared, Target } from '../report.js';
import { ReportFault } from '../report.js';
import { isList, type List } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import { nullableTime } from './fact-fields.js';
import { field, fieldsOf, firstOf, instantOfMillis, isFields, step, Unreadable, type Fields } from './fields.js';
import { assertKinds } from './targets.js';

/**
 * What the answers of key management services have in common. Each says a part of a key's state: a fact holds what one of them says, and null for the rest.
 * Answers about one key are told apart by their source, so that none takes another's place.
 */
export type KeyState = FactValue<'key'>;

/** The fact's value of a key; what is not given is not said by the answer. */
export function keyState(
  said: Pick<KeyState, 'provider' | 'keyId' | 'managedBy'> & Partial<Omit<KeyState, 'rotation'>>,
  rotation: Partial<KeyState['rotation']> = {},
): KeyState {
  return {
    state: null,
    enabled: null,
    purpose: null,
    algorithm: null,
    origin: null,
    createdAt: null,
    expiresAt: null,
    deletedAt: null,
    latestVersion: null,
    lastRotatedAt: null,
    versions: [],
    rotations: [],
    complete: false,
    exportable: null,
    ...said,
    rotation: { enabled: null, supported: null, periodDays: null, nextAt: null, ...rotation },
  };
}

/** A key within an account, as a scope of what is said of it. */
export interface KeyPlace {
  account: string;
  /** The id of the key in its account. */
  subject: string;
}

/** Takes what an answer says of a key. An answer about one key is no list of them, so that it closes nothing: `complete` is for whole lists alone. */
export function tellKey(
  draft: Draft,
  source: string,
  { account, subject }: KeyPlace,
  value: KeyState,
  extent: Coverage['extent'] = 'partial',
): void {
  const target: Target = { kind: 'account', name: account };
  draft.cover({ target, source, extent, checks: null, silentPass: [] });
  draft.fact({ target, source, kind: 'key', subject, namespace: null, value });
}

/**
 * The key that a poster declares is that of the answer which does not name its own; of several such answers of one kind it would be no telling whose each is.
 * Throws `ReportFault` target-unknown for the second.
 */
export function assertOneNameless(nameless: Set<string>, kind: string): void {
  if (nameless.has(kind)) {
    throw new ReportFault('target-unknown', 'Several answers do not name their key: post each with its own target.');
  }
  nameless.add(kind);
}

/** Whether the document is such an answer or, in several of them, its first. Total. */
export function detectAnswer(document: unknown, isSuch: (answer: Fields) => boolean): boolean {
  const first = isList(document) ? firstOf(document) : document;
  return isFields(first) && isSuch(first);
}

/** Each answer of the document: it alone, or several as an array or one per line. */
export function eachAnswer(draft: Draft, document: unknown, read: (answer: Fields, pointer: string) => void): void {
  if (isList(document)) draft.rows(document, '', null, read);
  else draft.attempt('', null, (at) => read(fieldsOf(document), at));
}

/** The account that the poster declares, or null. Throws `ReportFault` target-mismatch. */
export function declaredAccount(declared: Declared, format: string): string | null {
  assertKinds(declared, ['account'], format);
  const [first, second] = declared.targets;
  if (second) throw new ReportFault('target-mismatch', `A ${format} report is about one account; declare one.`);
  return first?.name ?? null;
}

/** A time as these services write it: RFC 3339, or seconds since 1970 as a number or in digits; null where it is not set. */
export function moment(fields: Fields, name: string): string | null {
  const value = field(fields, name);
  const seconds = typeof value === 'string' && /^\d{1,12}(\.\d{1,9})?$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number') return nullableTime(fields, name);
  if (seconds === 0) return null;
  const at = instantOfMillis(Math.round(seconds * 1000));
  if (at === null) throw new Unreadable(step(name), 'must be a time');
  return at;
}

export const SECONDS_PER_DAY = 86_400;

/** As many versions or rotations as a fact keeps: fifty years of yearly, four of monthly rotation, in less than the 16,384 characters of its value. */
const KEPT = 50;

/** The newest of what is added, whatever its order and number. */
export class Newest<Item> {
  count = 0;
  private kept: { rank: number; item: Item }[] = [];

  /** `rank`: grows from the oldest to the newest. */
  add(rank: number, item: Item): void {
    this.count++;
    this.kept.push({ rank, item });
    if (this.kept.length > 2 * KEPT) this.cut();
  }

  /** Newest first. */
  get items(): Item[] {
    this.cut();
    return this.kept.map(({ item }) => item);
  }

  /** Whether all that was added is kept. */
  get isWhole(): boolean {
    return this.count <= KEPT;
  }

  private cut(): void {
    this.kept = this.kept.sort((one, other) => other.rank - one.rank).slice(0, KEPT);
  }
}

export interface Versions<Name> {
  /** Null where no row could be read. */
  key: Name | null;
  newest: Newest<KeyState['versions'][number]>;
}

/** Reads a list of the versions of one key. Each row says whose it is: one of another key than the first is a reject. */
export function readVersions<Name extends { keyId: string }>(
  draft: Draft,
  rows: List,
  pointer: string,
  read: (row: Fields) => { key: Name; rank: number; version: KeyState['versions'][number] },
): Versions<Name> {
  const versions: Versions<Name> = { key: null, newest: new Newest() };
  draft.rows(rows, pointer, null, (row) => {
    const { key, rank, version } = read(row);
    versions.key ??= key;
    if (key.keyId !== versions.key.keyId) throw new Unreadable('', 'must be of the same key as the first');
    versions.newest.add(rank, version);
  });
  return versions;
}
