import { readCheckpoint } from '../audit/checkpoint.js';
import { dayOf } from '../kernel/dates.js';
import { VERSION } from '../kernel/version.js';
import type { Catalog } from '../catalog/catalog.js';
import type { Control, Practice } from '../catalog/catalog.types.js';
import type { AnchorFiles } from '../audit/anchor/anchor.service.js';
import type { SystemInEffect } from '../organizations/system.service.js';
import type { EvidenceRef } from '../posture/posture.schema.js';
import { RESULT_COLUMNS } from '../results/result-columns.js';
import type { AlteredRows } from '../reconciliation/reconciliation.service.js';
import { anchorFiles, anchorKeyFiles } from './anchor-files.js';
import { bag, type OutgoingFile } from './bag.js';
import { citing } from './citations.js';
import { custodyFiles, type CustodyReader } from './custody-files.js';
import { csv, csvHeader } from '../kernel/tables/csv.js';
import { indexFiles } from './index-files.js';
import { logFiles, logKeyFiles, type LogRows, type PackagedLog } from './log-files.js';
import { oscalFiles } from './oscal/oscal-files.js';
import { recordFiles, type RegisterName } from './record-files.js';
import type { DocumentOf, RecordLine, RecordSurvey } from './records.js';
import type { Report } from './report/model.js';
import type { Readings } from './report/readings.js';
import { reportFiles } from './report/report-files.js';
import type { WrittenReport } from './report/report.thread.js';
import { kept, signatureFiles, type Signing } from './signature/signing.js';
import type { LogHead, Predicate } from './signature/statement.js';
import { verifyText } from './verify-text.js';

/** One status of the posture, with its reason and what the records that are asked for say. */
interface Judged {
  readonly id: string;
  readonly status: string;
  readonly reason: string;
  readonly needs: readonly {
    readonly type: string;
    readonly state: string;
    readonly reason: string;
    readonly records: readonly string[];
  }[];
}

export interface JudgedControl extends Judged {
  readonly practices: readonly { readonly id: string; readonly link: 'primary' | 'supporting' }[];
  /** The record of a decision that stands in the place of what is not evidenced. */
  readonly decisionId: string | null;
}

export interface JudgedPractice extends Judged {
  /** Of one system alone: the reports that it rests on, from when, and until when by age. */
  readonly evidence?: readonly Pick<
    EvidenceRef,
    'scanId' | 'evidenceId' | 'source' | 'check' | 'status' | 'count' | 'inferred' | 'seenAt'
  >[];
  readonly observedAt?: string | null;
  readonly staleAt?: string | null;
}

/** Of one system, or (null) of the organisation over its systems. */
export interface JudgedPosture {
  readonly systemId: string | null;
  readonly controls: readonly JudgedControl[];
  readonly practices: readonly JudgedPractice[];
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
  /** Until when it is kept at least, by its own age; longer by a record that names it, which its custody says. */
  retainUntil: Date;
  /** Legal holds that were decided on and not lifted at the instant of knowledge. */
  heldBy: string[];
  /** When its bytes were removed, by a disposal that two people decided on; null while it is kept. */
  disposedAt: Date | null;
  /** Why it is not shown in a package about one system; null where it may be. */
  withheld: string | null;
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
  systems: readonly SystemInEffect[];
  catalog: { version: string; digest: string; overlay: string | null };
  controls: readonly Control[];
  practices: readonly Practice[];
  /** What else that catalogue says. */
  rules: Pick<Catalog, 'checks' | 'crosswalks' | 'date' | 'lawText' | 'resolveResult' | 'review' | 'toolOf'>;
  /** The systems of which it holds the posture each by itself: all of an organisation's, none where it is about one. */
  systemPostures: readonly string[];
  /** Written as it is; every control and practice in it has one of the lists above. */
  posture: JudgedPosture;
  records: Pick<RecordSurvey, 'types' | 'pastTypes' | 'ofControl'>;
  /** By id. */
  evidence: readonly EvidenceItem[];
  faults: readonly EvidenceFault[];
  alteredRows: readonly AlteredRows[];
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

/** What is read while the package is written, page by page; each may be asked for once, but for records, registers and postures. */
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
  /** Of the period, and no longer in effect. */
  pastRecords(type: string): AsyncIterable<RecordLine[]>;
  register(name: RegisterName): AsyncIterable<object[]>;
  /** The whole posture of one of `systemPostures`. */
  systemPosture(systemId: string): Promise<JudgedPosture>;
  /** What its report shows beside all this. */
  readings(): Promise<Readings>;
  /** The report as people read it, made where it keeps nobody waiting. */
  writeReport(report: Report): Promise<WrittenReport>;
  custody: CustodyReader;
  readonly log: LogRows;
  /** The bytes of evidence that has a path. Fails when they are no longer those that were kept. */
  evidence(id: string): AsyncIterable<Uint8Array>;
}

/** The version of this layout; a reader may rely on it. */
const FORMAT = 'safeguard-package/1';

/**
 * What is not the same in another package of the same scope, period, instants and catalogue: it names the package, or when and of what it was made. Paths from the
 * package's root; one with a slash at its end is all that lies there.
 */
