import { Injectable } from '@nestjs/common';
import { AnchorService } from '../audit/anchor/anchor.service.js';
import { AuditService, type ListedEvent } from '../audit/audit.service.js';
import type { SignedHead } from '../audit/log.js';
import { EventsService } from '../events/events.service.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import { Database } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { SystemService, type SystemInEffect } from '../organizations/system.service.js';
import { PostureService } from '../posture/posture.service.js';
import { ResultsService } from '../results/results.service.js';
import { ScansService } from '../scans/scans.service.js';
import type { ProgressMeter } from './build-progress.js';
import type { EvidenceFault, EvidenceItem, PackageFacts, PackageRows, ResultLine } from './contents.js';
import type { Package } from './package.entity.js';
import { PackageCustody } from './custody-files.js';
import { PackageLog } from './log-reader.js';
import { pages } from './pages.js';
import { PackageRecords, type RecordSurvey } from './records.js';
import { ReportReader } from './report/readings.js';
import { ReportWriter } from './report/report-writer.js';

type Scan = Awaited<ReturnType<ScansService['findKnownScans']>>[number];
type SecurityEvent = Awaited<ReturnType<EventsService['findEvents']>>[number];

/** Rows per page: some megabytes at most, of results with the longest messages that are kept. */
const RESULTS_PAGE = 2_000;
/** A value has 16 kB at most. */
const FACTS_PAGE = 500;
const SECURITY_EVENTS_PAGE = 2_000;
const SCANS_PAGE = 200;
const EVENTS_PAGE = 500;
/** Written at once: each names some hundred checks at most. */
const COVERAGE_PAGE = 500;

/**
 * Reads all that goes into a package. What was known at a past instant never changes once the merges under way have ended, so pages are read in transactions
 * of their own: none is held open while somebody else's disk is slow, and an hour's package shows one instant all the same.
 */
@Injectable()
export class PackageGatherer {
  constructor(
    private readonly database: Database,
    private readonly organizations: OrganizationService,
    private readonly systems: SystemService,
    private readonly scans: ScansService,
    private readonly evidence: EvidenceService,
    private readonly results: ResultsService,
    private readonly events: EventsService,
    private readonly posture: PostureService,
    private readonly audit: AuditService,
    private readonly records: PackageRecords,
    private readonly report: ReportReader,
    private readonly writer: ReportWriter,
    private readonly custody: PackageCustody,
    private readonly log: PackageLog,
    private readonly anchors: AnchorService,
  ) {}

  /** The systems in effect that a scope means. None where its one system was retired by then. */
  async systemsInScope(
    principal: Principal,
    systemId: string | null,
    instant: Instant,
  ): Promise<readonly SystemInEffect[]> {
    const systems = await this.database.readSnapshot(principal, (tx) => this.systems.systemsAsOf(tx, instant));
    return systemId === null ? systems : systems.filter(({ id }) => id === systemId);
  }

