import type yauzl from 'yauzl';
import { entriesOf, isEncrypted, openEntry, openZip } from '../zip-read.js';
import { TABLE_LIMITS, TableFault } from './table.js';
import { XmlReader, type XmlHandlers } from './xml.js';

/** More than any workbook has: its sheets, drawings and settings. */
const MAX_PARTS = 10_000;
/** Unpacked bytes of a part that are no attack, however well they are packed. */
const FREE_BYTES = 1024 * 1024;

/** The parts of a workbook, by their paths. What they unpack to is bounded, each and together, by what the directory says and by what comes. */
export class XlsxParts {
  private unpacked = 0;

  private constructor(
    private readonly zip: yauzl.ZipFile,
    private readonly entries: ReadonlyMap<string, yauzl.Entry>,
  ) {}

  static async open(file: Buffer): Promise<XlsxParts> {
    if (file.length > TABLE_LIMITS.file) throw new TableFault(`It is larger than ${TABLE_LIMITS.file} bytes.`);
    const zip = await openZip(file, file.length);
    const entries = new Map<string, yauzl.Entry>();
    let count = 0;
    for await (const entry of entriesOf(zip)) {
      if (++count > MAX_PARTS) throw new TableFault(`The workbook has more than ${MAX_PARTS} parts.`);
      if (isEncrypted(entry)) throw new TableFault('The workbook is encrypted. Send it without a password.');
      // Names of parts are compared without regard to case (ECMA-376 part 2, 6.2.2.3). Of two, one program reads the first and another the last.
      const name = entry.fileName.toLowerCase();
      if (entries.has(name)) throw new TableFault('The workbook has two parts of one name.');
      entries.set(name, entry);
    }
    return new XlsxParts(zip, entries);
  }

  has(path: string): boolean {
    return this.entries.has(path.toLowerCase());
  }

  /** Reads a whole part. */
  async read(path: string, handlers: XmlHandlers, limit: number = TABLE_LIMITS.unpacked): Promise<void> {
    for await (const _ of this.pieces(path, handlers, limit));
  }

  /** Reads a part, some of it each time that more is asked for. */
  async *pieces(
    path: string,
    handlers: XmlHandlers,
    limit: number = TABLE_LIMITS.unpacked,
  ): AsyncGenerator<void, void> {
    const entry = this.entries.get(path.toLowerCase());
    if (entry === undefined) throw new TableFault('The workbook lacks a part that it names.');
    // What comes is held to what the directory says: so nothing is unpacked of a bomb.
    const { uncompressedSize: size, compressedSize } = entry;
    if (size > FREE_BYTES && size > compressedSize * TABLE_LIMITS.ratio) {
      throw new TableFault(`A part of the workbook is packed by more than ${TABLE_LIMITS.ratio} to 1.`);
    }
    this.unpacked += size;
    if (size > limit || this.unpacked > TABLE_LIMITS.unpacked) {
      throw new TableFault(`The workbook unpacks to more than ${Math.min(limit, TABLE_LIMITS.unpacked)} bytes.`);
    }
    const reader = new XmlReader(handlers);
    const stream = await openEntry(this.zip, entry);
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        reader.write(chunk);
        yield;
      }
      reader.end();
    } finally {
      stream.destroy();
    }
  }
}
