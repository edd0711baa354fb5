import type { Condition, FieldValues, TypeDefinition } from '../catalog/record-type.js';
import { DAY_MS } from '../kernel/dates.js';
import { isSameName } from '../kernel/names.js';
import { instantOfField, lastOfField, liesBefore } from './instants.js';
import { valuesAt } from './paths.js';
import type { RecordFault } from './rules.js';

/** How many faults of one sort are told. */
const MOST_FAULTS = 50;

type Fields = Readonly<Record<string, unknown>>;

/** All fields are what they are asked to be. A field that is not there, or was disposed of, is nothing that anybody asks for. */
export const areFields = (asked: FieldValues, fields: Fields): boolean =>
  Object.entries(asked).every(([field, values]) => {
    const value = fields[field];
    return (typeof value === 'string' || typeof value === 'boolean') && values.includes(value);
  });

/** Where a record contradicts itself: what calls itself good while its own numbers say otherwise proves nothing. */
export function conditionFaults(
  conditions: readonly Condition[],
  { fields, documents }: { readonly fields: Fields; readonly documents: readonly unknown[] },
): RecordFault[] {
  return conditions
    .filter(({ when }) => areFields(when, fields))
    .flatMap((condition) => {
      const broken = [...new Set(brokenFields(condition, fields))].slice(0, MOST_FAULTS);
      const pointers = documents.length < condition.documents ? [...broken, '/documents'] : broken;
      return pointers.map((pointer) => ({ pointer, detail: condition.says }));
    });
}

/** Days and instants out of their order: of each pair the second lies before the first. Of two of one list, those of the same entry. */
export function orderFaults(pairs: TypeDefinition['not_before'], fields: Fields): RecordFault[] {
  const faults = pairs.flatMap(([first, second]) => {
    const [firsts, seconds] = [valuesAt(fields, first), valuesAt(fields, second)];
    const areOfOne = seconds.some(({ entry }) => entry !== null);
    return firsts.flatMap((one) =>
      (one.entry !== null && areOfOne ? seconds.slice(one.entry, one.entry + 1) : seconds).flatMap(
        (other): RecordFault[] => {
          if (!liesBefore(other.value, one.value)) return [];
          return one.entry !== null && other.entry === null
            ? [{ pointer: one.pointer, detail: `It lies after ${second}.` }]
            : [{ pointer: other.pointer, detail: `It lies before ${first}.` }];
        },
      ),
    );
  });
  return faults.slice(0, MOST_FAULTS);
}

/** Pointers to the fields that are not as they have to be. */
function brokenFields(condition: Condition, fields: Fields): string[] {
  const { present, absent, are, includes, between, equal, at_most: atMost, below, some, differ, within } = condition;
  const broken = [
    ...absent.filter((field) => fields[field] !== undefined),
    ...Object.entries(are).flatMap(([field, values]) => (areFields({ [field]: values }, fields) ? [] : [field])),
    ...Object.entries(includes).flatMap(([field, values]) => {
      const list: unknown = fields[field];
      return Array.isArray(list) && values.every((value) => list.includes(value)) ? [] : [field];
    }),
    ...Object.entries(between).flatMap(([field, [least, most]]) => {
      const number = numberOf(fields[field]);
      return number >= least && number <= most ? [] : [field];
    }),
    ...compared(equal, fields, (first, sum) => first === sum),
    ...compared(atMost, fields, (first, sum) => first <= sum),
    ...compared(below, fields, (first, sum) => first < sum),
    ...compared(some, fields, (first, sum) => first + sum > 0),
    ...differ.flatMap(([first, second]) => (isSame(fields[first], fields[second]) ? [second] : [])),
    ...(within === null || isWithin(within, fields) ? [] : [within.to]),
  ].map((field) => `/fields/${field}`);
  const missing = present.flatMap((path) =>
    valuesAt(fields, path).flatMap(({ pointer, value }) => (value === undefined ? [pointer] : [])),
  );
  return [...missing, ...broken];
}

const isSame = (one: unknown, other: unknown): boolean =>
  typeof one === 'string' && typeof other === 'string' && isSameName(one, other);

const compared = (
  comparisons: Condition['equal'],
  fields: Fields,
  isGood: (first: number, sum: number) => boolean,
): string[] =>
  comparisons.flatMap(([first = '', ...others]) => {
    const sum = others.reduce((total, field) => total + numberOf(fields[field]), 0);
    return isGood(numberOf(fields[first]), sum) ? [] : [first];
  });

/** Of a list its length. What is left out counts nothing. */
const numberOf = (value: unknown): number =>
  Array.isArray(value) ? value.length : typeof value === 'number' ? value : 0;

/** What is left out is in no time: conditions that want it there say so by `present`. */
function isWithin({ from, to, days }: NonNullable<Condition['within']>, fields: Fields): boolean {
  const [first, second] = [lastOfField(fields[from]), instantOfField(fields[to])];
  return first === null || second === null || second.getTime() <= first.getTime() + days * DAY_MS;
}
