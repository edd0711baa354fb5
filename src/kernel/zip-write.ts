import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { crc32, createDeflateRaw, deflateRaw, deflateRawSync, type DeflateRaw, type ZlibOptions } from 'node:zlib';

/*
 * ZIP as it is written in one pass (PKWARE's APPNOTE.TXT 6.3.10, whose sections are named below), ZIP64 where it is needed: every file deflated, the sum and sizes of one that
 * is not small behind it, the directory at the end. Here and not by a library: those of npm sum up each byte in JavaScript, which takes longer than to deflate it, and read
 * nothing of a file while its last piece is deflated. What reads it is by others.
 */

export interface ZipInput {
  /** Relative, `/` between segments. */
  path: string;
  /** Read once, when its turn has come. */
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  /** Bytes that it has at most, where that is known before. If these come to less than 4 GiB, deflated too, it needs no ZIP64, and to have 4 GiB is an error; where nothing is said it may have any number. */
  atMost?: number;
}

/** What is not larger is deflated at once, so that its header says what comes: to set up a stream takes longer, and most files are small. */
const SMALL = 64 * 1024;
/** The same of what may have any number of bytes: the fewer files are by ZIP64 without need, the better. Java (tried: version 17) reads none such from the front. */
const HELD = 8 * 2 ** 20;
/** Bytes that come out of a stream at once. */
const PIECE = 128 * 1024;

const MAX_16 = 0xffff;
const MAX_32 = 0xffffffff;
const [VERSION, VERSION_ZIP64] = [20, 45];
/** By version 6.3 of the specification, on Unix: so that who may do what with a file is read as Unix has it (4.4.2). */
const MADE_BY = (3 << 8) | 63;
/** Names are in UTF-8 (bit 11). */
const NAMES = 1 << 11;
/** Sum and sizes come after the data (bit 3). */
const SIZES_BEHIND = 1 << 3;
const DEFLATED = 8;
/** A regular file, which its owner may write and everybody may read. */
const MODE = 0o100644;

/**
 * How a file is written. Of one that is streamed the size is known when it has gone by, and how many bytes its sizes have is said before: by whether its local header has
 * a ZIP64 field, for whoever reads from the front goes by that (4.3.9.2).
 */
export type Form = 'whole' | 'streamed' | 'streamed ZIP64';
const FORMS: Readonly<Record<Form, { flags: number; version: number }>> = {
  whole: { flags: NAMES, version: VERSION },
  streamed: { flags: NAMES | SIZES_BEHIND, version: VERSION },
  'streamed ZIP64': { flags: NAMES | SIZES_BEHIND, version: VERSION_ZIP64 },
};

/** A file that was written, as the directory tells of it. */
export interface Written {
  path: string;
  crc: number;
  compressed: number;
  size: number;
  /** Of its local header. */
  offset: number;
  form: Form;
}

/**
 * Files as a ZIP, in their order. One is open at a time, and read as fast as the result is, a piece ahead. The same files, day and level give the same bytes, in whatever
 * pieces they come. A file that fails destroys the result; destroying the result closes the open file.
 * @param day the date of every file, UTC. Times in a ZIP have no zone: the time of day is always noon.
 * @param level zlib's: from 1, the fastest, to 9, which makes the least of it.
 */
export const zipOf = (files: Iterable<ZipInput>, day: Date, level: number): Readable =>
  Readable.from(archive(files, day, level), { objectMode: false });

async function* archive(files: Iterable<ZipInput>, day: Date, level: number): AsyncGenerator<Buffer, void> {
  const time = dosTime(day);
  const all: Written[] = [];
  let at = 0;
  const passing = (bytes: Buffer): Buffer => {
    at += bytes.length;
    return bytes;
  };
  for (const { path, content, atMost } of files) {
    const sums = { crc: 0, size: 0 };
    const rest = summed(content, sums);
    const header = { path, offset: at, crc: 0, compressed: 0, size: 0 };
    const form: Form = deflatedAtMost(atMost ?? Infinity) < MAX_32 ? 'streamed' : 'streamed ZIP64';
    try {
      const { begun, isWhole } = await beginning(rest, form === 'streamed' ? SMALL : HELD);
      if (isWhole) {
        const data = await deflatedAtOnce(begun, level);
        const written = { ...header, ...sums, compressed: data.length, form: 'whole' as const };
        yield passing(localHeader(written, time));
        yield passing(data);
        all.push(written);
        continue;
      }
      yield passing(localHeader({ ...header, form }, time));
      const begin = at;
      for await (const piece of deflated(begun, rest, level)) yield passing(piece);
      const written = { ...header, ...sums, compressed: at - begin, form };
      yield passing(dataDescriptor(written));
      all.push(written);
    } finally {
      // Not left to who feeds a stream: one that is destroyed while it has no room calls back nobody.
      await rest.return();
    }
  }
  yield* directory(all, at, time);
}

