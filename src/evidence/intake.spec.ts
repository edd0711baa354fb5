import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, open, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { ciphertextSize, type ByteRange } from '../kernel/crypto/streaming-aead.js';
import { formatDigest, type ContentHeaders } from '../kernel/http/content.js';
import { Room } from '../kernel/slots.js';
import { FileSystemDriver } from './drivers/file-system.js';
import { evidenceFile, openEvidence, takeIn, type Custody, type KeptBytes, type TakenIn } from './intake.js';
import { EvidenceFile } from './evidence-file.js';
import type { Door, Redaction } from './redaction.js';

const MIB = 2 ** 20;
const LIMITS = { maxEncodedBytes: 8 * MIB, maxDecodedBytes: 8 * MIB, maxSilence: 60_000 };
const retainUntil = new Date('2033-01-01T00:00:00Z');
const organizationId = '0192f0c1-0000-7000-8000-000000000001';
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

/** Fits two of what is held. */
const ROOM = 9 * MIB;

/** Nothing is suspect. */
const OPEN_DOOR: Door = {
  watch: () => ({ see: () => undefined, isSuspect: () => false }),
  inspect: () => Promise.reject(new Error('nothing was suspect')),
};

/** Everything is suspect, and drops each `secret` that it finds in what it is shown. */
function doorFor(secret: string, seen: { inspected: Buffer[]; fails?: Error } = { inspected: [] }): Door {
  return {
    watch: () => ({ see: () => undefined, isSuspect: () => true }),
    inspect: (size, content) => {
      const file = content instanceof Uint8Array ? null : new EvidenceFile(content);
      const bytes = file === null ? Buffer.from(content as Uint8Array) : Buffer.from(file.read(0, size));
      file?.close();
      seen.inspected.push(bytes);
      if (seen.fails !== undefined) return Promise.reject(seen.fails);
      const starts: number[] = [];
      for (let at = bytes.indexOf(secret); at !== -1; at = bytes.indexOf(secret, at + 1)) starts.push(at);
      if (starts.length === 0) return Promise.resolve(null);
      return Promise.resolve({
        starts: Float64Array.from(starts),
        ends: Float64Array.from(starts, (start) => start + secret.length),
        replacements: new Uint8Array(starts.length),
        texts: ['gone'],
        dropped: { secret: starts.length },
      } satisfies Redaction);
    },
  };
}

