import { ReportFault } from '../report.js';

/*
 * bzip2, which Node cannot decompress and the Compliance Operator compresses with. A stream is a header, blocks and a checksum of theirs; a block is a text that was
 * taken through run lengths, the Burrows-Wheeler transform, move-to-front, run lengths of zeros and Huffman codes. Here it goes the way back. There is no standard;
 * bzip2 1.0.8 is what all follow.
 */

const BLOCK = 0x314159265359;
const END = 0x177245385090;
/** Bytes of a block for each of the levels 1 to 9. */
const LEVEL = 100_000;
/** Symbols that one table of codes is used for, before another one is. */
const GROUP = 50;
const MAX_CODE = 20;
/** Codes of the zeros that are counted: each is a digit, 1 or 2, of a number to the base of 2. */
const RUN_A = 0;
const RUN_B = 1;

/**
 * One or several streams, decompressed. `limit`: bytes that they may become.
 * Throws `ReportFault` truncated, too-large, malformed-report.
 */
export function decompressBzip2(input: Uint8Array, limit: number): Buffer {
  const bits = new Bits(input);
  const output = new Output(limit);
  const text = new Uint32Array(9 * LEVEL);
  do readStream(bits, text, output);
  while (!bits.atEnd);
  return output.bytes();
}

function readStream(bits: Bits, text: Uint32Array, output: Output): void {
  if (bits.read(24) !== 0x425a68) throw malformed('no header');
  const level = bits.read(8) - 0x30;
  if (level < 1 || level > 9) throw malformed('no level');
  let combined = 0;
  for (;;) {
    const magic = bits.read(24) * 0x1000000 + bits.read(24);
    const checksum = bits.readWord();
    if (magic === END) {
      if (checksum !== combined) throw malformed('a checksum that does not fit');
      bits.align();
      return;
    }
    if (magic !== BLOCK) throw malformed('no block');
    output.beginBlock();
    readBlock(bits, text.subarray(0, level * LEVEL), output);
    if (output.checksum !== checksum) throw malformed('a checksum that does not fit');
    combined = (((combined << 1) | (combined >>> 31)) ^ checksum) >>> 0;
  }
}

/** `text`: room for the largest block of the stream. */
function readBlock(bits: Bits, text: Uint32Array, output: Output): void {
  // Randomised blocks were written by versions of before 1996.
  if (bits.read(1) !== 0) throw malformed('a randomised block');
  const origin = bits.read(24);
  const symbols = readSymbols(bits);
  const tables = readTables(bits, symbols.length + 2);
  const length = readText(bits, symbols, tables, text);
  if (origin >= length) throw malformed('an origin outside of its block');
  output.addRuns(untransformed(text, length, origin));
}

/** The bytes that occur in a block: which sixteenths of the alphabet, then which bytes of each. */
function readSymbols(bits: Bits): Uint8Array {
  const sixteenths = bits.read(16);
  const symbols: number[] = [];
  for (let high = 0; high < 16; high++) {
    if (((sixteenths >>> (15 - high)) & 1) === 0) continue;
    const present = bits.read(16);
    for (let low = 0; low < 16; low++) if ((present >>> (15 - low)) & 1) symbols.push(high * 16 + low);
  }
  if (symbols.length === 0) throw malformed('a block of nothing');
  return Uint8Array.from(symbols);
}

interface Tables {
  tables: Huffman[];
  /** The table of each group of symbols. */
  selectors: Uint8Array;
}

function readTables(bits: Bits, alphabet: number): Tables {
  const count = bits.read(3);
  const groups = bits.read(15);
  if (count < 2 || count > 6 || groups === 0) throw malformed('no tables');
  const recent = Array.from({ length: count }, (_, index) => index);
  const selectors = new Uint8Array(groups);
  for (let group = 0; group < groups; group++) {
    let place = 0;
    while (bits.read(1) === 1) if (++place >= count) throw malformed('a table that it does not have');
    const [table = 0] = recent.splice(place, 1);
    recent.unshift(table);
    selectors[group] = table;
  }
  const tables = Array.from({ length: count }, () => {
    const lengths = new Uint8Array(alphabet);
    let length = bits.read(5);
    for (let symbol = 0; symbol < alphabet; symbol++) {
      for (;;) {
        if (length < 1 || length > MAX_CODE) throw malformed('a code that is too long');
        if (bits.read(1) === 0) break;
        length += bits.read(1) === 0 ? 1 : -1;
      }
      lengths[symbol] = length;
    }
    return new Huffman(lengths);
  });
  return { tables, selectors };
}

/** Canonical codes: those of one length are successive numbers, in the order of their symbols. */
class Huffman {
  private readonly firstCode = new Int32Array(MAX_CODE + 1);
  private readonly firstIndex = new Int32Array(MAX_CODE + 1);
  private readonly counts = new Int32Array(MAX_CODE + 1);
  private readonly symbols: Uint16Array;

  constructor(lengths: Uint8Array) {
    this.symbols = new Uint16Array(lengths.length);
    let code = 0;
    let index = 0;
    for (let length = 1; length <= MAX_CODE; length++) {
      code <<= 1;
      this.firstCode[length] = code;
      this.firstIndex[length] = index;
      for (const [symbol, own] of lengths.entries()) if (own === length) this.symbols[index++] = symbol;
      const count = index - (this.firstIndex[length] ?? 0);
      this.counts[length] = count;
      code += count;
    }
  }