/** What a ZIP ends with. @param start where it begins: behind the last file. */
export function* directory(all: readonly Written[], start: number, time: DosTime): Generator<Buffer, void> {
  let size = 0;
  for (const written of all) {
    const header = centralHeader(written, time);
    size += header.length;
    yield header;
  }
  yield endOfDirectory(all.length, size, start);
}

async function* summed(
  content: ZipInput['content'],
  sums: { crc: number; size: number },
): AsyncGenerator<Uint8Array, void> {
  for await (const piece of content) {
    sums.crc = crc32(piece, sums.crc);
    sums.size += piece.length;
    yield piece;
  }
}

/** As much as is deflated at once, and whether that is all of it. */
async function beginning(
  content: AsyncGenerator<Uint8Array, void>,
  limit: number,
): Promise<{ begun: Buffer; isWhole: boolean }> {
  const pieces: Uint8Array[] = [];
  for (let size = 0; size <= limit;) {
    const { done, value } = await content.next();
    if (done === true) return { begun: Buffer.concat(pieces), isWhole: true };
    pieces.push(value);
    size += value.length;
  }
  return { begun: Buffer.concat(pieces), isWhole: false };
}

/** What does not shrink is stored, with five bytes before each block (RFC 1951, 3.2.4); zlib begins a block after 16,383 bytes, and no sooner, and ends with one that may be empty. */
const deflatedAtMost = (size: number): number => size + 5 * (Math.ceil(size / 16_383) + 1);

const deflateInThread = promisify<Buffer, ZlibOptions, Buffer>(deflateRaw);
const deflatedAtOnce = async (bytes: Buffer, level: number): Promise<Buffer> =>
  bytes.length <= SMALL ? deflateRawSync(bytes, { level }) : deflateInThread(bytes, { level });

async function* deflated(
  begun: Buffer,
  rest: AsyncGenerator<Uint8Array, void>,
  level: number,
): AsyncGenerator<Buffer, void> {
  const stream = createDeflateRaw({ level, chunkSize: PIECE });
  void feed(stream, begun, rest);
  try {
    yield* stream as AsyncIterable<Buffer>;
  } finally {
    stream.destroy();
  }
}

/** While a piece is deflated, in a thread of Node's, the next one is read. What fails destroys the stream; a stream that is destroyed ends the reading. */
async function feed(stream: DeflateRaw, begun: Buffer, rest: AsyncGenerator<Uint8Array, void>): Promise<void> {
  const write = (piece: Uint8Array): Promise<void> => {
    const written = new Promise<void>((done, failed) =>
      stream.write(piece, (error) => {
        if (error) failed(error);
        else done();
      }),
    );
    // Told when it is waited for.
    written.catch(() => undefined);
    return written;
  };
  try {
    let written = write(begun);
    for await (const piece of rest) {
      await written;
      written = write(piece);
    }
    await written;
    stream.end();
  } catch (error) {
    stream.destroy(error as Error);
  }
}

export interface DosTime {
  date: number;
  time: number;
}

/** 4.4.6: the first day that there is begins the year 1980, and the last ends 2107. */
const [FIRST_DAY, LAST_DAY] = [Date.UTC(1980, 0, 1), Date.UTC(2107, 11, 31)];

export function dosTime(day: Date): DosTime {
  const held = new Date(Math.min(Math.max(day.getTime(), FIRST_DAY), LAST_DAY));
  return {
    date: ((held.getUTCFullYear() - 1980) << 9) | ((held.getUTCMonth() + 1) << 5) | held.getUTCDate(),
    time: 12 << 11,
  };
}

/** Whether one of the numbers does not go into 32 bits, all of which mean «see elsewhere». */
const isLarge = (...numbers: readonly number[]): boolean => numbers.some((number) => number >= MAX_32);

