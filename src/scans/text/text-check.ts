import { isUtf8 } from 'node:buffer';
import { ReportFault } from '../report.js';

/** Holds a text to UTF-8 without NUL, window by window. */
export class TextCheck {
  /** The beginning of a character that the window before did not end. */
  private rest: Buffer = Buffer.alloc(0);

  constructor(private at: number) {}

  push(window: Buffer): void {
    const nul = window.indexOf(0);
    if (nul !== -1) throw new ReportFault('nul', 'The report holds a NUL byte.', { offset: this.at + nul });
    const start = this.at - this.rest.length;
    const bytes = this.rest.length === 0 ? window : Buffer.concat([this.rest, window]);
    // A character has up to four bytes: the last three may begin one.
    let whole = bytes.length;
    for (let back = 1; back <= Math.min(3, bytes.length); back++) {
      const byte = bytes[bytes.length - back] ?? 0;
      if ((byte & 0xc0) === 0x80) continue;
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
      if (needed > back) whole = bytes.length - back;
      break;
    }
    const complete = bytes.subarray(0, whole);
    if (!isUtf8(complete)) throw notUtf8(start + firstInvalid(complete));
    this.rest = Buffer.from(bytes.subarray(whole));
    this.at += window.length;
  }

  end(): void {
    if (this.rest.length > 0) throw notUtf8(this.at - this.rest.length);
  }
}

function notUtf8(offset: number): ReportFault {
  return new ReportFault('invalid-utf8', 'The report is not UTF-8.', { offset });
}

/** The offset of the first byte that is not UTF-8: the length of the longest valid prefix, found by halving. */
function firstInvalid(bytes: Buffer): number {
  let valid = 0;
  let invalid = bytes.length;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >>> 1;
    // A prefix may end within a character: it is valid if some of its last three cuts is.
    const isValid = [0, 1, 2, 3].some((back) => middle >= back && isUtf8(bytes.subarray(0, middle - back)));
    if (isValid) valid = middle;
    else invalid = middle;
  }
  while (valid > 0 && !isUtf8(bytes.subarray(0, valid))) valid--;
  return valid;
}
