import { isAscii, isUtf8 } from 'node:buffer';
import { ReportFault } from '../report.js';
import { lineOf, scanJson } from './scan-json.js';
import { readYaml } from './read-yaml.js';

/** Bounds on the text of a report; each fault names the one that was passed. */
export const TEXT_LIMITS = {
  /** Bytes of a JSON report, decompressed. V8 holds no string above 512 MiB. */
  json: 256 * 1024 * 1024,
  /** Bytes of a YAML report: 5 s of work and half a gigabyte, for the YAML parser reads 1.5 MB/s and keeps every token. More goes as JSON. */
  yaml: 8 * 1024 * 1024,
  /** The tools nest about 15 deep; Kubernetes objects inside of them 20. */
  depth: 64,
  /** Values and keys. A vulnerability has about 60, a Kubescape result 8; the parsed document stays below a gigabyte. */
  values: 16_000_000,
  /** Documents in one text: one per line in JSON, separated by `---` in YAML. */
  documents: 10_000,
} as const;

/**
 * Bytes → document, strictly: nothing is guessed and nothing repaired. A byte order mark is dropped. JSON texts one per line and YAML texts of
 * several documents become an array of their documents. A text without any document is null.
 * Throws `ReportFault` and nothing else.
 */
export function readDocument(input: Uint8Array): unknown {
  if (input.length > TEXT_LIMITS.json) {
    throw new ReportFault('too-large', `A report may hold ${TEXT_LIMITS.json} bytes.`);
  }
  let bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3);
  if (!isUtf8(bytes)) {
    throw new ReportFault('invalid-utf8', 'The report is not UTF-8.', { offset: firstInvalid(bytes) });
  }
  const nul = bytes.indexOf(0);
  if (nul !== -1) throw new ReportFault('nul', 'The report holds a NUL byte.', { offset: nul });
  refuseToolText(bytes);
  const documents = isJson(bytes)
    ? readJson(bytes)
    : readYaml(yamlText(bytes), { ...TEXT_LIMITS, size: TEXT_LIMITS.yaml });
  return documents.length > 1 ? documents : (documents[0] ?? null);
}

/** JSON begins with a bracket or brace, or is `null`; whatever else begins a report is YAML. */
function isJson(bytes: Buffer): boolean {
  return /^\s*([[{]|null\s*$)/.test(bytes.toString('latin1', 0, 4096));
}

function yamlText(bytes: Buffer): string {
  if (bytes.length > TEXT_LIMITS.yaml) {
    throw new ReportFault('too-large', `A YAML report may hold ${TEXT_LIMITS.yaml} bytes; post it as JSON.`);
  }
  return bytes.toString('utf8');
}

function readJson(bytes: Buffer): unknown[] {
  // The same characters, decoded at a third of the cost, in half of the memory.
  const encoding = isAscii(bytes) ? 'latin1' : 'utf8';
  const documents: unknown[] = [];
  let values: number = TEXT_LIMITS.values;
  let at = 0;
  for (;;) {
    const gap = at;
    while (at < bytes.length && isSpace(bytes[at] ?? 0)) at++;
    if (at >= bytes.length) return documents;
    if (documents.length > 0 && bytes.subarray(gap, at).indexOf(0x0a) === -1) {
      throw new ReportFault('not-json', 'Something follows the JSON text.', { offset: at, line: lineOf(bytes, at) });
    }
    if (documents.length >= TEXT_LIMITS.documents) {
      throw new ReportFault('too-many-values', `The text holds more than ${TEXT_LIMITS.documents} documents.`);
    }
    const scanned = scanJson(bytes, at, { depth: TEXT_LIMITS.depth, values });
    values -= scanned.values;
    try {
      documents.push(JSON.parse(bytes.toString(encoding, at, scanned.end)));
    } catch {
      throw new ReportFault('not-json', 'The text holds a number, word or escape that JSON does not have.', {
        line: lineOf(bytes, at),
      });
    }
    at = scanned.end;
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
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

/** What the tools print for people when nobody asks them for JSON. */
const TOOL_TEXT: readonly [RegExp, string][] = [
  [/^\s*\[(INFO|PASS|FAIL|WARN)\] /, 'kube-bench; run it with --json'],
  [/^== (Summary|Remediations)/m, 'kube-bench; run it with --json'],
  [/^\d{4}-\d\d-\d\dT[^\t\n]+\t(INFO|WARN|ERROR|FATAL)\t/, "trivy's log; run it with --format json --output FILE"],
  [/^Total: \d+ \((UNKNOWN|LOW|MEDIUM|HIGH|CRITICAL): /m, 'trivy; run it with --format json'],
  [/^(Tests|Failures): \d+ \(/m, 'trivy; run it with --format json'],
  [/^Controls: \d+ \(/m, 'kubescape; run it with --format json'],
  [/[┌╔├│╭]/, 'a tool that draws tables; ask it for JSON'],
];

function refuseToolText(bytes: Buffer): void {
  const head = bytes.toString('utf8', 0, 8192);
  if (/^\s*(\{|\[\s*[{\]"[])/.test(head)) return;
  for (const [pattern, tool] of TOOL_TEXT) {
    if (pattern.test(head)) throw new ReportFault('text-output', `This looks like the text output of ${tool}.`);
  }
}
