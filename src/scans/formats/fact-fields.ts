import type { Fields } from './fields.js';
import { field, fieldsIn, fieldsOf, instant, list, optionalText, step, text, Unreadable } from './fields.js';

/**
 * Reading what facts keep. In states that an API server wrote a field that is not set is absent, null (a nil pointer of Go) or empty: all of
 * them say nothing, which is null here. What is there and of another type is unreadable, for a fact must not say less than its source.
 */

/** Reads the object of that name (an empty one where it is not set); what is unreadable in it is told with its place. */
export function within<Value>(fields: Fields, name: string, read: (inner: Fields) => Value): Value {
  const inner = fieldsIn(fields, name);
  try {
    return read(inner);
  } catch (error) {
    if (error instanceof Unreadable) throw new Unreadable(step(name) + error.at, error.reason);
    throw error;
  }
}

/** The text of that name; null where it is not set. */
export function nullableText(fields: Fields, name: string): string | null {
  return field(fields, name) === null ? null : optionalText(fields, name) || null;
}

/** True or false; null where it is not set. */
export function nullableFlag(fields: Fields, name: string): boolean | null {
  const value = field(fields, name) ?? null;
  if (value !== null && typeof value !== 'boolean') throw new Unreadable(step(name), 'must be true or false');
  return value;
}

/** The number of that name, whole and not negative; null where it is not set. */
export function nullableCount(fields: Fields, name: string): number | null {
  const value = field(fields, name) ?? null;
  if (value === null) return null;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new Unreadable(step(name), 'must be a whole number that is not negative');
  }
  return value;
}

/** The time of that name (RFC 3339 with a zone); null where it is not set or year 1. */
export function nullableTime(fields: Fields, name: string): string | null {
  const value = field(fields, name) ?? '';
  if (value === '' || value === '0001-01-01T00:00:00Z') return null;
  const at = instant(value);
  if (at === null) throw new Unreadable(step(name), 'must be a time with a zone');
  return at;
}

/** Members of a fact's list: no list of the kinds holds more, so that none of a hostile length is gone through. */
const MAX_MEMBERS = 500;

/** What is read of each member of the list of that name; empty where it is not set. */
export function membersOf<Value>(fields: Fields, name: string, read: (member: unknown) => Value): Value[] {
  const members = list(fields, name);
  if (members.length > MAX_MEMBERS) throw new Unreadable(step(name), `must hold ${MAX_MEMBERS} members at most`);
  return Array.from(members, (member, index) => {
    try {
      return read(member);
    } catch (error) {
      if (error instanceof Unreadable) throw new Unreadable(`${step(name)}/${index}${error.at}`, error.reason);
      throw error;
    }
  });
}

/** The texts of that name; empty where it is not set. */
export function textList(fields: Fields, name: string): string[] {
  return membersOf(fields, name, (member) => {
    if (typeof member !== 'string') throw new Unreadable('', 'must be a text');
    return member;
  });
}

/** A map of texts, such as labels; empty where it is not set. */
export function textMap(fields: Fields, name: string): Record<string, string> {
  const entries = Object.entries(fieldsIn(fields, name)).map(([key, value]) => {
    if (typeof value !== 'string') throw new Unreadable(step(name) + step(key), 'must be a text');
    return [key, value] as const;
  });
  return Object.fromEntries(entries);
}

/** Whether a label selector selects less than everything. */
export function isNarrow(selector: Fields): boolean {
  return Object.keys(fieldsIn(selector, 'matchLabels')).length > 0 || list(selector, 'matchExpressions').length > 0;
}

export interface Condition {
  /** Null: there is no such condition, or it is not known (`Unknown`). */
  isTrue: boolean | null;
  reason: string | null;
}

/** The condition of that type in the list `conditions` of a status, where they stand in no order. */
export function condition(status: Fields, type: string): Condition {
  const found = membersOf(status, 'conditions', (member) => conditionOf(fieldsOf(member), type)).filter(
    (of) => of !== null,
  );
  if (found.length > 1) throw new Unreadable('/conditions', `must hold one condition ${type} at most`);
  return found[0] ?? { isTrue: null, reason: null };
}

function conditionOf(row: Fields, type: string): Condition | null {
  if (text(row, 'type') !== type) return null;
  const status = field(row, 'status');
  if (status !== 'True' && status !== 'False' && status !== 'Unknown') {
    throw new Unreadable('/status', 'must be True, False or Unknown');
  }
  return { isTrue: status === 'Unknown' ? null : status === 'True', reason: nullableText(row, 'reason') };
}
