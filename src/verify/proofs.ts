import type { Checkpoint } from '../audit/checkpoint.js';
import { openCheckpoint } from '../audit/checkpoint.js';
import { isIncluded, leafHash } from '../audit/merkle.js';
import type { VerifierKey } from '../audit/note.js';
import { parseTlogProof } from '../audit/tlog-proof.js';
import { Fault } from './fault.js';
import { readEvent } from './log.js';
import { asFault } from './notes.js';
import type { PackageFiles } from './package-files.js';
import { readFile } from './read.js';

const PROOFS = 'bag/data/proofs/';
const SUFFIX = '.tlog-proof';

/** Each event that stands alone has a proof, which leads from its bytes to the head of the log (C2SP tlog-proof); and no proof stands without its event. */
export async function checkProofs(
  files: PackageFiles,
  head: Checkpoint,
  keys: readonly VerifierKey[],
): Promise<string> {
  const paths = [...files.sizes.keys()].filter((path) => path.startsWith(PROOFS));
  const events = paths.filter((path) => !path.endsWith(SUFFIX));
  const orphan = paths.find((path) => path.endsWith(SUFFIX) && !files.sizes.has(path.slice(0, -SUFFIX.length)));
  if (orphan !== undefined) throw new Fault(`${orphan} is the proof of no event`);
  for (const path of events) {
    const at = `${path}${SUFFIX}`;
    const { index, hashes, checkpoint } = await readProof(files, at);
    const proven = asFault(at, () => openCheckpoint(checkpoint, keys));
    if (proven.origin !== head.origin || proven.size !== head.size || !proven.root.equals(head.root)) {
      throw new Fault(`${at} leads to another head of the log`);
    }
    const leaf = await readFile(files, path, MAX_LEAF);
    if (!isIncluded(leafHash(leaf), index, proven, hashes)) {
      throw new Fault(`${at} does not prove that ${path} is in the log`);
    }
    if (path !== `${PROOFS}${readEvent(leaf, index)?.id ?? ''}.json`) throw new Fault(`${path} is another event`);
  }
  return `${events.length} events have a proof that they are in the log`;
}
const MAX_LEAF = 65_535;

export async function readProof(files: PackageFiles, path: string): Promise<ReturnType<typeof parseTlogProof>> {
  const bytes = await readFile(files, path, MAX_PROOF);
  return asFault(path, () => parseTlogProof(bytes));
}
/** 63 hashes and a checkpoint. */
const MAX_PROOF = 70_000;
