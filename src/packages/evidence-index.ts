import { csv, csvHeader } from '../kernel/tables/csv.js';
import type { EvidenceItem, JudgedPosture, PackageFacts, PackageRows } from './contents.js';

const COLUMNS = [
  'practice',
  'status',
  'citations',
  'supports',
  'system_id',
  'kind',
  'evidence_id',
  'path',
  'sha256',
  'size',
  'media_type',
  'received_at',
  'collector_kind',
  'collector_id',
  'source',
  'check',
  'check_status',
  'results',
  'seen_at',
  'record_type',
  'record_id',
  'record_version',
] as const;

/** Evidence as it is listed: dated, hashed, with who collected it. */
const kept = ({ evidenceId, path, sha256, size, mediaType, receivedAt, source }: EvidenceItem) => ({
  evidence_id: evidenceId,
  path,
  sha256,
  size,
  media_type: mediaType,
  received_at: receivedAt,
  collector_kind: source.kind,
  collector_id: source.id,
});

/** Of nothing: the cells that a line does not have. */
const NOTHING = Object.fromEntries(COLUMNS.map((column) => [column, null])) as Record<(typeof COLUMNS)[number], null>;

/**
 * Implementation evidence: for each practice on each system the reports that its status rests on (as many as the posture shows, worst first), and every document of a
 * record with the paragraphs that ask for it or that it names.
 */
export async function* evidenceIndex(facts: PackageFacts, rows: PackageRows): AsyncGenerator<Buffer, void> {
  yield csvHeader(COLUMNS);
  const evidence = new Map(facts.evidence.map((item) => [item.evidenceId, item]));
  const practices = new Map(facts.practices.map((practice) => [practice.id, practice]));
  const reports = (posture: JudgedPosture) =>
    posture.practices.flatMap((judged) =>
      (judged.evidence ?? []).flatMap(({ evidenceId, source, check, status, count, seenAt }) => {
        const item = evidence.get(evidenceId);
        const { primary = [], supporting = [] } = practices.get(judged.id) ?? {};
        return item === undefined
          ? []
          : [
              {
                ...NOTHING,
                practice: judged.id,
                status: judged.status,
                citations: primary,
                supports: supporting,
                system_id: posture.systemId,
                kind: 'report',
                ...kept(item),
                source,
                check,
                check_status: status,
                results: count,
                seen_at: seenAt,
              },
            ];
      }),
    );
  if (facts.posture.systemId !== null) yield csv(COLUMNS, reports(facts.posture));
  for (const systemId of facts.systemPostures) yield csv(COLUMNS, reports(await rows.systemPosture(systemId)));

  const asking = askingOf(facts);
  for (const item of facts.evidence) {
    if (item.records.length === 0) continue;
    yield csv(
      COLUMNS,
      item.records.map(({ recordId, version, type }) => ({
        ...NOTHING,
        citations: [...new Set([...(asking.types.get(type) ?? []), ...(asking.records.get(recordId) ?? [])])].sort(),
        kind: 'document',
        ...kept(item),
        record_type: type,
        record_id: recordId,
        record_version: version,
      })),
    );
  }
}

/** Items that ask for a type of record, themselves or by a primary practice; and items that a record names. */
function askingOf({ controls, practices, records }: PackageFacts) {
  const types = new Map<string, string[]>();
  const named = new Map<string, string[]>();
  const add = (map: Map<string, string[]>, key: string, ids: readonly string[]): void => {
    map.set(key, [...(map.get(key) ?? []), ...ids]);
  };
  for (const { id, records: needs } of controls) for (const { type } of needs) add(types, type, [id]);
  for (const { primary, records: needs } of practices) for (const { type } of needs) add(types, type, primary);
  for (const [id, of] of records.ofControl) for (const { recordId } of of) add(named, recordId, [id]);
  return { types, records: named };
}
