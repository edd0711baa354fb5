import { isCollection, isMap, isScalar, isSeq, Lexer, type ParsedNode } from 'yaml';
import type { Dropped, Redaction } from '../../evidence/redaction.js';
import { ReportFault } from '../report.js';
import { YAML_LIMITS } from '../text/read-document.js';
import { parseYaml } from '../text/read-yaml.js';
import { Key, KEYS } from './keys.js';
import { Places } from './places.js';
import { DROPPED, holdsSecret } from './redact-json.js';
import { Rules, Wanted } from './rules.js';

/** In whatever way a value is written, this may be written there instead; of a comment only its sign is left. */
const TEXTS = [`"${DROPPED}"`, '#'] as const;
const Instead = { Value: 0, Comment: 1 } as const;

/** Characters of the text. */
interface Place {
  start: number;
  end: number;
  instead: (typeof Instead)[keyof typeof Instead];
}

/**
 * Finds what is dropped in a text of YAML documents; null where nothing is. Where anything is, so are all comments: what people take out of use they leave there.
 * `from`: where the text begins, in bytes.
 * Throws ReportFault for what is no YAML, and where what was found cannot be dropped with certainty.
 */
export function redactYaml(text: string, from: number): Redaction | null {
  const { places, dropped } = find(text);
  if (places.length === 0) return null;
  const redacted = inOrder([...places, ...commentsOf(text)]);
  if (find(written(text, redacted)).places.length > 0) throw uncertain();
  return inBytes(text, from, redacted, dropped);
}

function find(text: string): { places: Place[]; dropped: Dropped } {
  const roots = parseYaml(text, YAML_LIMITS).flatMap(({ contents }) => (contents === null ? [] : [contents]));
  const search = new SecretSearch();
  for (const root of roots) search.visit(root);
  const found = search.rules.places.settled(search.quoted);
  return {
    places: roots.flatMap((root) => [...placesWithin(root, found, text)]),
    dropped: found.dropped(),
  };
}

/** Tells the rules of a document's nodes. */
class SecretSearch {
  readonly rules = new Rules(YAML_LIMITS.depth);
  /** Texts that quote a secret. */
  readonly quoted = new Places();

  visit(node: ParsedNode): void {
    const { rules } = this;
    const [start, end] = node.range;
    const wanted = rules.begin(start);
    if (isScalar(node)) {
      const { value } = node;
      if ((wanted & Wanted.Text) !== 0 && typeof value === 'string') rules.text(value);
      if ((wanted & Wanted.End) !== 0 && !isNothing(value)) rules.scalar(start, end, Instead.Value);
      if (typeof value === 'string' && holdsSecret(value)) this.quoted.add(start, end, Instead.Value, 'embedded');
    } else if (isCollection(node)) {
      rules.open(isMap(node), Instead.Value);
      if (isSeq(node)) for (const item of node.items) this.visit(item);
      else for (const { key, value } of node.items) this.member(key, value);
      rules.close(end);
    } else {
      // What an alias stands for may be a secret here and none where it is written, or the other way round.
      throw uncertain();
    }
  }

  private member(key: ParsedNode, value: ParsedNode | null): void {
    const name = isScalar(key) && typeof key.value === 'string' ? key.value : '';
    this.rules.key(KEYS.get(name) ?? Key.None);
    if (value !== null) this.visit(value);
  }
}

const isNothing = (value: unknown): boolean => value === null || value === '' || value === DROPPED;

/** The values in the places that were found. Of a collection that stands on lines of its own each value: only then what is left is YAML. */
function* placesWithin(node: ParsedNode, found: Places, text: string): Generator<Place> {
  const [start, end] = node.range;
  const isWithin = found.holds(start, end);
  if (isCollection(node) && !(isWithin && node.flow === true)) {
    if (isSeq(node)) for (const item of node.items) yield* placesWithin(item, found, text);
    else for (const { value } of node.items) if (value !== null) yield* placesWithin(value, found, text);
  } else if (
    isWithin &&
    !(isScalar(node) && isNothing(node.value)) &&
    !(isCollection(node) && node.items.length === 0)
  ) {
    // A block of text reaches over its last line end.
    const trimmed = text.slice(start, end).replace(/\r?\n$/, '');
    yield { start, end: start + trimmed.length, instead: Instead.Value };
  }
}

/** Tokens of the lexer that stand for nothing in the text. */
const SIGNS: ReadonlySet<string> = new Set(['\x02', '\x18', '\x1f']);
const SCALAR = '\x1f';

function* commentsOf(text: string): Generator<Place> {
  let at = 0;
  let isScalarNext = false;
  for (const token of new Lexer().lex(text)) {
    if (SIGNS.has(token) && !isScalarNext) {
      isScalarNext = token === SCALAR;
      continue;
    }
    if (token.startsWith('#') && !isScalarNext) yield { start: at, end: at + token.length, instead: Instead.Comment };
    isScalarNext = false;
    at += token.length;
  }
  if (at !== text.length) throw uncertain();
}

/** By their beginnings; of what stands within another only the outer. */
function inOrder(places: Place[]): Place[] {
  let reached = -1;
  return places
    .sort((a, b) => a.start - b.start)
    .filter(({ start, end }) => {
      if (start < reached) return false;
      reached = end;
      return true;
    });
}

function written(text: string, places: readonly Place[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, instead } of places) {
    parts.push(text.slice(at, start), TEXTS[instead]);
    at = end;
  }
  return parts.join('') + text.slice(at);
}

function inBytes(text: string, from: number, places: readonly Place[], dropped: Dropped): Redaction {
  const starts = new Float64Array(places.length);
  const ends = new Float64Array(places.length);
  let at = 0;
  let bytes = from;
  const reach = (to: number): number => {
    bytes += Buffer.byteLength(text.slice(at, to));
    at = to;
    return bytes;
  };
  for (const [index, { start, end }] of places.entries()) {
    starts[index] = reach(start);
    ends[index] = reach(end);
  }
  return { starts, ends, replacements: Uint8Array.from(places, ({ instead }) => instead), texts: TEXTS, dropped };
}

function uncertain(): ReportFault {
  return new ReportFault(
    'not-yaml',
    'The text may hold secrets, and is written in a way in which they cannot be dropped with certainty: leave them and all aliases out.',
  );
}
