import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { LogService } from '../audit/log.service.js';
import type { SignedHead } from '../audit/log.js';
import { inclusionProof } from '../audit/merkle.js';
import { hashReader, tilePath, type Tile, type TileReader } from '../audit/tile.js';
import { formatTlogProof } from '../audit/tlog-proof.js';
import { Database, type Tx } from '../kernel/db/database.js';
import type { Principal } from '../kernel/principal.js';
import type { LogRows, PackagedLog } from './log-files.js';

/** Tiles that proofs share are read once: the upper ones are in every proof. 8 kB each. */
const TILES_AT_HAND = 256;

/** Reads an organisation's log for a package, below one signed head. */
@Injectable()
export class PackageLog {
  constructor(
    private readonly database: Database,
    private readonly log: LogService,
    private readonly audit: AuditService,
  ) {}

  /** A head that speaks of all that was committed before. */
  close(principal: Principal): Promise<SignedHead> {
    return this.log.close(principal);
  }

  async survey(
    principal: Principal,
    head: SignedHead,
    evidenceIds: readonly string[],
    recordIds: readonly string[],
  ): Promise<{ log: PackagedLog; rows: LogRows }> {
    const { size, note } = head;
    const log = await this.database.readSnapshot(principal, async (tx) => ({
      size,
      checkpoint: note,
      keys: await this.log.keysOf(tx, head.origin),
      cited: [
        ...(await this.audit.findLeaves(tx, head, 'evidence.received', 'evidence', evidenceIds)),
        ...(await this.audit.findLeaves(tx, head, 'record.approved', 'record', recordIds)),
      ],
    }));
    const read = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => this.database.read(principal, work);
    const tile = (tile: Tile): Promise<Buffer> => read((tx) => this.log.contentOf(tx, head.generation, tile));
    const hashes = hashReader(size, atHand(tile));
    return {
      log,
      rows: {
        tile,
        leaf: async (index) => {
          const [leaf] = await read((tx) => this.log.leaves(tx, head, index, index + 1));
          if (leaf === undefined) throw new Error('the log has lost a leaf');
          return leaf;
        },
        proof: async (index) =>
          formatTlogProof({ index, hashes: await inclusionProof(index, size, hashes), checkpoint: note }),
      },
    };
  }
}

/** Keeps the last tiles that were asked for. */
function atHand(read: (tile: Tile) => Promise<Buffer>): TileReader {
  const kept = new Map<string, Buffer>();
  return async (asked) => {
    const tiles: Buffer[] = [];
    for (const tile of asked) {
      const path = tilePath(tile);
      const content = kept.get(path) ?? (await read(tile));
      kept.delete(path);
      kept.set(path, content);
      for (const oldest of kept.keys()) {
        if (kept.size <= TILES_AT_HAND) break;
        kept.delete(oldest);
      }
      tiles.push(content);
    }
    return tiles;
  };
}
