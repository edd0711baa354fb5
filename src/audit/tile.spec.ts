import { describe, expect, it } from 'vitest';
import { Frontier, inclusionProof, isConsistent, isIncluded, consistencyProof, leafHash, rootOf } from './merkle.js';
import {
  entriesOf,
  entryBundle,
  entryBundlesOf,
  hashReader,
  parseTilePath,
  rootOfTile,
  tilePath,
  tilesBetween,
  widthOf,
  type Tile,
  type TileReader,
} from './tile.js';

const named = (tiles: Iterable<Tile>): string[] => [...tiles].map(tilePath);

/** A log's tiles at a size, each built from its leaves' hashes. */
function tilesOf(leaves: readonly Buffer[]): Map<string, Buffer> {
  const tiles = new Map<string, Buffer>();
  for (const tile of tilesBetween(0, leaves.length)) {
    const below = (at: number): Buffer =>
      tile.level === 0
        ? (leaves[at] ?? Buffer.alloc(0))
        : rootOfTile(tiles.get(pathOf(tile.level - 1, at)) ?? Buffer.alloc(0));
    tiles.set(
      tilePath(tile),
      Buffer.concat(Array.from({ length: tile.width }, (_, at) => below(tile.index * 256 + at))),
    );
  }
  return tiles;
}

const pathOf = (level: number, index: number): string => tilePath({ level, index, width: 256 });

describe('tiles', () => {
  it.each([
    [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
    [{ level: 1, index: 999, width: 1 }, 'tile/1/999.p/1'],
    [{ level: 0, index: 1_000, width: 256 }, 'tile/0/x001/000'],
    [{ level: 'entries', index: 1_234_067, width: 255 }, 'tile/entries/x001/x234/067.p/255'],
    [{ level: 6, index: 0, width: 31 }, 'tile/6/000.p/31'],
  ] as const)('has %o one path?', (tile, path) => {
    expect(tilePath(tile)).toBe(path);
    expect(parseTilePath(path)).toEqual(tile);
  });

  it.each([
    'tile/0/0',
    'tile/0/0000',
    'tile/0/x000/000',
    'tile/0/001/000',
    'tile/0/x001/x000',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/08',
    'tile/00/000',
    'tile/7/000',
    'tile/-1/000',
    'tile/entries/000/',
    'tile/entries/000.p/',
    'tile/0/000\n',
    'tile/0/x999/x999/x999/x999/x999/999',
    'tile/0/../000',
    'tile//000',
    '/tile/0/000',
    '',
  ])('is %j no path of a tile?', (path) => {
    expect(parseTilePath(path)).toBeNull();
  });

  it('has a log of 70 000 leaves the tiles of the specification’s own example?', () => {
    const tiles = [...tilesBetween(0, 70_000)];
    expect(tiles.filter(({ level, width }) => level === 0 && width === 256)).toHaveLength(273);
    expect(named(tiles.slice(273))).toEqual(['tile/0/273.p/112', 'tile/1/000', 'tile/1/001.p/17', 'tile/2/000.p/1']);
    expect(named(tilesBetween(0, 256))).toEqual(['tile/0/000', 'tile/1/000.p/1']);
    expect(named(tilesBetween(0, 0))).toEqual([]);
    expect(named(entryBundlesOf(257))).toEqual(['tile/entries/000', 'tile/entries/001.p/1']);
    expect(named(entryBundlesOf(256))).toEqual(['tile/entries/000']);
    expect(widthOf({ level: 0, index: 274 }, 70_000)).toBe(0);
    expect(widthOf({ level: 'entries', index: 273 }, 70_000)).toBe(112);
  });

  it('are the tiles that a log has more of those that changed, and no others?', () => {
    for (const [from, to] of [
      [0, 255],
      [254, 255],
      [255, 256],
      [256, 257],
      [511, 513],
      [65_535, 65_536],
      [65_536, 65_537],
      [65_000, 66_000],
    ] as const) {
      const before = new Set(named(tilesBetween(0, from)));
      const after = named(tilesBetween(0, to)).filter((path) => !before.has(path));
      expect(named(tilesBetween(from, to))).toEqual(after);
    }
  });

  it.each([1, 2, 255, 256, 257, 1_000, 65_536, 65_537])(
    'do proofs hold that are read from the tiles of %i leaves?',
    async (size) => {
      const leaves = Array.from({ length: size }, (_, at) => leafHash(Buffer.from(String(at))));
      const indexes = [...new Set([0, 1, 254, 255, 256, 511, 65_535, size - 1])].filter((at) => at < size);
      const frontier = new Frontier();
      const heads = new Map<number, { size: number; root: Buffer }>();
      for (const [at, leaf] of leaves.entries()) {
        frontier.append(leaf);
        if (indexes.includes(at)) heads.set(at, { size: frontier.size, root: frontier.root });
      }
      const tiles = tilesOf(leaves);
      const asked: string[] = [];
      const read: TileReader = (wanted) => {
        asked.push(...wanted.map(tilePath));
        return Promise.resolve(wanted.map((tile) => tiles.get(tilePath(tile)) ?? Buffer.alloc(0)));
      };
      const hashes = hashReader(size, read);
      const head = { size, root: frontier.root };
      expect(await rootOf(size, hashes)).toEqual(head.root);
      for (const index of indexes) {
        asked.length = 0;
        const leaf = leaves[index] ?? Buffer.alloc(0);
        expect(isIncluded(leaf, index, head, await inclusionProof(index, size, hashes))).toBe(true);
        expect(new Set(asked).size).toBe(asked.length);
        const older = heads.get(index) ?? head;
        expect(isConsistent(older, head, await consistencyProof(index + 1, size, hashes))).toBe(true);
      }
    },
  );

  it('is a tile refused that has less than the log’s size says?', async () => {
    const hashes = hashReader(3, () => Promise.resolve([Buffer.alloc(64)]));
    await expect(rootOf(3, hashes)).rejects.toThrow('a tile has less');
  });
});

describe('entry bundles', () => {
  it('are the same leaves read that were written?', () => {
    const leaves = [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(65_535, 7)];
    const bundle = entryBundle(leaves);
    expect(bundle.subarray(0, 5).toString('hex')).toBe('0000000161');
    expect(entriesOf(bundle)).toEqual(leaves);
    expect(entriesOf(Buffer.alloc(0))).toEqual([]);
  });

  it('is a leaf that is too long refused, and a bundle that is cut?', () => {
    expect(() => entryBundle([Buffer.alloc(65_536)])).toThrow(RangeError);
    const bundle = entryBundle([Buffer.from('abc'), Buffer.from('def')]);
    for (const end of [1, 2, 4, 6, 9]) expect(() => entriesOf(bundle.subarray(0, end))).toThrow('ends inside an entry');
  });
});
