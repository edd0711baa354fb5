import { isScalar, Lexer, LineCounter, parseAllDocuments, visit, type Document } from 'yaml';
import { ReportFault, type FaultPlace } from '../report.js';

export interface YamlLimits {
  /** Bytes. */
  size: number;
  depth: number;
  /** Values and keys of all kinds, aliases expanded. */
  values: number;
  documents: number;
}

/** Aliases in one document. What they expand to is bounded as values are. Kubernetes tools write none; a person's file may hold a few. */
const MAX_ALIASES = 100;

/**
 * Reads YAML 1.2 documents into plain JSON values; empty documents are left out.
 * Throws `ReportFault` too-large, too-deep, too-many-values, duplicate-key, not-yaml.
 */
export function readYaml(text: string, limits: YamlLimits): unknown[] {
  const documents: unknown[] = [];
  const budget = { values: limits.values };
  for (const document of parseYaml(text, limits)) {
    let value: unknown;
    try {
      value = document.toJS({ maxAliasCount: -1 });
    } catch {
      throw new ReportFault('not-yaml', 'The text refers to anchors that it does not have.');
    }
    if (value === null || value === undefined) continue;
    assertPlain(value, limits.depth, budget);
    documents.push(value);
  }
  return documents;
}

/** The documents of a text as they are written, each without a fault. Throws `ReportFault` like `readYaml`. */
export function parseYaml(text: string, limits: YamlLimits): Document.Parsed[] {
  if (text.length > limits.size) {
    throw new ReportFault('too-large', `A YAML report may hold ${limits.size} bytes; post it as JSON.`);
  }
  boundNesting(text, limits);

  const lines = new LineCounter();
  const parsed = parse(text, lines);
  if (parsed.length > limits.documents) {
    throw new ReportFault('too-many-values', `The text holds more than ${limits.documents} documents.`);
  }
  const placeOf = (at: number) => ({ offset: Buffer.byteLength(text.slice(0, at)), line: lines.linePos(at).line });
  for (const document of parsed) {
    // A warning is a tag or directive that the parser does not know: it would read something else than was written.
    const error = document.errors[0] ?? document.warnings[0];
    if (error !== undefined) {
      const what = error.code.toLowerCase().replaceAll('_', ' ');
      throw new ReportFault('not-yaml', `The text is no YAML: ${what}.`, placeOf(error.pos[0]));
    }
    withinStack(() => requireReadable(document, placeOf));
  }
  return parsed;
}

/** Refuses keys that their mapping has twice, and too many aliases. The parser would look for each key among all before it, and looks for each alias among all anchors. */
function requireReadable(document: Document, placeOf: (at: number) => FaultPlace): void {
  let aliases = 0;
  visit(document, {
    Alias: (_, { range }) => {
      if (++aliases > MAX_ALIASES) {
        throw new ReportFault('not-yaml', 'The text refers to anchors too often.', placeOf(range?.[0] ?? 0));
      }
    },
    Map: (_, { items }) => {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (keys.has(key.value)) {
          throw new ReportFault(
            'duplicate-key',
            'A mapping holds the same key twice; which one counts is not said.',
            placeOf(key.range?.[0] ?? 0),
          );
        }
        keys.add(key.value);
      }
    },
  });
}

const parse = (text: string, lineCounter: LineCounter): Document.Parsed[] =>
  withinStack(() =>
    parseAllDocuments(text, {
      version: '1.2',
      schema: 'core',
      uniqueKeys: false,
      stringKeys: true,
      prettyErrors: false,
      lineCounter,
      logLevel: 'silent',
    }),
  );

/** Indentation and indicators multiply: what `boundNesting` lets through may still be some thousand levels deep. */
function withinStack<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof RangeError) throw new ReportFault('too-deep', 'The report is nested too deep.');
    throw error;
  }
}

/**
 * The parser recurses and keeps every token, so nesting is bounded on the token stream before it. Three things nest: brackets, indentation
 * and block indicators in one line (`- - - -`).
 */
function boundNesting(text: string, limits: YamlLimits): void {
  let brackets = 0;
  let indicators = 0;
  let tokens = 0;
  let lineStart = true;
  const indents: number[] = [];
  for (const token of new Lexer().lex(text)) {
    if (++tokens > limits.values * 4) {
      throw new ReportFault('too-many-values', `The report holds more than ${limits.values} values.`);
    }
    const first = token[0];
    if (first === '\n' || first === '\r') {
      indicators = 0;
      lineStart = true;
      continue;
    }
    if (lineStart) {
      const indent = first === ' ' ? token.length : 0;
      while (indents.length > 0 && (indents.at(-1) ?? 0) > indent) indents.pop();
      if (indent > (indents.at(-1) ?? 0)) indents.push(indent);
      lineStart = false;
    }
    if (token === '[' || token === '{') brackets++;
    else if (token === ']' || token === '}') brackets--;
    // Within brackets a line may hold many `:`, one after the other; they do not nest.
    else if (brackets <= 0 && (token === '-' || token === '?' || token === ':')) indicators++;
    const nesting = indents.length + Math.max(brackets, 0) + indicators;
    if (nesting > limits.depth) {
      throw new ReportFault('too-deep', `The report is nested more than ${limits.depth} levels deep.`);
    }
  }
}

/** Refuses what JSON does not have (dates, sets, binary, big integers: an explicit tag or `%YAML 1.1` brings them) and what is too much. */
function assertPlain(value: unknown, depth: number, budget: { values: number }): void {
  if (--budget.values < 0) throw new ReportFault('too-many-values', 'The report holds too many values.');
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') return;
  if (depth === 0) throw new ReportFault('too-deep', 'The report is nested too deep.');
  if (Array.isArray(value)) {
    for (const item of value) assertPlain(item, depth - 1, budget);
    return;
  }
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) assertPlain(item, depth - 1, budget);
    return;
  }
  throw new ReportFault('not-yaml', 'The text holds values that JSON does not have (dates, sets, binary).');
}
