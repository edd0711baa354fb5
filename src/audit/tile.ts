import { HASH_SIZE, joined, type HashReader, type Subtree } from './merkle.js';

/*
 * C2SP tlog-tiles: a log as files that never change. The tile with level L and index N has the hashes of the subtrees with level 8·L and indexes from 256·N on, 256 of
 * them or, at the right edge, fewer; an entry bundle has the leaves of the tile with level 0. Pure.
 */

const HEIGHT = 8;
export const TILE_WIDTH = 256;
/** The longest entry: its length has two bytes. */
const MAX_ENTRY = 65_535;
/** C2SP tlog-tiles allows 0 to 63; a tree of less than 2^53 leaves has none above this. */
const MAX_LEVEL = 6;

export interface Tile {
  /** `entries`: the bundle of the leaves themselves. */
  level: number | 'entries';
  index: number;
  /** Hashes or leaves in it, 1 to 256. */
  width: number;
}

/** Where a log has it: `tile/<L>/<N>[.p/<W>]`. N has groups of three digits, all but the last with an x before them. */
export function tilePath({ level, index, width }: Tile): string {
  const groups: string[] = [];
  for (let rest = index, last = true; last || rest > 0; rest = Math.floor(rest / 1_000), last = false) {
    groups.unshift(`${last ? '' : 'x'}${String(rest % 1_000).padStart(3, '0')}`);
  }
  return `tile/${level}/${groups.join('/')}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

const PATH = /^tile\/(entries|\d)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/;

/** Null where it is no path of a tile, as that is written: each tile has one path. */
export function parseTilePath(path: string): Tile | null {
  const [, level = '', index = '', width] = PATH.exec(path) ?? [];
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(index.replaceAll(/[x/]/g, '')),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  const isOne = tile.level === 'entries' || tile.level <= MAX_LEVEL;
  return level !== '' &&
    isOne &&
    Number.isSafeInteger(tile.index * TILE_WIDTH) &&
    tile.width > 0 &&
    tilePath(tile) === path
    ? tile
    : null;
}

/** How many hashes level L of a log's tiles has. */
const hashesAt = (level: number, size: number): number => Math.floor(size / TILE_WIDTH ** level);

/** How much of a tile a log of that size has: 0 to 256. */
export function widthOf({ level, index }: Pick<Tile, 'level' | 'index'>, size: number): number {
  const hashes = hashesAt(level === 'entries' ? 0 : level, size);
  return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
}

/** Every tile that a log has more of with size `to` than with size `from`, level by level; with `from` 0, all tiles that it has. No entry bundles. */
export function* tilesBetween(from: number, to: number): Generator<Tile & { level: number }, void> {
  for (let level = 0; hashesAt(level, to) > 0; level += 1) {
    const [before, after] = [hashesAt(level, from), hashesAt(level, to)];
    if (before === after) continue;
    for (let index = Math.floor(before / TILE_WIDTH); index * TILE_WIDTH < after; index += 1) {
      yield { level, index, width: Math.min(TILE_WIDTH, after - index * TILE_WIDTH) };
    }
  }
}

/** The bundles of a log's leaves, from the left. */
export function* entryBundlesOf(size: number): Generator<Tile, void> {
  for (let index = 0; index * TILE_WIDTH < size; index += 1) {
    yield { level: 'entries', index, width: widthOf({ level: 'entries', index }, size) };
  }
}

/** The subtrees whose hashes are the tile's. */
export const subtreesOfTile = ({ level, index, width }: Tile & { level: number }): Subtree[] =>
  Array.from({ length: width }, (_, at) => ({ level: level * HEIGHT, index: index * TILE_WIDTH + at }));

/** The tile that has what a subtree's hash is made of, and from where to where in it. */
export function tileOf({ level, index }: Subtree): { level: number; index: number; from: number; to: number } {
  const tileLevel = Math.floor(level / HEIGHT);
  const hashes = 2 ** (level - tileLevel * HEIGHT);
  const first = index * hashes;
  const from = first % TILE_WIDTH;
  return { level: tileLevel, index: Math.floor(first / TILE_WIDTH), from, to: from + hashes };
}

/** Reads tiles, in the order in which they are asked for; each at least as wide as it is asked for. */
export type TileReader = (tiles: readonly (Tile & { level: number })[]) => Promise<readonly Buffer[]>;

/** Reads the hashes of subtrees of a log of that size out of its tiles, each of which is asked for once. */
export function hashReader(size: number, read: TileReader): HashReader {
  return async (subtrees) => {
    const places = subtrees.map(tileOf);
    const tiles = new Map(
      places.map(({ level, index }) => [`${level}/${index}`, { level, index, width: widthOf({ level, index }, size) }]),
    );
    const contents = await read([...tiles.values()]);
    const byName = new Map([...tiles.keys()].map((name, at) => [name, contents[at] ?? Buffer.alloc(0)]));
    return places.map(({ level, index, from, to }) => {
      const tile = byName.get(`${level}/${index}`) ?? Buffer.alloc(0);
      if (tile.length < to * HASH_SIZE) throw new RangeError('a tile has less than the size of its log says');
      return wholeRoot(hashesOfTile(tile).slice(from, to));
    });
  };
}

/** A tile's bytes as its hashes. Throws where the last one is cut. */
export function hashesOfTile(bytes: Buffer): Buffer[] {
  if (bytes.length % HASH_SIZE !== 0) throw new RangeError('a tile has whole hashes');
  const hashes: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += HASH_SIZE) hashes.push(bytes.subarray(at, at + HASH_SIZE));
  return hashes;
}

/** Of 2^n hashes side by side, level by level. */
function wholeRoot(hashes: Buffer[]): Buffer {
  let level = hashes;
  while (level.length > 1) {
    level = Array.from({ length: level.length / 2 }, (_, at) => joined(level.slice(at * 2, at * 2 + 2)));
  }
  return joined(level);
}

/** The hash of a tile that is full: the one hash that the level above has of it. */
export const rootOfTile = (bytes: Buffer): Buffer => wholeRoot(hashesOfTile(bytes));

/** An entry bundle: each leaf after its length, of two bytes, the higher first. */
export function entryBundle(leaves: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    leaves.flatMap((leaf) => {
      if (leaf.length > MAX_ENTRY) throw new RangeError('an entry of a log has at most 65535 bytes');
      const length = Buffer.alloc(2);
      length.writeUInt16BE(leaf.length);
      return [length, leaf];
    }),
  );
}

/** The leaves of a bundle. Throws where it ends inside one. */
export function entriesOf(bundle: Buffer): Buffer[] {
  const leaves: Buffer[] = [];
  for (let at = 0; at < bundle.length;) {
    const end = at + 2 > bundle.length ? Infinity : at + 2 + bundle.readUInt16BE(at);
    if (end > bundle.length) throw new RangeError('an entry bundle ends inside an entry');
    leaves.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return leaves;
}
