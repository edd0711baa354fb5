import { LogDamaged } from './log-damaged.js';
import { rootOfTile, TILE_WIDTH } from './tile.js';

/** A tile that will never have more. */
export interface FullTile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Buffer;
  /** What the level above has of it. */
  readonly root: Buffer;
}

/** The hashes that level L of a log's tiles has from `from` on and before `to`. */
export type LevelReader = (level: number, from: number, to: number) => Promise<readonly Buffer[]>;

/**
 * The tiles that become full where leaves are appended to a log of that size. Of the tiles that were begun before, it reads what is in them, and only of those that
 * are now full; a level of which none is leaves those above as they were.
 */
export async function fullTiles(size: number, leaves: readonly Buffer[], read: LevelReader): Promise<FullTile[]> {
  const full: FullTile[] = [];
  let added = leaves;
  for (let level = 0; ; level += 1) {
    const before = Math.floor(size / TILE_WIDTH ** level);
    const begun = before % TILE_WIDTH;
    if (begun + added.length < TILE_WIDTH) return full;
    const hashes = [...(await read(level, before - begun, before)), ...added];
    if (hashes.length !== begun + added.length) throw new LogDamaged(`the log has lost hashes of level ${level}`);
    const tiles: FullTile[] = [];
    for (let at = 0; at + TILE_WIDTH <= hashes.length; at += TILE_WIDTH) {
      const bytes = Buffer.concat(hashes.slice(at, at + TILE_WIDTH));
      tiles.push({ level, index: (before - begun + at) / TILE_WIDTH, hashes: bytes, root: rootOfTile(bytes) });
    }
    full.push(...tiles);
    added = tiles.map(({ root }) => root);
  }
}
