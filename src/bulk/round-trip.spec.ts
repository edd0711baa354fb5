import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { loadCatalog } from '../catalog/load.js';
import type { TypeDefinition } from '../catalog/record-type.js';
import { compileFields } from '../catalog/fields.js';
import { csvOf } from '../kernel/tables/csv.js';
import { readCsv } from '../kernel/tables/csv-read.js';
import type { Cell, Table } from '../kernel/tables/table.js';
import { readXlsx } from '../kernel/tables/xlsx-read.js';
import { xlsxOf } from '../kernel/tables/xlsx-write.js';
import type { Directory, Labels } from './cells.js';
import { columnAt, columnsOf, matched } from './columns.js';
import { joinList, splitList } from '../kernel/tables/lists.js';
import { cellsOf } from './record-export.js';
import { contentDigest, contentOf, readRow, type Content } from './rows.js';

const TYPES = loadCatalog().recordTypes;

const OWNER = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02';
const SYSTEM = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03';
/** Two have names; whatever else has an id keeps it. */
const NAMES: Readonly<Record<string, string>> = { [OWNER]: 'Ada Quill', [SYSTEM]: 'emr-production' };
const named = (id: string): string => NAMES[id] ?? id;
const labels: Labels = { member: named, system: named, record: named };
const byName = (text: string): string | null =>
  Object.keys(NAMES).find((id) => NAMES[id] === text) ?? (/^[0-9a-f-]{36}$/.test(text) ? text : null);
const directory: Directory = { member: byName, system: byName, record: (_, text) => byName(text) };

const exampleOf = ({ example, place, fields: schema }: TypeDefinition): Content => ({
  title: example.title,
  ownerId: OWNER,
  systemIds: place === 'organization' ? [] : [SYSTEM],
  effectiveFrom: new Date(example.effectiveFrom),
  fields: compileFields(schema).parse(example.fields),
  links: [
    { kind: 'control', target: '164.308(a)(1)(i)', note: '' },
    { kind: 'practice', target: 'restore-testing', note: 'why; and where' },
  ],
});

