import { openCheckpoint, type Checkpoint } from '../audit/checkpoint.js';
import { isIncluded, leafHash, rootOf } from '../audit/merkle.js';
import { cosignedAt, type VerifierKey } from '../audit/note.js';
import { Fault } from './fault.js';
import type { WholeLog } from './log.js';
import { asFault } from './notes.js';
import type { PackageFiles } from './package-files.js';
import { readProof } from './proofs.js';
import { readFile } from './read.js';

const ANCHOR = 'bag/data/anchor';
/** The head of the log that was anchored, which is the leaf. */
export const ANCHORED = `${ANCHOR}/tenant-checkpoint`;
export const ANCHOR_CHECKPOINT = `${ANCHOR}/checkpoint`;
const MAX_NOTE = 65_536;

export interface Anchor extends Checkpoint {
  /** How many entries the log had when it was anchored. */
  anchored: number;
  cosignatures: { key: VerifierKey; time: Date }[];
}

/**
 * A head of the log is a leaf of the service's anchor log, whose own head the service has signed and witnesses perhaps; and the log of the package extends it.
 * @param keys of the anchor log, of the organisation's log, of the witnesses; of two with the same name and key ID (which has four bytes, and is soon made again) the
 * first is the one that has to have signed
 */
export async function checkAnchor(
  files: PackageFiles,
  log: WholeLog,
  keys: { anchor: readonly VerifierKey[]; log: readonly VerifierKey[]; witnesses: readonly VerifierKey[] },
): Promise<Anchor> {
  const leaf = await readFile(files, ANCHORED, MAX_NOTE);
  const anchored = asFault(ANCHORED, () => openCheckpoint(leaf, keys.log));
  if (anchored.origin !== log.origin) throw new Fault(`${ANCHORED} is of another log, ${anchored.origin}`);
  if (anchored.size > log.size || !(await rootOf(anchored.size, log.hashes)).equals(anchored.root)) {
    throw new Fault(`the log does not extend ${ANCHORED}, the head that was anchored`);
  }
  const note = await readFile(files, ANCHOR_CHECKPOINT, MAX_NOTE);
  const head = asFault(ANCHOR_CHECKPOINT, () => openCheckpoint(note, keys.anchor, keys.witnesses));
  const path = `${ANCHORED}.tlog-proof`;
  const { index, hashes, checkpoint } = await readProof(files, path);
  const proven = asFault(path, () => openCheckpoint(checkpoint, keys.anchor, keys.witnesses));
  if (proven.size !== head.size || !proven.root.equals(head.root)) throw new Fault(`${path} leads to another head`);
  if (!isIncluded(leafHash(leaf), index, head, hashes)) {
    throw new Fault(`${path} does not prove that ${ANCHORED} is in the anchor log`);
  }
  const cosignatures = head.note.verified.flatMap(({ key, signature }) => {
    const seconds = key.type === 'cosignature' ? cosignedAt(signature.signature) : null;
    return seconds === null ? [] : [{ key, time: new Date(Number(seconds) * 1_000) }];
  });
  return { ...head, anchored: anchored.size, cosignatures };
}
