import type { Condition, FieldValues } from '../catalog/record-type.js';
import { instantOfField, lastOfField } from './instants.js';
import type { RecordFault } from './rules.js';

const DAY = 24 * 3_600_000;

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
      const broken = [...new Set(brokenFields(condition, fields))].map((field) => `/fields/${field}`);
      const pointers = documents.length < condition.documents ? [...broken, '/documents'] : broken;
      return pointers.map((pointer) => ({ pointer, detail: condition.says }));
    });
}

/** The fields that are not as they have to be. */
function brokenFields(condition: Condition, fields: Fields): string[] {
  const { present, are, includes, between, equal, at_most: atMost, within } = condition;
  return [
    ...present.filter((field) => fields[field] === undefined),
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
    ...(within === null || isWithin(within, fields) ? [] : [within.to]),
  ];
}

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
  return first === null || second === null || second.getTime() <= first.getTime() + days * DAY;
}
