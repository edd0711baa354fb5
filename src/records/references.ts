import type { FieldSchema } from '../catalog/fields.js';

/** What a field points at. */
export interface FieldReference {
  pointer: string;
  kind: 'record' | 'control' | 'practice' | 'system' | 'member';
  target: string;
  /** Of a record: its type. */
  type: string | null;
  /** The property of the fields that it lies in. */
  field: string;
}

const MARKS = [
  ['record', 'x-record'],
  ['control', 'x-control'],
  ['practice', 'x-practice'],
  ['system', 'x-system'],
  ['member', 'x-member'],
] as const;

/** All that a record's fields point at, in their order. Values that are no text point at nothing: the schema has refused them. */
export function referencesOf(schema: FieldSchema, fields: Readonly<Record<string, unknown>>): FieldReference[] {
  return Object.entries(schema.properties ?? {}).flatMap(([field, property]) =>
    within(property, fields[field], `/fields/${escaped(field)}`, field),
  );
}

function within(schema: FieldSchema, value: unknown, pointer: string, field: string): FieldReference[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((item, index) => within(items, item, `${pointer}/${index}`, field));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      within(property, (value as Record<string, unknown>)[name], `${pointer}/${escaped(name)}`, field),
    );
  }
  if (typeof value !== 'string') return [];
  return MARKS.flatMap(([kind, mark]) => {
    const marked = schema[mark];
    if (marked === undefined) return [];
    return [{ pointer, kind, target: value, type: typeof marked === 'string' ? marked : null, field }];
  });
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
