import type { FieldSchema, TypeDefinition } from '../catalog/record-type.js';

/** What a column of a table of records holds. */
export type ColumnPlace =
  | {
      kind:
        'id' | 'version' | 'title' | 'owner' | 'systems' | 'effectiveFrom' | 'expires' | 'links' | 'level' | 'status';
    }
  | { kind: 'field'; path: readonly [field: string] | readonly [field: string, member: string]; schema: FieldSchema };

export interface RecordColumn {
  /** In the head of a table. */
  name: string;
  /** As people call it; a head may say that too. Empty: it has none. */
  title: string;
  /** What it means, and how its cells are written. */
  note: string;
  place: ColumnPlace;
}

const FIXED: readonly RecordColumn[] = [
  fixed('id', 'The record. Left empty: the one with the key of this row, or a new one.'),
  fixed('version', 'The version that this row was exported from. A row is refused when the record has gone on since.'),
  fixed('title', 'What people call it. Left empty for a new record: its key, or the title of its type.'),
  fixed('owner', 'Who answers for it: name or id of a member. Left empty for a new record: whoever imports it.'),
  fixed('systems', 'Systems by name or id, with ; between. Empty: the whole organisation.'),
  fixed(
    'effectiveFrom',
    'From when on it is so: a day (its beginning in UTC), or an instant with its zone, 2026-11-26T09:00:00+01:00.',
  ),
];
const LAST: readonly RecordColumn[] = [
  fixed(
    'links',
    'What it is about, as kind:target with ; between: control:164.308(a)(1)(i); practice:restore-testing.',
  ),
  fixed('expires', 'When it ends whatever its age: made of a field, and not read from here.'),
];

function fixed(name: Exclude<ColumnPlace['kind'], 'field'>, note: string): RecordColumn {
  return { name, title: '', note, place: { kind: name } };
}

/** The columns of a table of records of a type. A field that has the name of one that every record has is `fields.<name>`. */
export function columnsOf({ fields }: TypeDefinition): RecordColumn[] {
  const taken = new Set([...FIXED, ...LAST].map(({ name }) => name));
  const own = Object.entries(fields.properties).flatMap(([field, schema]): RecordColumn[] => {
    const name = taken.has(field) ? `fields.${field}` : field;
    const isRequired = fields.required.includes(field);
    if (schema.type !== 'object') return [fieldColumn(name, [field], schema, isRequired)];
    return Object.entries(schema.properties ?? {}).map(([member, inner]) =>
      fieldColumn(`${name}.${member}`, [field, member], inner, isRequired && (schema.required ?? []).includes(member)),
    );
  });
  return [...FIXED, ...own, ...LAST];
}

function fieldColumn(
  name: string,
  path: readonly [string] | readonly [string, string],
  schema: FieldSchema,
  isRequired: boolean,
): RecordColumn {
  const { title = '', description } = schema;
  const note = [
    ...(title === '' ? [] : [`${title}${isRequired ? '' : ' (may be empty)'}.`]),
    ...(description === undefined ? [] : [description.endsWith('.') ? description : `${description}.`]),
    formOf(schema),
  ].join(' ');
  return { name, title, note, place: { kind: 'field', path, schema } };
}

/** How a cell is written. */
function formOf(schema: FieldSchema): string {
  if (schema.enum !== undefined) return `One of: ${schema.enum.join(', ')}.`;
  if (schema['x-record'] !== undefined) return `Id of a record of the type ${schema['x-record']}, or its key.`;
  if (schema['x-member'] === true) return 'Name or id of a member.';
  if (schema['x-system'] === true) return 'Name or id of a system.';
  switch (schema.type) {
    case 'array':
      return schema.items?.type === 'object'
        ? `A list in JSON, of objects with ${Object.keys(schema.items.properties ?? {}).join(', ')}.`
        : 'A list, with ; between; in JSON where an entry holds a semicolon.';
    case 'boolean':
      return 'true or false.';
    case 'integer':
    case 'number':
      return 'A number.';
    case 'object':
      return 'An object in JSON.';
    case 'string':
      if (schema.format === 'date') return 'A day: 2026-11-26.';
      if (schema.format === 'date-time') return 'An instant with its zone: 2026-11-26T09:00:00+01:00.';
      if (schema.format === 'uri') return 'An address of the web.';
      return 'Text.';
  }
}

/** The column that each cell of a head names; null where it names none. By name, or by title where no other column has it. */
export function matched(columns: readonly RecordColumn[], head: readonly string[]): (RecordColumn | null)[] {
  const byName = new Map(columns.map((column) => [column.name.toLowerCase(), column]));
  const byTitle = new Map<string, RecordColumn | null>();
  for (const column of columns) {
    const title = column.title.toLowerCase();
    byTitle.set(title, byTitle.has(title) || title === '' ? null : column);
  }
  return head.map((name) => byName.get(name.toLowerCase()) ?? byTitle.get(name.toLowerCase()) ?? null);
}

/** The name of the column that a fault of a record points at: `/fields/terms/0/clause` at `terms`. */
export function columnAt(columns: readonly RecordColumn[], pointer: string): string | null {
  const [, first, second, third] = pointer.split('/');
  if (first === 'fields') {
    const own = columns.filter(({ place }) => place.kind === 'field' && place.path[0] === second);
    const member = own.find(({ place }) => place.kind === 'field' && place.path[1] === third);
    return (member ?? own[0])?.name ?? null;
  }
  const fixedNames: Readonly<Record<string, string>> = { ownerId: 'owner', systemIds: 'systems' };
  const name = fixedNames[first ?? ''] ?? first ?? '';
  return columns.find((column) => column.name === name)?.name ?? null;
}
