import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { constants, crc32, inflateRawSync } from 'node:zlib';
import yauzl, { type Entry } from 'yauzl';
import { describe, expect, it } from 'vitest';
import { directory, dosTime, zipOf, type Written } from './zip-write.js';
import { entriesOf, openEntry, openZip } from './zip-read.js';

const DAY = new Date('2026-11-23T23:30:00Z');
const GIBIBYTE = 2 ** 30;

/** A directory that lies behind so many bytes of which there are none. */
class Behind extends yauzl.RandomAccessReader {
  constructor(
    private readonly start: number,
    private readonly bytes: Buffer,
  ) {
    super();
  }

  override read(target: Buffer, offset: number, length: number, position: number, done: (error: Error | null) => void) {
    const before = Math.max(0, this.start - position);
    const from = position + before - this.start;
    this.bytes.copy(target, offset + before, from, from + length - before);
    done(null);
  }
}

async function told(all: readonly Written[], start: number): Promise<Entry[]> {
  const bytes = Buffer.concat([...directory(all, start, dosTime(DAY))]);
  const zip = await openZip(new Behind(start, bytes), start + bytes.length);
  const entries: Entry[] = [];
  for await (const entry of entriesOf(zip)) entries.push(entry);
  return entries;
}

describe('a ZIP that is written', () => {
  it('has the content, the sum and both sizes of each file, whether it is deflated at once or as it comes?', async () => {
    const contents = [0, 1, 65_536, 65_537, 3_000_000].map((size) => Buffer.alloc(size, `report ${size} `));
    const archive = await buffer(
      zipOf(
        contents.map((content, at) => ({ path: `files/${at}`, content: [content] })),
        DAY,
        3,
      ),
    );
    const zip = await openZip(archive, archive.length);
    let at = 0;
    for await (const entry of entriesOf(zip)) {
      const content = contents[at]!;
      expect(entry).toMatchObject({
        fileName: `files/${at++}`,
        crc32: crc32(content),
        uncompressedSize: content.length,
        externalFileAttributes: (0o100644 << 16) >>> 0,
      });
      expect((await buffer(await openEntry(zip, entry))).equals(content)).toBe(true);
    }
    expect(at).toBe(contents.length);
  });

  it('says behind each file what its sum and sizes are, for who reads from the front?', async () => {
    const content = Buffer.from('a report '.repeat(50_000));
    const archive = await buffer(zipOf([{ path: 'á', content: [content] }], DAY, 3));
    const data = 30 + archive.readUInt16LE(26);
    expect(archive.toString('utf8', 30, data)).toBe('á');
    expect(inflateRawSync(archive.subarray(data), { finishFlush: constants.Z_SYNC_FLUSH }).equals(content)).toBe(true);
    const descriptor = archive.indexOf(Buffer.from([0x50, 0x4b, 0x07, 0x08]));
    expect(archive.readUInt32LE(descriptor + 4)).toBe(crc32(content));
    expect(archive.readUInt32LE(descriptor + 8)).toBe(descriptor - data);
    expect(archive.readUInt32LE(descriptor + 12)).toBe(content.length);
  });

  it('tells of files and of places that 32 bits cannot say?', async () => {
    const all = [
      { path: 'small', crc: 1, compressed: 10, size: 20, offset: 0 },
      { path: 'just', crc: 2, compressed: 4 * GIBIBYTE - 2, size: 4 * GIBIBYTE - 1, offset: 100 },
      { path: 'large', crc: 3, compressed: GIBIBYTE, size: 9 * GIBIBYTE, offset: 4 * GIBIBYTE - 1 },
      { path: 'far', crc: 4, compressed: 1, size: 2, offset: 5 * GIBIBYTE },
    ];
    const entries = await told(all, 6 * GIBIBYTE);
    expect(
      entries.map(({ fileName, crc32: crc, compressedSize, uncompressedSize, relativeOffsetOfLocalHeader }) => ({
        ...{ path: fileName, crc, compressed: compressedSize, size: uncompressedSize },
        offset: relativeOffsetOfLocalHeader,
      })),
    ).toEqual(all);
  });

  it('tells of more files than 16 bits can count?', async () => {
    const all = Array.from({ length: 65_536 }, (_, at) => ({
      ...{ path: String(at), crc: 0, compressed: 2, size: 0, offset: at * 50 },
    }));
    expect(await told(all, 65_536 * 50)).toHaveLength(65_536);
  });

  it('closes the file that is open when nobody reads on, however much of it waits?', async () => {
    const closed = Promise.withResolvers<boolean>();
    async function* endless(): AsyncGenerator<Buffer, void> {
      try {
        for (;;) {
          await setImmediate();
          yield randomBytes(1 << 20);
        }
      } finally {
        closed.resolve(true);
      }
    }
    const archive = zipOf([{ path: 'report', content: endless() }], DAY, 3);
    let read = 0;
    archive.on('data', (piece: Buffer) => {
      read += piece.length;
      // So much that what is deflated waits for room.
      if (read > 300_000) archive.pause().destroy();
    });
    expect(await closed.promise).toBe(true);
  });

  it('fails with a file that cannot be read to its end?', async () => {
    async function* broken(): AsyncGenerator<Buffer, void> {
      yield randomBytes(1 << 20);
      await setImmediate();
      throw new Error('the disk is gone');
    }
    await expect(buffer(zipOf([{ path: 'report', content: broken() }], DAY, 3))).rejects.toThrow('the disk is gone');
  });

  it('is dated by the first or last day that there is where a day is none?', () => {
    expect(dosTime(new Date(0))).toEqual(dosTime(new Date('1980-01-01T00:00:00Z')));
    expect(dosTime(new Date('2200-05-05T00:00:00Z'))).toEqual(dosTime(new Date('2107-12-31T00:00:00Z')));
  });
});
