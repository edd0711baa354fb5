import type { CheckFunction } from './function.js';

const own = (signature: string, about: string, kubernetes = '1.26'): CheckFunction => ({
  signature,
  about,
  kubernetes,
});

/**
 * What the language has of itself and checks may use. What the library has beyond the language of Kubernetes and this table (`bytes.json()`, `list.join` of
 * other things than texts …) is refused when a check is loaded.
 */
export const LANGUAGE: readonly CheckFunction[] = [
  own(
    'has(field): bool',
    'Whether the field is there: `has(object.spec.replicas)`. Its parents must be there: see the optional fields.',
  ),
  own(
    'list.all(x, condition): bool',
    'Whether the condition holds for every element; of a map: for every key. True of an empty list.',
  ),
  own('list.exists(x, condition): bool', 'Whether the condition holds for at least one.'),
  own('list.exists_one(x, condition): bool', 'Whether it holds for exactly one.'),
  own(
    'list.map(x, expression): list',
    'The expression of each; with three arguments, of those for which the second holds.',
  ),
  own('list.filter(x, condition): list', 'Those for which the condition holds.'),
  {
    signature: 'cel.bind(name, value, expression): dyn',
    name: 'cel.bind',
    about: 'Names a value within the expression.',
  },
  own('size(dyn): int', 'Of a list, a map or a text (in characters).'),
  own('list.size(): int', 'The same with a dot.'),
  own('string.startsWith(string): bool', 'Whether it begins so.'),
  own('string.endsWith(string): bool', 'Whether it ends so.'),
  own('string.contains(string): bool', 'Whether it is in it.'),
  own('string.lowerAscii(): string', 'In lower case.'),
  own('string.upperAscii(): string', 'In upper case.'),
  own('string.trim(): string', 'Without white space at its ends.'),
  own(
    'string.indexOf(string): int',
    'Where it is in it first, from 0; -1 where it is not. A second argument says where to begin. Of a list too.',
  ),
  own('string.lastIndexOf(string): int', 'Where it is in it last.'),
  own(
    'string.substring(int, int): string',
    'From the first place up to before the second; without the second, to the end.',
  ),
  own('string.split(string): list', 'Its parts between the separators; a second argument bounds their number.'),
  own('string(dyn): string', 'A number, bool or text as text.'),
  own('bool(dyn): bool', 'From `true`, `false`, `1`, `0`, `t`, `f`.'),
  own('double(dyn): double', 'A number with a fraction, from a text or an int.'),
  own('dyn(dyn): dyn', 'The same value, of a type that is found out when it is evaluated.'),
  own('type(dyn): type', 'Its type: `type(x) == string`.'),
  own('timestamp.getFullYear(): int', 'Of an instant, in UTC.'),
  own('timestamp.getMonth(): int', 'From 0.'),
  own('timestamp.getDayOfWeek(): int', 'From 0, Sunday.'),
  own('timestamp.getHours(): int', 'Of an instant the hour, in UTC; of a duration, all of it in hours.'),
  own('duration.getMinutes(): int', 'All of it in minutes.'),
  own('duration.getSeconds(): int', 'All of it in seconds.'),
  own(
    'optional.orValue(dyn): dyn',
    'What an optional field holds, or else this: `object.?spec.?replicas.orValue(1)`.',
    '1.28',
  ),
  own('optional.hasValue(): bool', 'Whether an optional field is there.', '1.28'),
  own('optional.value(): dyn', 'What it holds; an error where there is none.', '1.28'),
  own('optional.or(optional): optional', 'The first that holds something.', '1.28'),
  { ...own('optional.of(dyn): optional', 'An optional that holds this.', '1.28'), name: 'optional.of' },
  { ...own('optional.none(): optional', 'One that holds nothing.', '1.28'), name: 'optional.none' },
];
