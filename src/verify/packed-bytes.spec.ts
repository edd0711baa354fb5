import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pack, PackedBytes } from './packed-bytes.js';

const MEBIBYTE = 2 ** 20;

async function* inChunks(bytes: Buffer, length: number): AsyncGenerator<Buffer, void> {
  for (let at = 0; at < bytes.length; at += length) yield await Promise.resolve(bytes.subarray(at, at + length));
}

describe('bytes that are held packed', () => {
  it.each([0, 1, MEBIBYTE - 1, MEBIBYTE, 3 * MEBIBYTE, 3 * MEBIBYTE + 7])(
    'are %i of them read in any part as they were?',
    async (size) => {
      const bytes = Buffer.concat([randomBytes(size / 2), Buffer.alloc(size - Math.floor(size / 2), 'a')]);
      const packed = await pack(inChunks(bytes, 70_001), Infinity);
      const source = new PackedBytes(packed!);
      expect(source.size).toBe(size);
      fc.assert(
        fc.property(fc.nat(size), fc.nat(size), (one, other) => {
          const [start, end] = [Math.min(one, other), Math.max(one, other)];
          return source.read(start, end).equals(bytes.subarray(start, end));
        }),
        { numRuns: 50, examples: [[0, size]] },
      );
    },
  );

  it('is little held of what says the same again and again, and nothing of what comes to more than it may?', async () => {
    const alike = await pack(inChunks(Buffer.alloc(50 * MEBIBYTE, 'as before\n'), 65_536), MEBIBYTE);
    expect(alike?.size).toBe(50 * MEBIBYTE);
    expect(await pack(inChunks(randomBytes(2 * MEBIBYTE), 65_536), MEBIBYTE)).toBeNull();
  });
});
