import type { Redaction } from '../../evidence/redaction.js';
import { ReportFault } from '../report.js';
import { BytesInMemory, type ByteSource } from '../text/byte-source.js';
import { JsonScanner, keyHash } from '../text/json-scanner.js';
import { JSON_READING } from '../text/read-document.js';
import { Key, KEYS } from './keys.js';
import { Places } from './places.js';
import { unquoted, type Quoted } from './quoted.js';
import { Rules, Wanted } from './rules.js';
import { findKind, findMatch, kindOf, Suspicion } from './suspicion.js';

/**
 * What stands instead of a value: of a text between its quotes, of anything else as a value of its own. Neither has a character that would be escaped, so both may
 * stand in JSON within the strings of JSON.
 */
export const DROPPED = '[dropped]';
const TEXTS = [DROPPED, 'null'] as const;
const Instead = { Text: 0, Value: 1 } as const;

/** A string of less cannot hold any of what is dropped: `{"kind":"Secret","data":{"a":1}}` is longer. */
const MIN_QUOTED = 24;
/** A string of more that may quote a secret goes as a whole. */
const MAX_QUOTED = 8 * 1024 * 1024;
/** JSON within strings of JSON: an audit event in the envelope of a cloud in one of a collector. What is deeper goes as a whole. */
const MAX_LEVEL = 3;
/** Bytes of a window that are remembered for a text that goes on in the next. */
const REMEMBERED = 128;

/** Finds what is dropped in JSON texts; null where nothing is. Throws ReportFault for what is no JSON. `window`: bytes that are read at a time. */
export function redactJson(source: ByteSource, from: number, window: number = JSON_READING.window): Redaction | null {
  return placesIn(source, from, window, 0).redaction(TEXTS);
}

function placesIn(source: ByteSource, from: number, window: number, level: number): Places {
  const scan = new SecretScan();
  const quoted = new QuotedPlaces(source, level);
  let done = from;
  do {
    const end = Math.min(source.size, Math.max(done, scan.seenTo) + window);
    done += scan.push(source.read(done, end), done, end === source.size);
    for (const { start, end: stop } of scan.takeQuoted()) quoted.look(start, stop);
  } while (done < source.size);
  return scan.rules.places.settled(quoted.places);
}

const KEY_BY_HASH: ReadonlyMap<number, { key: Key; length: number }> = new Map(
  [...KEYS].map(([name, key]) => [keyHash(name), { key, length: name.length }]),
);

/** The scan that tells the rules what it comes by, and remembers strings that may quote a secret. */
class SecretScan extends JsonScanner {
  readonly rules = new Rules(JSON_READING.depth);
  seenTo = 0;
  private quoted: { start: number; end: number }[] = [];

  private window: Buffer = Buffer.alloc(0);
  private windowAt = 0;
  /** The end of the window before. */
  private before: Buffer = Buffer.alloc(0);

  // The value that has begun.
  private valueAt = 0;
  private wanted: number = Wanted.Nothing;
  private isText = false;
  /** A text that may be JSON by its first byte, or says `kind: Secret` or the like somewhere. */
  private mayQuote = false;

  /** Where `kind` or a match is said in this window; the last is the next. */
  private said: number[] = [];

  constructor() {
    super(JSON_READING);
  }

  override push(bytes: Buffer, base: number, last: boolean): number {
    this.window = bytes;
    this.windowAt = base;
    this.seenTo = base + bytes.length;
    this.findSaid();
    const done = super.push(bytes, base, last);
    // What is left lies in the string that goes on, or comes again.
    if (this.isText && this.said.some((at) => at >= this.valueAt)) this.mayQuote = true;
    const behind = Buffer.concat([this.before, bytes.subarray(Math.max(0, done - REMEMBERED), done)]);
    this.before = behind.subarray(-REMEMBERED);
    return done;
  }

  /** The strings that have ended and may quote a secret. */
  takeQuoted(): { start: number; end: number }[] {
    const { quoted } = this;
    this.quoted = [];
    return quoted;
  }

  protected override onKey(hash: number, length: number): void {
    const found = KEY_BY_HASH.get(hash);
    this.rules.key(found === undefined || found.length !== length ? Key.None : found.key);
  }

  protected override onValue(at: number): void {
    this.valueAt = at;
    const offset = at - this.windowAt;
    this.isText = this.window[offset] === 0x22;
    this.mayQuote = this.isText && mayBeginJson(this.window[offset + 1]);
    this.wanted = this.rules.begin(at);
  }

  protected override onOpen(): void {
    this.rules.open(this.isObject[this.depth] === 1, Instead.Value);
  }

  protected override onClose(end: number): void {
    this.rules.close(end);
  }

  protected override onScalar(end: number): void {
    const { valueAt: start, wanted, isText } = this;
    if ((wanted & Wanted.Text) !== 0 && isText) this.rules.text(this.textOf(start + 1, end - 1));
    if ((wanted & Wanted.End) !== 0 && !this.isNothing(start, end)) {
      if (isText) this.rules.scalar(start + 1, end - 1, Instead.Text);
      else this.rules.scalar(start, end, Instead.Value);
    }
    if (isText && end - start >= MIN_QUOTED) {
      if (this.mayQuote || this.saysAny(start, end)) this.quoted.push({ start: start + 1, end: end - 1 });
    }
    this.isText = false;
  }