const CREATION = [
  'VERIFY.md',
  'bag/bag-info.txt',
  'bag/data/index.json',
  'bag/manifest-sha256.txt',
  'bag/manifest-sha512.txt',
  'bag/tagmanifest-sha256.txt',
  'bag/tagmanifest-sha512.txt',
  'bag/data/log/',
  'bag/data/proofs/',
  'bag/data/anchor/',
  'keys/',
  'sig/',
] as const;

/** Every file of a package, in the order in which the ZIP has them: how to verify it, the bag, then keys and signatures. */
export function packageFiles(facts: PackageFacts, rows: PackageRows, signing: Signing): OutgoingFile[] {
  const root = `safeguard-package-${facts.id}`;
  const info = [
    ['Source-Organization', facts.organization.name],
    ['External-Identifier', facts.id],
    ['External-Description', `As of ${facts.asOf.toISOString()}, as known at ${facts.knownAt.toISOString()}`],
    // The day of the request, not of the build: a second attempt gives the same bytes.
    ['Bagging-Date', dayOf(facts.requestedAt)],
    ['Bag-Software-Agent', `safeguard ${VERSION} (${FORMAT})`],
  ] as const;
  const counts: Counts = { events: 0, scans: 0, results: 0, coverage: 0, facts: 0, securityEvents: 0 };
  const verify = { path: 'VERIFY.md', content: Buffer.from(verifyText(facts), 'utf8') };
  const bagFiles = bag(payload(facts, rows, counts), info);
  const last = bagFiles.findIndex(({ path }) => path === 'tagmanifest-sha256.txt');
  const tagManifest = kept(bagFiles[last] ?? { path: '', content: [] });
  const signed = {
    tagManifest: tagManifest.bytes,
    beside: [verify],
    keys: [...anchorKeyFiles(facts.anchors), ...logKeyFiles(facts.log)],
    predicate: () => predicate(facts, counts),
  };
  return [
    { path: verify.path, content: [verify.content] },
    ...bagFiles.with(last, tagManifest.file).map((file) => ({ ...file, path: `bag/${file.path}` })),
    ...signatureFiles(signed, signing),
  ].map((file) => ({ ...file, path: `${root}/${file.path}` }));
}

const headOf = ({ origin, size, root }: { origin: string; size: number; root: Buffer }): LogHead => ({
  ...{ origin, size, rootHash: root.toString('base64') },
});

const predicate = (facts: PackageFacts, counts: Counts): Predicate => ({
  packageId: facts.id,
  tenant: facts.organization.id,
  scope: facts.scope,
  period: {
    from: facts.periodFrom.toISOString(),
    asOf: facts.asOf.toISOString(),
    knownAt: facts.knownAt.toISOString(),
  },
  createdAt: facts.requestedAt.toISOString(),
  log: headOf(readCheckpoint(facts.log.checkpoint)),
  anchor: facts.anchors === null ? null : headOf(facts.anchors.head),
  counts: countsOf(facts, counts),
  softwareVersion: VERSION,
});

function payload(facts: PackageFacts, rows: PackageRows, counts: Counts): OutgoingFile[] {
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

  const cited = citing(facts, rows);

  return [
    ...anchorFiles(facts.anchors),
    { path: 'audit/events.jsonl', content: lines(rows.events(), 'events') },
    { path: 'controls.json', content: json(() => judgedControls(facts)) },
    { path: 'coverage.jsonl', content: lines(rows.coverage(), 'coverage') },
    ...facts.evidence.flatMap(({ path, evidenceId, size }) =>
      path === null ? [] : [{ path: path.slice('data/'.length), content: rows.evidence(evidenceId), atMost: size }],
    ),
    ...custodyFiles(facts.evidence, rows.custody),
    { path: 'facts.jsonl', content: lines(rows.facts(), 'facts') },
    ...indexFiles(facts, rows, cited),
    { path: 'posture/controls.csv', content: controlsCsv(facts) },
    { path: 'posture/posture.json', content: json(() => facts.posture) },
    { path: 'posture/practices.csv', content: practicesCsv(facts) },
    ...facts.systemPostures.map((id) => ({
      path: `posture/systems/${id}.json`,
      content: later(() => rows.systemPosture(id)),
    })),
    ...oscalFiles(facts, rows),
    ...logFiles(facts.log, rows.log),
    ...recordFiles(facts, rows),
    ...reportFiles(facts, rows, cited),
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
    alteredRows: facts.alteredRows,
    format: FORMAT,
    signed: true,
    creation: CREATION,
    packageId: facts.id,
    organization: facts.organization,
    scope: { ...facts.scope, systems: facts.systems },
    period: { from: facts.periodFrom, to: facts.asOf },
    asOf: facts.asOf,
    knownAt: facts.knownAt,
    requestedAt: facts.requestedAt,
    catalog: facts.catalog,
    counts: countsOf(facts, counts),
    records: facts.records.types.map(({ type, title, count }) => ({
      type,
      title,
      count,
      path: `data/records/${type}.json`,
    })),
    pastRecords: facts.records.pastTypes.map(({ type, title, count }) => ({
      type,
      title,
      count,
      path: `data/records/past/${type}.json`,
    })),
    evidence: facts.evidence,
  };
}

const countsOf = (facts: PackageFacts, counts: Counts) => ({
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
  evidenceWithheld: facts.evidence.filter(({ withheld }) => withheld !== null).length,
  records: facts.records.types.reduce((sum, { count }) => sum + count, 0),
  auditEvents: counts.events,
});

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
