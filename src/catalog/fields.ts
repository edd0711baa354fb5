import { z } from 'zod';

/*
 * The profile of JSON Schema 2020-12 in which record types write their fields. A small part of it: every text, list and number has a bound, nothing nests deeper
 * than a list of objects, and there is no `pattern`, for an organisation's regular expression would be a way to stop the service. So forms can be made of a schema
 * as it is, any other JSON Schema tool reads it, and what it admits is bounded. Beyond JSON Schema the compiled check refuses what cannot be kept or read as it
 * was meant: see `TEXT`, `DAY`, `INSTANT` and `ADDRESS`.
 */

/** A property of a record's fields. */
export interface FieldSchema {
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object';
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly minLength?: number | undefined;
  /** In Unicode code points. */
  readonly maxLength?: number | undefined;
  readonly enum?: readonly string[] | undefined;
  readonly format?: 'date' | 'date-time' | 'uri' | 'uuid' | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly items?: FieldSchema | undefined;
  readonly minItems?: number | undefined;
  readonly maxItems?: number | undefined;
  readonly uniqueItems?: boolean | undefined;
  readonly additionalProperties?: false | undefined;
  readonly required?: readonly string[] | undefined;
  readonly properties?: Readonly<Record<string, FieldSchema>> | undefined;
  /** The value is the id of a record of this type; a link is made of it. */
  readonly 'x-record'?: string | undefined;
  /** A paragraph of 45 CFR 164 that the catalogue knows. */
  readonly 'x-control'?: true | undefined;
  /** A practice of the catalogue. */
  readonly 'x-practice'?: true | undefined;
  /** The id of a system. */
  readonly 'x-system'?: true | undefined;
  /** The id of a member. */
  readonly 'x-member'?: true | undefined;
  /** Names of people: left out of notices and calendars. */
  readonly 'x-person'?: true | undefined;
  /** A SHA-256 in hexadecimal digits; of an image after `sha256:`. */
  readonly 'x-digest'?: true | undefined;
}

/** The whole of a record's fields. */
export interface FieldsSchema extends FieldSchema {
  readonly type: 'object';
  readonly additionalProperties: false;
  readonly required: readonly string[];
  readonly properties: Readonly<Record<string, FieldSchema>>;
}

/** Record types are named `restore_test`, those of an organisation `org/second-opinion`. */
export const recordTypeName = z
  .string()
  .max(100)
  .regex(/^([a-z]+(_[a-z]+)*|org\/[a-z0-9]+([_-][a-z0-9]+)*)$/, 'is not the name of a record type');

/** Camel case; what every object has (`constructor`) is no name of a field. */
const fieldName = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]{0,63}$/, 'is not a name in camel case')
  .refine((name) => !(name in Object.prototype), 'is a name that every object has');

const line = z.string().min(1).max(200);
const said = { title: line, description: z.string().min(1).max(1000).optional() };
/** Within these every whole number is exact, and fits a bigint. */
const bound = z.number().min(-1e12).max(1e12);

const TextField = z
  .strictObject({
    type: z.literal('string'),
    ...said,
    minLength: z.int().min(0).max(10_000).optional(),
    maxLength: z.int().min(1).max(10_000).optional(),
    enum: z.array(z.string().min(1).max(200)).min(1).max(100).optional(),
    format: z.enum(['date', 'date-time', 'uri', 'uuid']).optional(),
    'x-record': recordTypeName.optional(),
    'x-control': z.literal(true).optional(),
    'x-practice': z.literal(true).optional(),
    'x-system': z.literal(true).optional(),
    'x-member': z.literal(true).optional(),
    'x-person': z.literal(true).optional(),
    'x-digest': z.literal(true).optional(),
  })
  .superRefine((field, context) => {
    const fault = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message });
    const isFixed = field.enum !== undefined || (field.format !== undefined && field.format !== 'uri');
    if (field.maxLength === undefined && !isFixed) fault('maxLength', 'a text has a greatest length');
    if (field.maxLength !== undefined && isFixed) fault('maxLength', 'its length is fixed by what it may be');
    if (field.minLength !== undefined && (isFixed || field.minLength > (field.maxLength ?? 0)))
      fault('minLength', 'is not within what it may be');
    if (field.enum !== undefined && field.format !== undefined) fault('format', 'a list of words has no format');
    if (field.enum !== undefined && new Set(field.enum).size < field.enum.length) fault('enum', 'names a word twice');
    const marks = (
      ['x-record', 'x-control', 'x-practice', 'x-system', 'x-member', 'x-person', 'x-digest'] as const
    ).filter((mark) => field[mark] !== undefined);
    const [mark] = marks;
    if (marks.length > 1) fault(marks[1] ?? '', 'a text is of one sort');
    if (mark === undefined) return;
    const isId = mark === 'x-record' || mark === 'x-system' || mark === 'x-member';
    if (isId !== (field.format === 'uuid')) fault(mark, isId ? 'an id has the format uuid' : 'is no id');
    if (!isId && isFixed) fault(mark, 'is free text');
  });

