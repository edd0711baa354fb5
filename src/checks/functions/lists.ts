import { Duration } from '@marcbachmann/cel-js/evaluator';
import { Unanswerable, type CheckFunction } from './function.js';

/** A list of the language: what macros make is an array. */
type List = readonly unknown[];

/** What can be put in an order, as Kubernetes' lists library has it. */
function compare(one: unknown, other: unknown): number {
  const [a, b] = [comparable(one), comparable(other)];
  if (typeof a === 'string' || typeof b === 'string') {
    if (typeof a !== typeof b) throw new Unanswerable('texts and other values have no order');
    return (a as string) < (b as string) ? -1 : a === b ? 0 : 1;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function comparable(value: unknown): string | number | bigint {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof Date || value instanceof Duration) return value.valueOf();
  throw new Unanswerable('only numbers, texts, instants and durations have an order');
}

function extreme(list: List, sign: 1 | -1): unknown {
  if (list.length === 0) throw new Unanswerable('the list is empty');
  return list.reduce((best, value) => (compare(value, best) * sign > 0 ? value : best));
}

function sum(list: List): unknown {
  if (list.every((value) => typeof value === 'bigint')) return list.reduce<bigint>((total, value) => total + value, 0n);
  if (list.every((value) => typeof value === 'number')) return list.reduce<number>((total, value) => total + value, 0);
  if (list.every((value) => value instanceof Duration))
    return list.reduce((total, value) => total.addDuration(value), new Duration(0n));
  throw new Unanswerable('sum() takes numbers of one kind, or durations');
}

/** Equal as the language has it for the values of lists: numbers by their value, maps and lists by what is in them. */
export function equals(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one === 'bigint' || typeof one === 'number') {
    // Of different types, one of them a bigint: JavaScript compares their values.
    return (
      (typeof other === 'bigint' || typeof other === 'number') &&
      !(one < other || one > other) &&
      !Number.isNaN(Number(one))
    );
  }
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one)) {
    return (
      Array.isArray(other) && one.length === other.length && one.every((value, index) => equals(value, other[index]))
    );
  }
  if (Array.isArray(other)) return false;
  if (one instanceof Date || one instanceof Duration)
    return one.constructor === other.constructor && one.valueOf() === other.valueOf();
  const [left, right] = [entriesOf(one), entriesOf(other)];
  return left.size === right.size && [...left].every(([key, value]) => right.has(key) && equals(value, right.get(key)));
}

function entriesOf(map: object): ReadonlyMap<unknown, unknown> {
  return map instanceof Map ? map : new Map(Object.entries(map));
}

/** Texts are looked up; other values are compared one by one. */
function lookup(list: List): (value: unknown) => boolean {
  const texts = new Set(list);
  return (value) => texts.has(value) || (typeof value !== 'string' && list.some((other) => equals(value, other)));
}

function contains(list: List, sub: List): boolean {
  return sub.every(lookup(list));
}

/** Functions over lists: Kubernetes' lists library, and the sets of CEL's extensions. */
export const LISTS: readonly CheckFunction[] = [
  {
    signature: 'list.isSorted(): bool',
    handler: (list: List) => list.every((value, index) => index === 0 || compare(list[index - 1], value) <= 0),
    about: 'Whether no element is smaller than the one before it.',
    kubernetes: '1.26',
  },
  {
    signature: 'list.sum(): dyn',
    handler: sum,
    about: 'Of numbers of one kind, or of durations; 0 of none.',
    kubernetes: '1.26',
  },
  {
    signature: 'list.min(): dyn',
    handler: (list: List) => extreme(list, -1),
    about: 'The smallest; an error where there is none.',
    kubernetes: '1.26',
  },
  {
    signature: 'list.max(): dyn',
    handler: (list: List) => extreme(list, 1),
    about: 'The largest; an error where there is none.',
    kubernetes: '1.26',
  },
  {
    signature: 'list.indexOf(dyn): int',
    handler: (list: List, value: unknown) => BigInt(list.findIndex((other) => equals(value, other))),
    about: 'Where the value is first, from 0; -1 where it is not.',
    kubernetes: '1.26',
  },
  {
    signature: 'list.lastIndexOf(dyn): int',
    handler: (list: List, value: unknown) => BigInt(list.findLastIndex((other) => equals(value, other))),
    about: 'Where it is last.',
    kubernetes: '1.26',
  },
  {
    signature: 'Sets.contains(list, list): bool',
    name: 'sets.contains',
    handler: (_: unknown, list: List, sub: List) => contains(list, sub),
    about: 'Whether every element of the second is in the first: `sets.contains(drops, ["ALL"])`.',
    kubernetes: '1.29',
  },
  {
    signature: 'Sets.equivalent(list, list): bool',
    name: 'sets.equivalent',
    handler: (_: unknown, one: List, other: List) => contains(one, other) && contains(other, one),
    about: 'Whether they hold the same elements, in whatever order and number.',
    kubernetes: '1.29',
  },
  {
    signature: 'Sets.intersects(list, list): bool',
    name: 'sets.intersects',
    handler: (_: unknown, one: List, other: List) => other.some(lookup(one)),
    about: 'Whether some element is in both.',
    kubernetes: '1.29',
  },
  {
    signature: 'flatten(list): list<dyn>',
    handler: (list: List) => list.flat(),
    about: 'The elements of the lists in the list: `flatten(pods.map(p, p.spec.containers))`.',
  },
  {
    signature: 'distinct(list): list<dyn>',
    handler: (list: List) => [...new Set(list)],
    about: 'Each text or number once.',
  },
];