  read(bits: Bits): number {
    let code = 0;
    for (let length = 1; length <= MAX_CODE; length++) {
      code = (code << 1) | bits.read(1);
      const offset = code - (this.firstCode[length] ?? 0);
      if (offset >= 0 && offset < (this.counts[length] ?? 0)) {
        return this.symbols[(this.firstIndex[length] ?? 0) + offset] ?? 0;
      }
    }
    throw malformed('a code that it does not have');
  }
}

/** Fills `text` with the last column of the sorted rotations; returns its length. */
function readText(bits: Bits, symbols: Uint8Array, { tables, selectors }: Tables, text: Uint32Array): number {
  const end = symbols.length + 1;
  const recent = Array.from(symbols);
  let length = 0;
  let run = 0;
  let digit = 1;
  const flush = (): void => {
    if (run === 0) return;
    if (length + run > text.length) throw malformed('a block that is too long');
    text.fill(recent[0] ?? 0, length, length + run);
    length += run;
    run = 0;
    digit = 1;
  };
  for (const selector of selectors) {
    const table = tables[selector];
    for (let member = 0; table !== undefined && member < GROUP; member++) {
      const symbol = table.read(bits);
      if (symbol === RUN_A || symbol === RUN_B) {
        run += symbol === RUN_A ? digit : 2 * digit;
        digit *= 2;
        if (run > text.length) throw malformed('a block that is too long');
        continue;
      }
      flush();
      if (symbol === end) return length;
      if (length >= text.length) throw malformed('a block that is too long');
      const [byte = 0] = recent.splice(symbol - 1, 1);
      recent.unshift(byte);
      text[length++] = byte;
    }
  }
  throw malformed('a block without an end');
}

/** The way back through the Burrows-Wheeler transform: in the upper 24 bits of each place stands where the byte behind it is found. */
function untransformed(text: Uint32Array, length: number, origin: number): Uint8Array {
  const starts = new Uint32Array(257);
  for (let at = 0; at < length; at++) {
    const next = (text[at] ?? 0) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let byte = 1; byte < 257; byte++) starts[byte] = (starts[byte] ?? 0) + (starts[byte - 1] ?? 0);
  for (let at = 0; at < length; at++) {
    const byte = (text[at] ?? 0) & 0xff;
    const place = starts[byte] ?? 0;
    starts[byte] = place + 1;
    text[place] = ((text[place] ?? 0) | (at << 8)) >>> 0;
  }
  const bytes = new Uint8Array(length);
  let place = (text[origin] ?? 0) >>> 8;
  for (let at = 0; at < length; at++) {
    const entry = text[place] ?? 0;
    bytes[at] = entry & 0xff;
    place = entry >>> 8;
  }
  return bytes;
}

class Bits {
  private at = 0;
  /** Bits of the byte before `at` that were not read yet. */
  private left = 0;

  constructor(private readonly input: Uint8Array) {}

  get atEnd(): boolean {
    return this.at >= this.input.length;
  }

  /** Up to 24 bits, the first one the highest. */
  read(count: number): number {
    let value = 0;
    for (let wanted = count; wanted > 0;) {
      if (this.left === 0) {
        if (this.atEnd) throw new ReportFault('truncated', 'What is compressed with bzip2 ends too early.');
        this.at++;
        this.left = 8;
      }
      const taken = Math.min(wanted, this.left);
      this.left -= taken;
      const byte = this.input[this.at - 1] ?? 0;
      value = (value << taken) | ((byte >>> this.left) & ((1 << taken) - 1));
      wanted -= taken;
    }
    return value;
  }

  readWord(): number {
    return this.read(16) * 0x10000 + this.read(16);
  }

  /** Forgets the rest of a byte. */
  align(): void {
    this.left = 0;
  }
}

class Output {
  private buffer = Buffer.alloc(64 * 1024);
  private length = 0;
  private crc = 0xffffffff;

  constructor(private readonly limit: number) {}

  get checksum(): number {
    return ~this.crc >>> 0;
  }

  beginBlock(): void {
    this.crc = 0xffffffff;
  }

  /** Takes a block: behind four times the same byte it says how often more. */
  addRuns(bytes: Uint8Array): void {
    let same = 0;
    let last = -1;
    for (const byte of bytes) {
      if (same === 4) {
        this.add(last, byte);
        same = 0;
        last = -1;
        continue;
      }
      same = byte === last ? same + 1 : 1;
      last = byte;
      this.add(byte, 1);
    }
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  private add(byte: number, times: number): void {
    const end = this.length + times;
    if (end > this.limit) {
      throw new ReportFault('too-large', `What is compressed with bzip2 may become ${this.limit} bytes.`);
    }
    if (end > this.buffer.length) {
      const larger = Buffer.alloc(Math.max(end, this.buffer.length * 2));
      this.buffer.copy(larger, 0, 0, this.length);
      this.buffer = larger;
    }
    this.buffer.fill(byte, this.length, end);
    this.length = end;
    for (let index = 0; index < times; index++) {
      this.crc = ((this.crc << 8) ^ (CRC[(this.crc >>> 24) ^ byte] ?? 0)) >>> 0;
    }
  }
}

/** CRC-32 of the polynomial 0x04c11db7, highest bit first. */
const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc >>> 0;
});

function malformed(what: string): ReportFault {
  return new ReportFault('malformed-report', `What is compressed with bzip2 has ${what}.`);
}
