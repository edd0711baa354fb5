import { HASH_SIZE } from './merkle.js';
import { base64, NoteError, openNote, parseNote, type VerifiedNote, type VerifierKey } from './note.js';

/*
 * C2SP tlog-checkpoint: the head of a log, as the text of a signed note. Pure.
 */

export interface Checkpoint {
  /** Which log: a URL without a scheme, and the name of the key that signs. */
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
  /** Of other logs: ours writes none. */
  readonly extensions: readonly string[];
}

/** The text that is signed. */
export const formatCheckpoint = ({ origin, size, root }: Omit<Checkpoint, 'extensions'>): string =>
  `${origin}\n${formatSize(size)}\n${root.toString('base64')}\n`;

/** Reads the text of a checkpoint. Throws a NoteError. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', size = '', root = '', ...rest] = text.split('\n');
  const extensions = rest.slice(0, -1);
  const hash = base64(root);
  const leaves = parseSize(size);
  if (
    !text.endsWith('\n') ||
    origin === '' ||
    leaves === null ||
    hash?.length !== HASH_SIZE ||
    extensions.includes('')
  ) {
    throw new NoteError('a checkpoint has an origin, a size and a root, a line each');
  }
  return { origin, size: leaves, root: hash, extensions };
}

/** Reads a checkpoint and verifies nothing. */
export const readCheckpoint = (note: Uint8Array): Checkpoint => parseCheckpoint(parseNote(note).text);

/**
 * Reads a checkpoint that a log has signed, and witnesses perhaps. Throws a NoteError where the log has not, where it is of another log than its key, and where the
 * signature of one of the witnesses is wrong.
 */
export function openCheckpoint(
  note: Uint8Array,
  log: VerifierKey | readonly VerifierKey[],
  witnesses: readonly VerifierKey[] = [],
): Checkpoint & { note: VerifiedNote } {
  const logs = [log].flat();
  const opened = openNote(note, [...logs, ...witnesses]);
  const checkpoint = parseCheckpoint(opened.text);
  if (!opened.verified.some(({ key }) => logs.includes(key) && key.name === checkpoint.origin)) {
    throw new NoteError('the checkpoint is not signed by its log');
  }
  return { ...checkpoint, note: opened };
}

/** Decimal, without leading zeroes. */
export const formatSize = (size: number): string => String(size);

/** Null where it is not written so, or is more than a number here can count. */
export function parseSize(text: string): number | null {
  const size = Number(text);
  return /^(0|[1-9]\d*)$/.test(text) && Number.isSafeInteger(size) ? size : null;
}
