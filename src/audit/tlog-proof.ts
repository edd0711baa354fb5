import { HASH_SIZE } from './merkle.js';
import { formatSize, parseSize } from './checkpoint.js';
import { base64, NoteError, utf8 } from './note.js';

/*
 * C2SP tlog-proof: that a leaf is in a log, as a file that stands alone. Pure.
 */

export interface TlogProof {
  readonly index: number;
  /** From the leaf's sibling up. */
  readonly hashes: readonly Buffer[];
  /** A signed note, as it came. */
  readonly checkpoint: Buffer;
}

const HEADER = 'c2sp.org/tlog-proof@v1';

/** A path in a tree that a checkpoint can count. */
const MAX_HASHES = 63;

export const formatTlogProof = ({ index, hashes, checkpoint }: TlogProof): Buffer =>
  Buffer.concat([
    Buffer.from(
      `${HEADER}\nindex ${formatSize(index)}\n${hashes.map((hash) => `${hash.toString('base64')}\n`).join('')}\n`,
      'ascii',
    ),
    checkpoint,
  ]);

/** Reads a proof and verifies nothing. Of the extra data, which nobody signed, it keeps nothing. Throws a NoteError. */
export function parseTlogProof(bytes: Uint8Array): TlogProof {
  const text = utf8(bytes);
  const end = text.indexOf('\n\n');
  const [header, ...lines] = text.slice(0, Math.max(0, end)).split('\n');
  if (header !== HEADER) throw new NoteError(`a proof begins with ${HEADER}`);
  if (lines[0]?.startsWith('extra ') === true && base64(lines.shift()?.slice('extra '.length) ?? '') === null) {
    throw new NoteError('the extra data of a proof is Base64');
  }
  const index = parseSize(/^index (\S+)$/.exec(lines.shift() ?? '')?.[1] ?? '');
  const hashes = lines.map(base64);
  if (index === null || hashes.length > MAX_HASHES || !hashes.every((hash) => hash?.length === HASH_SIZE)) {
    throw new NoteError('a proof has an index and hashes, a line each');
  }
  return {
    index,
    hashes: hashes.filter((hash) => hash !== null),
    checkpoint: Buffer.from(text.slice(end + 2), 'utf8'),
  };
}
