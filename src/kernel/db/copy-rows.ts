/*
 * Rows in COPY's binary format (PostgreSQL documentation, COPY, «Binary Format»), in which every value is its length and its bytes: Postgres takes them in half of the time
 * in which it reads the same rows as text.
 */

/** What a stream of rows begins with: the signature, no flags, no extension. */
export const COPY_BEGIN: Uint8Array = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
/** And what it ends with: a row of -1 columns. */
export const COPY_END: Uint8Array = Buffer.from([0xff, 0xff]);

/** The length that stands for null. */
const NULL = -1;
/** The format of jsonb that follows is its text. */
const JSONB_VERSION = 1;
/** 2000-01-01T00:00:00Z, from which Postgres counts microseconds; as `Date` has it. */
const EPOCH = 946_684_800_000;

/** Bytes that UTF-8 needs for a unit of UTF-16, at most. */
const WIDEST = 3;
/** A text of up to so many units is written faster here than by a call out of JavaScript. */
const SHORT = 64;

/** Rows one after the other: `row`, and then each of its values. */
export class CopyRows {
  private bytes = NOTHING;
  private length = 0;

  /** `size`: bytes that are allocated at once; more where a row needs it. */
  constructor(private readonly size: number) {}

  /** Bytes that were written since they were last taken. */
  get written(): number {
    return this.length;
  }

  row(columns: number): void {
    this.reserve(2);
    this.length = this.bytes.writeInt16BE(columns, this.length);
  }

  /** `id`: 36 characters (RFC 9562 section 4). */
  uuid(id: string): void {
    this.reserve(20);
    let at = this.bytes.writeInt32BE(16, this.length);
    for (let from = 0; from < 36; from += 2) {
      if (id.charCodeAt(from) === HYPHEN) from += 1;
      this.bytes[at++] = (digitAt(id, from) << 4) | digitAt(id, from + 1);
    }
    this.length += 20;
  }

  text(text: string | null): void {
    if (text === null) this.null();
    else {
      this.reserve(4 + text.length * WIDEST);
      this.length = this.put(text, this.length, this.length + 4);
    }
  }

  /** `text`: JSON. */
  jsonb(text: string): void {
    this.reserve(5 + text.length * WIDEST);
    this.bytes[this.length + 4] = JSONB_VERSION;
    this.length = this.put(text, this.length, this.length + 5);
  }

  integer(value: number | null): void {
    if (value === null) this.null();
    else {
      this.reserve(8);
      this.length = this.bytes.writeInt32BE(value, this.bytes.writeInt32BE(4, this.length));
    }
  }

  /** A timestamptz, to the millisecond. `at`: RFC 3339. */
  instant(at: string): void {
    this.reserve(12);
    const microseconds = BigInt(Date.parse(at) - EPOCH) * 1_000n;
    this.length = this.bytes.writeBigInt64BE(microseconds, this.bytes.writeInt32BE(8, this.length));
  }

  /** What was written, in a buffer of its own: it is the taker's. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length);
    this.bytes = NOTHING;
    this.length = 0;
    return taken;
  }

  private null(): void {
    this.reserve(4);
    this.length = this.bytes.writeInt32BE(NULL, this.length);
  }

  /** Writes a text at `at`, and at `head` how long the value is; the end of it. */
  private put(text: string, head: number, at: number): number {
    const end = text.length <= SHORT ? this.putShort(text, at) : at + this.bytes.write(text, at, 'utf8');
    this.bytes.writeInt32BE(end - head - 4, head);
    return end;
  }

  private putShort(text: string, at: number): number {
    for (let index = 0; index < text.length; index += 1) {
      const unit = text.charCodeAt(index);
      if (unit > 0x7f) return at + this.bytes.write(text, at, 'utf8');
      this.bytes[at + index] = unit;
    }
    return at + text.length;
  }

  private reserve(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.size, this.length === 0 ? bytes : 2 * needed));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}

const NOTHING = Buffer.alloc(0);
const HYPHEN = 0x2d;

/** By the unit of a hexadecimal digit, its value. */
const DIGITS = new Int8Array(128).fill(-1);
for (const [digit, unit] of Buffer.from('0123456789abcdef').entries()) DIGITS[unit] = digit;
for (const [digit, unit] of Buffer.from('ABCDEF').entries()) DIGITS[unit] = 10 + digit;

function digitAt(id: string, index: number): number {
  const digit = DIGITS[id.charCodeAt(index)] ?? -1;
  if (digit < 0) throw new Error('an id is no UUID');
  return digit;
}
