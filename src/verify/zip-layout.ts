import { open, type FileHandle } from 'node:fs/promises';
import type yauzl from 'yauzl';
import { Fault } from './fault.js';

/* How a ZIP's bytes are laid out (PKWARE's APPNOTE.TXT 6.3.10, whose sections are named below). */

/**
 * Each entry has bytes of its own, both of its headers name it alike, and between and around the entries there is nothing. Entries that overlap make archives of kilobytes
 * unpack to petabytes; two names make one tool verify a file where another unpacks it as something else; and of bytes that no entry owns no digest tells, while
 * a tool that looks for entries from the front may find some in them.
 */
export async function requireLayout(
  zip: yauzl.ZipFile,
  entries: readonly yauzl.Entry[],
  path: string,
  size: number,
): Promise<void> {
  const file = await open(path);
  try {
    const directory = await directoryOf(zip, file, size);
    let end = 0;
    for (const entry of entries.toSorted((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader)) {
      const name = quoted(entry.fileName);
      const at = entry.relativeOffsetOfLocalHeader;
      const header = await zip.readLocalFileHeaderPromise(entry).catch(notReadable);
      if (!header.fileName.equals(entry.fileNameRaw)) throw new Fault(`${name} has another name in its own header`);
      requireUsual(entry.extraFieldRaw, name);
      requireUsual(header.extraField, name);
      if (entry.fileCommentLength > 0) throw new Fault(`${name} has a comment, of which no digest tells`);
      if (header.compressionMethod !== entry.compressionMethod) throw new Fault(`${name} is packed in two ways`);
      requireAlike(entry, header, name);
      if (at < end) throw new Fault(`${name} shares its bytes with another entry`);
      requireAdjoining(end, at, `before ${name}`);
      end = header.fileDataStart + entry.compressedSize;
      if ((header.generalPurposeBitFlag & SIZES_BEHIND) !== 0) end += await descriptorOf(entry, file, end);
    }
    requireAdjoining(end, directory.start, 'before its directory');
    const headers = entries.reduce(
      (sum, { fileNameLength, extraFieldLength, fileCommentLength }) =>
        sum + CENTRAL_HEADER + fileNameLength + extraFieldLength + fileCommentLength,
      0,
    );
    requireAdjoining(directory.start + headers, directory.end, 'behind its directory');
  } finally {
    await file.close();
  }
}

function requireAdjoining(end: number, next: number, where: string): void {
  if (end > next) throw new Fault(`parts of the ZIP overlap ${where}, at ${next}`);
  if (end < next) throw new Fault(`the ZIP has ${next - end} bytes that are of no file ${where}, at ${end}`);
}

const CENTRAL_HEADER = 46;
const [END, LOCATOR, END_64] = [22, 20, 56];
const [MAX_16, MAX_32] = [0xffff, 0xffffffff];

/** Where the directory begins and ends, by 4.3.16; with 4.3.14 and 4.3.15, which have to say the same as far as it goes into 32 bits. */
async function directoryOf(
  zip: yauzl.ZipFile,
  file: FileHandle,
  size: number,
): Promise<{ start: number; end: number }> {
  if (zip.comment !== '') throw new Fault('the ZIP has a comment behind its end, of which no digest tells');
  const end = await bytesAt(file, size - END, END);
  const start = end.readUInt32LE(16);
  const locator = await bytesAt(file, Math.max(0, size - END - LOCATOR), LOCATOR);
  if (locator.readUInt32LE(0) !== 0x07064b50) return { start, end: size - END };
  const at = Number(locator.readBigUInt64LE(8));
  requireAdjoining(at + END_64, size - END - LOCATOR, 'behind its ZIP64 end');
  const large = await bytesAt(file, at, END_64);
  const found = { start: Number(large.readBigUInt64LE(48)), end: at };
  const isSame =
    large.readBigUInt64LE(4) === BigInt(END_64 - 12) &&
    [zip.entryCount, MAX_16].includes(end.readUInt16LE(10)) &&
    [found.end - found.start, MAX_32].includes(end.readUInt32LE(12)) &&
    [found.start, MAX_32].includes(start);
  if (!isSame) throw new Fault('the two ends of the ZIP name two directories');
  return found;
}

const STORED = 0;
const ZIP64 = 0x0001;

/** Sum and sizes come behind the data (4.4.4, bit 3). */
const SIZES_BEHIND = 1 << 3;

/** Programs that read from the front go by an entry's own header, and all others by the directory: to both it is the same file. */
function requireAlike(entry: yauzl.Entry, header: yauzl.LocalFileHeader, name: string): void {
  const isBehind = (header.generalPurposeBitFlag & SIZES_BEHIND) !== 0;
  if (isBehind && header.compressionMethod === STORED) {
    throw new Fault(`${name} is stored, and says only behind its bytes how many they are`);
  }
  // What does not go into 32 bits is in the field of ZIP64, the size first (4.5.3).
  const large = fieldOf(header.extraField, ZIP64);
  let at = 0;
  const size = (said: number): number => {
    if (said !== MAX_32 || at + 8 > large.length) return said;
    at += 8;
    return Number(large.readBigUInt64LE(at - 8));
  };
  // In this order they are in the field.
  const [unpacked, packed] = [size(header.uncompressedSize), size(header.compressedSize)];
  const isSaid = (found: number, due: number): boolean => found === due || (isBehind && found === 0);
  const isAlike =
    isSaid(header.crc32, entry.crc32) &&
    isSaid(unpacked, entry.uncompressedSize) &&
    isSaid(packed, entry.compressedSize) &&
    header.generalPurposeBitFlag === entry.generalPurposeBitFlag &&
    header.lastModFileTime === entry.lastModFileTime &&
    header.lastModFileDate === entry.lastModFileDate;
  if (!isAlike) throw new Fault(`${name} has another sum, size, time or flag in its own header`);
}

/** The length of what comes behind the data of an entry (4.3.9): with a signature or without, of sizes of four bytes or of eight. */
async function descriptorOf(entry: yauzl.Entry, file: FileHandle, at: number): Promise<number> {
  const { crc32, compressedSize, uncompressedSize } = entry;
  const found = await bytesAt(file, at, 24);
  const [short, long] = [Buffer.alloc(16), Buffer.alloc(24)];
  for (const bytes of [short, long]) {
    bytes.writeUInt32LE(0x08074b50, 0);
    bytes.writeUInt32LE(crc32, 4);
  }
  long.writeBigUInt64LE(BigInt(compressedSize), 8);
  long.writeBigUInt64LE(BigInt(uncompressedSize), 16);
  if (compressedSize <= MAX_32 && uncompressedSize <= MAX_32) {
    short.writeUInt32LE(compressedSize, 8);
    short.writeUInt32LE(uncompressedSize, 12);
  }
  const said = [long, short, long.subarray(4), short.subarray(4)];
  const descriptor = said.find((bytes) => found.subarray(0, bytes.length).equals(bytes));
  if (descriptor === undefined) {
    throw new Fault(`${quoted(entry.fileName)} has other sums and sizes behind it than the directory says, at ${at}`);
  }
  return descriptor.length;
}

/** As many as there are. */
async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

/** Info-ZIP's Unicode Path (4.6.9): programs that know it take the name from there, and others do not. A path of a package needs none. */
const UNICODE_PATH = 0x7075;

/** What programs that pack write beside a name, and in how many bytes at most: sizes of ZIP64 (4.5.3), times and owners of a system: some eighty bytes that say nothing of a file. In any other lies what no digest tells of. */
const USUAL: ReadonlyMap<number, number> = new Map([
  [ZIP64, 28],
  [0x5455, 13],
  [0x7875, 15],
  [0x000a, 32],
]);

/** Of extra fields (4.5.1), each with an id and a size of two bytes before it. */
function requireUsual(fields: Buffer, name: string): void {
  const seen = new Set<number>();
  for (let at = 0; at < fields.length;) {
    const [id, size] = at + 4 <= fields.length ? [fields.readUInt16LE(at), fields.readUInt16LE(at + 2)] : [-1, 0];
    if (id === UNICODE_PATH) throw new Fault(`${name} has another name beside its own`);
    at += 4 + size;
    if (size > (USUAL.get(id) ?? -1) || seen.has(id) || at > fields.length) {
      throw new Fault(`${name} has bytes beside its name of which no digest tells`);
    }
    seen.add(id);
  }
}

/** The content of an extra field; none where it is not there. */
function fieldOf(fields: Buffer, id: number): Buffer {
  for (let at = 0; at + 4 <= fields.length; at += 4 + fields.readUInt16LE(at + 2)) {
    if (fields.readUInt16LE(at) === id) return fields.subarray(at + 4, at + 4 + fields.readUInt16LE(at + 2));
  }
  return Buffer.alloc(0);
}

export function notReadable(error: unknown): never {
  if (isOfMachine(error)) throw error;
  throw new Fault(`it cannot be read as a ZIP: ${messageOf(error)}`, { cause: error });
}

/** A name that may be anything at all. */
export const quoted = (name: string): string => JSON.stringify(name.slice(0, 300));

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A disk that does not read is no fault of what lies on it. */
export const isOfMachine = (error: unknown): boolean => error instanceof Error && 'syscall' in error;
