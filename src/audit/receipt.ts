import { HASH_SIZE } from './merkle.js';
import { parseSize } from './checkpoint.js';
import { base64, NoteError, openNote, type VerifierKey } from './note.js';

/*
 * What whoever sent evidence is given at once: the log's promise that a leaf will be in it. A signed note, by a key of its own, as the log's key signs nothing but
 * checkpoints. Pure.
 */

export interface Receipt {
  /** The log in which the leaf will be. */
  readonly origin: string;
  readonly leafHash: Buffer;
  /** Milliseconds since 1970. */
  readonly time: number;
}

const HEADER = 'evidence-receipt/v1';

/** The name of the key that signs the receipts of a log. */
export const receiptKeyName = (origin: string): string => `${origin}/receipt`;

/** The text that is signed. */
export const formatReceipt = ({ origin, leafHash, time }: Receipt): string =>
  `${HEADER}\n${origin}\n${leafHash.toString('base64')}\n${time}\n`;

/** Reads the text of a receipt. Throws a NoteError. */
export function parseReceipt(text: string): Receipt {
  const [header, origin = '', leaf = '', milliseconds = '', ...rest] = text.split('\n');
  const leafHash = base64(leaf);
  const time = parseSize(milliseconds);
  const isWhole = header === HEADER && origin !== '' && rest.length === 1 && rest[0] === '';
  if (!isWhole || leafHash?.length !== HASH_SIZE || time === null) {
    throw new NoteError('a receipt has an origin, a leaf’s hash and a time, a line each');
  }
  return { origin, leafHash, time };
}

/** Reads a receipt by one of a log's keys. Throws a NoteError, also where it is of another log than its key. */
export function openReceipt(note: Uint8Array, keys: readonly VerifierKey[]): Receipt {
  const { text, verified } = openNote(note, keys);
  const receipt = parseReceipt(text);
  if (!verified.some(({ key }) => key.name === receiptKeyName(receipt.origin))) {
    throw new NoteError('the receipt is not signed by its log');
  }
  return receipt;
}