  /** Also reads every evidence once, to know which cannot be read before the first byte of the package says what is in it. */
  async gather(
    principal: Principal,
    row: Package,
    meter: ProgressMeter,
  ): Promise<{ facts: PackageFacts; rows: PackageRows }> {
    const instant = { asOf: row.asOf, knownAt: row.knownAt };
    const inEffect = await this.systemsInScope(principal, row.systemId, instant);
    requireInScope(inEffect, row.systemId);
    // By itself: a snapshot taken before the wait would not see what was waited for.
    await this.database.read(principal, (tx) =>
      this.results.awaitMerges(
        tx,
        inEffect.map(({ id }) => id),
        row.knownAt,
      ),
    );

    // Of all that was known then there is an event, and each is below this head.
    const head = await this.log.close(principal);
    const anchors = await this.anchors.filesForPackage(head.origin, head.size);
    const organization = await this.database.readSnapshot(principal, (tx) => this.organizations.read(tx));
    const { document: posture, catalog } = await this.posture.evaluate(principal, {
      systemId: row.systemId,
      ...instant,
    });
    // An auditor of the organisation is shown the systems that the posture is about; it names those that it leaves out.
    const about = new Set(posture.systems.map(({ id }) => id));
    const systems = inEffect.filter(({ id }) => about.has(id));
    const systemIds = systems.map(({ id }) => id);
    const scans = await this.scansOf(principal, systemIds, instant);
    // The posture has waited for decisions under way.
    const recordScope = { systemIds, instant, periodFrom: row.periodFrom };
    const survey = await this.records.survey(principal, recordScope);
    const { evidence, faults } = await this.evidenceOf(principal, scans, survey, meter);
    const logged = await this.log.survey(
      principal,
      head,
      evidence.map(({ evidenceId }) => evidenceId),
      [...survey.ids],
    );
    const paths = new Map(evidence.map(({ evidenceId, path }) => [evidenceId, path]));
    return {
      facts: {
        id: row.id,
        organization: { id: row.organizationId, name: organization.name },
        scope: { systemId: row.systemId },
        periodFrom: row.periodFrom,
        ...instant,
        requestedAt: row.createdAt,
        systems,
        catalog: posture.catalog,
        controls: catalog.controls,
        practices: catalog.practices,
        rules: catalog,
        systemPostures: row.systemId === null ? systemIds : [],
        posture,
        records: survey,
        evidence,
        faults,
        log: logged.log,
        anchors,
      },
      rows: {
        log: logged.rows,
        events: () => this.eventPages(principal, row, head, scans, survey),
        scans: () => this.scanLines(principal, systemIds, instant, paths),
        results: () => this.resultPages(principal, systemIds, instant, scans),
        coverage: () => this.coverageLines(principal, systemIds, instant),
        facts: () => this.factLines(principal, systemIds, instant, scans),
        securityEvents: () => this.securityEventLines(principal, systemIds, instant),
        records: (type) => this.records.lines(principal, recordScope, type, paths),
        pastRecords: (type) => this.records.pastLines(principal, recordScope, type, paths),
        register: (name) => this.records[name](principal, recordScope),
        systemPosture: async (systemId) =>
          (await this.posture.evaluateNow(principal, { systemId, ...instant })).document,
        readings: () => this.report.read(principal, { posture, periodFrom: row.periodFrom, instant }),
        writeReport: (report) => this.writer.write(report),
        evidence: (id) => this.content(principal, id, meter),
        custody: this.custody.reader(principal, evidence, systemIds, row.knownAt, head),
      },
    };
  }

  /** By scan: whose it is, and which evidence it is the report of. */
  private async scansOf(principal: Principal, systemIds: readonly string[], instant: Instant): Promise<KnownScans> {
    const known: KnownScans = new Map();
    for await (const page of this.scanPages(principal, systemIds, instant)) {
      for (const { id, systemId, evidenceId } of page) known.set(id, { systemId, evidenceId });
    }
    return known;
  }

  private async evidenceOf(
    principal: Principal,
    scans: KnownScans,
    { documents }: RecordSurvey,
    meter: ProgressMeter,
  ): Promise<{ evidence: EvidenceItem[]; faults: EvidenceFault[] }> {
    const reports = new Map<string, EvidenceItem['scans']>();
    for (const [scanId, { systemId, evidenceId }] of scans) {
      const of = reports.get(evidenceId);
      if (of === undefined) reports.set(evidenceId, [{ systemId, scanId }]);
      else of.push({ systemId, scanId });
    }
    const evidence: EvidenceItem[] = [];
    const faults: EvidenceFault[] = [];
    const found = [];
    for (const evidenceId of [...new Set([...reports.keys(), ...documents.keys()])].sort()) {
      const info = await this.database.readSnapshot(principal, (tx) => this.evidence.find(tx, evidenceId));
      found.push({ evidenceId, info });
    }
    const toRead = found.filter(({ info }) => info.disposedAt === null);
    await meter.begin(
      'reading',
      toRead.length,
      toRead.reduce((sum, { info }) => sum + info.size, 0),
    );
    for (const { evidenceId, info } of found) {
      const { sha256, size, mediaType, receivedAt, source, redaction, disposedAt } = info;
      const reason = disposedAt === null ? await this.faultOf(principal, evidenceId, meter) : null;
      if (reason !== null) faults.push({ evidenceId, sha256, size, reason });
      const isThere = reason === null && disposedAt === null;
      evidence.push({
        evidenceId,
        path: isThere ? `data/evidence/${evidenceId}/content.${extensionOf(mediaType)}` : null,
        sha256,
        size,
        mediaType,
        receivedAt,
        source,
        scans: reports.get(evidenceId) ?? [],
        records: documents.get(evidenceId) ?? [],
        disposedAt,
        redaction,
      });
    }
    return { evidence, faults };
  }

