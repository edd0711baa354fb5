import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Cell } from '../../src/kernel/tables/table.js';
import { readXlsx } from '../../src/kernel/tables/xlsx-read.js';
import { citing } from '../../src/packages/citations.js';
import type { PackageFacts, PackageRows } from '../../src/packages/contents.js';
import { workbook } from '../../src/packages/report/workbook.js';
import { ALTERED, factsOf, mixed, postureOf } from './report-sample.js';

const SHEETS = [
  ...[
    'About',
    'Gaps',
    'Altered rows',
    'Unreadable evidence',
    'Items',
    'Practices',
    'Risks',
    'Keys',
    'Agreements',
    'Exceptions',
    'Decisions',
  ],
  ...['Records', 'Evidence'],
];

const facts = factsOf(postureOf(mixed), '=cmd|Lakeside');

const REGISTERS: Record<string, object[]> = {
  risks: [{ recordId: 'r', number: 'R-1', asset: '+1', level: 'high', dueOn: '2026-02-01', likelihood: 3 }],
  agreements: [
    {
      vendorId: 'v',
      name: 'Lake "side"',
      states: ['ending', 'in-force'],
      agreements: [{ title: 'One' }, { title: 'Two' }],
    },
  ],
};

/** Only registers go into a workbook. */
const rows = {
  register: async function* (name: string) {
    yield await Promise.resolve(REGISTERS[name] ?? []);
  },
} as unknown as PackageRows;

const made = (of: PackageFacts): Promise<Buffer> =>
  buffer(Readable.from(workbook(of, rows, citing(of, rows)), { objectMode: false }));

async function sheet(file: Buffer, name: string): Promise<Record<string, Cell>[]> {
  const table = await readXlsx(file, { sheet: name });
  const found: Record<string, Cell>[] = [];
  for await (const { cells, faults } of table.rows) {
    expect(faults).toEqual([]);
    found.push(Object.fromEntries(table.columns.map((column, index) => [column, cells[index] ?? null])));
  }
  return found;
}

describe('the workbook of a package', () => {
  it('has its sheets, the gaps first?', async () => {
    const file = await made(facts);
    for (const name of SHEETS) await sheet(file, name);
    expect((await sheet(file, 'About'))[0]).toEqual({ About: 'Organisation', Value: '=cmd|Lakeside' });
    const gaps = await sheet(file, 'Gaps');
    const items = await sheet(file, 'Items');
    expect(items).toHaveLength(facts.posture.controls.length);
    expect(gaps).toEqual(
      items.filter(({ status }) => ['failing', 'missing', 'stale', 'partial'].includes(String(status))),
    );
    expect(gaps.length).toBeGreaterThan(10);
    expect(items.find(({ id }) => id === '164.308(a)(1)(ii)(A)')).toMatchObject({ policies: '=cmd|Lakeside' });
    expect(await sheet(file, 'Practices')).toHaveLength(facts.posture.practices.length);
  });

  it('has the rows that were altered past the service?', async () => {
    const file = await made({ ...facts, alteredRows: [ALTERED] });
    const { table, kind, id, reason } = ALTERED;
    expect(await sheet(file, 'Altered rows')).toMatchObject([{ table, kind, id, reason }]);
    expect(await sheet(file, 'About')).toContainEqual({ About: 'Rows that were altered past the service', Value: 1 });
    expect(await sheet(await made(facts), 'Altered rows')).toEqual([]);
  });

  it('has the registers as they are in the package, texts as texts?', async () => {
    const file = await made(facts);
    expect(await sheet(file, 'Risks')).toMatchObject([
      { number: 'R-1', asset: '+1', likelihood: 3, dueOn: '2026-02-01' },
    ]);
    expect(await sheet(file, 'Agreements')).toMatchObject([
      { name: 'Lake "side"', states: 'ending; in-force', title: 'One' },
      { name: 'Lake "side"', title: 'Two' },
    ]);
    expect(await sheet(file, 'Keys')).toEqual([]);
  });

  it('is the same bytes in another package of the same scope and instants?', async () => {
    const other = { ...facts, id: facts.organization.id, requestedAt: new Date('2027-01-01T00:00:00Z') };
    expect((await made(other)).equals(await made(facts))).toBe(true);
  });

  it('fails whole when a register does?', async () => {
    const broken = {
      register: async function* () {
        yield await Promise.resolve([]);
        throw new Error('the database is gone');
      },
    } as unknown as PackageRows;
    await expect(
      buffer(Readable.from(workbook(facts, broken, citing(facts, broken)), { objectMode: false })),
    ).rejects.toThrow('the database is gone');
  });
});
