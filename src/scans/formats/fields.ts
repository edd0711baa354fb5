import { createHash } from 'node:crypto';
import { isList, type List } from '../text/lazy-list.js';
import { XmlElement } from '../text/xml-element.js';

/**
 * Reading fields of documents that somebody else wrote. Every reader says what it expects and throws `Unreadable` for anything else: a row of
 * the wrong shape is refused, never guessed at. Go tools write absent strings as "" or leave the key out, never as null: so null is wrong for a
 * string, while for a list (a nil slice) it means empty.
 */
export type Fields = Readonly<Record<string, unknown>>;

/** A value that is not what the format says; `at` is its pointer from where the reading began. */
export class Unreadable extends Error {
  constructor(
    readonly at: string,
    readonly reason: string,
  ) {
    super(`${at}: ${reason}`);
  }
}

const NOTHING: Fields = Object.freeze({});

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !isList(value) && !(value instanceof XmlElement);
}

/** The own value of that name (never an inherited one: a document may lack `constructor`); undefined where absent. */
export function field(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

export function has(fields: Fields, name: string): boolean {
  return Object.hasOwn(fields, name);
}

export function step(name: string): string {
  return `/${name.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

export function fieldsOf(value: unknown): Fields {
  if (!isFields(value)) throw new Unreadable('', 'must be an object');
  return value;
}

/** The object of that name; empty where absent or null. */
export function fieldsIn(fields: Fields, name: string): Fields {
  const value = field(fields, name) ?? NOTHING;
  if (!isFields(value)) throw new Unreadable(step(name), 'must be an object');
  return value;
}

/** The text of that name, which must be there and not empty. */
export function text(fields: Fields, name: string): string {
  const value = field(fields, name);
  if (typeof value !== 'string' || value === '') throw new Unreadable(step(name), 'must be a text that is not empty');
  return value;
}

/** The text of that name; "" where absent. */
export function optionalText(fields: Fields, name: string): string {
  const value = field(fields, name);
  if (value === undefined) return '';
  if (typeof value !== 'string') throw new Unreadable(step(name), 'must be a text');
  return value;
}

/** The number of that name; null where absent. */
export function optionalNumber(fields: Fields, name: string): number | null {
  const value = field(fields, name);
  if (value === undefined) return null;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Unreadable(step(name), 'must be a number');
  return value;
}

/** The truth value of that name, which must be there. */
export function flag(fields: Fields, name: string): boolean {
  const value = field(fields, name);
  if (typeof value !== 'boolean') throw new Unreadable(step(name), 'must be true or false');
  return value;
}

/** The list of that name; empty where absent or null. It may be too large to hold: go through it, once, and keep nothing of it. */
export function list(fields: Fields, name: string): List {
  const value = field(fields, name) ?? [];
  if (!isList(value)) throw new Unreadable(step(name), 'must be a list');
  return value;
}

/** Whether there is one in the list that is so. */
export function some(members: List, isSo: (member: unknown) => boolean): boolean {
  for (const member of members) if (isSo(member)) return true;
  return false;
}

/** The first member of a list; undefined of an empty one. */
export function firstOf(members: List): unknown {
  for (const member of members) return member;
  return undefined;
}

/** The texts of that name; empty where absent or null. */
export function texts(fields: Fields, name: string): string[] {
  const found: string[] = [];
  for (const value of list(fields, name)) {
    if (typeof value !== 'string') throw new Unreadable(`${step(name)}/${found.length}`, 'must be a text');
    found.push(value);
  }
  return found;
}

/** RFC 3339 section 5.6 with a zone. Year 1 is Go's zero time: "not known". */
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** An instant as RFC 3339 in UTC with milliseconds (finer digits are cut); null where the text says none. */
export function instant(value: unknown): string | null {
  if (typeof value !== 'string' || !RFC_3339.test(value)) return null;
  return instantOfMillis(Date.parse(value.replace(/\.(\d{1,3})\d*/, '.$1')));
}

/** From milliseconds since 1970; null outside 1970 to 9999 (zero is Go's and Kubernetes' "not known"). */
export function instantOfMillis(millis: number): string | null {
  return millis > 0 && millis < Date.UTC(10_000, 0) ? new Date(millis).toISOString() : null;
}

/**
 * When a report of several parts was made: as long ago as the oldest of them, so that nothing stale looks fresh. Not known where one of them does not say.
 */
export class OldestOf {
  #oldest: string | null | undefined;

  add(time: string | null): void {
    if (this.#oldest === null) return;
    if (time === null || this.#oldest === undefined || time < this.#oldest) this.#oldest = time;
  }

  get instant(): string | null {
    return this.#oldest ?? null;
  }
}

/** The source of what bears no name. Several may bear none, so that a source of which this is a part closes nothing: `Draft.cover` sees to it. */
export const NAMELESS = 'unknown';

/** What stands between the words of a name. All of ASCII but `+` and `#`, which tell one language and its tools from another. */
const SEPARATORS = /[^a-z0-9.+#\x80-\uffff]+/g;

/**
 * Lower case, and of letters, digits, dots and hyphens only: for the names of sources. Where more of a name is lost than its case and what separates its words (it is in
 * another script than Latin, or too long), a digest of it follows, so that no two tools are one source and close each other's results.
 */
export function slug(name: string): string {
  const given = name.normalize('NFC').toLowerCase().trim();
  // Cut first: what is trimmed at the end of a long text is looked for at each of its places.
  const separated = given.slice(0, 1_000).replace(SEPARATORS, '-');
  const plain = separated.replace(/[^a-z0-9.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '');
  if (given === '') return NAMELESS;
  const isLost = plain === '' || plain.length > 100 || given.length > 1_000 || /[^a-z0-9.-]/.test(separated);
  if (!isLost) return plain;
  const digest = createHash('sha256').update(given).digest('hex').slice(0, 8);
  return plain === '' ? digest : `${plain.slice(0, 91)}-${digest}`;
}

/** `namespace/kind/name`, or `kind/name` of what no namespace holds. Kinds of other API groups than Kubernetes' own carry theirs, as in kubectl. */
export function resourceName(namespace: string | null, group: string, kind: string, name: string): string {
  const isBuiltIn = !group.includes('.') || group.endsWith('.k8s.io');
  const qualified = isBuiltIn ? kind : `${kind}.${group}`;
  return namespace === null || namespace === '' ? `${qualified}/${name}` : `${namespace}/${qualified}/${name}`;
}
