import { ReportFault } from '../report.js';

/**
 * One pass over JSON texts, in windows of any size, before `JSON.parse` sees a byte of them.
 *
 * `JSON.parse` builds whatever it is given: a hundred million `[` exhaust memory, and of two equal keys it silently keeps the second. This scan finds the
 * structure only: depth, number of values, duplicate keys, unclosed parts, and where each value stands. It allocates nothing per value. Scalars are judged by
 * `JSON.parse` afterwards: the scan only needs to know where they end. Who wants to know where what stands, overrides the hooks.
 */
export interface JsonLimits {
  /** Containers within containers. */
  depth: number;
  /** Values and keys of all kinds. */
  values: number;
  /** Texts one after the other, each on a line of its own. */
  texts: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const BLANK = 0x20;
const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Bytes of numbers, `true`, `false` and `null`. */
const SCALAR = new Uint8Array(256);
for (const byte of Buffer.from('+-.0123456789Eaeflnrstu')) SCALAR[byte] = 1;

/** What may come next. */
const enum Expect {
  Text,
  Value,
  ValueOrClose,
  Key,
  KeyOrClose,
  Colon,
  CommaOrClose,
}

/** Objects with few keys are compared key by key; from here on a set keeps it linear. */
const FEW_KEYS = 16;

export class JsonScanner {
  /** Values and keys so far. */
  values = 0;
  /** Texts so far, an unfinished one included. */
  texts = 0;

  protected depth = 0;
  /** Per open container, from 1; what surrounds all texts is 0. */
  protected readonly isObject: Uint8Array;
  /** Members so far, per open container; of an object these are its keys. */
  protected readonly members: Int32Array;
  /** The key that was read last, per open object: bytes between its quotes, from and to. */
  protected readonly keyFrom: Float64Array;
  protected readonly keyEnd: Float64Array;

  private expect: Expect = Expect.Text;
  /** In a string that is a value, and that the window before did not end. */
  private inString = false;
  private afterBackslash = false;
  /** Since the end of the text before. */
  private sawLineEnd = true;
  /** Two hashes of each key in 53 bits, per open object. Who finds two keys with equal hashes has only made a report that is refused. */
  private readonly keyHashes: Float64Array;
  private readonly keySets: (Set<number> | null)[];

  constructor(private readonly limits: JsonLimits) {
    const slots = limits.depth + 1;
    this.isObject = new Uint8Array(slots);
    this.members = new Int32Array(slots);
    this.keyFrom = new Float64Array(slots);
    this.keyEnd = new Float64Array(slots);
    this.keyHashes = new Float64Array(slots * FEW_KEYS);
    this.keySets = new Array<Set<number> | null>(slots).fill(null);
  }

  /** A key of the innermost object ends. It is told by the hash of what it reads as (`keyHash`) and the length of that in bytes. */
  protected onKey(_hash: number, _length: number): void {}
  /** A value begins, of the innermost container (`depth` is its). A container's own hooks follow. */
  protected onValue(_at: number): void {}
  /** A container has begun at the value's place: `depth` is its own. */
  protected onOpen(_at: number): void {}
  /** The innermost container ends before `end`; `depth` is still its own. */
  protected onClose(_end: number): void {}
  /** A scalar ends before `end`. */
  protected onScalar(_end: number): void {}
  /** A text ends before `end`. */
  protected onText(_end: number): void {}

  /** The steps to where the scan is: keys (the bytes between their quotes) and indices. */
  place(): ({ from: number; end: number } | number)[] {
    const steps: ({ from: number; end: number } | number)[] = [];
    for (let level = 1; level <= this.depth; level++) {
      steps.push(
        this.isObject[level]
          ? { from: this.keyFrom[level] ?? 0, end: this.keyEnd[level] ?? 0 }
          : (this.members[level] ?? 1) - 1,
      );
    }
    return steps;
  }

