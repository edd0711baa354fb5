/** What a JSON string reads as, and where in it each of these bytes is written. */
export interface Quoted {
  /** UTF-8. */
  text: Buffer;
  /** Where the byte at an offset of `text` is written (of a character its first). Offsets are asked in growing order. */
  placeOf: (offset: number) => number;
}

const BACKSLASH = 0x5c;
const ESCAPES: ReadonlyMap<number, number> = new Map(
  Object.entries({ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }).map(
    ([letter, meant]) => [letter.charCodeAt(0), meant.charCodeAt(0)],
  ),
);

/** Reads what stands between the quotes of a JSON string; null where an escape is none. Half of a surrogate pair reads as U+FFFD. */
export function unquoted(raw: Buffer): Quoted | null {
  const text = Buffer.allocUnsafe(raw.length);
  /** After each escape: how far the text is, and how far what is written. */
  const read: number[] = [];
  const written: number[] = [];
  let length = 0;
  let at = 0;
  while (at < raw.length) {
    const next = raw.indexOf(BACKSLASH, at);
    const end = next === -1 ? raw.length : next;
    length += raw.copy(text, length, at, end);
    if (next === -1) break;
    const escape = escapeAt(raw, end);
    if (escape === null) return null;
    length += text.write(escape.meant, length);
    at = end + escape.size;
    read.push(length);
    written.push(at);
  }
  let step = 0;
  return {
    text: text.subarray(0, length),
    placeOf: (offset) => {
      while (step < read.length && (read[step] ?? 0) <= offset) step++;
      return step === 0 ? offset : (written[step - 1] ?? 0) + offset - (read[step - 1] ?? 0);
    },
  };
}

function escapeAt(raw: Buffer, at: number): { meant: string; size: number } | null {
  const letter = raw[at + 1] ?? 0;
  if (letter !== 0x75) {
    const meant = ESCAPES.get(letter);
    return meant === undefined ? null : { meant: String.fromCharCode(meant), size: 2 };
  }
  const unit = unitAt(raw, at);
  if (unit === null) return null;
  const isHigh = unit >= 0xd800 && unit < 0xdc00;
  const low = isHigh && raw[at + 6] === BACKSLASH && raw[at + 7] === 0x75 ? unitAt(raw, at + 6) : null;
  if (low !== null && low >= 0xdc00 && low < 0xe000) return { meant: String.fromCharCode(unit, low), size: 12 };
  return { meant: String.fromCharCode(unit), size: 6 };
}

/** Of `\uXXXX`. */
function unitAt(raw: Buffer, at: number): number | null {
  const digits = raw.toString('latin1', at + 2, at + 6);
  return /^[0-9A-Fa-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : null;
}
