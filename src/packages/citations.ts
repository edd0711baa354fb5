import type { Practice } from '../catalog/catalog.types.js';
import { csv, csvHeader } from '../kernel/tables/csv.js';
import type { PackageFacts, PackageRows } from './contents.js';
import type { NamingRecord, RecordRef } from './records.js';

/** A record that an item rests on, with who stands for it and its documents. */
export type CitedRecord = Omit<NamingRecord, 'documents'> & {
  documents: { evidenceId: string; role: string; name: string; path: string | null; sha256: string | null }[];
};

type Accepting = Pick<RecordRef, 'recordId' | 'version' | 'title'> & {
  inForce: boolean;
  submittedBy: string;
  decidedBy: string;
  decidedAt: Date;
};

/** An item of the rules with what stands behind it, the way that OCR asks: from the citation to the policy, to its implementation, to what was decided otherwise. */
export interface CitedItem {
  id: string;
  citation: string;
  title: string;
  required: string;
  status: string;
  reason: string;
  /** Policies in effect that name the item or one above it. */
  policies: CitedRecord[];
  /** Versions of such policies that were in effect within the period and are no longer. */
  earlierPolicies: CitedRecord[];
  /** `evidence.csv` has the reports behind each. */
  practices: { id: string; link: 'primary' | 'supporting'; status: string; reason: string }[];
  /** Types of records that the item or a practice for it asks for; a path of null: none is in effect. */
  records: { type: string; title: string; count: number; path: string | null; askedBy: string[] }[];
  /** Other records in effect that name the item. */
  linked: CitedRecord[];
  /** Exceptions that cover a practice for it, or a check of one. */
  exceptions: Accepting[];
  /** Decisions on it as an addressable specification (164.306(d)(3)). */
  decisions: Accepting[];
}

/** A line of the registers of exceptions and decisions, as records.ts writes them. */
type ExceptionLine = Accepting & { practices: readonly string[]; checks: readonly { source: string; check: string }[] };
type DecisionLine = Accepting & { control?: string };

/** The items of a package. */
export type Cited = () => Promise<readonly CitedItem[]>;

/** Put together once, when the first of the files that show them is written. */
export function citing(facts: PackageFacts, rows: PackageRows): Cited {
  let items: Promise<readonly CitedItem[]> | undefined;
  return () => (items ??= citedItems(facts, rows));
}

export async function citedItems(facts: PackageFacts, rows: PackageRows): Promise<CitedItem[]> {
  const { controls, practices, posture, rules } = facts;
  const byId = new Map(controls.map((control) => [control.id, control]));
  const types = new Map(facts.records.types.map((of) => [of.type, of]));
  const judged = new Map(posture.practices.map((practice) => [practice.id, practice]));
  const cite = withDigests(facts);
  const naming = (id: string): CitedRecord[] =>
    [id, ...(byId.get(id)?.aliases ?? [])].flatMap((name) => facts.records.ofControl.get(name) ?? []).map(cite);
  const ofPractice = new Map<string, Accepting[]>();
  for await (const { practices: named, checks, ...line } of linesOf<ExceptionLine>(rows, 'exceptions')) {
    const covered = checks.flatMap(({ source, check }) => rules.resolveResult(source, check)?.check.practices ?? []);
    for (const id of new Set([...named, ...covered])) push(ofPractice, id, accepting(line));
  }
  const ofControl = new Map<string, Accepting[]>();
  for await (const { control, ...line } of linesOf<DecisionLine>(rows, 'decisions')) {
    if (control !== undefined) push(ofControl, control, accepting(line));
  }

  return posture.controls.flatMap(({ id, status, reason, practices: linkedPractices }) => {
    const control = byId.get(id);
    if (control === undefined) return [];
    const lineage: string[] = [];
    for (let at: string | null = id; at !== null && !lineage.includes(at); at = byId.get(at)?.parent ?? null) {
      lineage.push(at);
    }
    const asked = practices.filter(({ primary, supporting }) => primary.includes(id) || supporting.includes(id));
    const policies = unique(lineage.flatMap(naming).filter(({ type }) => type === 'policy'));
    return {
      id,
      citation: control.citation,
      title: control.title,
      required: control.required,
      status,
      reason,
      policies: policies.filter(({ endedAt }) => endedAt === null),
      earlierPolicies: policies.filter(({ endedAt }) => endedAt !== null),
      practices: linkedPractices.flatMap(({ id: practice, link }) => {
        const stands = judged.get(practice);
        return stands === undefined ? [] : [{ id: practice, link, status: stands.status, reason: stands.reason }];
      }),
      records: [...askersOf(control, asked)].map(([type, askedBy]) => {
        const of = types.get(type);
        return {
          type,
          title: of?.title ?? type,
          count: of?.count ?? 0,
          path: of === undefined ? null : `records/${type}.json`,
          askedBy,
        };
      }),
      linked: unique(naming(id).filter(({ type, endedAt }) => type !== 'policy' && endedAt === null)),
      exceptions: unique(linkedPractices.flatMap((practice) => ofPractice.get(practice.id) ?? [])),
      decisions: [id, ...control.aliases].flatMap((name) => ofControl.get(name) ?? []),
    };
  });
}