  private findSaid(): void {
    const { window, windowAt, before } = this;
    this.said = [];
    const seam = Buffer.concat([before, window.subarray(0, REMEMBERED)]);
    for (const find of [findKind, findMatch]) {
      for (let at = find(seam, 0); at !== -1 && at < before.length; at = find(seam, at + 1)) {
        this.said.push(windowAt - before.length + at);
      }
      for (let at = find(window, 0); at !== -1; at = find(window, at + 1)) this.said.push(windowAt + at);
    }
    this.said.sort((a, b) => b - a);
  }

  private saysAny(start: number, end: number): boolean {
    const { said } = this;
    while (said.length > 0 && (said.at(-1) ?? 0) < start) said.pop();
    return (said.at(-1) ?? Infinity) < end;
  }

  /** An empty text, null, or what was dropped before. */
  private isNothing(start: number, end: number): boolean {
    const length = end - start;
    if (!this.isText) return length === 4 && this.textOf(start, end) === 'null';
    return length === 2 || (length === DROPPED.length + 2 && this.textOf(start + 1, end - 1) === DROPPED);
  }

  /** A short text; null where it is long. */
  private textOf(start: number, end: number): string | null {
    const { before, window, windowAt } = this;
    if (end - start > REMEMBERED / 2) return null;
    const bytes =
      start >= windowAt
        ? window.subarray(start - windowAt, end - windowAt)
        : Buffer.concat([
            before.subarray(Math.max(0, before.length - (windowAt - start))),
            window.subarray(0, end - windowAt),
          ]);
    if (!bytes.includes(0x5c)) return bytes.toString('utf8');
    return unquoted(bytes)?.text.toString('utf8') ?? null;
  }
}

/** A bracket, white space before one, or an escape of either; unknown at a window's end. */
function mayBeginJson(byte: number | undefined): boolean {
  return byte === undefined || byte === 0x7b || byte === 0x5b || byte === 0x5c || byte === 0x20;
}

/** What is dropped within strings. */
class QuotedPlaces {
  readonly places = new Places();

  constructor(
    private readonly source: ByteSource,
    private readonly level: number,
  ) {}

  /** Looks at what stands between the quotes of a string. */
  look(start: number, end: number): void {
    if (end - start > MAX_QUOTED) {
      if (this.isSuspect(start, end)) this.drop(start, end);
      return;
    }
    const raw = Buffer.from(this.source.read(start, end));
    const quoted = unquoted(raw);
    if (quoted === null) {
      this.drop(start, end);
      return;
    }
    if (kindOf(quoted.text) !== 'json') {
      if (quotesSecret(quoted.text.toString('utf8'))) this.drop(start, end);
      return;
    }
    if (!isSuspect(quoted.text)) return;
    if (this.level >= MAX_LEVEL) this.drop(start, end);
    else this.dropWithin(quoted, start, end);
  }

  private dropWithin({ text, placeOf }: Quoted, start: number, end: number): void {
    let within: Places;
    try {
      within = placesIn(new BytesInMemory(text), 0, text.length, this.level + 1);
    } catch (error) {
      if (!(error instanceof ReportFault)) throw error;
      this.drop(start, end);
      return;
    }
    this.places.adopt(within, (offset) => start + placeOf(offset));
  }

  /** As it is written: what is looked for stands in a string as it stands outside of one, but for the quotes. */
  private isSuspect(start: number, end: number): boolean {
    const suspicion = new Suspicion();
    for (let at = start; at < end; at += JSON_READING.window) {
      suspicion.see(this.source.read(at, Math.min(end, at + JSON_READING.window)));
    }
    return suspicion.isSuspect();
  }

  private drop(start: number, end: number): void {
    this.places.add(start, end, Instead.Text, 'embedded');
  }
}

/** Whether a text quotes anything that is dropped. */
export function holdsSecret(text: string): boolean {
  if (text.length < MIN_QUOTED) return false;
  const bytes = Buffer.from(text);
  if (kindOf(bytes) !== 'json') return quotesSecret(text);
  if (!isSuspect(bytes)) return false;
  try {
    return placesIn(new BytesInMemory(bytes), 0, bytes.length, 1).length > 0;
  } catch (error) {
    if (error instanceof ReportFault) return true;
    throw error;
  }
}

function isSuspect(text: Buffer): boolean {
  const suspicion = new Suspicion();
  suspicion.see(text);
  return suspicion.isSuspect();
}

/** Whether a text that is no JSON by itself quotes something that holds secrets: YAML in a string, a line of a log with a body in it, what Trivy found. */
function quotesSecret(text: string): boolean {
  return (
    (QUOTED_KIND.test(text) && QUOTED_VALUES.test(text)) ||
    (QUOTED_PROVIDER.test(text) && QUOTED_KEY.test(text)) ||
    QUOTED_FINDING.test(text)
  );
}

const QUOTED_KIND = /\bkind[\\"']{0,8}\s{0,64}:\W{0,64}(?:Secret|ConfigMap)(?:List)?\b/;
const QUOTED_VALUES = /(?<![A-Za-z0-9])(?:data|stringData|binaryData)[\\"']{0,8}\s{0,64}:/;
const QUOTED_PROVIDER = /\b(?:aescbc|aesgcm|secretbox)[\\"']{0,8}\s{0,64}:/;
const QUOTED_KEY = /\bsecret[\\"']{0,8}\s{0,64}:/;
/** The message of a result in Trivy's SARIF. */
const QUOTED_FINDING = /^Secret [^\n]*\nSeverity: [^\n]*\nMatch: /m;