  /** Why evidence is no longer what was kept; null where it is. Any other failure (a store that does not answer) fails the attempt. */
  private async faultOf(principal: Principal, evidenceId: string, meter: ProgressMeter): Promise<string | null> {
    try {
      for await (const _ of this.content(principal, evidenceId, meter)) await meter.tick();
      meter.fileDone();
      return null;
    } catch (error) {
      if (error instanceof IntegrityError) return error.message;
      throw error;
    }
  }

  private async *content(
    principal: Principal,
    evidenceId: string,
    meter: ProgressMeter,
  ): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of (await this.evidence.open(principal, evidenceId)) as AsyncIterable<Buffer>) {
      meter.bytesPassed(chunk.length);
      yield chunk;
    }
  }

  private async *scanPages(
    principal: Principal,
    systemIds: readonly string[],
    instant: Instant,
  ): AsyncGenerator<Scan[], void> {
    for (const systemId of systemIds) {
      yield* pages(SCANS_PAGE, (after: Scan | null) =>
        this.database.readSnapshot(principal, (tx) =>
          this.scans.findKnownScans(tx, systemId, instant, after?.id ?? null, SCANS_PAGE),
        ),
      );
    }
  }

  private async *scanLines(
    principal: Principal,
    systemIds: readonly string[],
    instant: Instant,
    paths: ReadonlyMap<string, string | null>,
  ): AsyncGenerator<object[], void> {
    for await (const page of this.scanPages(principal, systemIds, instant)) {
      yield page.map((scan) => ({
        id: scan.id,
        systemId: scan.systemId,
        evidenceId: scan.evidenceId,
        evidencePath: paths.get(scan.evidenceId) ?? null,
        format: scan.format,
        tool: scan.tool,
        toolVersion: scan.toolVersion,
        clusterName: scan.clusterName,
        clusterUid: scan.clusterUid,
        observedAt: scan.observedAt,
        receivedAt: scan.receivedAt,
        knownAt: scan.knownAt,
        declared: scan.declared,
        postedBy: scan.postedBy,
        counts: scan.counts,
        rejects: scan.rejects,
        notes: scan.notes,
        flags: scan.flags,
        signature: scan.signature,
      }));
    }
  }

  private async *resultPages(
    principal: Principal,
    systemIds: readonly string[],
    instant: Instant,
    scans: KnownScans,
  ): AsyncGenerator<ResultLine[], void> {
    for (const systemId of systemIds) {
      const found = pages(RESULTS_PAGE, (last: { series: string } | null) =>
        this.database.readSnapshot(principal, (tx) =>
          this.results.findResults(tx, systemId, instant, { after: last?.series ?? null, limit: RESULTS_PAGE }),
        ),
      );
      for await (const page of found) {
        yield page.map((result) => ({
          system_id: systemId,
          series: result.series,
          target: `${result.target.kind}/${result.target.name}`,
          source: result.source,
          check: result.check,
          resource: result.resource,
          namespace: result.namespace,
          status: result.status,
          severity: result.severity,
          title: result.title,
          message: result.message,
          observed_from: result.observedFrom,
          observed_to: result.observedTo,
          known_from: result.knownFrom,
          scan_id: result.scanId,
          evidence_id: scans.get(result.scanId)?.evidenceId ?? null,
        }));
      }
    }
  }

  /** The same read that the posture makes: a system's coverage is the latest per target, source and set of checks, and read at once. */
  private async *coverageLines(
    principal: Principal,
    systemIds: readonly string[],
    instant: Instant,
  ): AsyncGenerator<object[], void> {
    for (const systemId of systemIds) {
      const coverage = await this.database.readSnapshot(principal, (tx) =>
        this.results.findCoverage(tx, systemId, instant),
      );
      for (let start = 0; start < coverage.length; start += COVERAGE_PAGE) {
        yield coverage.slice(start, start + COVERAGE_PAGE).map((covered) => ({
          systemId,
          target: `${covered.target.kind}/${covered.target.name}`,
          source: covered.source,
          checks: covered.checks,
          silentPass: covered.silentPass,
          observedAt: covered.observedAt,
          scanId: covered.scanId,
          evidenceId: covered.evidenceId,
        }));
      }
    }
  }

  private async *factLines(
    principal: Principal,
    systemIds: readonly string[],
    instant: Instant,
    scans: KnownScans,
  ): AsyncGenerator<object[], void> {
    for (const systemId of systemIds) {
      const found = pages(FACTS_PAGE, (last: { series: string } | null) =>
        this.database.readSnapshot(principal, (tx) =>
          this.results.findFacts(tx, systemId, instant, { after: last?.series ?? null, limit: FACTS_PAGE }),
        ),
      );
      for await (const page of found) {
        yield page.map((fact) => ({
          systemId,
          series: fact.series,
          target: `${fact.target.kind}/${fact.target.name}`,
          source: fact.source,
          kind: fact.kind,
          subject: fact.subject,
          namespace: fact.namespace,
          value: fact.value,
          observedFrom: fact.observedFrom,
          observedTo: fact.observedTo,
          knownFrom: fact.knownFrom,
          scanId: fact.scanId,
          evidenceId: scans.get(fact.scanId)?.evidenceId ?? null,
        }));
      }
    }
  }

  /** Newest first, of each system after another. */
  private async *securityEventLines(
    principal: Principal,
    systemIds: readonly string[],
    { asOf, knownAt }: Instant,
  ): AsyncGenerator<object[], void> {
    const to = justAfter(asOf);
    for (const systemId of systemIds) {
      const found = pages(SECURITY_EVENTS_PAGE, (last: SecurityEvent | null) =>
        this.database.readSnapshot(principal, (tx) =>
          this.events.findEvents(tx, systemId, {
            to,
            knownAt,
            before: last === null ? null : [last.at.toISOString(), last.id],
            limit: SECURITY_EVENTS_PAGE,
          }),
        ),
      );
      for await (const page of found) yield page.map(({ organizationId: _, ...event }) => event);
    }
  }

  /** Newest first, up to the instant of knowledge. In a package about one system, details of what is not about it are left out. */
  private async *eventPages(
    principal: Principal,
    row: Package,
    below: SignedHead,
    scans: KnownScans,
    { ids, documents }: RecordSurvey,
  ): AsyncGenerator<object[], void> {
    const objects = new Set<string>([...ids, ...documents.keys()]);
    if (row.systemId !== null) objects.add(row.systemId);
    for (const [id, { evidenceId }] of scans) objects.add(id).add(evidenceId);
    const isInScope = ({ leaf, details }: ListedEvent): boolean =>
      row.systemId === null || objects.has(leaf.object.id) || isAbout(details, row.systemId);
    const to = justAfter(row.knownAt).toISOString();
    const found = pages(EVENTS_PAGE, (last: ListedEvent | null) =>
      this.database.readSnapshot(principal, (tx) =>
        this.audit.findEvents(tx, { to, below, before: last?.leaf.id ?? null, limit: EVENTS_PAGE }),
      ),
    );
    for await (const page of found) {
      yield page.map((event) =>
        isInScope(event)
          ? { leaf: event.leafText, details: event.details, salt: event.salt }
          : { leaf: event.leafText, details: null, salt: null },
      );
    }
  }
}