/** 4.3.7. Of a file whose sum and sizes come behind it nothing is said (4.4.4); where they will have eight bytes, by 4.5.3. */
function localHeader({ path, crc, compressed, size, form }: Written, { date, time }: DosTime): Buffer {
  const large = form === 'streamed ZIP64';
  const name = Buffer.from(path, 'utf8');
  const header = Buffer.alloc(30 + name.length + (large ? 20 : 0));
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(FORMS[form].version, 4);
  header.writeUInt16LE(FORMS[form].flags, 6);
  header.writeUInt16LE(DEFLATED, 8);
  header.writeUInt16LE(time, 10);
  header.writeUInt16LE(date, 12);
  header.writeUInt32LE(crc, 14);
  header.writeUInt32LE(large ? MAX_32 : compressed, 18);
  header.writeUInt32LE(large ? MAX_32 : size, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(large ? 20 : 0, 28);
  name.copy(header, 30);
  if (!large) return header;
  const extra = 30 + name.length;
  header.writeUInt16LE(0x0001, extra);
  // Both sizes are in it, and zero.
  header.writeUInt16LE(16, extra + 2);
  return header;
}

/** 4.3.9: its sizes have eight bytes where the local header has a ZIP64 field, and else four. */
export function dataDescriptor({ crc, compressed, size, form }: Written): Buffer {
  const large = form === 'streamed ZIP64';
  if (!large && isLarge(compressed, size)) throw new RangeError('a file of a ZIP that should have had less has 4 GiB');
  const descriptor = Buffer.alloc(large ? 24 : 16);
  descriptor.writeUInt32LE(0x08074b50, 0);
  descriptor.writeUInt32LE(crc, 4);
  if (large) {
    descriptor.writeBigUInt64LE(BigInt(compressed), 8);
    descriptor.writeBigUInt64LE(BigInt(size), 16);
  } else {
    descriptor.writeUInt32LE(compressed, 8);
    descriptor.writeUInt32LE(size, 12);
  }
  return descriptor;
}

/** 4.3.12, with 4.5.3 where a number is too large for it. */
function centralHeader({ path, crc, compressed, size, offset, form }: Written, { date, time }: DosTime): Buffer {
  const large = isLarge(compressed, size, offset);
  const name = Buffer.from(path, 'utf8');
  const header = Buffer.alloc(46 + name.length + (large ? 28 : 0));
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(MADE_BY, 4);
  header.writeUInt16LE(large ? VERSION_ZIP64 : FORMS[form].version, 6);
  header.writeUInt16LE(FORMS[form].flags, 8);
  header.writeUInt16LE(DEFLATED, 10);
  header.writeUInt16LE(time, 12);
  header.writeUInt16LE(date, 14);
  header.writeUInt32LE(crc, 16);
  header.writeUInt32LE(large ? MAX_32 : compressed, 20);
  header.writeUInt32LE(large ? MAX_32 : size, 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(large ? 28 : 0, 30);
  header.writeUInt32LE((MODE << 16) >>> 0, 38);
  header.writeUInt32LE(large ? MAX_32 : offset, 42);
  name.copy(header, 46);
  if (!large) return header;
  const extra = 46 + name.length;
  header.writeUInt16LE(0x0001, extra);
  header.writeUInt16LE(24, extra + 2);
  header.writeBigUInt64LE(BigInt(size), extra + 4);
  header.writeBigUInt64LE(BigInt(compressed), extra + 12);
  header.writeBigUInt64LE(BigInt(offset), extra + 20);
  return header;
}

/** 4.3.16, after 4.3.14 and 4.3.15 where a number is too large for it. */
function endOfDirectory(count: number, size: number, start: number): Buffer {
  const large = count >= MAX_16 || isLarge(size, start);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(large ? MAX_16 : count, 8);
  end.writeUInt16LE(large ? MAX_16 : count, 10);
  end.writeUInt32LE(large ? MAX_32 : size, 12);
  end.writeUInt32LE(large ? MAX_32 : start, 16);
  if (!large) return end;
  const before = Buffer.alloc(76);
  before.writeUInt32LE(0x06064b50, 0);
  // Bytes of the record behind this number.
  before.writeBigUInt64LE(44n, 4);
  before.writeUInt16LE(MADE_BY, 12);
  before.writeUInt16LE(VERSION_ZIP64, 14);
  before.writeBigUInt64LE(BigInt(count), 24);
  before.writeBigUInt64LE(BigInt(count), 32);
  before.writeBigUInt64LE(BigInt(size), 40);
  before.writeBigUInt64LE(BigInt(start), 48);
  before.writeUInt32LE(0x07064b50, 56);
  before.writeBigUInt64LE(BigInt(start + size), 64);
  before.writeUInt32LE(1, 72);
  return Buffer.concat([before, end]);
}
