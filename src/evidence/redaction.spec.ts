import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { redacted, type Redaction } from './redaction.js';

const TEXTS = ['[dropped]', 'null', ''] as const;

const redactionOf = (places: readonly (readonly [start: number, end: number, text: number])[]): Redaction => ({
  starts: Float64Array.from(places, ([start]) => start),
  ends: Float64Array.from(places, ([, end]) => end),
  replacements: Uint8Array.from(places, ([, , text]) => text),
  texts: TEXTS,
  dropped: {},
});

async function apply(bytes: Buffer, redaction: Redaction, sizes: readonly number[]): Promise<Buffer> {
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let at = 0, next = 0; at < bytes.length; next++) {
      const size = sizes[next % sizes.length] ?? 1;
      yield await Promise.resolve(bytes.subarray(at, at + size));
      at += size;
    }
  }
  const parts: Buffer[] = [];
  for await (const part of redacted(chunks(), redaction)) parts.push(part);
  return Buffer.concat(parts);
}

describe('dropping places from bytes', () => {
  it('is only what stands in them replaced, however the bytes come?', async () => {
    const gap = fc.integer({ min: 0, max: 20 });
    const places = fc.array(fc.tuple(gap, gap, fc.constantFrom(0, 1, 2)), { maxLength: 8 });
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(places, gap, sizes, async (gaps, rest, chunkSizes) => {
        const parts: string[] = [];
        const expected: string[] = [];
        const found: [number, number, number][] = [];
        let at = 0;
        for (const [before, length, text] of gaps) {
          parts.push('k'.repeat(before), 's'.repeat(length + 1));
          expected.push('k'.repeat(before), TEXTS[text]);
          found.push([at + before, at + before + length + 1, text]);
          at += before + length + 1;
        }
        parts.push('k'.repeat(rest));
        expected.push('k'.repeat(rest));
        const written = await apply(Buffer.from(parts.join('')), redactionOf(found), chunkSizes);
        expect(written.toString()).toBe(expected.join(''));
      }),
    );
  });

  it.each([
    ['begins behind the end', [[5, 6, 0]]],
    ['ends behind the end', [[2, 6, 0]]],
  ] as const)('does what was read for another text fail: a place that %s?', async (_what, places) => {
    await expect(apply(Buffer.from('abcd'), redactionOf(places), [3])).rejects.toBeInstanceOf(IntegrityError);
  });
});