type KnownScans = Map<string, { systemId: string; evidenceId: string }>;

/** A system that an auditor cannot be shown: it was no system of the organisation's at that instant. */
export function requireInScope(systems: readonly SystemInEffect[], systemId: string | null): void {
  if (systemId === null || systems.length > 0) return;
  throw new Refusal('not-found', 'At that instant the system was retired or not known yet.', {
    pointer: '/scope/systemId',
  });
}

/** For a `to`, which is exclusive: what was in the millisecond of the instant was by then. */
const justAfter = (instant: Date): Date => new Date(instant.getTime() + 1);

const isAbout = (details: unknown, systemId: string): boolean =>
  typeof details === 'object' && details !== null && 'systemId' in details && details.systemId === systemId;

/** Of documents that people keep, beside what is text. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'application/pdf': 'pdf',
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'pptx',
  'application/vnd.oasis.opendocument.text': 'odt',
  'application/vnd.oasis.opendocument.spreadsheet': 'ods',
  'message/rfc822': 'eml',
  'text/csv': 'csv',
  'text/markdown': 'md',
};

/** What opens the file on a double click; the media type itself is in index.json. */
function extensionOf(mediaType: string): string {
  const type = mediaType.split(';')[0]?.trim().toLowerCase() ?? '';
  const known = EXTENSIONS[type];
  if (known !== undefined) return known;
  if (/[/+]json$/.test(type)) return 'json';
  if (/[/+](x-)?yaml$/.test(type)) return 'yaml';
  if (/[/+]xml$/.test(type)) return 'xml';
  return type.startsWith('text/') ? 'txt' : 'bin';
}
