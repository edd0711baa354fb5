import { VERSION } from '../kernel/version.js';
import type { Control, Practice } from '../catalog/catalog.types.js';
import type { AnchorFiles } from '../audit/anchor/anchor.service.js';
import { anchorFiles, anchorKeyFiles } from './anchor-files.js';
import { bag, type OutgoingFile } from './bag.js';
import { csv, csvHeader } from '../kernel/tables/csv.js';
import { logFiles, logKeyFiles, type LogRows, type PackagedLog } from './log-files.js';
import { citationsCsv, citedItems, recordFiles, type RegisterName } from './record-files.js';
import type { DocumentOf, RecordLine, RecordSurvey } from './records.js';
import { verifyText } from './verify-text.js';

/** One status of the posture, with its reason. */
interface Judged {
  readonly id: string;
  readonly status: string;
  readonly reason: string;
}

export interface EvidenceItem {
  evidenceId: string;
  /** In the bag; null where the evidence is left out. */
  path: string | null;
  /** Of the evidence as it was kept, lower-case hex; also where it can no longer be read. */
  sha256: string;
  size: number;
  mediaType: string;
  receivedAt: Date;
  source: { kind: string; id: string };
  scans: { systemId: string; scanId: string }[];
  /** The records that it is a document of. */
  records: readonly DocumentOf[];
  /** When its bytes were removed, by a disposal that two people decided on; null while it is kept. */
  disposedAt: Date | null;
  /** What was received, and how many values of which kind were dropped of it before it was kept; null where it is as it came. */
  redaction: { receivedSha256: string; receivedSize: number; dropped: Readonly<Record<string, number>> } | null;
}

/** Evidence that is left out because its stored bytes are no longer those that were kept. */
export interface EvidenceFault {
  evidenceId: string;
  sha256: string;
  size: number;
  reason: string;
}

/** What is known before the first byte of a package is written. */
export interface PackageFacts {
  id: string;
  organization: { id: string; name: string };
  scope: { systemId: string | null };
  /** The period ends at `asOf`. */
  periodFrom: Date;
  asOf: Date;
  knownAt: Date;
  requestedAt: Date;
  systems: readonly object[];
  catalog: { version: string; digest: string; overlay: string | null };
  controls: readonly Control[];
  practices: readonly Practice[];
  /** The systems of which it holds the posture each by itself: all of an organisation's, none where it is about one. */
  systemPostures: readonly string[];
  /** Written as it is; every control and practice in it has one of the lists above. */
  posture: { readonly controls: readonly Judged[]; readonly practices: readonly Judged[] };
  records: Pick<RecordSurvey, 'types' | 'ofControl'>;
  /** By id. */
  evidence: readonly EvidenceItem[];
  faults: readonly EvidenceFault[];
  log: PackagedLog;
  /** Null where no head of the log was anchored yet. */
  anchors: AnchorFiles | null;
}

export interface ResultLine {
  system_id: string;
  series: string;
  target: string;
  source: string;
  check: string;
  resource: string;
  namespace: string | null;
  status: string;
  severity: string;
  title: string;
  message: string;
  observed_from: Date;
  observed_to: Date | null;
  known_from: Date;
  scan_id: string;
  evidence_id: string | null;
}

/** What is read while the package is written, page by page; each may be asked for once, but for records and registers. */
export interface PackageRows {
  events(): AsyncIterable<object[]>;
  scans(): AsyncIterable<object[]>;
  results(): AsyncIterable<ResultLine[]>;
  /** The complete coverage that the posture was judged by. */
  coverage(): AsyncIterable<object[]>;
  facts(): AsyncIterable<object[]>;
  /** What happened on the systems, by the logs in evidence. */
  securityEvents(): AsyncIterable<object[]>;
  /** Records in effect of a type, by id. */
  records(type: string): AsyncIterable<RecordLine[]>;
  register(name: RegisterName): AsyncIterable<object[]>;
  /** Of a package about an organisation: the whole posture of one of its systems. */
  systemPosture(systemId: string): Promise<object>;
  readonly log: LogRows;
  /** The bytes of evidence that has a path. Fails when they are no longer those that were kept. */
  evidence(id: string): AsyncIterable<Uint8Array>;
}

const RESULT_COLUMNS = [
  'system_id',
  'series',
  'target',
  'source',
  'check',
  'resource',
  'namespace',
  'status',
  'severity',
  'title',
  'message',
  'observed_from',
  'observed_to',
  'known_from',
  'scan_id',
  'evidence_id',
] as const satisfies readonly (keyof ResultLine)[];

/** The version of this layout; a reader may rely on it. */
const FORMAT = 'safeguard-package/1';

/** Every file of a package, in the order in which the ZIP has them: how to verify it, then the bag. */
export function packageFiles(facts: PackageFacts, rows: PackageRows): OutgoingFile[] {
  const root = `safeguard-package-${facts.id}`;
  const info = [
    ['Source-Organization', facts.organization.name],
    ['External-Identifier', facts.id],
    ['External-Description', `As of ${facts.asOf.toISOString()}, as known at ${facts.knownAt.toISOString()}`],
    // The day of the request, not of the build: a second attempt gives the same bytes.
    ['Bagging-Date', facts.requestedAt.toISOString().slice(0, 10)],
    ['Bag-Software-Agent', `safeguard ${VERSION} (${FORMAT})`],
  ] as const;
  return [
    { path: `${root}/VERIFY.md`, content: [Buffer.from(verifyText(facts), 'utf8')] },
    ...[...anchorKeyFiles(facts.anchors), ...logKeyFiles(facts.log)].map(({ path, content }) => ({
      path: `${root}/${path}`,
      content,
    })),
    ...bag(payload(facts, rows), info).map(({ path, content }) => ({ path: `${root}/bag/${path}`, content })),
  ];
}