async function gather(source: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

describe('custody of bytes', () => {
  let root: string;
  let driver: FileSystemDriver;
  let evidence = 0;
  let room: Room;
  beforeEach(() => {
    room = new Room(ROOM);
  });
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
  const takenIn = (source: Readable, by: Custody, door: Door, headers: ContentHeaders = {}): Promise<TakenIn> =>
    takeIn(source, headers, LIMITS, { ...by, retainUntil, room }, door);
  const take = async (source: Readable, by: Custody, headers: ContentHeaders = {}): Promise<KeptBytes> =>
    (await takenIn(source, by, OPEN_DOOR, headers)).kept;
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

  it('holds no more at once than there is room for, and gives it back once?', async () => {
    const content = randomBytes(3 * MIB);
    const three = async (): Promise<TakenIn[]> => {
      const taken: TakenIn[] = [];
      for (let times = 0; times < 3; times++) taken.push(await takenIn(sourceOf(content), custody(), OPEN_DOOR));
      return taken;
    };
    const are = (taken: TakenIn[]) => taken.map((of) => of.content?.equals(content) ?? null);
    const taken = await three();
    expect(are(taken)).toEqual([true, true, null]);
    for (const { release } of [...taken, ...taken]) release();
    expect(are(await three())).toEqual([true, true, null]);
  });

  it.each([
    ['fail', () => takenIn(sourceOf(randomBytes(3 * MIB)), custody(), OPEN_DOOR, { contentLength: '3' })],
    ['are large', () => takenIn(sourceOf(randomBytes(5 * MIB)), custody(), OPEN_DOOR)],
    [
      'have something dropped from them',
      async () => {
        const suspect = Buffer.concat([randomBytes(MIB), Buffer.from('s3cret'), randomBytes(MIB)]);
        (await takenIn(sourceOf(suspect), custody(), doorFor('s3cret'))).release();
      },
    ],
  ])('has all of its room again after intakes that %s?', async (_what, intake) => {
    for (let times = 0; times < 3; times++) await intake().catch(() => undefined);
    expect(room.take(ROOM)).toBe(true);
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
      const source = new PassThrough();
      source.write('x');
      const broken = Object.assign(Object.create(driver) as FileSystemDriver, {
        take: () => Promise.reject(new Error('the store is away')),
      });
      await leavesNothing(() => take(source, { ...custody(), driver: broken }), { message: 'the store is away' });
      expect(source.listenerCount('data')).toBe(0);
    });

    it('a key that is none', async () => {
      const by = custody();
      const identity = { ...by.identity, organizationId: '../escape' };
      await leavesNothing(() => take(sourceOf(content), { ...by, identity }), {
        message: expect.stringMatching(/storage key/) as unknown,
      });
    });
  });

  describe('is what must not be kept dropped before anything is kept?', () => {
    const SECRET = 'hunter2';
    /** Little, which is held in memory, and more than that, which is read where it lies. */
    const contents: [string, Buffer][] = [
      ['little', Buffer.from(`a ${SECRET} b${SECRET}${SECRET} c`)],
      [
        'much',
        Buffer.concat([
          Buffer.from(SECRET),
          randomBytes(3 * MIB),
          Buffer.from(SECRET),
          randomBytes(2 * MIB),
          Buffer.from(SECRET),
        ]),
      ],
    ];
    const without = (bytes: Buffer): Buffer =>
      Buffer.from(bytes.toString('latin1').replaceAll(SECRET, 'gone'), 'latin1');

    it.each(contents)('%s', async (_size, content) => {
      const before = await files();
      const by = custody();
      const seen = { inspected: [] as Buffer[] };
      const { kept, content: held, redacted } = await takenIn(sourceOf(content), by, doorFor(SECRET, seen));
      expect(seen.inspected.map((bytes) => bytes.equals(content))).toEqual([true]);
      expect(redacted).toEqual({ sha256: sha256(content), size: content.length, dropped: { secret: 3 } });
      const clean = without(content);
      expect(kept).toMatchObject({ sha256: sha256(clean), size: clean.length });
      expect((await gather(await openEvidence(by, kept))).equals(clean)).toBe(true);
      expect(held === null ? clean.length > 4 * MIB : held.equals(clean)).toBe(true);
      // What is read for its results is what was kept.
      const { file } = await evidenceFile(by, kept, false);
      const opened = new EvidenceFile(file);
      expect(opened.read(0, clean.length).equals(clean)).toBe(true);
      opened.close();
      expect(await files()).toEqual([...before, pathOf(kept)].sort());
    });

    it.each(contents)('%s, and nothing where it turns out to be harmless', async (_size, content) => {
      const before = await files();
      const by = custody();
      const { kept, redacted } = await takenIn(sourceOf(content), by, doorFor('none of this'));
      expect(redacted).toBeNull();
      expect(kept.sha256.equals(sha256(content))).toBe(true);
      expect((await gather(await openEvidence(by, kept))).equals(content)).toBe(true);
      expect(await files()).toEqual([...before, pathOf(kept)].sort());
    });

    it.each(contents)('%s, and nothing at all is kept where it cannot be told', async (_size, content) => {
      const before = await files();
      const fails = new Error('cannot be read');
      await expect(takenIn(sourceOf(content), custody(), doorFor(SECRET, { inspected: [], fails }))).rejects.toBe(
        fails,
      );
      expect(await files()).toEqual(before);
    });

    it.each(contents)('%s, and a store that fails then leaves neither', async (_size, content) => {
      const before = await files();
      let puts = 0;
      const failing = Object.assign(Object.create(driver) as FileSystemDriver, {
        take: (source: AsyncIterable<Buffer>) =>
          (puts += 1) === 2 ? Promise.reject(new Error('full')) : driver.take(source),
      });
      await expect(takenIn(sourceOf(content), { ...custody(), driver: failing }, doorFor(SECRET))).rejects.toThrow(
        'full',
      );
      expect(await files()).toEqual(before);
    });

    it('has what is inspected no name yet, so that a crash leaves what the sweep removes?', async () => {
      const before = await files();
      let during: string[] = [];
      const door = doorFor(SECRET);
      const looking: Door = {
        ...door,
        inspect: async (size, content) => {
          during = (await files()).filter((file) => !before.includes(file));
          return door.inspect(size, content);
        },
      };
      await takenIn(sourceOf(contents[1]![1]), custody(), looking);
      expect(during).toEqual([expect.stringContaining(join(root, '.incoming'))]);
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
        // The segment before is held back: it could have been the last.
        bytes: 0,
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
      // Whoever counts them, as an HTTP client does, does not have all of them.
      expect(result.bytes).toBeLessThan(content.length);
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
