import { openCheckpoint, readCheckpoint } from '../audit/checkpoint.js';
import { rootOf } from '../audit/merkle.js';
import type { VerifierKey } from '../audit/note.js';
import { openReceipt } from '../audit/receipt.js';
import { Fault } from './fault.js';
import type { WholeLog } from './log.js';
import { asFault } from './notes.js';

/** What somebody has kept who had it from the log earlier: a checkpoint or a receipt, by the name of its file. */
export interface Held {
  name: string;
  bytes: Buffer;
}

/** The log still begins with all that it had when that checkpoint was signed. */
export async function checkExtends(
  log: WholeLog,
  { name, bytes }: Held,
  keys: readonly VerifierKey[],
): Promise<string> {
  const old = asFault(name, () => openCheckpoint(bytes, keys));
  if (old.origin !== log.origin) return checkCarriedOn(log, { name, bytes });
  if (old.size > log.size) {
    throw new Fault(
      `${name}: the log had ${old.size} entries then and has ${log.size} in this package, which is older or was cut short`,
    );
  }
  if (!(await rootOf(old.size, log.hashes)).equals(old.root)) {
    throw new Fault(`${name}: the log does not begin with what it had then; it was written anew`);
  }
  return `the log extends ${name}: its first ${old.size} entries are the same`;
}

/** A log that was begun anew has the last head of the one before as its first entry. */
async function checkCarriedOn(log: WholeLog, { name, bytes }: Held): Promise<string> {
  const old = readCheckpoint(bytes);
  const first = await log.leafAt(0);
  const before =
    first?.[0] === OPENING_BRACE ? null : asFault(`entry 0 of the log`, () => readCheckpoint(first ?? Buffer.alloc(0)));
  if (before?.origin !== old.origin) throw new Fault(`${name} is of another log, ${old.origin}`);
  if (before.size !== old.size || !before.root.equals(old.root)) {
    throw new Fault(
      `${name} is not the last head of ${old.origin}, which this log carries on; a package of that log has the entries between`,
    );
  }
  return `the log carries on ${old.origin}, whose last head is ${name}`;
}
const OPENING_BRACE = 0x7b;

/** The leaf that a receipt has promised is in the log. */
export function checkReceipt(log: WholeLog, { name, bytes }: Held, keys: readonly VerifierKey[]): number {
  const { origin, leafHash, time } = asFault(name, () => openReceipt(bytes, keys));
  if (origin !== log.origin) throw new Fault(`${name} is of another log, ${origin}`);
  const index = log.leaves.find(leafHash);
  if (index === null) {
    throw new Fault(
      `${name}: what was promised at ${new Date(time).toISOString()} is not in the log, unless this package is older`,
    );
  }
  return index;
}