function payload(facts: PackageFacts, rows: PackageRows): OutgoingFile[] {
  const counts: Counts = { events: 0, scans: 0, results: 0, coverage: 0, facts: 0, securityEvents: 0 };
  const lines = async function* (pages: AsyncIterable<object[]>, count: keyof Counts) {
    for await (const page of pages) {
      counts[count] += page.length;
      yield Buffer.from(page.map((line) => `${JSON.stringify(line)}\n`).join(''), 'utf8');
    }
  };
  const results = async function* () {
    yield csvHeader(RESULT_COLUMNS);
    for await (const page of rows.results()) {
      counts.results += page.length;
      yield csv(RESULT_COLUMNS, page);
    }
  };

  return [
    ...anchorFiles(facts.anchors),
    { path: 'audit/events.jsonl', content: lines(rows.events(), 'events') },
    { path: 'citations.csv', content: citationsCsv(facts) },
    { path: 'citations.json', content: json(() => citedItems(facts)) },
    { path: 'controls.json', content: json(() => judgedControls(facts)) },
    { path: 'coverage.jsonl', content: lines(rows.coverage(), 'coverage') },
    ...facts.evidence.flatMap(({ path, evidenceId }) =>
      path === null ? [] : [{ path: path.slice('data/'.length), content: rows.evidence(evidenceId) }],
    ),
    { path: 'facts.jsonl', content: lines(rows.facts(), 'facts') },
    { path: 'posture/controls.csv', content: controlsCsv(facts) },
    { path: 'posture/posture.json', content: json(() => facts.posture) },
    { path: 'posture/practices.csv', content: practicesCsv(facts) },
    ...facts.systemPostures.map((id) => ({
      path: `posture/systems/${id}.json`,
      content: later(() => rows.systemPosture(id)),
    })),
    ...logFiles(facts.log, rows.log),
    ...recordFiles(facts, rows),
    { path: 'results.csv', content: results() },
    { path: 'scans.jsonl', content: lines(rows.scans(), 'scans') },
    { path: 'security-events.jsonl', content: lines(rows.securityEvents(), 'securityEvents') },
    // Last, because it counts what went before.
    { path: 'index.json', content: json(() => index(facts, counts)) },
  ];
}

/** Made when its turn has come. */
function* json(value: () => unknown): Generator<Buffer, void> {
  yield Buffer.from(`${JSON.stringify(value(), null, 2)}\n`, 'utf8');
}

/** Read when its turn has come. */
async function* later(read: () => Promise<object>): AsyncGenerator<Buffer, void> {
  const value = await read();
  yield* json(() => value);
}

interface Counts {
  events: number;
  scans: number;
  results: number;
  coverage: number;
  facts: number;
  securityEvents: number;
}

function index(facts: PackageFacts, counts: Counts) {
  return {
    // First: whoever opens it sees what is not in it.
    faults: facts.faults,
    format: FORMAT,
    signed: false,
    packageId: facts.id,
    organization: facts.organization,
    scope: { ...facts.scope, systems: facts.systems },
    period: { from: facts.periodFrom, to: facts.asOf },
    asOf: facts.asOf,
    knownAt: facts.knownAt,
    requestedAt: facts.requestedAt,
    catalog: facts.catalog,
    counts: {
      systems: facts.systems.length,
      controls: facts.posture.controls.length,
      practices: facts.posture.practices.length,
      scans: counts.scans,
      results: counts.results,
      coverage: counts.coverage,
      facts: counts.facts,
      securityEvents: counts.securityEvents,
      evidence: facts.evidence.length,
      evidenceUnreadable: facts.faults.length,
      evidenceDisposed: facts.evidence.filter(({ disposedAt }) => disposedAt !== null).length,
      records: facts.records.types.reduce((sum, { count }) => sum + count, 0),
      auditEvents: counts.events,
    },
    records: facts.records.types.map(({ type, title, count }) => ({
      type,
      title,
      count,
      path: `data/records/${type}.json`,
    })),
    evidence: facts.evidence,
  };
}

/** Throws where the posture speaks of an item that its catalogue does not have: a package never explains a status by another catalogue. */
function joined<Item extends { readonly id: string }>(judged: readonly Judged[], items: readonly Item[]) {
  const byId = new Map(items.map((item) => [item.id, item]));
  return judged.map(({ id, status, reason }) => {
    const item = byId.get(id);
    if (item === undefined)
      throw new Error('the posture names an item that the catalogue of the package does not have');
    return { item, status, reason };
  });
}

const judgedControls = ({ posture, controls }: PackageFacts) =>
  joined(posture.controls, controls).map(({ item, status, reason }) => ({ ...item, status, reason }));

function* controlsCsv({ posture, controls }: PackageFacts): Generator<Buffer, void> {
  const columns = ['id', 'citation', 'title', 'type', 'required', 'status', 'reason', 'auditor_asks'] as const;
  const rows = joined(posture.controls, controls).map(({ item, status, reason }) => {
    const { id, citation, title, type, required } = item;
    return { id, citation, title, type, required, status, reason, auditor_asks: item.auditorAsks.join('\n') };
  });
  yield csvHeader(columns);
  yield csv(columns, rows);
}

function* practicesCsv({ posture, practices }: PackageFacts): Generator<Buffer, void> {
  const columns = ['id', 'section', 'summary', 'automation', 'controls', 'supports', 'status', 'reason'] as const;
  const rows = joined(posture.practices, practices).map(({ item, status, reason }) => {
    const { id, section, summary, automation, primary, supporting } = item;
    return { id, section, summary, automation, controls: primary, supports: supporting, status, reason };
  });
  yield csvHeader(columns);
  yield csv(columns, rows);
}
