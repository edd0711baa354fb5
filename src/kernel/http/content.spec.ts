import { createHash, randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  formatDigest,
  receiveContent,
  type ContentHeaders,
  type ContentLimits,
  type ReceivedContent,
} from './content.js';
import { Refusal } from './problem.js';

const MIB = 2 ** 20;
const LIMITS: ContentLimits = { maxEncodedBytes: 8 * MIB, maxDecodedBytes: 16 * MIB, maxSilence: 60_000 };
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const sha512 = (bytes: Buffer): Buffer => createHash('sha512').update(bytes).digest();

/** Text that compresses about as well as a report. */
const report = Buffer.from(
  JSON.stringify(
    Array.from({ length: 12_000 }, (_, index) => ({ index, id: randomBytes(6).toString('hex'), status: 'FAIL' })),
  ),
);

function sourceOf(bytes: Buffer, chunk = 16_384): Readable {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunk) chunks.push(bytes.subarray(at, at + chunk));
  return Readable.from(chunks, { objectMode: false });
}

async function receive(
  bytes: Buffer,
  headers: ContentHeaders = {},
  limits = LIMITS,
  chunk?: number,
): Promise<ReceivedContent & { content: Buffer }> {
  const { decoded, finished } = receiveContent(sourceOf(bytes, chunk), headers, limits);
  const chunks: Buffer[] = [];
  try {
    for await (const part of decoded as AsyncIterable<Buffer>) chunks.push(part);
  } catch (error) {
    // Both say the same; whoever reads either knows.
    await expect(finished).rejects.toBe(error);
    throw error;
  }
  return { ...(await finished), content: Buffer.concat(chunks) };
}

