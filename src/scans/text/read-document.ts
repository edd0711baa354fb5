import { ReportFault } from '../report.js';
import { BytesInMemory, type ByteSource } from './byte-source.js';
import { readJson, type JsonReading } from './read-json.js';
import { readXml } from './read-xml.js';
import { readYaml, type YamlLimits } from './read-yaml.js';
import { TextCheck } from './text-check.js';

/** Bounds on the text of a report; each fault names the one that was passed. */
export const TEXT_LIMITS = {
  /** Bytes of a report, decompressed. */
  size: 1024 * 1024 * 1024,
  /** Bytes of a YAML report: 5 s of work and half a gigabyte, for the YAML parser reads 1.5 MB/s and keeps every token. More goes as JSON. */
  yaml: 8 * 1024 * 1024,
  /** Bytes of an XML report, of which all is held at once. An ARF of a whole machine has 20 to 50 MB. */
  xml: 64 * 1024 * 1024,
  /** The tools nest about 15 deep; Kubernetes objects inside of them 20. */
  depth: 64,
  /** Values and keys of a JSON text. A vulnerability has about 60 in 1.8 kB: these are the values of 2 GB. */
  values: 64_000_000,
  /** Values and keys of a YAML text, all of which are held at once. */
  yamlValues: 16_000_000,
  /** YAML documents in one text. */
  documents: 10_000,
} as const;

/** Bounds on an XML document; tools nest some 15 deep and write a dozen attributes at most. */
export const XML_LIMITS = {
  depth: TEXT_LIMITS.depth,
  elements: 2_000_000,
  attributes: 256,
  namespaces: 256,
  text: 4 * 1024 * 1024,
} as const;

export const YAML_LIMITS: YamlLimits = {
  ...TEXT_LIMITS,
  values: TEXT_LIMITS.yamlValues,
  size: TEXT_LIMITS.yaml,
};

/** How JSON is read. A test may ask for less. */
export const JSON_READING: JsonReading = {
  depth: TEXT_LIMITS.depth,
  values: TEXT_LIMITS.values,
  /** An audit log has one line per event. */
  texts: 4_000_000,
  window: 1024 * 1024,
  /** What is smaller is parsed whole, into some ten times as much. */
  large: 2 * 1024 * 1024,
  held: 32 * 1024 * 1024,
  members: 4_000_000,
};

/**
 * Bytes → document, strictly: nothing is guessed and nothing repaired. A byte order mark is dropped. JSON texts one per line and YAML texts of several documents
 * become a list of their documents, XML becomes the `XmlElement` of its root. A text without any document is null. Lists too large to be held are read as they are gone through (`LazyList`).
 * Throws `ReportFault` and nothing else, and so does going through a list.
 */
export function readDocument(input: Uint8Array | ByteSource, reading: JsonReading = JSON_READING): unknown {
  const source = input instanceof Uint8Array ? new BytesInMemory(input) : input;
  if (source.size > TEXT_LIMITS.size) {
    throw new ReportFault('too-large', `A report may hold ${TEXT_LIMITS.size} bytes.`);
  }
  const head = Buffer.from(source.read(0, Math.min(source.size, HEAD)));
  const from = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  // What is no text is told so, and not that it is no JSON.
  const text = new TextCheck(from);
  refuseToolText(head.subarray(from));
  let documents: unknown[];
  if (isJson(head.subarray(from))) {
    try {
      documents = readJson(source, from, reading, (window) => text.push(window));
      text.end();
    } catch (error) {
      throw withLine(error, source);
    }
  } else if (isXml(head.subarray(from))) {
    documents = [readXml(wholeText(source, from, 'xml', text), XML_LIMITS)];
  } else {
    documents = readYaml(wholeText(source, from, 'yaml', text), YAML_LIMITS);
  }
  return documents.length > 1 ? documents : (documents[0] ?? null);
}

/** Bytes in which the kind of text is looked for. */
const HEAD = 8_192;

/** No YAML document of a tool begins so. */
function isXml(head: Buffer): boolean {
  return /^\s*</.test(head.toString('latin1', 0, 4096));
}

/** JSON begins with a bracket or brace, or is `null`; whatever else begins a report is YAML. */
function isJson(head: Buffer): boolean {
  return /^\s*([[{]|null\s*$)/.test(head.toString('latin1', 0, 4096));
}

const TOO_LARGE = {
  xml: `An XML report may hold ${TEXT_LIMITS.xml} bytes.`,
  yaml: `A YAML report may hold ${TEXT_LIMITS.yaml} bytes; post it as JSON.`,
} as const;

/** All of a text that is no JSON. Throws ReportFault where it is too large or no text. */
export function wholeText(
  source: ByteSource,
  from: number,
  kind: keyof typeof TOO_LARGE,
  text = new TextCheck(from),
): string {
  if (source.size > TEXT_LIMITS[kind]) throw new ReportFault('too-large', TOO_LARGE[kind]);
  const bytes = source.read(from, source.size);
  text.push(bytes);
  text.end();
  return bytes.toString('utf8');
}

/** Adds the line, from 1, to a fault of JSON that knows only the offset. */
function withLine(error: unknown, source: ByteSource): unknown {
  if (!(error instanceof ReportFault)) return error;
  const { offset, line } = error.place;
  if (offset === undefined || line !== undefined || !LINED.has(error.code)) return error;
  let lines = 1;
  for (let at = 0; at < offset; at += JSON_READING.window) {
    const bytes = source.read(at, Math.min(offset, at + JSON_READING.window));
    for (let found = bytes.indexOf(0x0a); found !== -1; found = bytes.indexOf(0x0a, found + 1)) lines++;
  }
  return new ReportFault(error.code, error.detail, { ...error.place, line: lines });
}

const LINED: ReadonlySet<string> = new Set(['not-json', 'duplicate-key']);

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
