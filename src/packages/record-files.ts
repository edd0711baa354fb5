import { csv, csvHeader } from '../kernel/tables/csv.js';
import type { Cell } from '../kernel/tables/table.js';
import type { OutgoingFile } from './bag.js';
import type { PackageFacts, PackageRows } from './contents.js';
import type { RecordRef, RecordsOfType } from './records.js';

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
  ],
} as const;
export type RegisterName = keyof typeof REGISTERS;

/** By path: each type's records, and the registers made of them, as JSON and as tables. Each is read anew: a package of many records holds a page of them. */
export function recordFiles(facts: PackageFacts, rows: PackageRows): OutgoingFile[] {
  return [
    ...facts.records.types.flatMap((of) => [
      { path: `records/${of.type}.csv`, content: recordTable(of, rows) },
      { path: `records/${of.type}.json`, content: jsonList(() => rows.records(of.type)) },
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
  'decidedAt',
  'disposed',
  'documents',
  'links',
];

/** Fields have names of their own before them: an organisation's type may have one that is called like a column. */
function recordTable({ type, fields }: RecordsOfType, rows: PackageRows): AsyncGenerator<Buffer, void> {
  const columns = [...RECORD_COLUMNS, ...fields.map((field) => `fields.${field}`)];
  return table(
    columns,
    () => rows.records(type),
    (record) => [
      {
        ...record,
        documents: record.documents.map(({ evidenceId, path }) => path ?? evidenceId),
        ...Object.fromEntries(fields.map((field) => [`fields.${field}`, record.fields[field]])),
      },
    ],
  );
}

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

async function* table<Item>(
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
async function* jsonList(read: () => AsyncIterable<object[]>): AsyncGenerator<Buffer, void> {
  let before = '[\n';
  for await (const page of read()) {
    for (const item of page) {
      yield Buffer.from(`${before}${JSON.stringify(item)}`, 'utf8');
      before = ',\n';
    }
  }
  yield Buffer.from(before === ',\n' ? '\n]\n' : '[]\n', 'utf8');
}

/** An item of the rules with what stands behind it: the way that an auditor goes, from the citation to the policy to the records. */
export interface CitedItem {
  id: string;
  citation: string;
  title: string;
  status: string;
  /** Policies in effect that name the item or one above it. */
  policies: RecordRef[];
  /** Types of records that the item or a practice for it asks for; a path of null: none is in effect. */
  records: { type: string; title: string; count: number; path: string | null; askedBy: string[] }[];
  /** Other records that name the item. */
  linked: RecordRef[];
}

export function citedItems(facts: PackageFacts): CitedItem[] {
  const byId = new Map(facts.controls.map((control) => [control.id, control]));
  const types = new Map(facts.records.types.map((of) => [of.type, of]));
  const naming = (id: string): readonly RecordRef[] =>
    [id, ...(byId.get(id)?.aliases ?? [])].flatMap((name) => facts.records.ofControl.get(name) ?? []);
  return facts.posture.controls.flatMap(({ id, status }) => {
    const control = byId.get(id);
    if (control === undefined) return [];
    const lineage: string[] = [];
    for (let at: string | null = id; at !== null && !lineage.includes(at); at = byId.get(at)?.parent ?? null) {
      lineage.push(at);
    }
    const asking = new Map<string, string[]>();
    for (const asker of [
      control,
      ...facts.practices.filter(({ primary, supporting }) => primary.includes(id) || supporting.includes(id)),
    ]) {
      for (const { type } of asker.records) {
        const askers = asking.get(type) ?? [];
        if (!askers.includes(asker.id)) asking.set(type, [...askers, asker.id]);
      }
    }
    return {
      id,
      citation: control.citation,
      title: control.title,
      status,
      policies: unique(lineage.flatMap(naming).filter(({ type }) => type === 'policy')),
      records: [...asking].map(([type, askedBy]) => {
        const of = types.get(type);
        return {
          type,
          title: of?.title ?? type,
          count: of?.count ?? 0,
          path: of === undefined ? null : `records/${type}.json`,
          askedBy,
        };
      }),
      linked: unique(naming(id).filter(({ type }) => type !== 'policy')),
    };
  });
}

const CITED_COLUMNS = ['id', 'citation', 'title', 'status', 'policies', 'records', 'linked'] as const;

export function* citationsCsv(facts: PackageFacts): Generator<Buffer, void> {
  const names = (records: readonly RecordRef[]): string => records.map(({ title }) => title).join('; ');
  yield csvHeader(CITED_COLUMNS);
  yield csv(
    CITED_COLUMNS,
    citedItems(facts).map(({ policies, records, linked, ...item }) => ({
      ...item,
      policies: names(policies),
      records: records.map(({ type, count }) => `${type}: ${count}`).join('; '),
      linked: names(linked),
    })),
  );
}

const unique = (records: readonly RecordRef[]): RecordRef[] => [
  ...new Map(records.map((record) => [`${record.recordId}/${record.version}`, record])).values(),
];
