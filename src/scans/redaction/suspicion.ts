import type { Watch } from '../../evidence/redaction.js';
import { TextCheck } from '../text/text-check.js';

/**
 * Whether a text may hold anything that is dropped, found out as it passes, at a cost that no report notices. It may suspect what is harmless, which then is read
 * with care and found to be so.
 *
 * JSON is searched for what the objects that are dropped are never written without, and for `\u` escapes of plain letters, which nobody writes but who hides. What is
 * searched for begins with a rare byte where it can: that is what a native search looks for. Other texts are smaller, and may be written in more ways: there words are
 * looked for. XML is none of what is dropped.
 */
export class Suspicion implements Watch {
  private kind: TextKind | null = null;
  private tail: Buffer = Buffer.alloc(0);
  private found = false;
  private sawKind = false;
  private sawObject = false;
  private readonly text = new TextCheck(0);

  see(chunk: Buffer): void {
    if (this.found || this.kind === 'xml') return;
    // White space so far, or nothing: then a byte order mark may be on its way.
    this.kind ??= kindOf(this.tail.length < BYTE_ORDER_MARK.length ? Buffer.concat([this.tail, chunk]) : chunk);
    const seam = Buffer.concat([this.tail, chunk.subarray(0, SEAM)]);
    if (this.kind === 'xml') return;
    this.found =
      (this.kind === 'other' && !this.isText(chunk)) ||
      this.search(chunk) ||
      (this.tail.length > 0 && this.search(seam));
    this.tail =
      chunk.length >= SEAM ? Buffer.from(chunk.subarray(-SEAM)) : Buffer.concat([this.tail, chunk]).subarray(-SEAM);
  }

  isSuspect(): boolean {
    return this.found || (this.kind === 'other' && !this.isText(null));
  }

  private search(bytes: Buffer): boolean {
    return this.kind === 'other'
      ? this.searchWords(bytes.toString('latin1'))
      : SEARCHES.some((search) => search(bytes));
  }

  private searchWords(text: string): boolean {
    this.sawKind ||= /\bkind\b/.test(text);
    this.sawObject ||= OBJECTS.test(text);
    return (this.sawKind && this.sawObject) || WORDS.test(text);
  }

  /** What is no text cannot be searched. */
  private isText(chunk: Buffer | null): boolean {
    try {
      if (chunk === null) this.text.end();
      else this.text.push(chunk);
      return true;
    } catch {
      return false;
    }
  }
}

/** Bytes on either side of a border between chunks that are searched together: all that is looked for, with what stands around it, is shorter. */
const SEAM = 160;

type TextKind = 'json' | 'xml' | 'other';

const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf);

/** By the first byte that is no white space; null while there is none. A byte order mark says nothing. */
export function kindOf(bytes: Buffer): TextKind | null {
  const mark = bytes.subarray(0, BYTE_ORDER_MARK.length);
  if (mark.equals(BYTE_ORDER_MARK.subarray(0, mark.length)) && mark.length < BYTE_ORDER_MARK.length) return null;
  let at = mark.equals(BYTE_ORDER_MARK) ? mark.length : 0;
  while (isSpace(bytes[at])) at++;
  switch (bytes[at]) {
    case undefined:
      return null;
    case 0x7b:
    case 0x5b:
      return 'json';
    case 0x3c:
      return beginsMarkup(bytes[at + 1]);
    default:
      return 'other';
  }
}

/** Of what stands behind `<`: no YAML, whose merge key is written `<<`. */
function beginsMarkup(byte: number | undefined): TextKind | null {
  if (byte === undefined) return null;
  return byte === 0x21 || byte === 0x3f || byte === 0x5f || isAlphanumeric(byte) ? 'xml' : 'other';
}

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

const isAlphanumeric = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);

/** Whether something stands in a text, by needle and a look at what is around it. */
function searchFor(
  needle: string,
  isFound: (bytes: Buffer, at: number, end: number) => boolean,
): (bytes: Buffer) => boolean {
  const wanted = Buffer.from(needle);
  return (bytes) => {
    for (let at = bytes.indexOf(wanted); at !== -1; at = bytes.indexOf(wanted, at + 1)) {
      if (isFound(bytes, at, at + wanted.length)) return true;
    }
    return false;
  };
}

const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const COLON = 0x3a;

/** A key or text ends here: by its quote, or by an escaped one where it stands in a text. */
const endsText = (bytes: Buffer, end: number): boolean => bytes[end] === QUOTE || bytes[end] === BACKSLASH;

const isPrecededBy = (bytes: Buffer, at: number, word: string): boolean =>
  bytes.toString('latin1', Math.max(0, at - word.length), at) === word;

const SEARCHES: readonly ((bytes: Buffer) => boolean)[] = [
  (bytes) => findKind(bytes, 0) !== -1,
  // Findings of Trivy and of gitleaks.
  searchFor('Secrets', (bytes, _at, end) => endsText(bytes, end)),
  searchFor('RuleID', (bytes, _at, end) => endsText(bytes, end)),
  (bytes) => findMatch(bytes, 0) !== -1,
  // Bodies in audit logs, of Kubernetes and of Google.
  searchFor(
    'Object',
    (bytes, at, end) =>
      endsText(bytes, end) && (isPrecededBy(bytes, at, 'request') || isPrecededBy(bytes, at, 'response')),
  ),
  searchFor('@type', (bytes, _at, end) => endsText(bytes, end)),
  // Environments, of Kubernetes and of images, and what images were built by.
  searchFor('v"', (bytes, at) => isEnvironment(bytes, at)),
  searchFor('v\\', (bytes, at) => isEnvironment(bytes, at)),
  searchFor('Headers', (bytes, at, end) => isPrecededBy(bytes, at, 'http') && isKeyOfList(bytes, at - 4, end)),
  searchFor('_by', (bytes, at, end) => endsText(bytes, end) && isPrecededBy(bytes, at, 'created')),
  searchFor('ProviderConfigFile', (bytes, at, end) => endsText(bytes, end) && isPrecededBy(bytes, at, 'encryption')),
  // Values that do not say of what they are, or do so where the text was cut off.
  searchFor('data', (bytes, at, end) => bytes[at - 1] === QUOTE && endsText(bytes, end) && opensObject(bytes, end)),
  searchFor(
    'Data',
    (bytes, at, end) =>
      endsText(bytes, end) && (isPrecededBy(bytes, at, 'string') || isPrecededBy(bytes, at, 'binary')),
  ),
  searchFor('\\u00', (bytes, _at, end) => isAlphanumeric(Number.parseInt(bytes.toString('latin1', end, end + 2), 16))),
  (bytes) => bytes.includes(0),
];

