import { csv, csvHeader } from '../kernel/tables/csv.js';
import type { Cell } from '../kernel/tables/table.js';
import type { OutgoingFile } from './bag.js';
import type { PackageFacts, PackageRows } from './contents.js';
import type { RecordLine, RecordsOfType } from './records.js';

/** What a register has as a table; as JSON it has all that the API tells of it. */
const REGISTERS = {
  agreements: [
    'vendorId',
    'name',
    'role',
    'ephi',
    'parentId',
    'states',
    'recordId',
    'version',
    'title',
    'inForce',
    'effectiveFrom',
    'signedOn',
    'endsAt',
    'hasRenewedItself',
    'renewal',
    'noticeDays',
    'incidentNoticeHours',
    'returnOrDestroy',
    'termsMissing',
    'covers',
    'dataClasses',
  ],
  decisions: [
    'recordId',
    'version',
    'title',
    'ownerId',
    'control',
    'outcome',
    'inForce',
    'goodFrom',
    'until',
    'alternative',
    'standardMet',
    'analysis',
    'submittedBy',
    'decidedBy',
    'decidedAt',
  ],
  exceptions: [
    'recordId',
    'version',
    'title',
    'ownerId',
    'systemIds',
    'inForce',
    'effectiveFrom',
    'expiresAt',
    'reason',
    'checks',
    'results',
    'practices',
    'submittedBy',
    'decidedBy',
    'decidedAt',
  ],
  keys: [
    'systemId',
    'id',
    'recordId',
    'name',
    'provider',
    'keyId',
    'purpose',
    'custodian',
    'managedBy',
    'state',
    'findings',
    'createdAt',
    'policyDays',
    'lastRotatedAt',
    'latestVersion',
    'dueAt',
    'sources',
  ],
  risks: [
    'recordId',
    'version',
    'number',
    'analysis',
    'asset',
    'threat',
    'vulnerability',
    'measures',
    'likelihood',
    'impact',
    'level',
    'treatment',
    'treatmentOwner',
    'dueOn',
    'completedOn',
    'status',
    'residualLikelihood',
    'residualImpact',
    'residualLevel',
    'isReadable',
    'submittedBy',
    'decidedBy',
    'decidedAt',
  ],
} as const;
export type RegisterName = keyof typeof REGISTERS;

/** By path: each type's records, and the registers made of them, as JSON and as tables. Each is read anew: a package of many records holds a page of them. */
export function recordFiles(facts: PackageFacts, rows: PackageRows): OutgoingFile[] {
  return [
    ...facts.records.types.flatMap((of) => [
      { path: `records/${of.type}.csv`, content: recordTable(of, RECORD_COLUMNS, () => rows.records(of.type)) },
      { path: `records/${of.type}.json`, content: jsonList(() => rows.records(of.type)) },
    ]),
    ...facts.records.pastTypes.flatMap((of) => [
      {
        path: `records/past/${of.type}.csv`,
        content: recordTable(of, [...RECORD_COLUMNS, 'endedAt'], () => rows.pastRecords(of.type)),
      },
      { path: `records/past/${of.type}.json`, content: jsonList(() => rows.pastRecords(of.type)) },
    ]),
    ...(Object.keys(REGISTERS) as RegisterName[]).flatMap((name) => [
      { path: `registers/${name}.csv`, content: table(REGISTERS[name], () => rows.register(name), linesOf(name)) },
      { path: `registers/${name}.json`, content: jsonList(() => rows.register(name)) },
    ]),
  ];
}

const RECORD_COLUMNS = [
  'recordId',
  'version',
  'title',
  'ownerId',
  'systemIds',
  'effectiveFrom',
  'expiresAt',
  'goodFrom',
  'outcome',
  'fails',
  'submittedBy',
  'decidedBy',
  'decidedAt',
  'disposed',
  'documents',
  'links',
];

/** Fields have names of their own before them: an organisation's type may have one that is called like a column. */
const recordTable = (
  { fields }: RecordsOfType,
  columns: readonly string[],
  read: () => AsyncIterable<RecordLine[]>,
): AsyncGenerator<Buffer, void> =>
  table([...columns, ...fields.map((field) => `fields.${field}`)], read, (record) => [withFields(record, fields)]);

/** What a table has of a record. */
export const withFields = (record: RecordLine, fields: readonly string[]): object => ({
  ...record,
  documents: record.documents.map(({ evidenceId, path }) => path ?? evidenceId),
  ...Object.fromEntries(fields.map((field) => [`fields.${field}`, record.fields[field]])),
});

/** A register as a table: its columns, and its lines in pages. */
export const registerTable = (
  name: RegisterName,
  rows: PackageRows,
): { columns: readonly string[]; pages: AsyncIterable<Cell[][]> } => ({
  columns: REGISTERS[name],
  pages: cellPages(REGISTERS[name], () => rows.register(name), linesOf(name)),
});

async function* cellPages<Item>(
  columns: readonly string[],
  read: () => AsyncIterable<Item[]>,
  linesOf: (item: Item) => object[],
): AsyncGenerator<Cell[][], void> {
  for await (const page of read()) {
    yield page
      .flatMap(linesOf)
      .map((line) => columns.map((column) => cellOf((line as Record<string, unknown>)[column])));
  }
}

/** A line for each agreement; of a vendor without any, one. */
function linesOf(name: RegisterName): (item: object) => object[] {
  if (name !== 'agreements') return (item) => [item];
  return (item) => {
    const { agreements, ...vendor } = item as { agreements: readonly object[] };
    return agreements.length === 0 ? [vendor] : agreements.map((agreement) => ({ ...agreement, ...vendor }));
  };
}

/** Read as it is written. `linesOf`: what an item has in the table. */
export async function* table<Item>(
  columns: readonly string[],
  read: () => AsyncIterable<Item[]>,
  linesOf: (item: Item) => object[],
): AsyncGenerator<Buffer, void> {
  yield csvHeader(columns);
  for await (const page of cellPages(columns, read, linesOf)) {
    yield csv(
      columns,
      page.map((cells) =>
        Object.fromEntries(columns.map((column, index): [string, Cell] => [column, cells[index] ?? null])),
      ),
    );
  }
}

/** A list has a semicolon between its entries; what has members is JSON. */
function cellOf(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('; ');
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value instanceof Date)
    return value;
  return JSON.stringify(value);
}

/** One JSON array, an item a line, written as it is read. */
export async function* jsonList(read: () => AsyncIterable<object[]>): AsyncGenerator<Buffer, void> {
  let before = '[\n';
  for await (const page of read()) {
    for (const item of page) {
      yield Buffer.from(`${before}${JSON.stringify(item)}`, 'utf8');
      before = ',\n';
    }
  }
  yield Buffer.from(before === ',\n' ? '\n]\n' : '[]\n', 'utf8');
}