/** By type of record: the item, if it asks for it, and the practices that do. */
function askersOf(item: Pick<Practice, 'id' | 'records'>, practices: readonly Practice[]): Map<string, string[]> {
  const asking = new Map<string, string[]>();
  for (const asker of [item, ...practices]) {
    for (const { type } of asker.records) {
      const askers = asking.get(type) ?? [];
      if (!askers.includes(asker.id)) asking.set(type, [...askers, asker.id]);
    }
  }
  return asking;
}

function withDigests({ evidence }: PackageFacts): (record: NamingRecord) => CitedRecord {
  const items = new Map(evidence.map((item) => [item.evidenceId, item]));
  return (record) => ({
    ...record,
    documents: record.documents.map(({ evidenceId, role, name }) => {
      const item = items.get(evidenceId);
      return { evidenceId, role, name, path: item?.path ?? null, sha256: item?.sha256 ?? null };
    }),
  });
}

const accepting = ({ recordId, version, title, inForce, submittedBy, decidedBy, decidedAt }: Accepting): Accepting => ({
  ...{ recordId, version, title, inForce, submittedBy, decidedBy, decidedAt },
});

async function* linesOf<Line>(rows: PackageRows, name: 'exceptions' | 'decisions'): AsyncGenerator<Line, void> {
  for await (const page of rows.register(name)) yield* page as Line[];
}

const CITED_COLUMNS = [
  'id',
  'citation',
  'title',
  'required',
  'status',
  'reason',
  'policies',
  'earlier_policies',
  'signed_off',
  'practices',
  'records',
  'linked',
  'exceptions',
  'decisions',
] as const;

export function* citationsCsv(items: readonly CitedItem[]): Generator<Buffer, void> {
  const names = (records: readonly { title: string }[]): string => records.map(({ title }) => title).join('; ');
  yield csvHeader(CITED_COLUMNS);
  yield csv(
    CITED_COLUMNS,
    items.map(({ policies, earlierPolicies, practices, records, linked, exceptions, decisions, ...item }) => ({
      ...item,
      policies: names(policies),
      earlier_policies: earlierPolicies.map(({ title, version }) => `${title}, version ${version}`).join('; '),
      signed_off: policies.map(({ decidedAt, decidedBy }) => `${decidedAt.toISOString()} by ${decidedBy}`).join('; '),
      practices: practices.map(({ id, status }) => `${id}: ${status}`).join('; '),
      records: records.map(({ type, count }) => `${type}: ${count}`).join('; '),
      linked: names(linked),
      exceptions: names(exceptions),
      decisions: names(decisions),
    })),
  );
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const found = map.get(key);
  if (found === undefined) map.set(key, [value]);
  else found.push(value);
}

const unique = <Named extends Pick<RecordRef, 'recordId' | 'version'>>(records: readonly Named[]): Named[] => [
  ...new Map(records.map((record) => [`${record.recordId}/${record.version}`, record])).values(),
];