const number = <Kind extends 'integer' | 'number'>(kind: Kind) =>
  z
    .strictObject({ type: z.literal(kind), ...said, minimum: bound, maximum: bound })
    .refine((field) => field.minimum <= field.maximum, { path: ['maximum'], message: 'is less than minimum' });

const Scalar = z.discriminatedUnion('type', [
  TextField,
  number('integer'),
  number('number'),
  z.strictObject({ type: z.literal('boolean'), ...said }),
]);

/** The scope of a risk analysis names every system of an organisation. */
const MOST_ITEMS = 5_000;

const listOf = <Item extends z.ZodType>(items: Item) =>
  z
    .strictObject({
      type: z.literal('array'),
      ...said,
      items,
      minItems: z.int().min(0).max(MOST_ITEMS).optional(),
      maxItems: z.int().min(1).max(MOST_ITEMS),
      uniqueItems: z.boolean().optional(),
    })
    .refine((list) => (list.minItems ?? 0) <= list.maxItems, { path: ['minItems'], message: 'is more than maxItems' });

const objectOf = <Field extends z.ZodType>(property: Field) =>
  z
    .strictObject({
      type: z.literal('object'),
      title: line.optional(),
      description: said.description,
      additionalProperties: z.literal(false),
      required: z.array(fieldName).max(60).default([]),
      properties: z
        .record(fieldName, property)
        .refine((properties) => Object.keys(properties).length <= 60, 'has more than 60 properties'),
    })
    .superRefine(({ required, properties }, context) => {
      required.forEach((name, index) => {
        if (!Object.hasOwn(properties, name))
          context.addIssue({ code: 'custom', path: ['required', index], message: `there is no property ${name}` });
        if (required.indexOf(name) < index)
          context.addIssue({ code: 'custom', path: ['required', index], message: `names ${name} twice` });
      });
    });

const Flat = z.discriminatedUnion('type', [Scalar, listOf(Scalar)]);
const Field = z.union([Scalar, listOf(z.union([Scalar, objectOf(Flat)])), objectOf(Flat)]);

/** The profile itself: what a schema of fields may say. */
export const FieldsSchema: z.ZodType<FieldsSchema> = objectOf(Field);

/** What a path names: `result`, or a member of each entry of a list, `accounts[].removedAt`. Null: nothing. */
export function fieldAt(fields: FieldsSchema, path: string): FieldSchema | null {
  const [name = '', member, ...rest] = path.split('[].');
  const memberOf = (properties: FieldSchema['properties'], key: string): FieldSchema | null =>
    properties !== undefined && Object.hasOwn(properties, key) ? (properties[key] ?? null) : null;
  const field = memberOf(fields.properties, name);
  if (member === undefined || rest.length > 0) return rest.length > 0 ? null : field;
  return memberOf(field?.items?.properties, member);
}

/** What no text can hold: Postgres keeps no NUL in JSON, and half of a surrogate pair has no bytes. */
const isKept = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

const lengthOf = (text: string): number => {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
};

/** What a value of another kind is told; one that is not there at all is missing, whatever its kind. */
const unlessMissing = (fault: string) => ({
  error: ({ input }: { input?: unknown }) => (input === undefined ? 'It is missing.' : fault),
});

/** A member that the type does not know is named by what was wrong with the whole. */
const unknownOrMissing = {
  error: ({ code, input }: { code: string; input?: unknown }) =>
    code === 'unrecognized_keys' ? undefined : unlessMissing('It is not an object.').error({ input }),
};

