import { leafHash } from '../../src/audit/merkle.js';
import { entryBundle } from '../../src/audit/tile.js';
import type { LogRows, PackagedLog } from '../../src/packages/log-files.js';

/** A log of three leaves, of which one is cited; its head has the shape of a signed note, and nobody's signature. */
export const LEAVES = ['{"n":0}', '{"n":1}', '{"n":2}'].map((leaf) => Buffer.from(leaf));

export const logOf = (eventId: string): PackagedLog => ({
  size: LEAVES.length,
  checkpoint: Buffer.from(
    `log\n${LEAVES.length}\n${Buffer.alloc(32, 7).toString('base64')}\n\n— log ${Buffer.alloc(68, 1).toString('base64')}\n`,
  ),
  keys: { checkpoint: ['log+1', 'log+0'], receipt: ['log/receipt+1'] },
  cited: [{ eventId, index: 1 }],
});

export const LOG_ROWS: LogRows = {
  tile: ({ level, width }) =>
    Promise.resolve(
      level === 'entries'
        ? entryBundle(LEAVES.slice(0, width))
        : Buffer.concat(LEAVES.slice(0, width).map((leaf) => leafHash(leaf))),
    ),
  leaf: (index) => Promise.resolve(LEAVES[index] ?? Buffer.alloc(0)),
  proof: (index) => Promise.resolve(Buffer.from(`proof of ${index}`)),
};
