import { HASH_SIZE } from '../audit/merkle.js';

/** Where in a log a leaf is, by its hash: 44 bytes for each leaf, and no objects, of a log that may have tens of millions. */
export class LeafIndex {
  private readonly hashes: Buffer;
  /** Open addressing at half load; a place has the leaf's index and one, so that 0 is an empty place. */
  private readonly places: Uint32Array;
  private length = 0;

  constructor(readonly size: number) {
    this.hashes = Buffer.alloc(size * HASH_SIZE);
    this.places = new Uint32Array(Math.max(2, size * 2 + 1));
  }

  /** The next leaf's hash. False where the log has that leaf already. */
  append(hash: Buffer): boolean {
    const place = this.placeOf(hash);
    hash.copy(this.hashes, this.length * HASH_SIZE);
    this.length += 1;
    if (this.places[place] !== 0) return false;
    this.places[place] = this.length;
    return true;
  }

  /** The index of the leaf; null where the log has none such. */
  find(hash: Buffer): number | null {
    const found = this.places[this.placeOf(hash)] ?? 0;
    return found === 0 ? null : found - 1;
  }

  /** The hash is a digest: any four bytes of it are spread evenly, unless somebody has searched for leaves that are not, which costs him more than us. */
  private placeOf(hash: Buffer): number {
    let place = hash.readUInt32BE(0) % this.places.length;
    for (;;) {
      const found = this.places[place] ?? 0;
      const at = (found - 1) * HASH_SIZE;
      if (found === 0 || hash.equals(this.hashes.subarray(at, at + HASH_SIZE))) return place;
      place = (place + 1) % this.places.length;
    }
  }
}