  /**
   * Scans a window of the text whose first byte stands at `base`. Returns how many of its bytes are done with: the others have to begin the next window
   * (a key or number that does not end in this one). `last`: nothing follows.
   * Throws `ReportFault` truncated, not-json, too-deep, too-many-values, duplicate-key, each with its offset.
   */
  push(bytes: Buffer, base: number, last: boolean): number {
    const length = bytes.length;
    const { isObject, members, limits } = this;
    let at = 0;

    if (this.inString) {
      at = this.skipString(bytes, 0);
      if (at === -1) return this.more(bytes, base, last);
      this.endScalar(base + at);
    }

    for (;;) {
      let byte = bytes[at];
      // What is indented has runs of blanks: nearly half of its bytes.
      while (byte === BLANK || byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === TAB) {
        if (byte === LINE_FEED) this.sawLineEnd = true;
        do byte = bytes[++at];
        while (byte === BLANK);
      }
      if (byte === undefined) {
        if (last && this.expect !== Expect.Text) throw truncated(base + length);
        return length;
      }

      switch (this.expect) {
        case Expect.Colon:
          if (byte !== COLON) throw unexpected(base + at);
          at++;
          this.expect = Expect.Value;
          continue;

        case Expect.CommaOrClose:
          if (byte === COMMA) {
            at++;
            this.expect = isObject[this.depth] ? Expect.Key : Expect.Value;
            continue;
          }
          if (byte !== (isObject[this.depth] ? CLOSE_OBJECT : CLOSE_ARRAY)) throw unexpected(base + at);
          this.close(base + ++at);
          continue;

        case Expect.KeyOrClose:
          if (byte === CLOSE_OBJECT) {
            this.close(base + ++at);
            continue;
          }
          break;

        case Expect.ValueOrClose:
          if (byte === CLOSE_ARRAY) {
            this.close(base + ++at);
            continue;
          }
          break;

        case Expect.Key:
        case Expect.Value:
          break;

        case Expect.Text:
          if (!this.sawLineEnd)
            throw new ReportFault('not-json', 'Something follows the JSON text.', { offset: base + at });
          if (this.texts >= limits.texts) {
            throw new ReportFault('too-many-values', `The text holds more than ${limits.texts} documents.`, {
              offset: base + at,
            });
          }
          break;
      }

      if (this.expect === Expect.Key || this.expect === Expect.KeyOrClose) {
        if (byte !== QUOTE) throw unexpected(base + at);
        const end = this.readKey(bytes, at + 1, base);
        if (end === -1) return this.more(bytes, base, last, at);
        at = end;
        this.count(base + at);
        this.expect = Expect.Colon;
        continue;
      }

      // A value.
      if (SCALAR[byte] === 1) {
        let end = at + 1;
        while (end < length && SCALAR[bytes[end] ?? 0] === 1) end++;
        if (end === length && !last) return this.more(bytes, base, last, at);
        this.beginValue(base + at);
        at = end;
        this.endScalar(base + at);
      } else if (byte === QUOTE) {
        this.beginValue(base + at);
        at = this.skipString(bytes, at + 1);
        if (at === -1) return this.more(bytes, base, last);
        this.endScalar(base + at);
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        this.beginValue(base + at);
        if (this.depth >= limits.depth) {
          throw new ReportFault('too-deep', `The report is nested more than ${limits.depth} levels deep.`, {
            offset: base + at,
          });
        }
        const depth = ++this.depth;
        isObject[depth] = byte === OPEN_OBJECT ? 1 : 0;
        members[depth] = 0;
        this.keySets[depth] = null;
        this.onOpen(base + at);
        at++;
        this.expect = byte === OPEN_OBJECT ? Expect.KeyOrClose : Expect.ValueOrClose;
      } else {
        throw unexpected(base + at);
      }
    }
  }

  /** What is to be done when the window ends in the middle: bytes from `keep` on come again. */
  private more(bytes: Buffer, base: number, last: boolean, keep = bytes.length): number {
    if (last) throw truncated(base + bytes.length);
    if (keep === 0) {
      throw new ReportFault('not-json', 'The text holds a key or number that is too long.', { offset: base });
    }
    return keep;
  }

  private count(at: number): void {
    if (++this.values > this.limits.values) {
      throw new ReportFault('too-many-values', `The report holds more than ${this.limits.values} values.`, {
        offset: at,
      });
    }
  }

  private beginValue(at: number): void {
    this.count(at);
    if (this.expect === Expect.Text) {
      this.texts++;
    } else if (!this.isObject[this.depth]) {
      this.members[this.depth] = (this.members[this.depth] ?? 0) + 1;
    }
    this.onValue(at);
  }

