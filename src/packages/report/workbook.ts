import type { Cell } from '../../kernel/tables/table.js';
import { xlsxOfSheets, type Sheet } from '../../kernel/tables/xlsx-write.js';
import type { PackageFacts, PackageRows } from '../contents.js';
import type { Cited, CitedItem } from '../citations.js';
import { registerTable, type RegisterName } from '../record-files.js';

/** Rows that are made into text at once. */
const PAGE = 500;

const NOT_SETTLED = ['failing', 'missing', 'stale', 'partial'];

/**
 * The tables of a package to sort and filter, the gaps first. Results are not among them: they may be more than a sheet holds, and results.csv has them all. Dated by the
 * instant of knowledge, so that the same scope and instants give the same bytes.
 */
export async function* workbook(
  facts: PackageFacts,
  rows: PackageRows,
  cited: Cited,
): AsyncGenerator<Uint8Array, void> {
  const sheets = sheetsOf(facts, rows, await cited());
  yield* xlsxOfSheets(sheets, facts.knownAt) as AsyncIterable<Buffer>;
}

function sheetsOf(facts: PackageFacts, rows: PackageRows, cited: readonly CitedItem[]): Sheet[] {
  const items = itemLines(facts, cited);
  return [
    { name: 'About', columns: ['About', 'Value'], pages: [aboutLines(facts)] },
    {
      name: 'Gaps',
      columns: ITEM_COLUMNS,
      pages: [items.filter(([status]) => typeof status === 'string' && NOT_SETTLED.includes(status))],
    },
    {
      name: 'Altered rows',
      columns: ['table', 'kind', 'id', 'reason', 'foundAt'],
      pages: paged(facts.alteredRows, ({ table, kind, id, reason, foundAt }) => [table, kind, id, reason, foundAt]),
    },
    {
      name: 'Unreadable evidence',
      columns: ['evidenceId', 'sha256', 'size', 'reason'],
      pages: paged(facts.faults, ({ evidenceId, sha256, size, reason }) => [evidenceId, sha256, size, reason]),
    },
    { name: 'Items', columns: ITEM_COLUMNS, pages: [items] },
    {
      name: 'Practices',
      columns: ['status', 'id', 'section', 'summary', 'automation', 'reason'],
      pages: [practiceLines(facts)],
    },
    ...REGISTER_SHEETS.map(([name, register]): Sheet => ({ name, ...registerTable(register, rows) })),
    {
      name: 'Records',
      columns: ['type', 'title', 'count', 'path'],
      pages: paged(facts.records.types, ({ type, title, count }) => [type, title, count, `records/${type}.csv`]),
    },
    {
      name: 'Evidence',
      columns: [
        'evidenceId',
        'path',
        'sha256',
        'size',
        'mediaType',
        'receivedAt',
        'source',
        'scans',
        'records',
        'disposedAt',
        'withheld',
      ],
      pages: paged(facts.evidence, (item) => [
        item.evidenceId,
        item.path,
        item.sha256,
        item.size,
        item.mediaType,
        item.receivedAt,
        `${item.source.kind} ${item.source.id}`,
        item.scans.map(({ scanId }) => scanId).join('; '),
        item.records.map(({ recordId }) => recordId).join('; '),
        item.disposedAt,
        item.withheld,
      ]),
    },
  ];
}

const REGISTER_SHEETS: readonly (readonly [sheet: string, register: RegisterName])[] = [
  ['Risks', 'risks'],
  ['Keys', 'keys'],
  ['Agreements', 'agreements'],
  ['Exceptions', 'exceptions'],
  ['Decisions', 'decisions'],
];

function aboutLines({
  organization,
  scope,
  asOf,
  knownAt,
  periodFrom,
  catalog,
  systems,
  evidence,
  faults,
  alteredRows,
}: PackageFacts): Cell[][] {
  return [
    ['Organisation', organization.name],
    ['Scope', scope.systemId === null ? `${systems.length} systems of the organisation` : `system ${scope.systemId}`],
    ['As of (UTC)', asOf.toISOString()],
    ['As known at (UTC)', knownAt.toISOString()],
    ['Period from (UTC)', periodFrom.toISOString()],
    ['Catalogue', `${catalog.version} ${catalog.digest}`],
    ['Rows that were altered past the service', alteredRows.length],
    ['Evidence files that could not be read', faults.length],
    ['Evidence files', evidence.length],
    ['Gaps', 'Items of the rules that are failing, missing, stale or partial.'],
    ['Items', 'Every item, with the policies that name it or one above it, and the records that are asked for.'],
    ['Other sheets', 'As the files of the same name in the package, which VERIFY.md describes.'],
    [
      'Results',
      'What tools said of each check is not in this workbook, as it may be more than a sheet holds: results.csv beside the folder of this file has it all. Filter its column status by fail; scan_id and evidence_id lead to the report, which is in the sheet Evidence.',
    ],
  ];
}

const ITEM_COLUMNS = ['status', 'id', 'citation', 'title', 'mark', 'reason', 'policies', 'records', 'auditorAsks'];

function itemLines(facts: PackageFacts, cited: readonly CitedItem[]): Cell[][] {
  const byId = new Map(facts.controls.map((control) => [control.id, control]));
  return cited.map(({ id, citation, title, required, status, reason, policies, records }) => [
    status,
    id,
    citation,
    title,
    required,
    reason,
    policies.map(({ title: policy }) => policy).join('; '),
    records.map(({ type, count }) => `${type}: ${count}`).join('; '),
    byId.get(id)?.auditorAsks.join('\n') ?? '',
  ]);
}

function practiceLines({ posture, practices }: PackageFacts): Cell[][] {
  const byId = new Map(practices.map((practice) => [practice.id, practice]));
  return posture.practices.map(({ id, status, reason }) => {
    const { section, summary, automation } = byId.get(id) ?? { section: '', summary: '', automation: '' };
    return [status, id, section, summary, automation, reason];
  });
}

function* paged<Item>(items: readonly Item[], line: (item: Item) => Cell[]): Generator<Cell[][], void> {
  for (let start = 0; start < items.length; start += PAGE) yield items.slice(start, start + PAGE).map(line);
}
