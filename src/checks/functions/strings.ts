import { Unanswerable, type CheckFunction } from './function.js';

/** What a function may make of a text: replacing again and again multiplies it. */
const MAX_TEXT = 1024 * 1024;

function replace(text: string, from: string, to: string, limit = -1n): string {
  const parts = text.split(from);
  const last = limit < 0n ? parts.length - 1 : Math.min(Number(limit), parts.length - 1);
  if (text.length + last * to.length > MAX_TEXT)
    throw new Unanswerable('replace(): the text would be longer than 1 MiB');
  return (
    parts.slice(0, last + 1).join(to) +
    parts
      .slice(last + 1)
      .map((part) => from + part)
      .join('')
  );
}

function charAt(text: string, index: bigint): string {
  const characters = Array.from(text);
  if (index < 0n || index > characters.length) throw new Unanswerable('charAt(): no such place');
  return characters[Number(index)] ?? '';
}

/** `%s`, `%d`, `%%` of CEL's format; the others are refused, for messages need none. */
function format(text: string, values: readonly unknown[]): string {
  let next = 0;
  const said = text.replace(/%(.)/g, (_, verb: string) => {
    if (verb === '%') return '%';
    if (next >= values.length) throw new Unanswerable('format(): more places than values');
    const value = values[next++];
    if (verb === 'd' && typeof value !== 'bigint') throw new Unanswerable('format(): %d takes an int');
    if (verb !== 's' && verb !== 'd') throw new Unanswerable(`format(): %${verb} is not known`);
    return wordsOf(value);
  });
  if (said.length > MAX_TEXT) throw new Unanswerable('format(): the text would be longer than 1 MiB');
  return said;
}

/** A value as people read it; lists with commas. What has no words of its own is refused. */
export function wordsOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === null) return 'null';
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Set || Array.isArray(value)) return [...(value as Iterable<unknown>)].map(wordsOf).join(', ');
  if (typeof value === 'object' && value.constructor !== Object && !(value instanceof Map) && 'toString' in value) {
    const said = (value as { toString: () => unknown }).toString();
    if (typeof said === 'string' && !said.startsWith('[object ')) return said;
  }
  throw new Unanswerable('a map has no words: name its fields');
}

/**
 * Wildcards as policies on images write them: `*` is any text, `?` one character. It goes back to the last star only, so that its cost is at most the product of both
 * lengths, and patterns need not be literals.
 */
export function isLike(text: string, pattern: string): boolean {
  if (text.length * pattern.length > MAX_TEXT) throw new Unanswerable('like(): the text or its pattern is too long');
  let [at, within, star, resume] = [0, 0, -1, 0];
  while (at < text.length) {
    const wanted = pattern.charAt(within);
    if (wanted === '*') [star, resume] = [within++, at];
    else if (wanted !== '' && (wanted === '?' || wanted === text.charAt(at))) [at, within] = [at + 1, within + 1];
    else if (star >= 0) [at, within] = [++resume, star + 1];
    else return false;
  }
  return /^\**$/.test(pattern.slice(within));
}

function join(list: readonly unknown[], separator: string): string {
  let length = 0;
  for (const text of list) {
    if (typeof text !== 'string') throw new Unanswerable('join(): takes texts');
    length += text.length + separator.length;
  }
  if (length > MAX_TEXT) throw new Unanswerable('join(): the text would be longer than 1 MiB');
  return list.join(separator);
}

/** Kubernetes' strings of CEL that the library lacks, and one that it has without a bound. */
export const STRINGS: readonly CheckFunction[] = [
  {
    signature: 'list.boundedJoin(string): string',
    name: '.join',
    handler: join,
    about: 'The texts in one, with the separator between them.',
    kubernetes: '1.26',
  },
  {
    signature: 'list.boundedJoin(): string',
    name: '.join',
    handler: (list: readonly unknown[]) => join(list, ''),
    about: 'The texts in one.',
    kubernetes: '1.26',
  },
  {
    signature: 'string.like(string): bool',
    handler: isLike,
    about: 'Whether it fits the wildcards, `*` any text and `?` one character: `image.like("registry.example.org/*")`.',
  },
  {
    signature: 'string.charAt(int): string',
    handler: charAt,
    about: 'The character at that place, from 0.',
    kubernetes: '1.26',
  },
  {
    signature: 'string.replace(string, string): string',
    handler: (text: string, from: string, to: string) => replace(text, from, to),
    about: 'With every place of the first replaced by the second.',
    kubernetes: '1.26',
  },
  {
    signature: 'string.replace(string, string, int): string',
    handler: replace,
    about: 'With so many places replaced.',
    kubernetes: '1.26',
  },
  {
    signature: 'string.format(list): string',
    handler: format,
    about: '`"%s of %d".format([name, count])`: `%s` of anything that has words, `%d` of an int.',
    kubernetes: '1.29',
  },
];
