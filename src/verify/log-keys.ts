import type { VerifierKey } from '../audit/note.js';
import { receiptKeyName } from '../audit/receipt.js';
import { Fault } from './fault.js';

/** Of a name of which whoever verifies knows a key from elsewhere, no key of the package's own counts. */
export const believed = (own: readonly VerifierKey[], known: readonly VerifierKey[]): VerifierKey[] => [
  ...known,
  ...own.filter(({ name }) => known.every((key) => key.name !== name)),
];

/** Keys that are known and are of other logs alone would hold nothing: whoever gave them is told. */
export function requireOfLog(known: readonly VerifierKey[], origin: string): void {
  if (known.length === 0 || known.some(({ name }) => name === origin || name === receiptKeyName(origin))) return;
  throw new Fault(`none of the log keys that you trust is of the log ${origin}`);
}
