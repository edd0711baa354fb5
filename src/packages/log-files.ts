import type { LogKeys } from '../audit/log.service.js';
import { entryBundlesOf, tilePath, tilesBetween, type Tile } from '../audit/tile.js';
import type { OutgoingFile } from './bag.js';

/** The organisation's audit log as a package has it: the whole of it, at one signed head. */
export interface PackagedLog {
  size: number;
  /** The head: a signed note. */
  checkpoint: Buffer;
  keys: LogKeys;
  /** Events that have a proof of their own: by which evidence in the package was received, and records in it were approved. */
  cited: readonly { eventId: string; index: number }[];
}

/** Reads the log below that head. */
export interface LogRows {
  tile(tile: Tile): Promise<Buffer>;
  leaf(index: number): Promise<Buffer>;
  /** C2SP tlog-proof, with that head. */
  proof(index: number): Promise<Buffer>;
}

/** In the folders of C2SP tlog-tiles, so that programs that check logs take `log/` for one; and the proofs of what is cited. */
export function logFiles({ size, checkpoint, cited }: PackagedLog, rows: LogRows): OutgoingFile[] {
  return [
    { path: 'log/checkpoint', content: [checkpoint] },
    ...[...tilesBetween(0, size), ...entryBundlesOf(size)].map((tile) => ({
      path: `log/${tilePath(tile)}`,
      content: later(() => rows.tile(tile)),
    })),
    ...cited.flatMap(({ eventId, index }) => [
      { path: `proofs/${eventId}.json`, content: later(() => rows.leaf(index)) },
      { path: `proofs/${eventId}.json.tlog-proof`, content: later(() => rows.proof(index)) },
    ]),
  ];
}

/** Outside the bag, as copies: whoever believes them for lying here believes the package for its own word. One vkey each, without an end of line, as programs read them. */
export function logKeyFiles({ keys }: PackagedLog): { path: string; content: Buffer }[] {
  const [checkpoint = '', ...earlierCheckpoint] = keys.checkpoint;
  const [receipt = '', ...earlierReceipt] = keys.receipt;
  const earlier = [...earlierCheckpoint, ...earlierReceipt];
  return [
    ...(earlier.length === 0 ? [] : [file('earlier.vkeys', earlier.map((vkey) => `${vkey}\n`).join(''))]),
    file('log.vkey', checkpoint),
    file('receipt.vkey', receipt),
  ];
}

const file = (path: string, text: string) => ({ path, content: Buffer.from(text) });

/** Read when its turn has come. */
async function* later(read: () => Promise<Buffer>): AsyncGenerator<Buffer, void> {
  yield await read();
}
