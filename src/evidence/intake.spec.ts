import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, open, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { ciphertextSize, type ByteRange } from '../kernel/crypto/streaming-aead.js';
import { formatDigest, type ContentHeaders } from '../kernel/http/content.js';
import { FileSystemDriver } from './drivers/file-system.js';
import { openEvidence, takeIn, type Custody, type KeptBytes } from './intake.js';

const MIB = 2 ** 20;
const LIMITS = { maxEncodedBytes: 8 * MIB, maxDecodedBytes: 8 * MIB };
const retainUntil = new Date('2033-01-01T00:00:00Z');
const organizationId = '0192f0c1-0000-7000-8000-000000000001';
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

async function gather(source: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('custody of bytes', () => {
  let root: string;
  let driver: FileSystemDriver;
  let evidence = 0;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'custody-'));
    driver = await FileSystemDriver.open(root);
  });
  afterAll(() => rm(root, { recursive: true }));

  const custody = (): Custody => ({
    driver,
    key: createSecretKey(randomBytes(32)),
    identity: {
      organizationId,
      evidenceId: `0192f0c1-0000-7000-8000-${String((evidence += 1)).padStart(12, '0')}`,
      version: 1,
    },
  });
  const take = (source: Readable, by: Custody, headers: ContentHeaders = {}): Promise<KeptBytes> =>
    takeIn(source, headers, LIMITS, { ...by, retainUntil });
  const sourceOf = (bytes: Buffer): Readable =>
    Readable.from(
      Array.from({ length: Math.ceil(bytes.length / 50_000) }, (_, i) => bytes.subarray(i * 50_000, (i + 1) * 50_000)),
      { objectMode: false },
    );
  const files = async (): Promise<string[]> =>
    (await readdir(root, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  const pathOf = (row: KeptBytes): string => join(root, row.storageKey);

  it.each([
    ['as it is', undefined, (bytes: Buffer) => bytes],
    ['as gzip', 'gzip', (bytes: Buffer) => gzipSync(bytes)],
    ['as zstd', 'zstd', (bytes: Buffer) => zstdCompressSync(bytes)],
  ])('gives back what came %s, encrypted in between?', async (_how, contentEncoding, encode) => {
    for (const content of [Buffer.alloc(0), Buffer.from('{"totals":{"fail":3}}'), randomBytes(2 * MIB + 17)]) {
      const by = custody();
      const encoded = encode(content);
      const contentDigest = formatDigest({ 'sha-256': sha256(encoded) });
      const row = await take(sourceOf(encoded), by, { contentEncoding, contentDigest });
      expect(row).toMatchObject({
        sha256: sha256(content),
        size: content.length,
        storageSize: ciphertextSize(content.length),
        storageVersion: null,
      });
      const file = await open(pathOf(row));
      const stored = await file.readFile();
      await file.close();
      expect(row.storageSha256.equals(sha256(stored))).toBe(true);
      if (content.length > 0) expect(stored.includes(content.subarray(0, 20))).toBe(false);
      expect((await gather(await openEvidence(by, row))).equals(content)).toBe(true);
    }
  });

  it('gives any range of it?', async () => {
    const by = custody();
    const content = randomBytes(2 * MIB + 17);
    const row = await take(sourceOf(content), by);
    const ranges: ByteRange[] = [
      { start: 0, end: 1 },
      { start: MIB - 100, end: MIB + 100 },
      { start: content.length - 5, end: content.length },
      { start: 0, end: content.length },
    ];
    for (const range of ranges) {
      const part = await gather(await openEvidence(by, row, range));
      expect(part.equals(content.subarray(range.start, range.end))).toBe(true);
    }
    await expect(gather(await openEvidence(by, row, { start: 0, end: content.length + 1 }))).rejects.toThrow(
      RangeError,
    );
  });

  describe('does a failed intake leave nothing?', () => {
    const leavesNothing = async (call: () => Promise<unknown>, error: object): Promise<void> => {
      const before = await files();
      await expect(call()).rejects.toMatchObject(error);
      expect(await files()).toEqual(before);
    };
    const content = randomBytes(3 * MIB);

    it.each<[string, string, Buffer, ContentHeaders]>([
      [
        'a wrong digest',
        'digest-mismatch',
        content,
        { contentDigest: formatDigest({ 'sha-256': sha256(Buffer.from('')) }) },
      ],
      ['a cut gzip', 'truncated-body', gzipSync(content).subarray(0, -5), { contentEncoding: 'gzip' }],
      ['a cut zstd', 'truncated-body', zstdCompressSync(content).subarray(0, -5), { contentEncoding: 'zstd' }],
      ['a gzip bomb', 'too-large', gzipSync(Buffer.alloc(7 * MIB)), { contentEncoding: 'gzip' }],
      ['too much', 'too-large', randomBytes(8 * MIB + 1), {}],
      ['an unknown coding', 'unsupported-encoding', content, { contentEncoding: 'br' }],
      ['a digest that is none', 'malformed-header', content, { contentDigest: 'md5=:AAAA:' }],
    ])('%s', async (_what, code, bytes, headers) => {
      await leavesNothing(() => take(sourceOf(bytes), custody(), headers), { code });
    });

    it('a sender that goes away half-way', async () => {
      const source = new PassThrough();
      source.write(content);
      source.once('drain', () => source.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' })));
      await leavesNothing(() => take(source, custody()), { code: 'truncated-body' });
    });

    it('evidence that is there already, which stays as it was', async () => {
      const by = custody();
      const row = await take(sourceOf(content), by);
      const source = sourceOf(Buffer.from('something else'));
      await leavesNothing(() => take(source, by), { code: 'EEXIST' });
      expect((await gather(await openEvidence(by, row))).equals(content)).toBe(true);
    });

    it('a store that fails before it reads, and then the sender is let go', async () => {
      const by = custody();
      const source = new PassThrough();
      source.write('x');
      const broken = { ...by, identity: { ...by.identity, organizationId: '../escape' } };
      await leavesNothing(() => take(source, broken), { message: expect.stringMatching(/storage key/) as unknown });
      expect(source.listenerCount('data')).toBe(0);
    });
  });

  describe('is changed evidence found when it is read?', () => {
    const content = randomBytes(2 * MIB);
    const kept = async (): Promise<{ by: Custody; row: KeptBytes }> => {
      const by = custody();
      const row = await take(sourceOf(content), by);
      await chmod(pathOf(row), 0o600);
      return { by, row };
    };
    /** Reads to the end and tells how it ended. */
    const ending = async (stream: Readable): Promise<{ bytes: number; ended: boolean; error: unknown }> => {
      let bytes = 0;
      let ended = false;
      const error = await new Promise((resolve) => {
        stream
          .on('data', (chunk: Buffer) => (bytes += chunk.length))
          .on('end', () => (ended = true))
          .on('error', resolve)
          .on('close', () => resolve(null));
      });
      return { bytes, ended, error };
    };

    it('one byte in the middle: before the segment that holds it is handed out', async () => {
      const { by, row } = await kept();
      const file = await open(pathOf(row), 'r+');
      await file.write(Buffer.of(1, 2, 3, 4), 0, 4, MIB + 500);
      await file.close();
      expect(await ending(await openEvidence(by, row))).toMatchObject({
        bytes: MIB - 56,
        ended: false,
        error: expect.any(IntegrityError) as unknown,
      });
      const range = await openEvidence(by, row, { start: MIB, end: MIB + 10 });
      expect(await ending(range)).toMatchObject({
        bytes: 0,
        ended: false,
        error: expect.any(IntegrityError) as unknown,
      });
    });

    it('cut, and gone: before anything is handed out', async () => {
      const { by, row } = await kept();
      await truncate(pathOf(row), MIB);
      await expect(openEvidence(by, row)).rejects.toThrow(/another size/);
      await driver.remove({ key: row.storageKey, version: null });
      await expect(openEvidence(by, row)).rejects.toThrow(/gone/);
    });

    it('the bytes of another evidence, version or tenant', async () => {
      const { by, row } = await kept();
      for (const other of [{ evidenceId: 'other' }, { version: 2 }, { organizationId: 'other' }]) {
        const swapped = { ...by, identity: { ...by.identity, ...other } };
        expect((await ending(await openEvidence(swapped, row))).error).toBeInstanceOf(IntegrityError);
      }
    });

    it('a row with another digest or size: the stream never ends cleanly', async () => {
      const { by, row } = await kept();
      const result = await ending(await openEvidence(by, { ...row, sha256: sha256(Buffer.from('other')) }));
      expect(result).toMatchObject({ ended: false, error: expect.any(IntegrityError) as unknown });
      await expect(openEvidence(by, { ...row, size: row.size - 1 })).rejects.toThrow(/another size/);
    });

    it('and does a reader that goes away close the file?', async () => {
      const { by, row } = await kept();
      const opened = async (): Promise<number> => (await readdir('/proc/self/fd').catch(() => [])).length;
      const before = await opened();
      for (let reader = 0; reader < 20; reader += 1) {
        const stream = await openEvidence(by, row);
        await new Promise((resolve) => stream.once('data', resolve));
        await new Promise((resolve) => stream.once('close', resolve).destroy());
      }
      // Others in this process may open a file; twenty leaked ones would show.
      expect(await opened()).toBeLessThan(before + 10);
    });
  });
});
