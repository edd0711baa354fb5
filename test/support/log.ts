import { AnchorService } from '../../src/audit/anchor/anchor.service.js';
import { AuditService } from '../../src/audit/audit.service.js';
import { LogService } from '../../src/audit/log.service.js';
import { openCheckpoint } from '../../src/audit/checkpoint.js';
import { leafHash, rootOf } from '../../src/audit/merkle.js';
import { parseVerifierKey } from '../../src/audit/note.js';
import {
  entriesOf,
  entryBundlesOf,
  hashesOfTile,
  hashReader,
  rootOfTile,
  tilePath,
  tilesBetween,
} from '../../src/audit/tile.js';
import { Database } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal, type Principal } from '../../src/kernel/principal.js';
import { send } from '../api/reports.js';
import type { Caller, Clinic, World } from './app.js';

export const programOf = (clinic: Clinic): Principal => servicePrincipal('test', clinic.organizationId, newId());

/** The program's own parts, of a running app. */
export const partsOf = (world: World) => ({
  anchors: world.app.get(AnchorService, { strict: false }),
  audit: world.app.get(AuditService, { strict: false }),
  database: world.app.get(Database, { strict: false }),
  log: world.app.get(LogService, { strict: false }),
});

/** Writes that many events, in one transaction. */
export async function writeEvents(world: World, clinic: Clinic, count: number): Promise<void> {
  const { audit, database } = partsOf(world);
  await database.write(programOf(clinic), (tx) =>
    audit.recordAll(
      tx,
      Array.from({ length: count }, () => ({
        action: 'system.changed' as const,
        object: { kind: 'system' as const, id: clinic.systemId },
      })),
    ),
  );
}

/** What somebody who follows a log has read of it, by the addresses of C2SP tlog-tiles alone, and found to agree. */
export interface FollowedLog {
  origin: string;
  size: number;
  root: Buffer;
  checkpoint: Buffer;
  leaves: Buffer[];
}

/**
 * Reads a whole log and checks all of it, as a monitor does: the signature, each tile by the one below it, each leaf by its hash, the root. Throws where anything differs.
 * `of`: an organisation, or an engagement, which has the log below it too.
 */
export async function followLog(world: World, of: Pick<Clinic, 'path'>, as: Caller): Promise<FollowedLog> {
  const get = async (path: string): Promise<Buffer> => {
    const { status, bytes } = await send(world.url, as, 'GET', `${of.path}/log/${path}`);
    if (status !== 200) throw new Error(`${path}: ${status}`);
    return bytes;
  };
  const { body } = await as.get(`${of.path}/log`).expect(200);
  const checkpoint = await get('checkpoint');
  const keys = (body.keys.checkpoint as string[]).map(parseVerifierKey);
  const { origin, size, root } = openCheckpoint(checkpoint, keys);
  const leaves: Buffer[] = [];
  for (const bundle of entryBundlesOf(size)) leaves.push(...entriesOf(await get(tilePath(bundle))));
  const tiles = new Map<string, Buffer>();
  let below = leaves.map((leaf) => leafHash(leaf));
  let level = 0;
  for (const tile of tilesBetween(0, size)) {
    if (tile.level !== level) {
      below = hashesOfTile(Buffer.concat(full(tiles, level, below.length)));
      level = tile.level;
    }
    const bytes = await get(tilePath(tile));
    const expected = Buffer.concat(below.slice(tile.index * 256, tile.index * 256 + tile.width));
    if (!bytes.equals(expected)) throw new Error(`${tilePath(tile)} is not made of what is below it`);
    tiles.set(`${tile.level}/${tile.index}`, bytes);
  }
  const read = hashReader(size, (asked) =>
    Promise.resolve(asked.map(({ level, index }) => tiles.get(`${level}/${index}`) ?? Buffer.alloc(0))),
  );
  if (!(await rootOf(size, read)).equals(root)) throw new Error('the root is not that of the tiles');
  return { origin, size, root, checkpoint, leaves };
}

/** Roots of the full tiles of a level, in their order. */
const full = (tiles: ReadonlyMap<string, Buffer>, level: number, hashes: number): Buffer[] =>
  Array.from({ length: Math.floor(hashes / 256) }, (_, index) =>
    rootOfTile(tiles.get(`${level}/${index}`) ?? Buffer.alloc(0)),
  );