  private endScalar(end: number): void {
    this.onScalar(end);
    this.endValue(end);
  }

  private close(end: number): void {
    this.onClose(end);
    this.depth--;
    this.endValue(end);
  }

  private endValue(end: number): void {
    if (this.depth > 0) {
      this.expect = Expect.CommaOrClose;
      return;
    }
    this.expect = Expect.Text;
    this.sawLineEnd = false;
    this.onText(end);
  }

  /**
   * The offset behind the string that goes on at `from`; -1 if the window ends before it, and then `inString`. Most bytes of a report are read here, so nothing but its end is
   * looked for; what may not stand in a string (control characters, wrong escapes) is for `JSON.parse` to find. A native search for the quote was not faster.
   */
  private skipString(bytes: Buffer, from: number): number {
    const length = bytes.length;
    let at = from;
    if (this.afterBackslash && at < length) {
      this.afterBackslash = false;
      at++;
    }
    for (; at < length; at++) {
      const byte = bytes[at];
      if (byte === QUOTE) {
        this.inString = false;
        return at + 1;
      }
      if (byte === BACKSLASH && ++at === length) this.afterBackslash = true;
    }
    this.inString = true;
    return -1;
  }

  /** The offset behind the key whose first byte, after the quote, stands at `from`; -1 if the window ends before it. */
  private readKey(bytes: Buffer, from: number, base: number): number {
    const length = bytes.length;
    let polynomial = 0;
    let fnv = 0x811c9dc5;
    let escaped = false;
    let at = from;
    for (; ; at++) {
      if (at >= length) return -1;
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) break;
      if (byte < 0x20) throw unexpected(base + at);
      if (byte === BACKSLASH) {
        escaped = true;
        if (++at >= length) return -1;
      }
      polynomial = (Math.imul(polynomial, 31) + byte) | 0;
      fnv = Math.imul(fnv ^ byte, 0x01000193);
    }
    let size = at - from;
    if (escaped) {
      // One key may be written in many ways: it is what it reads as.
      polynomial = 0;
      fnv = 0x811c9dc5;
      const text = Buffer.from(keyText(bytes, from, at, base));
      size = text.length;
      for (const byte of text) {
        polynomial = (Math.imul(polynomial, 31) + byte) | 0;
        fnv = Math.imul(fnv ^ byte, 0x01000193);
      }
    }
    const { depth } = this;
    this.keyFrom[depth] = base + from;
    this.keyEnd[depth] = base + at;
    if (!this.isNewKey((polynomial >>> 0) * 2 ** 21 + ((fnv ^ (fnv >>> 21)) & 0x1fffff))) {
      throw new ReportFault('duplicate-key', 'An object holds the same key twice; which one counts is not said.', {
        offset: base + from - 1,
      });
    }
    this.members[depth] = (this.members[depth] ?? 0) + 1;
    this.onKey(polynomial, size);
    return at + 1;
  }

  /** Whether the key is the first of its name in the innermost object; remembers it. */
  private isNewKey(hash: number): boolean {
    const { depth, keyHashes } = this;
    const first = depth * FEW_KEYS;
    const count = this.members[depth] ?? 0;
    if (count < FEW_KEYS) {
      for (let k = first; k < first + count; k++) if (keyHashes[k] === hash) return false;
      keyHashes[first + count] = hash;
      return true;
    }
    let set = this.keySets[depth] ?? null;
    if (set === null) this.keySets[depth] = set = new Set(keyHashes.subarray(first, first + FEW_KEYS));
    const before = set.size;
    return set.add(hash).size > before;
  }
}

/** The hash by which a scan tells a key. */
export function keyHash(key: string): number {
  let hash = 0;
  for (const byte of Buffer.from(key)) hash = (Math.imul(hash, 31) + byte) | 0;
  return hash;
}

function keyText(bytes: Buffer, from: number, end: number, base: number): string {
  try {
    return JSON.parse(`"${bytes.toString('utf8', from, end)}"`) as string;
  } catch {
    throw unexpected(base + from);
  }
}

function truncated(length: number): ReportFault {
  return new ReportFault('truncated', 'The JSON text ends before it is complete.', { offset: length });
}

function unexpected(offset: number): ReportFault {
  return new ReportFault('not-json', 'The text is not JSON from this byte on.', { offset });
}
