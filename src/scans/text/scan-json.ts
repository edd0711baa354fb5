import { ReportFault } from '../report.js';

/**
 * One pass over the bytes of a JSON text before `JSON.parse` sees it.
 *
 * `JSON.parse` builds whatever it is given: a hundred million `[` exhaust memory, and of two equal keys it silently keeps the second. This scan
 * finds the structure only: depth, number of values, duplicate keys, unclosed parts, and where the value ends. It allocates nothing per value.
 * Scalars are judged by `JSON.parse` afterwards: the scan only needs to know where they end.
 */
export interface JsonLimits {
  /** Containers within containers. */
  depth: number;
  /** Values and keys of all kinds. */
  values: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const SPACE = 1;
const SCALAR = 2;
/** What a byte may be outside of strings: white space, or part of a number, `true`, `false`, `null`. */
const CLASS = new Uint8Array(256);
for (const byte of Buffer.from(' \t\r\n')) CLASS[byte] = SPACE;
for (const byte of Buffer.from('+-.0123456789Eaeflnrstu')) CLASS[byte] = SCALAR;

/** What may come next. */
const enum Expect {
  Value,
  ValueOrClose,
  Key,
  KeyOrClose,
  Colon,
  CommaOrClose,
}

/** Objects with few keys are compared key by key; from here on a set of strings (whose hash no poster can foresee) keeps it linear. */
const FEW_KEYS = 16;

/**
 * Scans one JSON value that begins at `start` (white space before it is skipped).
 * Returns the offset behind it, whose following bytes are the caller's to judge, and how many values and keys it holds.
 * Throws `ReportFault` truncated, not-json, too-deep, too-many-values, duplicate-key.
 */
export function scanJson(bytes: Buffer, start: number, limits: JsonLimits): { end: number; values: number } {
  const length = bytes.length;
  const slots = limits.depth + 1;
  const isObject = new Uint8Array(slots);
  /** Members so far, per open container; of an object these are its keys. */
  const members = new Int32Array(slots);
  const keyFrom = new Int32Array(slots * FEW_KEYS);
  const keyEnd = new Int32Array(slots * FEW_KEYS);
  const keyHash = new Int32Array(slots * FEW_KEYS);
  const keySets: (Set<string> | null)[] = new Array<Set<string> | null>(slots).fill(null);
  /** The key that was read last, per open object: for the pointer of a fault. */
  const lastFrom = new Int32Array(slots);
  const lastEnd = new Int32Array(slots);

  let depth = 0;
  let values = 0;
  let expect: Expect = Expect.Value;
  let at = start;

  const pointer = (): string => {
    let text = '';
    for (let level = 1; level <= depth; level++) {
      const step = isObject[level]
        ? keyText(bytes, lastFrom[level] ?? 0, lastEnd[level] ?? 0)
        : String((members[level] ?? 1) - 1);
      text += `/${step.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`;
    }
    return text;
  };

  /** Whether the key is the first of its name in the innermost object; remembers it. */
  const isNewKey = (from: number, end: number, hash: number, escaped: boolean): boolean => {
    const base = depth * FEW_KEYS;
    const count = members[depth] ?? 0;
    let set = keySets[depth] ?? null;
    if (set === null && (escaped || count >= FEW_KEYS)) {
      set = new Set();
      for (let k = base; k < base + count; k++) set.add(keyText(bytes, keyFrom[k] ?? 0, keyEnd[k] ?? 0));
      keySets[depth] = set;
    }
    if (set !== null) {
      const before = set.size;
      return set.add(keyText(bytes, from, end)).size > before;
    }
    for (let k = base; k < base + count; k++) {
      if (keyHash[k] === hash && equal(bytes, keyFrom[k] ?? 0, keyEnd[k] ?? 0, from, end)) return false;
    }
    keyFrom[base + count] = from;
    keyEnd[base + count] = end;
    keyHash[base + count] = hash;
    return true;
  };

  for (;;) {
    while (at < length && CLASS[bytes[at] ?? 0] === SPACE) at++;
    if (at >= length) throw truncated(length);
    const byte = bytes[at] ?? 0;

    if (expect === Expect.Colon) {
      if (byte !== COLON) throw unexpected(bytes, at);
      at++;
      expect = Expect.Value;
      continue;
    }

    if (expect === Expect.CommaOrClose) {
      if (byte === COMMA) {
        at++;
        expect = isObject[depth] ? Expect.Key : Expect.Value;
        continue;
      }
      if (byte !== (isObject[depth] ? CLOSE_OBJECT : CLOSE_ARRAY)) throw unexpected(bytes, at);
      at++;
      if (--depth === 0) return { end: at, values };
      continue;
    }

    if (
      (expect === Expect.KeyOrClose && byte === CLOSE_OBJECT) ||
      (expect === Expect.ValueOrClose && byte === CLOSE_ARRAY)
    ) {
      at++;
      if (--depth === 0) return { end: at, values };
      expect = Expect.CommaOrClose;
      continue;
    }

    if (++values > limits.values) {
      throw new ReportFault('too-many-values', `The report holds more than ${limits.values} values.`, { offset: at });
    }

    if (expect === Expect.Key || expect === Expect.KeyOrClose) {
      if (byte !== QUOTE) throw unexpected(bytes, at);
      const from = ++at;
      let hash = 0;
      let escaped = false;
      for (;;) {
        if (at >= length) throw truncated(length);
        const c = bytes[at] ?? 0;
        if (c === QUOTE) break;
        if (c < 0x20) throw unexpected(bytes, at);
        if (c === BACKSLASH) {
          escaped = true;
          at++;
        }
        hash = (Math.imul(hash, 31) + c) | 0;
        at++;
      }
      lastFrom[depth] = from;
      lastEnd[depth] = at;
      if (!isNewKey(from, at, hash, escaped)) {
        throw new ReportFault('duplicate-key', 'An object holds the same key twice; which one counts is not said.', {
          pointer: pointer(),
          offset: from - 1,
          line: lineOf(bytes, from),
        });
      }
      members[depth] = (members[depth] ?? 0) + 1;
      at++;
      expect = Expect.Colon;
      continue;
    }

    // A value.
    if (depth > 0 && !isObject[depth]) members[depth] = (members[depth] ?? 0) + 1;
    if (byte === QUOTE) {
      at = endOfString(bytes, at + 1);
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (depth >= limits.depth) {
        throw new ReportFault('too-deep', `The report is nested more than ${limits.depth} levels deep.`, {
          offset: at,
        });
      }
      depth++;
      at++;
      isObject[depth] = byte === OPEN_OBJECT ? 1 : 0;
      members[depth] = 0;
      keySets[depth] = null;
      expect = byte === OPEN_OBJECT ? Expect.KeyOrClose : Expect.ValueOrClose;
      continue;
    } else if (CLASS[byte] === SCALAR) {
      at++;
      while (at < length && CLASS[bytes[at] ?? 0] === SCALAR) at++;
    } else {
      throw unexpected(bytes, at);
    }
    if (depth === 0) return { end: at, values };
    expect = Expect.CommaOrClose;
  }
}

/** The offset behind the string whose first byte, after the quote, stands at `from`. Most bytes of a report are read here. */
function endOfString(bytes: Buffer, from: number): number {
  const length = bytes.length;
  for (let at = from; at < length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) throw unexpected(bytes, at);
    if (byte === BACKSLASH) at++;
  }
  throw truncated(length);
}

/** The line, from 1, in which the byte at `offset` stands. */
export function lineOf(bytes: Buffer, offset: number): number {
  let line = 1;
  for (let at = bytes.indexOf(0x0a); at !== -1 && at < offset; at = bytes.indexOf(0x0a, at + 1)) line++;
  return line;
}

function keyText(bytes: Buffer, from: number, end: number): string {
  const raw = bytes.toString('utf8', from, end);
  if (!raw.includes('\\')) return raw;
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    throw unexpected(bytes, from);
  }
}

function equal(bytes: Buffer, from: number, end: number, otherFrom: number, otherEnd: number): boolean {
  if (end - from !== otherEnd - otherFrom) return false;
  for (let k = 0; k < end - from; k++) if (bytes[from + k] !== bytes[otherFrom + k]) return false;
  return true;
}

function truncated(length: number): ReportFault {
  return new ReportFault('truncated', 'The JSON text ends before it is complete.', { offset: length });
}

function unexpected(bytes: Buffer, offset: number): ReportFault {
  return new ReportFault('not-json', 'The text is not JSON from this byte on.', {
    offset,
    line: lineOf(bytes, offset),
  });
}
