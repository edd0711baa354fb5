import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IntegrityError } from './integrity-error.js';
import {
  ciphertextSize,
  decryptRange,
  decryptStream,
  encryptStream,
  plaintextSize,
  type ByteRange,
} from './streaming-aead.js';

const MIB = 2 ** 20;
const HEADER = 40;
const key = createSecretKey(randomBytes(32));
const aad = Buffer.from('hev1|tenant|evidence|1');

async function* inChunks(bytes: Buffer, size = 70_001): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function gather(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const encrypt = (plaintext: Buffer, chunk?: number): Promise<Buffer> =>
  gather(encryptStream(key, aad, inChunks(plaintext, chunk)));

/** What was handed out before the end or the error, and the error. */
async function released(source: AsyncIterable<Buffer>): Promise<{ bytes: number; error: unknown }> {
  let bytes = 0;
  try {
    for await (const chunk of source) bytes += chunk.length;
    return { bytes, error: null };
  } catch (error) {
    return { bytes, error };
  }
}

describe('streaming AEAD', () => {
  it('reads what Tink wrote?', async () => {
    // Made by PyPI tink 1.16.1: a new AES256_GCM_HKDF_1MB keyset, new_encrypting_stream(out, b'hev1|…|1') over the plaintext below; the key is the
    // AesGcmHkdfStreamingKey's key_value. The other direction, and all sizes around segment boundaries, were checked with the same script.
    const tinkKey = createSecretKey('e1c14e957c8e7559a0aa0d4cde278c1ad79ef643c4c9a7fe2f0f874e3e4e254a', 'hex');
    const tinkAad = Buffer.from('hev1|0192f0c1-0000-7000-8000-000000000001|0192f0c1-0000-7000-8000-0000000000ff|1');
    const ciphertext = Buffer.from(
      '28cc9f294abe90d5e086f102f8e0f9f9dba4f16d969d19d2a21a71b3eb151c18240935abe5cff5b9335703e5e0c9b33bba65d0fb680bb72d4e9d3c60f111168c9f55655caee9586bb6b4624d8b8a30dd4b904bca',
      'hex',
    );
    const plaintext = await gather(decryptStream(tinkKey, tinkAad, inChunks(ciphertext)));
    expect(plaintext.toString()).toBe('evidence of one organisation');
  });

  const first = MIB - HEADER - 16;
  const second = first + MIB - 16;
  it.each([0, 1, 15, 16, first - 1, first, first + 1, MIB, second - 1, second, second + 1, 3 * MIB])(
    'gives back %i bytes, at the size it said?',
    async (size) => {
      const plaintext = randomBytes(size);
      const ciphertext = await encrypt(plaintext);
      expect(ciphertext.length).toBe(ciphertextSize(size));
      expect(plaintextSize(ciphertext.length)).toBe(size);
      expect((await gather(decryptStream(key, aad, inChunks(ciphertext)))).equals(plaintext)).toBe(true);
    },
  );

  it('does not care how the bytes are cut into chunks?', async () => {
    const plaintext = randomBytes(200_000);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 250_000 }), fc.integer({ min: 7, max: 250_000 }), async (a, b) => {
        const size = Math.max(a, 50);
        const back = await gather(decryptStream(key, aad, inChunks(await encrypt(plaintext, size), b)));
        expect(back.equals(plaintext)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it('has sizes that are each other’s inverse, and no size in between?', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 40 }), (size) => {
        expect(plaintextSize(ciphertextSize(size))).toBe(size);
      }),
    );
    for (const size of [0, 1, HEADER, HEADER + 15, MIB + 1, MIB + 16]) {
      expect(() => plaintextSize(size)).toThrow(IntegrityError);
    }
  });

  it('never encrypts the same bytes to the same bytes?', async () => {
    const digests = await Promise.all(
      [1, 2, 3].map(async () =>
        createHash('sha256')
          .update(await encrypt(Buffer.from('same')))
          .digest('hex'),
      ),
    );
    expect(new Set(digests).size).toBe(3);
  });

  describe('tampering', () => {
    const plaintext = randomBytes(3 * MIB + 1_000);
    const whole = encrypt(plaintext);
    const refused = async (ciphertext: Buffer, releasedAtMost: number, context = aad, by = key): Promise<void> => {
      const { bytes, error } = await released(decryptStream(by, context, inChunks(ciphertext)));
      expect(error).toBeInstanceOf(IntegrityError);
      expect(bytes).toBe(releasedAtMost);
    };

    it('is a stream cut anywhere found, before the cut segment is handed out?', async () => {
      const ciphertext = await whole;
      for (const length of [0, 1, HEADER - 1, HEADER, HEADER + 15, HEADER + 16, 1_000, MIB - 1]) {
        await refused(ciphertext.subarray(0, length), 0);
      }
      // At a segment's end everything before is authentic, but the last one there is not marked as the last.
      await refused(ciphertext.subarray(0, MIB), 0);
      await refused(ciphertext.subarray(0, MIB + 1), first);
      await refused(ciphertext.subarray(0, 2 * MIB), first);
      await refused(ciphertext.subarray(0, ciphertext.length - 1), first + 2 * (MIB - 16));
    });

    it('are appended bytes found?', async () => {
      await refused(Buffer.concat([await whole, Buffer.of(0)]), first + 2 * (MIB - 16));
    });

    it('are swapped, repeated and dropped segments found?', async () => {
      const ciphertext = await whole;
      const segments = [0, 1, 2, 3].map((index) => ciphertext.subarray(index * MIB, (index + 1) * MIB));
      const ordered = (order: number[]): Buffer => Buffer.concat(order.map((index) => segments[index]!));
      await refused(ordered([0, 2, 1, 3]), first);
      await refused(ordered([0, 1, 1, 2, 3]), first + MIB - 16);
      await refused(ordered([0, 2, 3]), first);
    });

    it('is a flipped bit found, wherever it is?', async () => {
      const ciphertext = await whole;
      await fc.assert(
        fc.asyncProperty(fc.nat({ max: ciphertext.length - 1 }), fc.nat({ max: 7 }), async (at, bit) => {
          const flipped = Buffer.from(ciphertext);
          flipped[at]! ^= 1 << bit;
          const segment = Math.floor(at / MIB);
          await refused(flipped, segment === 0 ? 0 : first + (segment - 1) * (MIB - 16));
        }),
        {
          numRuns: 25,
          examples: [
            [0, 0],
            [1, 0],
            [HEADER - 1, 3],
            [ciphertext.length - 1, 7],
          ],
        },
      );
    });

    it('are another key and another context refused?', async () => {
      await refused(await whole, 0, Buffer.from('hev1|other|evidence|1'));
      await refused(await whole, 0, aad, createSecretKey(randomBytes(32)));
    });
  });

  describe('ranges', () => {
    const plaintext = randomBytes(3 * MIB + 1_000);
    const whole = encrypt(plaintext);
    const range = async (wanted: ByteRange, reads: ByteRange[] = []): Promise<Buffer> => {
      const ciphertext = await whole;
      const read = (part: ByteRange): AsyncIterable<Buffer> => {
        reads.push(part);
        return inChunks(ciphertext.subarray(part.start, part.end));
      };
      return gather(decryptRange(key, aad, read, ciphertext.length, wanted));
    };

    it('gives exactly the bytes that were asked for?', async () => {
      const edge = fc.oneof(
        fc.nat({ max: plaintext.length }),
        fc.constantFrom(0, 1, first - 1, first, first + 1, second - 1, second, second + 1, plaintext.length),
      );
      await fc.assert(
        fc.asyncProperty(edge, edge, async (a, b) => {
          const [start, end] = [Math.min(a, b), Math.max(a, b)];
          expect((await range({ start, end })).equals(plaintext.subarray(start, end))).toBe(true);
        }),
        { numRuns: 60 },
      );
    });

    it('reads the header and the segments it needs, no more?', async () => {
      const reads: ByteRange[] = [];
      await range({ start: first + 10, end: first + 20 }, reads);
      expect(reads).toEqual([
        { start: 0, end: HEADER },
        { start: MIB, end: 2 * MIB },
      ]);
    });

    it('is a range outside of the plaintext an error?', async () => {
      await expect(range({ start: 0, end: plaintext.length + 1 })).rejects.toThrow(RangeError);
      await expect(range({ start: 2, end: 1 })).rejects.toThrow(RangeError);
      await expect(range({ start: NaN, end: 1 })).rejects.toThrow(RangeError);
    });

    it('does a store that gives too little, or something else, not pass?', async () => {
      const ciphertext = await whole;
      const given = (change: (bytes: Buffer, part: ByteRange) => Buffer) =>
        released(
          decryptRange(
            key,
            aad,
            (part) => inChunks(change(ciphertext.subarray(part.start, part.end), part)),
            ciphertext.length,
            { start: 0, end: plaintext.length },
          ),
        );
      const short = await given((bytes, part) => (part.start === 0 ? bytes : bytes.subarray(0, 2 * MIB - HEADER)));
      expect(short.error).toBeInstanceOf(IntegrityError);
      const none = await given((bytes, part) => (part.start === 0 ? bytes : bytes.subarray(0, 0)));
      expect(none).toMatchObject({ bytes: 0, error: expect.any(IntegrityError) as unknown });
      const headless = await given((bytes, part) => (part.start === 0 ? bytes.subarray(1) : bytes));
      expect(headless).toMatchObject({ bytes: 0, error: expect.any(IntegrityError) as unknown });
    });
  });
});
