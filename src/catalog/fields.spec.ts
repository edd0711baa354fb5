import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFields, FieldsSchema, type FieldSchema } from './fields.js';
import { loadCatalog } from './load.js';

const TYPES = loadCatalog().recordTypes;

/** JSON Schema as others read it. Its marks (`x-record`) are no keywords there. */
const ajv = new Ajv2020({ strict: false, allErrors: false });
formats.default(ajv);

const fieldsOf = (property: object, required = true): unknown => ({
  type: 'object',
  additionalProperties: false,
  required: required ? ['field'] : [],
  properties: { field: property },
});
const check = (property: object, value: unknown) =>
  compileFields(FieldsSchema.parse(fieldsOf(property))).safeParse({ field: value });

const JUNK = fc.oneof(
  fc.constantFrom<unknown>(null, '', ' ', 'a\0b', '\ud800', '2026-02-30', '2026-11-26T09:00:00', 'no-id', -1, 1.5, 1e15, true, [], {}),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.double(),
  fc.array(fc.string({ maxLength: 5 }), { maxLength: 4 }),
);

function valueFor(field: FieldSchema): fc.Arbitrary<unknown> {
  const near = (): fc.Arbitrary<unknown> => {
    if (field.enum !== undefined) return fc.constantFrom(...field.enum, 'another word');
    switch (field.type) {
      case 'boolean':
        return fc.boolean();
      case 'integer':
      case 'number': {
        const { minimum = 0, maximum = 0 } = field;
        return fc.oneof(fc.integer({ min: minimum, max: Math.min(maximum, minimum + 100) }), fc.constantFrom(minimum, maximum, minimum - 1, maximum + 1));
      }
      case 'array':
        return fc.array(valueFor(field.items ?? field), { minLength: field.minItems ?? 0, maxLength: (field.minItems ?? 0) + 2 });
      case 'object':
        return objectFor(field);
      case 'string':
        break;
    }
    if (field['x-digest'] === true) {
      const digit = fc.constantFrom(...Array.from('0123456789abcdefABCDEF'));
      const digest = fc.string({ unit: digit, minLength: 63, maxLength: 65 });
      return fc.tuple(fc.constantFrom('', '', 'sha256:', 'sha512:'), digest).map((parts) => parts.join(''));
    }
    switch (field.format) {
      case 'date':
        return fc.date({ min: new Date('1890-01-01'), max: new Date('2210-01-01'), noInvalidDate: true }).map((day) => day.toISOString().slice(0, 10));
      case 'date-time':
        return fc
          .tuple(fc.date({ min: new Date('1890-01-01'), max: new Date('2210-01-01'), noInvalidDate: true }), fc.constantFrom('Z', '+02:00', '-11:30', '+25:00', ''))
          .map(([at, zone]) => `${at.toISOString().slice(0, 19)}${zone}`);
      case 'uuid':
        return fc.uuid().chain((id) => fc.constantFrom(id, id.toUpperCase(), `urn:uuid:${id}`));
      default:
        return fc.oneof(
          fc.string({ unit: 'grapheme', maxLength: 20 }),
          fc.constantFrom('x'.repeat(field.maxLength ?? 1), 'x'.repeat((field.maxLength ?? 1) + 1), '𝕏'.repeat(field.maxLength ?? 1)),
        );
    }
  };
  return fc.oneof({ arbitrary: near(), weight: 20 }, { arbitrary: JUNK, weight: 1 });
}

function objectFor(schema: FieldSchema): fc.Arbitrary<unknown> {
  const properties = Object.entries(schema.properties ?? {});
  return fc
    .tuple(
      fc.record(Object.fromEntries(properties.map(([name, field]) => [name, valueFor(field)])), {
        requiredKeys: (schema.required ?? []).slice(),
      }),
      fc.oneof({ arbitrary: fc.constant({}), weight: 20 }, { arbitrary: fc.constantFrom({ another: 1 }), weight: 1 }),
    )
    .map(([value, more]) => ({ ...value, ...more }));
}

/** What is asked beyond JSON Schema, told independently of the program: of values that fit their schema. */
function isMeant(field: FieldSchema, value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => isMeant(field.items ?? field, item));
  if (value !== null && typeof value === 'object') {
    return Object.entries(value).every(([name, member]) => isMeant(field.properties?.[name] ?? field, member));
  }
  if (typeof value !== 'string' || field.enum !== undefined) return true;
  if (value.includes('\0') || /\p{Cs}/u.test(value)) return false;
  if (field['x-digest'] === true) {
    const digits = value.startsWith('sha256:') ? value.slice(7) : value;
    return digits.length === 64 && Array.from(digits).every((digit) => '0123456789abcdef'.includes(digit.toLowerCase()));
  }
  const year = Number(value.slice(0, 4));
  switch (field.format) {
    case 'date':
      return year >= 1900 && year < 2200;
    case 'date-time': {
      // A leap second has no instant in JavaScript; RFC 3339's small letters and its space are not ISO 8601's.
      const at = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:[0-5]\d(\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(value) ? new Date(value) : null;
      return at !== null && at.getUTCFullYear() >= 1900 && at.getUTCFullYear() < 2200;
    }
    case 'uuid':
      return !value.startsWith('urn:');
    default:
      return (field.minLength ?? 0) === 0 || value.trim() !== '';
  }
}