/** A text that must be there is more than white space. */
function textOf({ minLength = 0, maxLength = 0 }: FieldSchema): z.ZodType {
  return z
    .string(unlessMissing('It is not text.'))
    .refine(isKept, 'It holds a character that no text has.')
    .refine((text) => text.length <= maxLength || lengthOf(text) <= maxLength, `It is longer than ${maxLength} characters.`)
    .refine(
      (text) => lengthOf(text) >= minLength && (minLength === 0 || text.trim() !== ''),
      minLength <= 1 ? 'It is empty.' : `It is shorter than ${minLength} characters.`,
    );
}

/** Nothing that people keep here is older, and no plan reaches further: other years are slips of the pen. */
const isNear = (text: string): boolean => text >= '1900' && text < '2200';
const DAY = z.iso.date(unlessMissing('It is not a day, as 2026-11-26.')).refine(isNear, 'The year is not between 1900 and 2199.');
/** Kept in UTC to the millisecond, so that equal instants are equal texts. */
const INSTANT = z.iso
  .datetime({ offset: true, ...unlessMissing('It is not an instant with its zone, as 2026-11-26T09:00:00+01:00.') })
  .transform((text) => new Date(text).toISOString())
  .refine(isNear, 'The year is not between 1900 and 2199.');
const UUID = z
  .string(unlessMissing('It is not an id.'))
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i, 'It is not an id.')
  .transform((text) => text.toLowerCase());
/** RFC 3986, of the web alone: a page shows it as a link, and `javascript:` would run there. Nor with a password in it. */
const isAddress = (text: string): boolean => {
  if (!/^https?:\/\/[A-Za-z0-9._~:/?#[\]@!$&'()*+,;=%-]+$/.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && url.username === '' && url.password === '';
};

function scalarOf(field: FieldSchema): z.ZodType {
  switch (field.type) {
    case 'boolean':
      return z.boolean(unlessMissing('It is neither true nor false.'));
    case 'integer':
    case 'number': {
      const { minimum = 0, maximum = 0 } = field;
      const number =
        field.type === 'integer'
          ? z.int(unlessMissing('It is not a whole number.'))
          : z.number(unlessMissing('It is not a number.'));
      return number.refine((value) => value >= minimum && value <= maximum, `It is not between ${minimum} and ${maximum}.`);
    }
    default:
      break;
  }
  if (field.enum !== undefined) return z.enum(field.enum, unlessMissing(`It is none of: ${field.enum.join(', ')}.`));
  switch (field.format) {
    case 'date':
      return DAY;
    case 'date-time':
      return INSTANT;
    case 'uuid':
      return UUID;
    case 'uri':
      return textOf(field).refine((text) => isAddress(String(text)), 'It is not an address of the web (http or https).');
    default:
      return field['x-digest'] === true ? digestOf(field) : textOf(field);
  }
}

const digestOf = (field: FieldSchema): z.ZodType =>
  textOf(field)
    .refine((text) => /^(sha256:)?[0-9a-f]{64}$/i.test(String(text)), 'It is not a SHA-256: 64 hexadecimal digits.')
    .transform((text) => String(text).toLowerCase());

function valueOf(field: FieldSchema): z.ZodType {
  if (field.type === 'object') return objectFields(field);
  if (field.type !== 'array' || field.items === undefined) return scalarOf(field);
  const { minItems = 0, maxItems = 0 } = field;
  const list = z
    .array(valueOf(field.items), unlessMissing('It is not a list.'))
    .min(minItems, `It has fewer than ${minItems} entries.`)
    .max(maxItems, `It has more than ${maxItems} entries.`);
  if (field.uniqueItems !== true) return list;
  return list.refine((items) => new Set(items.map(textOfItem)).size === items.length, 'It names an entry twice.');
}

/** Equal values, equal text: a list's items are scalars or flat objects. */
function textOfItem(item: unknown): string {
  if (item === null || typeof item !== 'object' || Array.isArray(item)) return JSON.stringify(item);
  return JSON.stringify(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function objectFields({ properties = {}, required = [] }: FieldSchema): z.ZodObject {
  const shape = Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const value = valueOf(property);
      return [name, required.includes(name) ? value : value.optional()];
    }),
  );
  return z.strictObject(shape, unknownOrMissing);
}

const compiled = new WeakMap<FieldsSchema, z.ZodType<Record<string, unknown>>>();

/** The check of a record's fields. Its output is what is kept: instants in UTC, ids in small letters. */
export function compileFields(fields: FieldsSchema): z.ZodType<Record<string, unknown>> {
  let found = compiled.get(fields);
  if (found === undefined) compiled.set(fields, (found = objectFields(fields)));
  return found;
}