const KINDS: readonly Buffer[] = [
  'Secret',
  'SecretList',
  'ConfigMap',
  'ConfigMapList',
  'EncryptionConfiguration',
  'EncryptionConfig',
  'ExposedSecretReport',
  'ExposedSecretReportList',
].map((name) => Buffer.from(name));
const KIND = Buffer.from('kind');
/** More than this between a key and its value is no report's way of writing. */
const MAX_GAP = 64;

/** Where, from an offset on, `kind` is said to be one of those that matter; -1 if nowhere. */
export function findKind(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(KIND, from); at !== -1; at = bytes.indexOf(KIND, at + 1)) {
    if (namesKind(bytes, at + KIND.length)) return at;
  }
  return -1;
}

const MATCH = Buffer.from('Match: ');

/** Where, from an offset on, a line of a text within JSON begins as that does in which Trivy's SARIF quotes what it found; -1 if nowhere. */
export function findMatch(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(MATCH, from); at !== -1; at = bytes.indexOf(MATCH, at + 1)) {
    if (bytes[at - 1] === 0x6e && bytes[at - 2] === BACKSLASH) return at;
  }
  return -1;
}

function namesKind(bytes: Buffer, from: number): boolean {
  const at = skipGap(bytes, from);
  if (at - from >= MAX_GAP) return true;
  // A word that only follows it is prose.
  if (at - from < 2 && bytes[from] !== COLON) return false;
  const first = bytes[at];
  if (first !== 0x53 && first !== 0x43 && first !== 0x45) return false;
  return KINDS.some(
    (name) => bytes.subarray(at, at + name.length).equals(name) && !isAlphanumeric(bytes[at + name.length] ?? 0),
  );
}

/** Behind quotes, colons, white space and their escapes. */
function skipGap(bytes: Buffer, from: number): number {
  let at = from;
  for (const until = Math.min(bytes.length, from + MAX_GAP); at < until;) {
    const byte = bytes[at] ?? 0;
    if (byte === BACKSLASH) {
      const next = bytes[at + 1];
      // \u0022 as .NET writes a quote, and \n, \r, \t.
      if (next === 0x75) at += 6;
      else at += next === 0x6e || next === 0x72 || next === 0x74 ? 2 : 1;
    } else if (isAlphanumeric(byte)) {
      break;
    } else {
      at++;
    }
  }
  return at;
}

/** Whether it is a whole key, and a list follows that has members. */
const isKeyOfList = (bytes: Buffer, at: number, end: number): boolean =>
  bytes[at - 1] === QUOTE && endsText(bytes, end) && opens(bytes, end, '[]');

/** Whether `env` or `Env`, whose last letter is at `at`, is the key of a list: the rarest of its letters is what a report is searched for. */
const isEnvironment = (bytes: Buffer, at: number): boolean =>
  bytes[at - 1] === 0x6e && (bytes[at - 2] === 0x65 || bytes[at - 2] === 0x45) && isKeyOfList(bytes, at - 2, at + 1);

const opensObject = (bytes: Buffer, from: number): boolean => opens(bytes, from, '{}');

/** Whether a container of these brackets follows that has members. */
function opens(bytes: Buffer, from: number, brackets: '{}' | '[]'): boolean {
  let at = from;
  while (at - from < MAX_GAP) {
    const byte = bytes[at];
    if (byte !== QUOTE && byte !== BACKSLASH && byte !== COLON && !isSpace(byte)) break;
    at++;
  }
  return bytes[at] === brackets.charCodeAt(0) ? bytes[at + 1] !== brackets.charCodeAt(1) : at - from >= MAX_GAP;
}

const OBJECTS =
  /(?<![A-Za-z0-9])(?:Secret|ConfigMap|ExposedSecretReport)(?:List)?(?![A-Za-z0-9])|(?<![A-Za-z0-9])EncryptionConfig(?:uration)?(?![A-Za-z0-9])/;
/** Keys of what has no kind, and escapes of letters or of line ends, which nobody writes but who hides. */
const WORDS = new RegExp(
  [
    String.raw`(?<![A-Za-z0-9])(?:data|stringData|binaryData|Secrets|RuleID|requestObject|responseObject|aescbc|aesgcm|secretbox|methodName|env|Env|httpHeaders|created_by|encryptionProviderConfigFile)["']?\s*:`,
    // In Trivy's SARIF.
    String.raw`(?:\\n|\n[ \t]*)Match: `,
    String.raw`\\x(?:3[0-9]|4[1-9A-Fa-f]|5[0-9Aa]|6[1-9A-Fa-f]|7[0-9Aa])`,
    String.raw`\\(?:u|U0000)00(?:3[0-9]|4[1-9A-Fa-f]|5[0-9Aa]|6[1-9A-Fa-f]|7[0-9Aa])`,
    String.raw`\\\r?\n`,
  ].join('|'),
);