describe('does a compiled schema admit what the JSON Schema admits, and refuse what cannot be kept as it was meant?', () => {
  it.each(TYPES.map((type) => [type.type, type] as const))('%s', (_, type) => {
    const schema = ajv.compile(type.fields);
    const compiled = compileFields(type.fields);
    let admitted = 0;
    fc.assert(
      fc.property(fc.oneof(objectFor(type.fields), fc.constant(type.example.fields)), (value) => {
        const expected = schema(value) && isMeant(type.fields, value);
        const { success } = compiled.safeParse(value);
        if (success) admitted += 1;
        expect(success).toBe(expected);
      }),
      { numRuns: 150 },
    );
    expect(admitted).toBeGreaterThan(0);
  });
});

describe('what is kept of a value?', () => {
  it.each([
    [{ type: 'string', format: 'date-time', title: 'At' }, '2026-11-26T10:00:00+01:00', '2026-11-26T09:00:00.000Z'],
    [{ type: 'string', format: 'uuid', title: 'Id' }, '019AB1C2-7A10-7BD3-9C55-0F6F2B7D8A77', '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a77'],
    [{ type: 'string', maxLength: 71, title: 'Digest', 'x-digest': true }, `SHA256:${'AB'.repeat(32)}`, `sha256:${'ab'.repeat(32)}`],
    [{ type: 'string', maxLength: 71, title: 'Digest', 'x-digest': true }, 'z'.repeat(64), undefined],
    [{ type: 'string', maxLength: 9, title: 'Text' }, ' as it is ', undefined],
    [{ type: 'string', maxLength: 10, title: 'Text' }, ' as it is ', ' as it is '],
    [{ type: 'string', maxLength: 2, title: 'Text' }, '𝕏𝕏', '𝕏𝕏'],
    [{ type: 'string', format: 'uri', maxLength: 90, title: 'At' }, 'https://clinic.example/a?b#c', 'https://clinic.example/a?b#c'],
    [{ type: 'string', format: 'uri', maxLength: 90, title: 'At' }, 'javascript:alert(1)', undefined],
    [{ type: 'string', format: 'uri', maxLength: 90, title: 'At' }, 'https://me:secret@clinic.example/', undefined],
    [{ type: 'string', format: 'uri', maxLength: 90, title: 'At' }, 'https://clinic.example/a b', undefined],
    [{ type: 'integer', minimum: 0, maximum: 9, title: 'Number' }, 2 ** 53, undefined],
    [{ type: 'array', title: 'List', maxItems: 3, uniqueItems: true, items: { type: 'string', maxLength: 3, title: 'One' } }, ['a', 'a'], undefined],
  ])('%j of %j: %j', (property, given, kept) => {
    const result = check(property, given);
    expect(result.success ? result.data['field'] : undefined).toEqual(kept);
  });
});

describe('does the profile refuse what has no bound or no meaning?', () => {
  const text = { type: 'string', title: 'Text', maxLength: 10 };
  it.each([
    ['a text without an end', { type: 'string', title: 'Text' }],
    ['a text longer than any', { ...text, maxLength: 10_001 }],
    ['a pattern', { ...text, pattern: '(a+)+$' }],
    ['a reference', { $ref: '#' }],
    ['a number without an end', { type: 'integer', title: 'Number', minimum: 0 }],
    ['bounds that are crossed', { type: 'integer', title: 'Number', minimum: 2, maximum: 1 }],
    ['a list without an end', { type: 'array', title: 'List', items: text }],
    ['a list of lists', { type: 'array', title: 'List', maxItems: 2, items: { type: 'array', title: 'List', maxItems: 2, items: text } }],
    ['an object that takes anything', { type: 'object', properties: {} }],
    [
      'objects below objects',
      { type: 'object', additionalProperties: false, properties: { a: { type: 'object', additionalProperties: false, properties: {} } } },
    ],
    ['a required field that is not there', { type: 'object', additionalProperties: false, required: ['b'], properties: {} }],
    ['no title', { type: 'boolean' }],
    ['a word of a list twice', { type: 'string', title: 'Word', enum: ['a', 'a'] }],
    ['an id that is no id', { ...text, 'x-record': 'vendor' }],
    ['an id of two sorts', { type: 'string', format: 'uuid', title: 'Id', 'x-record': 'vendor', 'x-system': true }],
    ['two types', { type: ['string', 'null'], title: 'Text', maxLength: 10 }],
  ])('%s', (_, property) => {
    expect(FieldsSchema.safeParse(fieldsOf(property)).success).toBe(false);
  });

  it.each(['Name', 'a-b', 'constructor', 'toString', ''])('a field that is called %j', (name) => {
    const properties = { [name]: { type: 'boolean', title: 'It' } };
    expect(FieldsSchema.safeParse({ type: 'object', additionalProperties: false, required: [], properties }).success).toBe(false);
  });

  it('more fields than a form has', () => {
    const properties = Object.fromEntries(Array.from({ length: 61 }, (_, n) => [`field${n}`, { type: 'boolean', title: 'It' }]));
    expect(FieldsSchema.safeParse({ type: 'object', additionalProperties: false, required: [], properties }).success).toBe(false);
  });
});
