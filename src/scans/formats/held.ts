import { isList } from '../text/lazy-list.js';
import { field, isFields, step, Unreadable, type Fields } from './fields.js';

/** What verifying libraries may be given to go through: far above what signers write. */
const BOUNDS = { depth: 8, members: 100, text: 262_144 } as const;

/** The value of that name as plain JSON that is small, for code that is not ours and does not know our lists. */
export function held(fields: Fields, name: string): unknown {
  return plain(field(fields, name), step(name), 0);
}

function plain(value: unknown, at: string, depth: number): unknown {
  if (typeof value === 'string' && value.length > BOUNDS.text) {
    throw new Unreadable(at, `is longer than ${BOUNDS.text} characters`);
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth === BOUNDS.depth) throw new Unreadable(at, `is nested deeper than ${BOUNDS.depth} levels`);
  if (isList(value)) {
    if (value.length > BOUNDS.members) throw new Unreadable(at, `must hold ${BOUNDS.members} members at most`);
    return Array.from(value, (member, index) => plain(member, `${at}/${index}`, depth + 1));
  }
  if (!isFields(value)) return null;
  const members = Object.entries(value);
  if (members.length > BOUNDS.members) throw new Unreadable(at, `must hold ${BOUNDS.members} members at most`);
  return Object.fromEntries(members.map(([name, member]) => [name, plain(member, at + step(name), depth + 1)]));
}
