import { NoteError, parseVerifierKey, type VerifierKey } from '../audit/note.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import { readFile, textOf } from './read.js';

export const LOG_KEY = 'keys/log.vkey';
export const RECEIPT_KEY = 'keys/receipt.vkey';
export const ANCHOR_KEY = 'keys/anchor.vkey';
/** Of witnesses, a line each. */
export const WITNESS_KEYS = 'keys/witnesses.vkey';
/** Keys of the log and of its receipts that signed before those of today, a line each. */
export const EARLIER_KEYS = 'keys/earlier.vkeys';

const MAX_KEYS = 1_000_000;

/** What is found wrong with a note, a tile or a proof, as a fault of the file that it is in. */
export function asFault<Result>(path: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (error instanceof NoteError || error instanceof RangeError) {
      throw new Fault(`${path}: ${error.message}`, { cause: error });
    }
    throw error;
  }
}

/** The one key in a file of the package. */
export async function readVerifierKey(files: PackageFiles, path: string): Promise<VerifierKey> {
  const text = textOf(await readFile(files, path, MAX_KEYS), path);
  return asFault(path, () => parseVerifierKey(text));
}

/** Every key in a file of the package, a line each; none where there is no such file. */
export async function readVerifierKeys(files: PackageFiles, path: string): Promise<VerifierKey[]> {
  if (!files.sizes.has(path)) return [];
  return verifierKeysIn(await readFile(files, path, MAX_KEYS), path);
}

/** The vkeys of a file, a line each. */
export const verifierKeysIn = (bytes: Buffer, path: string): VerifierKey[] =>
  textOf(bytes, path)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => asFault(path, () => parseVerifierKey(line)));
