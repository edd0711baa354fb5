import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  consistencyProof,
  EMPTY_ROOT,
  Frontier,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  rootOf,
  subtreesOf,
  type HashReader,
} from './merkle.js';

const sha256 = (...parts: Uint8Array[]): Buffer => {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part);
  return digest.digest();
};

/** MTH as RFC 6962 writes it, with nothing kept and nothing clever. */
function mth(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return sha256();
  if (leaves.length === 1) return sha256(Buffer.of(0), first);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Buffer.of(1), mth(leaves.slice(0, k)), mth(leaves.slice(k)));
}

const LARGEST = 35;
const LEAVES = Array.from({ length: LARGEST }, (_, at) => Buffer.from(`leaf ${at}`));
const read: HashReader = (subtrees) =>
  Promise.resolve(subtrees.map(({ level, index }) => mth(LEAVES.slice(index * 2 ** level, (index + 1) * 2 ** level))));
const TREES = Array.from({ length: LARGEST + 1 }, (_, size) => ({ size, root: mth(LEAVES.slice(0, size)) }));
const tree = (size: number) => TREES[size] ?? { size, root: Buffer.alloc(0) };
const pairs = Array.from({ length: LARGEST + 1 }, (_, size) =>
  Array.from({ length: size }, (_, smaller) => [smaller, size] as const),
).flat();

/** Each with one thing wrong. */
function* changed(proof: readonly Buffer[]): Generator<Buffer[], void> {
  yield [...proof, randomBytes(32)];
  yield [randomBytes(32), ...proof];
  for (const at of proof.keys()) {
    yield proof.toSpliced(at, 1);
    yield proof.with(at, randomBytes(32));
    yield proof.with(at, (proof[at] ?? Buffer.alloc(0)).subarray(1));
  }
  if (proof.length > 1) yield [...proof].reverse();
}

describe('the Merkle tree', () => {
  it('does it give the roots that the reference implementation of RFC 6962 gives?', () => {
    const leaves = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
    const frontier = new Frontier();
    const roots = leaves.map((leaf) => {
      frontier.append(leafHash(Buffer.from(leaf, 'hex')));
      return frontier.root.toString('hex');
    });
    expect(EMPTY_ROOT.toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(roots).toEqual([
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
      'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
      'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
      'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
      '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
      '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
      'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
      '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
    ]);
  });

  it('does it give the root of the RFC’s own words at every size, from its frontier and from its subtrees?', async () => {
    const frontier = new Frontier();
    for (let size = 0; size <= LARGEST; size += 1) {
      expect(frontier.root).toEqual(tree(size).root);
      expect(await rootOf(size, read)).toEqual(tree(size).root);
      expect(Frontier.of(size, frontier.bytes).root).toEqual(tree(size).root);
      frontier.append(leafHash(LEAVES[size] ?? Buffer.alloc(0)));
    }
  });

  it('is a frontier refused that is not of the size that is said?', () => {
    for (const [size, bytes] of [
      [3, 32],
      [4, 64],
      [0, 32],
      [1, 31],
      [1, 0],
    ] as const) {
      expect(() => Frontier.of(size, Buffer.alloc(bytes))).toThrow('a frontier');
    }
  });

  it('does every proof of inclusion hold, and none with one thing wrong?', async () => {
    for (const [index, size] of pairs) {
      const proof = await inclusionProof(index, size, read);
      const leaf = leafHash(LEAVES[index] ?? Buffer.alloc(0));
      expect(isIncluded(leaf, index, tree(size), proof), `${index} of ${size}`).toBe(true);
      const wrong = [
        isIncluded(leafHash(Buffer.from('another')), index, tree(size), proof),
        isIncluded(leaf, index, { size, root: randomBytes(32) }, proof),
        isIncluded(leaf, size, tree(size), proof),
        isIncluded(leaf, -1, tree(size), proof),
        isIncluded(leaf, index + 0.5, tree(size), proof),
        isIncluded(leaf, index + 2 ** 32, { ...tree(size), size: size + 2 ** 32 }, proof),
        ...[...changed(proof)].map((other) => isIncluded(leaf, index, tree(size), other)),
        ...pairs
          .filter(([other, of]) => of === size && other !== index)
          .map(([other]) => isIncluded(leaf, other, tree(size), proof)),
      ];
      expect(wrong, `${index} of ${size}`).not.toContain(true);
    }
  });

  it('does every proof of consistency hold, and none with one thing wrong?', async () => {
    for (const [from, to] of [...pairs, [LARGEST, LARGEST] as const]) {
      const proof = await consistencyProof(from, to, read);
      expect(isConsistent(tree(from), tree(to), proof), `${from} to ${to}`).toBe(true);
      const other = { size: from, root: randomBytes(32) };
      const wrong = [
        isConsistent(other, tree(to), proof),
        ...(from === 0 ? [] : [isConsistent(tree(from), { size: to, root: randomBytes(32) }, proof)]),
        ...(from === to ? [] : [isConsistent(tree(to), tree(from), proof)]),
        ...[...changed(proof)].map((changed) => isConsistent(tree(from), tree(to), changed)),
      ];
      expect(wrong, `${from} to ${to}`).not.toContain(true);
    }
  });

  it('is no proof given of what is not so?', async () => {
    for (const [index, size] of [
      [0, 0],
      [5, 5],
      [-1, 5],
      [0.5, 5],
      [2 ** 53, 2 ** 53 + 2],
    ] as const) {
      await expect(inclusionProof(index, size, read)).rejects.toThrow(RangeError);
    }
    for (const [from, to] of [
      [5, 4],
      [-1, 4],
      [1, 2 ** 53],
    ] as const) {
      await expect(consistencyProof(from, to, read)).rejects.toThrow(RangeError);
    }
  });

  it('does it go on past what a bit operator can count?', () => {
    const size = 2 ** 40 + 2 ** 31 + 3;
    const subtrees = subtreesOf(0, size);
    expect(subtrees).toEqual([
      { level: 40, index: 0 },
      { level: 31, index: 2 ** 9 },
      { level: 1, index: 2 ** 39 + 2 ** 30 },
      { level: 0, index: 2 ** 40 + 2 ** 31 + 2 },
    ]);
  });
});
