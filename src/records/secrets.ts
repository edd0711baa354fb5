import { holdsSecret } from '../checks/secret-text.js';
import type { RecordFault } from './rules.js';

const DETAIL =
  'It has the form of a key, a token or a password, which no record holds: name the secret as its keeper does.';

/** How many places are told. */
const MOST_FAULTS = 50;

/** What people write of a record. */
type Written = Partial<{ title: string; fields: object; links: readonly object[]; reason: string | null }>;

/** Where what is written of a record looks like a secret. It says where, and repeats nothing of it. */
export function secretFaults({ title, fields, links, reason }: Written): RecordFault[] {
  const faults: RecordFault[] = [];
  const waiting: { pointer: string; value: unknown }[] = [
    { pointer: '/title', value: title },
    { pointer: '/fields', value: fields },
    { pointer: '/links', value: links },
    { pointer: '/reason', value: reason },
  ];
  for (const { pointer, value } of waiting) {
    if (faults.length === MOST_FAULTS) break;
    if (typeof value === 'string' ? holdsSecret(value) : isObject(value) && Object.keys(value).some(holdsSecret)) {
      faults.push({ pointer, detail: DETAIL });
    } else if (isObject(value)) {
      for (const [name, member] of Object.entries(value)) {
        waiting.push({ pointer: `${pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, value: member });
      }
    }
  }
  return faults;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
