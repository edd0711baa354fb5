import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { buffersPassed, freeBuffer } from '../kernel/memory.js';
import type { ByteSource } from '../scans/text/byte-source.js';

const BLOCK = 2 ** 20;
/** The fastest: reports come to a twentieth by it. */
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 }, chunkSize: BLOCK };
/** Put together of none that are smaller. */
const WHOLE = { maxOutputLength: BLOCK, chunkSize: BLOCK };

/** Bytes that are held packed, in blocks of 1 MiB: crosses into a thread as it is. */
export interface Packed {
  readonly size: number;
  readonly blocks: readonly Uint8Array<ArrayBuffer>[];
}

/** Null where they come to more than `most` bytes when they are packed. */
export async function pack(content: AsyncIterable<Buffer>, most: number): Promise<Packed | null> {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  const open = Buffer.allocUnsafeSlow(BLOCK);
  let [filled, size, packed] = [0, 0, 0];
  const close = (): void => {
    // Of a buffer of its own, which can be handed to a thread.
    const compressed = zstdCompressSync(open.subarray(0, filled), LEVEL);
    const block = new Uint8Array(compressed);
    freeBuffer(compressed);
    blocks.push(block);
    size += filled;
    packed += block.length;
    filled = 0;
  };
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length;) {
      const taken = chunk.copy(open, filled, at);
      at += taken;
      filled += taken;
      if (filled === BLOCK) close();
      if (packed > most) return null;
    }
    buffersPassed(chunk.length);
  }
  if (filled > 0) close();
  return packed > most ? null : { size, blocks };
}

/** Any part of what was packed; the block that was read last stays open. */
export class PackedBytes implements ByteSource {
  readonly size: number;
  private readonly blocks: Packed['blocks'];
  private open = { index: -1, bytes: Buffer.alloc(0) };
  /** What spans blocks, put together. */
  private joined = Buffer.alloc(0);

  constructor({ size, blocks }: Packed) {
    this.size = size;
    this.blocks = blocks;
  }

  read(start: number, end: number): Buffer {
    if (start === end) return Buffer.alloc(0);
    const first = this.from(start).subarray(0, end - start);
    if (first.length === end - start) return first;
    if (this.joined.length < end - start) this.joined = Buffer.allocUnsafeSlow(end - start);
    for (let at = start; at < end;) at += this.from(at).copy(this.joined, at - start, 0, end - at);
    return this.joined.subarray(0, end - start);
  }

  /** From a place to the end of its block. */
  private from(at: number): Buffer {
    const index = Math.floor(at / BLOCK);
    if (this.open.index !== index) {
      const block = this.blocks[index];
      if (block === undefined) throw new RangeError('outside of what was packed');
      const { bytes } = this.open;
      this.open = { index, bytes: zstdDecompressSync(block, WHOLE) };
      freeBuffer(bytes);
    }
    return this.open.bytes.subarray(at - index * BLOCK);
  }
}