/** The code of the Refusal that a call is answered by. */
async function refusal(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('receiving content', () => {
  const encodings = [
    [undefined, (bytes: Buffer) => bytes],
    ['identity', (bytes: Buffer) => bytes],
    ['gzip', (bytes: Buffer) => gzipSync(bytes)],
    [' GZip ', (bytes: Buffer) => gzipSync(bytes)],
    ['zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
  ] as const;

  it.each(encodings)('gives the decoded bytes of %j, their digest and both sizes?', async (contentEncoding, encode) => {
    for (const content of [report, Buffer.from('x')]) {
      const encoded = encode(content);
      const headers = {
        contentEncoding,
        contentLength: String(encoded.length),
        contentDigest: formatDigest({ 'sha-256': sha256(encoded), 'sha-512': sha512(encoded) }),
        reprDigest: formatDigest({ 'sha-256': sha256(encoded) }),
      };
      const received = await receive(encoded, headers);
      expect(received.content.equals(content)).toBe(true);
      expect(received).toMatchObject({
        encodedBytes: encoded.length,
        decodedBytes: content.length,
        sha256: sha256(content),
      });
    }
  });

  it('takes empty content as it is, but not as a compressed one?', async () => {
    expect(await receive(Buffer.alloc(0))).toMatchObject({ decodedBytes: 0, sha256: sha256(Buffer.alloc(0)) });
    expect((await receive(gzipSync(''), { contentEncoding: 'gzip' })).decodedBytes).toBe(0);
    expect((await receive(zstdCompressSync(''), { contentEncoding: 'zstd' })).decodedBytes).toBe(0);
    expect(await refusal(() => receive(Buffer.alloc(0), { contentEncoding: 'gzip' }))).toBe('truncated-body');
    expect(await refusal(() => receive(Buffer.alloc(0), { contentEncoding: 'zstd' }))).toBe('truncated-body');
  });

  it.each(['deflate', 'br', 'gzip, gzip', 'gzip,zstd', 'x', 'identity, gzip'])(
    'refuses %s?',
    async (contentEncoding) => {
      expect(await refusal(() => receive(report, { contentEncoding }))).toBe('unsupported-encoding');
    },
  );

  it.each([
    ['Content-Digest', 'contentDigest'],
    ['Repr-Digest', 'reprDigest'],
  ] as const)('refuses content that has not the %s, over the bytes as transferred?', async (field, header) => {
    const encoded = gzipSync(report);
    const wrong = { contentEncoding: 'gzip', [header]: formatDigest({ 'sha-256': sha256(report) }) };
    await expect(receive(encoded, wrong)).rejects.toMatchObject({
      code: 'digest-mismatch',
      details: { pointer: `header/${field}` },
    });
    const halfWrong = { [header]: formatDigest({ 'sha-256': sha256(report), 'sha-512': sha512(encoded) }) };
    expect(await refusal(() => receive(report, halfWrong))).toBe('digest-mismatch');
  });

  it('does content with a wrong digest never end cleanly, though all of it was read?', async () => {
    const { decoded } = receiveContent(
      sourceOf(report),
      { contentDigest: formatDigest({ 'sha-256': sha256(Buffer.from('else')) }) },
      LIMITS,
    );
    let ended = false;
    decoded.on('end', () => (ended = true)).resume();
    await new Promise((resolve) => decoded.once('close', resolve));
    expect(ended).toBe(false);
  });

  describe('what is not what it says', () => {
    const codings = [
      ['gzip', gzipSync(report)],
      ['zstd', zstdCompressSync(report, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })],
    ] as const;
    const chunkSizes = (encoded: Buffer): number[] => [encoded.length * 2, encoded.length, 1_000];

    it.each(codings)('is a cut %s found, wherever it is cut?', async (contentEncoding, encoded) => {
      for (const length of [1, 5, 20, encoded.length >> 1, encoded.length - 1]) {
        for (const chunk of chunkSizes(encoded)) {
          const call = () => receive(encoded.subarray(0, length), { contentEncoding }, LIMITS, chunk);
          expect(await refusal(call)).toBe('truncated-body');
        }
      }
    });

    it.each(codings)('is anything after the end of a %s found?', async (contentEncoding, encoded) => {
      for (const garbage of [Buffer.alloc(1), Buffer.alloc(100_000), Buffer.from('garbage '.repeat(20)), report]) {
        const bytes = Buffer.concat([encoded, garbage]);
        for (const chunk of chunkSizes(encoded)) {
          expect(await refusal(() => receive(bytes, { contentEncoding }, LIMITS, chunk))).toMatch(
            /^(malformed-encoding|truncated-body)$/,
          );
        }
      }
    });

    it.each(codings)(
      'are several members of %s read as one, however they are cut?',
      async (contentEncoding, encoded) => {
        const bytes = Buffer.concat([encoded, encoded, encoded]);
        for (const chunk of [...chunkSizes(encoded), 97]) {
          const received = await receive(bytes, { contentEncoding }, LIMITS, chunk);
          expect(received.content.equals(Buffer.concat([report, report, report]))).toBe(true);
          const cut = () => receive(bytes.subarray(0, -3), { contentEncoding }, LIMITS, chunk);
          expect(await refusal(cut)).toBe('truncated-body');
        }
      },
    );

    it.each(codings)('is a changed %s found?', async (contentEncoding, encoded) => {
      for (const at of [0, encoded.length >> 1, encoded.length - 2]) {
        const changed = Buffer.from(encoded);
        changed[at]! ^= 0x01;
        expect(await refusal(() => receive(changed, { contentEncoding }))).toMatch(
          /^(malformed-encoding|truncated-body)$/,
        );
      }
      expect(await refusal(() => receive(report, { contentEncoding }))).toBe('malformed-encoding');
    });

    it('are skippable zstd frames stepped over?', async () => {
      const skippable = Buffer.alloc(8 + 300_000, 7);
      skippable.writeUInt32LE(0x184d2a53);
      skippable.writeUInt32LE(300_000, 4);
      const zstd = zstdCompressSync(report);
      for (const chunk of [1_000_000, 333]) {
        const bytes = Buffer.concat([skippable, zstd, skippable, zstd]);
        const received = await receive(bytes, { contentEncoding: 'zstd' }, LIMITS, chunk);
        expect(received.content.equals(Buffer.concat([report, report]))).toBe(true);
      }
    });

    it('is a stream of endless empty zstd frames refused?', async () => {
      const empty = zstdCompressSync('');
      const bytes = Buffer.concat(Array.from({ length: 2_000 }, () => empty));
      expect(await refusal(() => receive(bytes, { contentEncoding: 'zstd' }))).toBe('malformed-encoding');
    });

    it('is a zstd window over 8 MiB refused (RFC 9659)?', async () => {
      const content = randomBytes(MIB);
      // Compressors shrink the window to a size they know: the frame header's window byte is set by hand (RFC 8878 section 3.1.1.1.2).
      const bytes = zstdCompressSync(content, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
      expect((bytes[4]! & 0x20) === 0).toBe(true);
      const window = (log: number): Buffer => {
        const changed = Buffer.from(bytes);
        changed[5] = (log - 10) << 3;
        return changed;
      };
      expect((await receive(window(23), { contentEncoding: 'zstd' })).decodedBytes).toBe(MIB);
      expect(await refusal(() => receive(window(24), { contentEncoding: 'zstd' }))).toBe('malformed-encoding');
    });
  });

  describe('bounds', () => {
    it('refuses by Content-Length before it reads a byte?', async () => {
      const source = new PassThrough();
      const call = () => receiveContent(source, { contentLength: String(LIMITS.maxEncodedBytes + 1) }, LIMITS);
      expect(await refusal(call)).toBe('too-large');
      expect(source.readableFlowing).toBe(null);
    });

    it.each(['-1', '1e9', '', '9'.repeat(20), '0x10', '5, 5'])('refuses Content-Length %j?', async (contentLength) => {
      expect(await refusal(() => receive(report, { contentLength }))).toBe('malformed-header');
    });

    it('refuses content shorter than Content-Length?', async () => {
      expect(await refusal(() => receive(report, { contentLength: String(report.length + 1) }))).toBe('truncated-body');
    });

    it('takes as much as the limits say and not a byte more?', async () => {
      const exact = { ...LIMITS, maxEncodedBytes: report.length, maxDecodedBytes: report.length };
      expect((await receive(report, {}, exact)).decodedBytes).toBe(report.length);
      expect(await refusal(() => receive(report, {}, { ...exact, maxEncodedBytes: report.length - 1 }))).toBe(
        'too-large',
      );
      const gzip = gzipSync(report);
      const decodedLimit = { ...LIMITS, maxEncodedBytes: gzip.length, maxDecodedBytes: report.length - 1 };
      expect(await refusal(() => receive(gzip, { contentEncoding: 'gzip' }, decodedLimit))).toBe('too-large');
    });

    it.each([
      ['gzip', gzipSync(Buffer.alloc(64 * MIB))],
      ['zstd', zstdCompressSync(Buffer.alloc(64 * MIB))],
    ])('is a %s bomb stopped by its ratio long before the limit?', async (contentEncoding, bomb) => {
      const { decoded, finished } = receiveContent(
        sourceOf(bomb),
        { contentEncoding },
        { ...LIMITS, maxEncodedBytes: MIB, maxDecodedBytes: 2 ** 40 },
      );
      let bytes = 0;
      await expect(
        (async () => {
          for await (const chunk of decoded as AsyncIterable<Buffer>) bytes += chunk.length;
        })(),
      ).rejects.toMatchObject({ code: 'too-large' });
      await expect(finished).rejects.toMatchObject({ code: 'too-large' });
      expect(bytes).toBeLessThanOrEqual(2 * MIB);
    });

    it('may a small file compress as well as it likes?', async () => {
      const blanks = Buffer.alloc(MIB, ' ');
      expect((await receive(gzipSync(blanks), { contentEncoding: 'gzip' })).decodedBytes).toBe(MIB);
    });

    it('does a reader that waits hold the sender back?', async () => {
      let sent = 0;
      const endless = new Readable({
        read() {
          sent += 65_536;
          this.push(Buffer.alloc(65_536));
        },
      });
      const { decoded } = receiveContent(endless, {}, LIMITS);
      for (let turns = 0; turns < 200; turns += 1) await turn();
      expect(sent).toBeLessThan(MIB);
      decoded.destroy();
      endless.destroy();
    });
  });
});