async function joined(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const once = (cells: Cell[]): AsyncIterable<Cell[][]> => Readable.from([[cells]]);

const FORMATS: Readonly<Record<string, (columns: { name: string; note: string }[], cells: Cell[]) => Promise<Table>>> =
  {
    csv: async (columns, cells) => {
      const names = columns.map(({ name }) => name);
      return readCsv(Readable.from([await joined(csvOf(names, once(cells)))]));
    },
    xlsx: async (columns, cells) => readXlsx(await joined(xlsxOf(columns, once(cells), new Date(0)))),
  };

describe.each(Object.entries(FORMATS))('a table in %s', (_format, table) => {
  it.each(TYPES.map((type) => [type.type, type] as const))(
    'gives the example of %s back as it was?',
    async (_, type) => {
      const example = exampleOf(type);
      const columns = columnsOf(type);
      const record = {
        ...{ id: OWNER, version: 3, type: type.type, naturalKey: '', subject: null, outcome: null, fails: false },
        ...{ expiresAt: null, goodFrom: example.effectiveFrom, decidedAt: example.effectiveFrom, disposed: false },
        ...example,
      };
      const read = await table(columns, cellsOf(type, columns, record, labels));
      const bound = matched(columns, read.columns);
      expect(bound).toEqual(columns);
      const rows = [];
      for await (const row of read.rows) rows.push(readRow(bound, read.columns, row, directory));
      expect(rows).toHaveLength(1);
      const { given, faults } = rows[0]!;
      expect(faults).toEqual([]);
      expect(given).toMatchObject({ id: OWNER, version: 3 });
      // Nothing of a record before it: all of it stands in the row.
      const content = contentOf(type, given, null, { id: 'nobody', from: null });
      expect({ ...content, fields: compileFields(type.fields).parse(content.fields) }).toEqual(example);
      expect(contentDigest(type, content)).toBe(contentDigest(type, example));
    },
  );
});

describe('the columns of a type', () => {
  const type = TYPES.find((one) => one.type === 'breach_assessment')!;

  it('are named by field and member, or as people call them?', () => {
    const columns = columnsOf(type);
    const names = columns.map(({ name }) => name);
    expect(names).toContain('factors.nature');
    const [nature, discovered, none] = matched(columns, ['Factors.Nature', 'discovered at', 'colour']);
    expect(nature?.name).toBe('factors.nature');
    expect([discovered?.name ?? null, none]).toEqual([
      columns.find(({ title }) => title.toLowerCase() === 'discovered at')?.name ?? null,
      null,
    ]);
  });

  it('keep apart a field that has the name of a column of every record?', () => {
    const analysis = columnsOf(TYPES.find((one) => one.type === 'risk_analysis')!).map(({ name }) => name);
    expect(analysis).toEqual(expect.arrayContaining(['systems', 'fields.systems']));
    expect(new Set(analysis).size).toBe(analysis.length);
  });

  it('are found by the place of a fault?', () => {
    const columns = columnsOf(type);
    expect(columnAt(columns, '/fields/factors/nature')).toBe('factors.nature');
    expect(columnAt(columns, '/systemIds/1')).toBe('systems');
    expect(columnAt(columns, '/links/0')).toBe('links');
    expect(columnAt(columns, '/documents')).toBeNull();
  });
});

describe('a list in a cell', () => {
  it.each([
    [['a', 'b c'], 'a; b c'],
    [['a;b'], '["a;b"]'],
    [[' a'], '[" a"]'],
    [['[a'], '["[a"]'],
    [[''], '[""]'],
    [[], '[]'],
  ])('holds %j as %s, and gives it back?', (entries, text) => {
    expect(joinList(entries)).toBe(text);
    expect(splitList(text)).toEqual(entries);
  });

  it('is read as people write it, and not where it begins as JSON and is none?', () => {
    expect(splitList(' a ;; b ')).toEqual(['a', 'b']);
    expect(splitList('[a; b')).toBeNull();
    expect(splitList('[1]')).toEqual([1]);
  });
});

describe('a cell that is no value of its column', () => {
  const vendor = TYPES.find((one) => one.type === 'vendor')!;
  const training = TYPES.find((one) => one.type === 'training_record')!;
  const fault = (type: TypeDefinition, column: string, cell: Cell): string | undefined => {
    const columns = columnsOf(type).filter(({ name }) => name === column);
    return readRow(columns, [column], { number: 2, cells: [cell], faults: [] }, directory).faults[0]?.detail;
  };

  it.each<[TypeDefinition, string, Cell, RegExp]>([
    [vendor, 'ephi', 'perhaps', /neither true nor false/],
    [vendor, 'name', new Date('2026-01-02T00:00:00Z'), /where text is meant/],
    [vendor, 'parent', 'Nobody we know', /no record of the type vendor/],
    [vendor, 'owner', 'Nobody we know', /no member/],
    [vendor, 'systems', 'emr-production; other', /no system/],
    [vendor, 'effectiveFrom', '2026-01-02T09:00:00', /neither a day/],
    [vendor, 'effectiveFrom', new Date('2026-01-02T09:00:00Z'), /an instant, where a day is meant/],
    [vendor, 'id', '7', /not an id/],
    [vendor, 'version', 'x', /not the number of a version/],
    [vendor, 'links', 'vendor:x', /kind:target/],
    [vendor, 'links', 'control:a; control:a', /twice/],
    [vendor, 'title', 'a\nb', /control characters/],
    [vendor, 'services', '[32768 characters: too long for a cell. A CSV holds it whole.]', /too long for a cell/],
    [training, 'completedOn', new Date('2026-01-02T09:00:00Z'), /an instant, where a day is meant/],
  ])('is told? %#', (type, column, cell, detail) => {
    expect(fault(type, column, cell)).toMatch(detail);
  });
});
