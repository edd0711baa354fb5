import { hash } from 'node:crypto';

/*
 * The Merkle tree of RFC 6962, section 2.1, in the words of that section: D[a:b] are the leaves from a on and before b, MTH is the hash of a tree of them. Pure: who
 * keeps the hashes hands in a `HashReader`. Sizes and indexes are whole numbers below 2^53; no bit operator is used on them, as JavaScript's end at 2^31.
 */

export const HASH_SIZE = 32;

/** MTH({}): of no leaves. */
export const EMPTY_ROOT = hash('sha256', '', 'buffer');

const LEAF_PREFIX = Buffer.of(0);
const NODE_PREFIX = Buffer.of(1);

/** MTH({d}): the two prefixes keep a leaf from being taken for a node. */
export const leafHash = (leaf: Uint8Array): Buffer => hash('sha256', Buffer.concat([LEAF_PREFIX, leaf]), 'buffer');

export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  hash('sha256', Buffer.concat([NODE_PREFIX, left, right]), 'buffer');

/** The root of D[index * 2^level : (index + 1) * 2^level]: a whole subtree, whose hash never changes once it is there. */
export interface Subtree {
  level: number;
  index: number;
}

/** The hashes of whole subtrees, in the order in which they are asked for. */
export type HashReader = (subtrees: readonly Subtree[]) => Promise<readonly Buffer[]>;

/** The whole subtrees that D[from:to] consists of, from the left; `from` is 0 or a multiple of the largest of them. */
export function subtreesOf(from: number, to: number): Subtree[] {
  const subtrees: Subtree[] = [];
  for (let at = from; at < to;) {
    let [level, width] = [0, 1];
    while (at % (width * 2) === 0 && at + width * 2 <= to) [level, width] = [level + 1, width * 2];
    subtrees.push({ level, index: at / width });
    at += width;
  }
  return subtrees;
}

/** MTH of what the subtrees hold, which are those of `subtreesOf`: each joins what is on its right. */
export const joined = (hashes: readonly Buffer[]): Buffer =>
  hashes.length === 0 ? EMPTY_ROOT : hashes.reduceRight((right, left) => nodeHash(left, right));

/** MTH(D[0:size]). */
export const rootOf = async (size: number, read: HashReader): Promise<Buffer> =>
  joined(await read(subtreesOf(0, size)));

/** D[from:to]. */
type Range = readonly [from: number, to: number];

/** The largest power of two that is smaller than n, where n > 1. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** PATH(m, D[n]) of section 2.1.1: the siblings from the leaf up to the root. */
function path(m: number, [from, to]: Range): Range[] {
  if (to - from <= 1) return [];
  const k = from + split(to - from);
  return m < k ? [...path(m, [from, k]), [k, to]] : [...path(m, [k, to]), [from, k]];
}

/** SUBPROOF(m, D[n], b) of section 2.1.2; `known`: whoever has the old root has the hash of D[from:m] as well. */
function subproof(m: number, [from, to]: Range, known: boolean): Range[] {
  if (m === to) return known ? [] : [[from, to]];
  const k = from + split(to - from);
  return m <= k ? [...subproof(m, [from, k], known), [k, to]] : [...subproof(m, [k, to], false), [from, k]];
}

/** Asks for all that the ranges consist of at once. */
async function hashesOf(ranges: readonly Range[], read: HashReader): Promise<Buffer[]> {
  const parts = ranges.map(([from, to]) => subtreesOf(from, to));
  const hashes = await read(parts.flat());
  let taken = 0;
  return parts.map(({ length }) => joined(hashes.slice(taken, (taken += length))));
}

/** That the leaf with that index is in the tree of that size. Throws a RangeError where it cannot be. */
export async function inclusionProof(index: number, size: number, read: HashReader): Promise<Buffer[]> {
  if (!isWhole(index) || !isWhole(size) || index >= size) throw new RangeError('the tree has no such leaf');
  return hashesOf(path(index, [0, size]), read);
}

/** That the tree of size `to` has all leaves of that of size `from`, in their places. Throws a RangeError where it cannot. Of an empty tree there is nothing to prove. */
export async function consistencyProof(from: number, to: number, read: HashReader): Promise<Buffer[]> {
  if (!isWhole(from) || !isWhole(to) || from > to) throw new RangeError('a tree extends none that is larger');
  return from === 0 ? [] : hashesOf(subproof(from, [0, to], true), read);
}

/** Whether a proof of inclusion proves what it is said to (RFC 9162 section 2.1.3.2, which says how RFC 6962's are checked). */
export function isIncluded(
  leaf: Buffer,
  index: number,
  { size, root }: { size: number; root: Buffer },
  proof: readonly Buffer[],
): boolean {
  if (!isWhole(index) || !isWhole(size) || index >= size || ![leaf, root, ...proof].every(isHash)) return false;
  let [fn, sn, r] = [index, size - 1, leaf];
  for (const p of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      r = nodeHash(p, r);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, half(sn)];
    } else {
      r = nodeHash(r, p);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && r.equals(root);
}

/** Whether a proof of consistency proves that the second tree extends the first (RFC 9162 section 2.1.4.2). Every tree extends the empty one, without a proof. */
export function isConsistent(
  first: { size: number; root: Buffer },
  second: { size: number; root: Buffer },
  proof: readonly Buffer[],
): boolean {
  if (!isWhole(first.size) || !isWhole(second.size) || first.size > second.size) return false;
  if (![first.root, second.root, ...proof].every(isHash)) return false;
  if (first.size === second.size) return proof.length === 0 && first.root.equals(second.root);
  if (first.size === 0) return proof.length === 0 && first.root.equals(EMPTY_ROOT);
  let [fn, sn] = [first.size - 1, second.size - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  // A first tree that is one whole subtree is a part of the second's path, and is not sent.
  const [start, ...rest] = fn === 0 ? [first.root, ...proof] : proof;
  if (start === undefined) return false;
  let [fr, sr] = [start, start];
  for (const c of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [nodeHash(c, fr), nodeHash(c, sr)];
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, half(sn)];
    } else {
      sr = nodeHash(sr, c);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && fr.equals(first.root) && sr.equals(second.root);
}

/**
 * What has to be kept of a tree to go on with it: the hashes of the whole subtrees that it consists of, one for each bit of its size. Appending a leaf costs two hashes
 * on average.
 */
export class Frontier {
  /** From the largest, which is on the left. */
  private readonly hashes: Buffer[];

  constructor(
    private leaves = 0,
    hashes: readonly Buffer[] = [],
  ) {
    if (subtreesOf(0, leaves).length !== hashes.length || !hashes.every(isHash)) {
      throw new Error('a frontier has one hash for each whole subtree of its tree');
    }
    this.hashes = [...hashes];
  }

  /** From its bytes: the hashes, one after the other. */
  static of(size: number, bytes: Buffer): Frontier {
    const hashes: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += HASH_SIZE) hashes.push(bytes.subarray(at, at + HASH_SIZE));
    return new Frontier(size, hashes);
  }

  get size(): number {
    return this.leaves;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.hashes);
  }

  get root(): Buffer {
    return joined(this.hashes);
  }

  append(leaf: Buffer): void {
    let last = leaf;
    for (let n = this.leaves; n % 2 === 1; n = half(n)) last = nodeHash(this.hashes.pop() ?? last, last);
    this.hashes.push(last);
    this.leaves += 1;
  }
}

const half = (n: number): number => Math.floor(n / 2);
const isWhole = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;
const isHash = (bytes: Buffer): boolean => bytes.length === HASH_SIZE;
