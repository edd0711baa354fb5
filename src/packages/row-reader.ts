import { Injectable } from '@nestjs/common';
import { AuditService, type ListedEvent } from '../audit/audit.service.js';
import type { SignedHead } from '../audit/log.js';
import { isEverTold, isToldOf } from '../audit/told.js';
import { EventsService } from '../events/events.service.js';
import { Database } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import type { Principal } from '../kernel/principal.js';
import { ResultsService } from '../results/results.service.js';
import { ScansService } from '../scans/scans.service.js';
import type { ResultLine } from './contents.js';
import type { Package } from './package.entity.js';
import { pages } from './pages.js';
import type { RecordSurvey } from './records.js';

type Scan = Awaited<ReturnType<ScansService['findKnownScans']>>[number];
type SecurityEvent = Awaited<ReturnType<EventsService['findEvents']>>[number];

/** By scan: whose it is, and which evidence it is the report of. */
export type KnownScans = Map<string, { systemId: string; evidenceId: string }>;

/** Rows per page: some megabytes at most, of results with the longest messages that are kept. */
const RESULTS_PAGE = 2_000;
/** A value has 16 kB at most. */
const FACTS_PAGE = 500;
const SECURITY_EVENTS_PAGE = 2_000;
const SCANS_PAGE = 200;
const EVENTS_PAGE = 500;
/** Written at once: each names some hundred checks at most. */
const COVERAGE_PAGE = 500;

/** What a package is about. */
export interface PackageScope {
  readonly systemIds: readonly string[];
  readonly instant: Instant;
  /** The period ends at the instant. */
  readonly periodFrom: Date;
}

/** Reads what a package has as lines: of scans, of what they say, and of what happened. Each page in a transaction of its own (see `PackageGatherer`). */
@Injectable()
export class PackageRowReader {
  constructor(
    private readonly database: Database,
    private readonly scans: ScansService,
    private readonly results: ResultsService,
    private readonly events: EventsService,
    private readonly audit: AuditService,
  ) {}

  /** Scans of the period, and those of before on which rests what the package says. */
  async knownScans(principal: Principal, scope: PackageScope): Promise<KnownScans> {
    const known: KnownScans = new Map();
    for await (const page of this.scanPages(principal, scope)) {
      for (const { id, systemId, evidenceId } of page) known.set(id, { systemId, evidenceId });
    }
    return known;
  }

  private async *scanPages(
    principal: Principal,
    { systemIds, instant, periodFrom: since }: PackageScope,
  ): AsyncGenerator<Scan[], void> {
    for (const systemId of systemIds) {
      const also = await this.database.readSnapshot(principal, (tx) => this.results.scansBehind(tx, systemId, instant));
      yield* pages(SCANS_PAGE, (last: Scan | null) =>
        this.database.readSnapshot(principal, (tx) =>
          this.scans.findKnownScans(
            tx,
            systemId,
            { instant, since, also },
            { after: last?.id ?? null, limit: SCANS_PAGE },
          ),
        ),
      );
    }
  }

  async *scanLines(
    principal: Principal,
    scope: PackageScope,
    paths: ReadonlyMap<string, string | null>,
  ): AsyncGenerator<object[], void> {
    for await (const page of this.scanPages(principal, scope)) {
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

  async *resultPages(
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
  async *coverageLines(
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

  async *factLines(
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

  /** Those of the period, newest first, of each system after another. */
  async *securityEventLines(
    principal: Principal,
    { systemIds, instant: { asOf, knownAt }, periodFrom: from }: PackageScope,
  ): AsyncGenerator<object[], void> {
    const to = justAfter(asOf);
    for (const systemId of systemIds) {
      const found = pages(SECURITY_EVENTS_PAGE, (last: SecurityEvent | null) =>
        this.database.readSnapshot(principal, (tx) =>
          this.events.findEvents(tx, systemId, {
            from,
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

  /**
   * Newest first, up to the instant of knowledge. Details are left out of what is told to nobody outside, and in a package about one system of what is not about it: the leaf
   * stays, and with it their salted digest.
   */
  async *eventPages(
    principal: Principal,
    row: Package,
    below: SignedHead,
    scans: KnownScans,
    { ids, documents }: RecordSurvey,
  ): AsyncGenerator<object[], void> {
    const objects = new Set<string>([...ids, ...documents.keys()]);
    if (row.systemId !== null) objects.add(row.systemId);
    for (const [id, { evidenceId }] of scans) objects.add(id).add(evidenceId);
    const isInScope = ({ leaf, details }: ListedEvent): boolean => {
      const { kind, id } = leaf.object;
      if (objects.has(id)) return isEverTold(kind);
      if (row.systemId !== null && !isAbout(details, row.systemId, objects)) return false;
      // By the event, and not by a row: of a scan whose row is gone it is told too.
      return isToldOf(kind, Date.parse(leaf.time), row.periodFrom.getTime());
    };
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

/** For a `to`, which is exclusive: what was in the millisecond of the instant was by then. */
const justAfter = (instant: Date): Date => new Date(instant.getTime() + 1);

/** Also of evidence of the package, whoever's analysis it was frozen for: by that it is known for what it is. */
const isAbout = (details: unknown, systemId: string, objects: ReadonlySet<string>): boolean => {
  if (typeof details !== 'object' || details === null) return false;
  const { systemId: of, evidence } = details as { systemId?: unknown; evidence?: unknown };
  return of === systemId || (typeof evidence === 'string' && objects.has(evidence));
};
