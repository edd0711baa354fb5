import { Injectable } from '@nestjs/common';
import { AnchorService } from '../audit/anchor/anchor.service.js';
import { Database } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { SystemService, type SystemInEffect } from '../organizations/system.service.js';
import { PostureService } from '../posture/posture.service.js';
import { ReconciliationService, type AlteredRows } from '../reconciliation/reconciliation.service.js';
import { ResultsService } from '../results/results.service.js';
import type { ProgressMeter } from './build-progress.js';
import type { PackageFacts, PackageRows } from './contents.js';
import { PackageCustody } from './custody-files.js';
import { EvidenceSurvey } from './evidence-survey.js';
import { PackageLog } from './log-reader.js';
import type { Package } from './package.entity.js';
import { PackageRecords } from './records.js';
import { ReportReader } from './report/readings.js';
import { ReportWriter } from './report/report-writer.js';
import { PackageRowReader } from './row-reader.js';
import { evaluatedOnce } from './system-postures.js';

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
    private readonly evidence: EvidenceSurvey,
    private readonly results: ResultsService,
    private readonly posture: PostureService,
    private readonly lines: PackageRowReader,
    private readonly records: PackageRecords,
    private readonly report: ReportReader,
    private readonly writer: ReportWriter,
    private readonly custody: PackageCustody,
    private readonly log: PackageLog,
    private readonly anchors: AnchorService,
    private readonly reconciliation: ReconciliationService,
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
    // By themselves: a snapshot taken before a wait would not see what was waited for.
    await this.database.read(principal, (tx) => this.systems.awaitRegistered(tx, row.knownAt));
    const inEffect = await this.systemsInScope(principal, row.systemId, instant);
    requireInScope(inEffect, row.systemId);
    await this.database.read(principal, (tx) =>
      this.results.awaitMerges(
        tx,
        inEffect.map(({ id }) => id),
        row.knownAt,
      ),
    );

    const organization = await this.database.readSnapshot(principal, (tx) => this.organizations.read(tx));
    const { document: posture, catalog } = await this.posture.evaluate(principal, {
      systemId: row.systemId,
      ...instant,
    });
    // An auditor of the organisation is shown the systems that the posture is about; it names those that it leaves out.
    const about = new Set(posture.systems.map(({ id }) => id));
    const systems = inEffect.filter(({ id }) => about.has(id));
    const systemIds = systems.map(({ id }) => id);
    const scope = { systemIds, instant, periodFrom: row.periodFrom };
    const scans = await this.lines.knownScans(principal, scope);
    // The posture has waited for decisions under way.
    const survey = await this.records.survey(principal, scope);
    const { evidence, faults } = await this.evidence.survey(principal, scans, survey, row, meter);
    await this.reconciliation.examine(principal);
    const altered = () => this.database.read(principal, (tx) => this.reconciliation.altered(tx));
    const alteredBefore = await altered();
    // After all that was waited for and looked up: of each of it there is an event, which this head speaks of.
    const head = await this.log.close(principal);
    const anchors = await this.anchors.filesForPackage(head.origin, head.size);
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
        // What others have found meanwhile the head may speak of, or not yet: of both it is told.
        alteredRows: distinct([...alteredBefore, ...(await altered())]),
        log: logged.log,
        anchors,
      },
      rows: {
        log: logged.rows,
        events: () => this.lines.eventPages(principal, row, head, scans, survey),
        scans: () => this.lines.scanLines(principal, scope, paths),
        results: () => this.lines.resultPages(principal, systemIds, instant, scans),
        coverage: () => this.lines.coverageLines(principal, systemIds, instant),
        facts: () => this.lines.factLines(principal, systemIds, instant, scans),
        securityEvents: () => this.lines.securityEventLines(principal, scope),
        records: (type) => this.records.lines(principal, scope, type, paths),
        pastRecords: (type) => this.records.pastLines(principal, scope, type, paths),
        register: (name) => this.records[name](principal, scope),
        systemPosture: evaluatedOnce(
          async (systemId) => (await this.posture.evaluateNow(principal, { systemId, ...instant })).document,
        ),
        readings: () =>
          this.report.read(principal, { posture, periodFrom: row.periodFrom, instant }, () => meter.tick()),
        writeReport: (report) => this.writer.write(report),
        evidence: (id) => this.evidence.content(principal, id, meter),
        custody: this.custody.reader(
          principal,
          evidence,
          // Its scans; and those of its systems and period that were never read.
          ({ id, systemId, observedAt, receivedAt }) =>
            scans.has(id) || (systemIds.includes(systemId) && (observedAt ?? receivedAt) >= row.periodFrom),
          row.knownAt,
          head,
        ),
      },
    };
  }
}

/** A system that an auditor cannot be shown: it was no system of the organisation's at that instant. */
export function requireInScope(systems: readonly SystemInEffect[], systemId: string | null): void {
  if (systemId === null || systems.length > 0) return;
  throw new Refusal('not-found', 'At that instant the system was retired or not known yet.', {
    pointer: '/scope/systemId',
  });
}

const distinct = (all: readonly AlteredRows[]): AlteredRows[] => [
  ...new Map(all.map((rows) => [`${rows.table}/${rows.id}`, rows])).values(),
];
