import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { constants, crc32, inflateRawSync } from 'node:zlib';
import yauzl, { type Entry } from 'yauzl';
import { describe, expect, it } from 'vitest';
import { dataDescriptor, directory, dosTime, zipOf, type Written } from './zip-write.js';
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

/** What a strict reader makes of the file whose local header is there: it knows of no directory, and goes by 4.3.9.2 and 4.4.4 of the specification. */
function nextFile(archive: Buffer, at: number): { content: Buffer; behind: number; end: number } {
  const [flags, names, extras] = [
    archive.readUInt16LE(at + 6),
    archive.readUInt16LE(at + 26),
    archive.readUInt16LE(at + 28),
  ];
  const data = at + 30 + names + extras;
  const zip64 = extras > 0 && archive.readUInt16LE(at + 30 + names) === 0x0001;
  const { buffer: content, engine } = inflateRawSync(archive.subarray(data), {
    finishFlush: constants.Z_SYNC_FLUSH,
    info: true,
  }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
  const compressed = engine.bytesWritten;
  if ((flags & (1 << 3)) === 0) {
    expect([14, 18, 22].map((field) => archive.readUInt32LE(at + field))).toEqual([
      ...[crc32(content), compressed, content.length],
    ]);
    return { content, behind: 0, end: data + compressed };
  }
  expect(archive.readUInt32LE(at + 14)).toBe(0);
  // Of a ZIP64 field the fields that it stands for have all bits (4.5.3).
  const field = zip64 ? 0xffffffff : 0;
  expect([18, 22].map((size) => archive.readUInt32LE(at + size))).toEqual([field, field]);
  expect(archive.readUInt16LE(at + 4)).toBe(zip64 ? 45 : 20);
  const descriptor = data + compressed;
  expect([archive.readUInt32LE(descriptor), archive.readUInt32LE(descriptor + 4)]).toEqual([
    0x08074b50,
    crc32(content),
  ]);
  const size = (place: number): number =>
    zip64
      ? Number(archive.readBigUInt64LE(descriptor + 8 + place * 8))
      : archive.readUInt32LE(descriptor + 8 + place * 4);
  expect([size(0), size(1)]).toEqual([compressed, content.length]);
  const behind = zip64 ? 24 : 16;
  return { content, behind, end: descriptor + behind };
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

  it('says before and behind each file, for who reads from the front, what its sum and sizes are?', async () => {
    const files: { text: string; atMost?: number; behind: number }[] = [
      { text: '', behind: 0 },
      { text: 'a report', atMost: 8, behind: 0 },
      { text: 'a report '.repeat(50_000), behind: 0 },
      { text: 'a report '.repeat(50_000), atMost: 450_000, behind: 16 },
      { text: 'rows '.repeat(2_000_000), behind: 24 },
      { text: 'rows '.repeat(2_000_000), atMost: 2 ** 32 - 1, behind: 24 },
      // It may not shrink, and have 4 GiB when it is deflated.
      { text: 'rows '.repeat(2_000_000), atMost: 2 ** 32 - 2 ** 20, behind: 24 },
      { text: 'rows '.repeat(2_000_000), atMost: 2 ** 32 - 2 ** 21, behind: 16 },
      { text: 'the last', behind: 0 },
    ];
    const inputs = files.map(({ text, behind: _, ...file }, at) => ({
      ...{ path: `á${at}`, content: [Buffer.from(text)], ...file },
    }));
    const archive = await buffer(zipOf(inputs, DAY, 3));
    let at = 0;
    for (const { text, behind } of files) {
      const next = nextFile(archive, at);
      expect(next.content.equals(Buffer.from(text))).toBe(true);
      expect(next.behind).toBe(behind);
      at = next.end;
    }
    expect(archive.readUInt32LE(at)).toBe(0x02014b50);
  });

  it('has no file of 4 GiB whose sizes were said to have four bytes?', () => {
    const one: Written = { path: 'large', crc: 1, compressed: 10, size: 4 * GIBIBYTE, offset: 0, form: 'streamed' };
    expect(() => dataDescriptor(one)).toThrow('4 GiB');
    const sizes = dataDescriptor({ ...one, form: 'streamed ZIP64' });
    expect([sizes.readBigUInt64LE(8), sizes.readBigUInt64LE(16)]).toEqual([10n, BigInt(4 * GIBIBYTE)]);
  });

  it('tells of files and of places that 32 bits cannot say?', async () => {
    const all: Written[] = [
      { path: 'small', crc: 1, compressed: 10, size: 20, offset: 0, form: 'whole' },
      {
        path: 'just',
        crc: 2,
        compressed: 4 * GIBIBYTE - 2,
        size: 4 * GIBIBYTE - 1,
        offset: 100,
        form: 'streamed ZIP64',
      },
      {
        path: 'large',
        crc: 3,
        compressed: GIBIBYTE,
        size: 9 * GIBIBYTE,
        offset: 4 * GIBIBYTE - 1,
        form: 'streamed ZIP64',
      },
      { path: 'far', crc: 4, compressed: 1, size: 2, offset: 5 * GIBIBYTE, form: 'whole' },
    ];
    const entries = await told(all, 6 * GIBIBYTE);
    expect(
      entries.map(({ fileName, crc32: crc, compressedSize, uncompressedSize, relativeOffsetOfLocalHeader }) => ({
        ...{ path: fileName, crc, compressed: compressedSize, size: uncompressedSize },
        offset: relativeOffsetOfLocalHeader,
      })),
    ).toEqual(all.map(({ form: _, ...told }) => told));
  });

  it('tells of more files than 16 bits can count?', async () => {
    const all = Array.from({ length: 65_536 }, (_, at) => ({
      ...{ path: String(at), crc: 0, compressed: 2, size: 0, offset: at * 50, form: 'whole' as const },
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
