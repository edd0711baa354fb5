import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { LogService } from '../audit/log.service.js';
import type { SignedHead } from '../audit/log.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { evidenceView } from '../evidence/view.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { toPage } from '../kernel/http/page.js';
import { RecordCustody } from '../records/custody.service.js';
import { RetentionService } from '../records/retention.service.js';
import { ScansService } from '../scans/scans.service.js';
import type { CustodyView } from './custody.schema.js';
import { ExportsStore } from './exports.store.js';
import { stepOf, type Step } from './steps.js';

/** Scans of one evidence that its custody shows. */
const MAX_SCANS = 100;
/** Events read at once for the steps of many evidence. */
const EVENTS_PAGE = 500;

export type ScanOfEvidence = Awaited<ReturnType<ScansService['idsOfEvidence']>>[number];

/** What is told to whoever may not see all of it: nothing is named that is not within. */
export interface Within {
  hasScan(scan: Pick<ScanOfEvidence, 'systemId' | 'observedAt' | 'receivedAt'>): boolean;
  packageIds: ReadonlySet<string>;
  /** Those of the records that are. */
  recordsOf(recordIds: readonly string[]): Promise<ReadonlySet<string>>;
}

/** As it is shown. */
type Custody = Omit<CustodyView, 'steps'> & { steps: Step[] };

@Injectable()
export class CustodyService {
  constructor(
    private readonly evidence: EvidenceService,
    private readonly scans: ScansService,
    private readonly records: RecordCustody,
    private readonly retention: RetentionService,
    private readonly audit: AuditService,
    private readonly log: LogService,
    private readonly exports: ExportsStore,
  ) {}

  /** In the transaction of the audit event that says the same. */
  recordExport(tx: WriteTx, packageId: string, eventId: string, evidenceIds: readonly string[]): Promise<void> {
    return this.exports.insert(tx, packageId, eventId, evidenceIds);
  }

  /** `within`: what may be told; null: all. */
  async read(
    tx: Tx,
    evidenceId: string,
    within: Within | null,
    page: { after: string | null; limit: number },
  ): Promise<Custody> {
    const info = await this.evidence.find(tx, evidenceId);
    const stored = await this.evidence.storedAs(tx, evidenceId);
    const about = await this.aboutOf(tx, [evidenceId], null, (scan) => within?.hasScan(scan) !== false);
    const exported = about.exported.filter(({ packageId }) => within?.packageIds.has(packageId) !== false);
    const kept = (await this.retention.ofEvidence(tx, [evidenceId])).get(evidenceId);
    const [by, heldBy] = [kept?.by ?? null, kept?.heldBy ?? []];
    const named = [...about.filter.recordIds, ...heldBy, ...(by === null ? [] : [by])];
    const records = within === null ? new Set(named) : await within.recordsOf(named);
    const filter = {
      ...about.filter,
      recordIds: about.filter.recordIds.filter((id) => records.has(id)),
      eventIds: exported.map(({ eventId }) => eventId),
    };
    const scans = await this.scans.ofEvidence(tx, [evidenceId], filter.scanIds, MAX_SCANS);
    const { limit, after } = page;
    const events = await this.audit.findCustody(tx, { ...filter, knownAt: null, below: null, after, limit: limit + 1 });
    const { items, next } = toPage(
      events,
      limit,
      (event) => event,
      ({ leaf }) => [leaf.id],
    );
    const receipts = await this.log.receipts(tx);
    const keeping = about.records.get(evidenceId) ?? [];
    const steps = await Promise.all(items.map((event) => stepOf(event, keeping, receipts)));
    return {
      evidence: evidenceView(info),
      stored: { ...stored, sha256: stored.sha256.toString('hex') },
      scans: scans.map((scan) => ({
        id: scan.id,
        systemId: scan.systemId,
        status: scan.status,
        format: scan.format,
        tool: scan.tool,
        toolVersion: scan.toolVersion,
        observedAt: scan.observedAt?.toISOString() ?? null,
        receivedAt: scan.receivedAt.toISOString(),
        knownAt: scan.knownAt?.toISOString() ?? null,
        postedBy: scan.postedBy,
        signature: scan.signature,
      })),
      retention: {
        until: kept?.until?.toISOString() ?? null,
        by: by !== null && records.has(by) ? by : null,
        heldBy: heldBy.filter((id) => records.has(id)),
      },
      packages: [...new Set(exported.map(({ packageId }) => packageId))],
      steps: steps
        .filter((step) => step !== null)
        // Its details name the record that it was decided by.
        .map((step) => (within !== null && step.step === 'disposed' ? { ...step, details: null } : step)),
      next,
    };
  }

  /**
   * All steps of each of the evidence that were known at an instant, oldest first. `tells`: of which scans. `below`: only events that this head speaks of; one that
   * is committed as late as that can be of before the instant, and not be in the log that is shown with it.
   */
  async steps(
    tx: Tx,
    evidenceIds: readonly string[],
    tells: (scan: ScanOfEvidence) => boolean,
    knownAt: Date,
    below: SignedHead,
  ): Promise<ReadonlyMap<string, Step[]>> {
    const { filter, records, byScan, byEvent } = await this.aboutOf(tx, evidenceIds, knownAt, tells);
    const byRecord = new Map<string, string[]>();
    for (const [evidenceId, steps] of records) {
      for (const recordId of new Set(steps.map((step) => step.recordId))) {
        byRecord.set(recordId, [...(byRecord.get(recordId) ?? []), evidenceId]);
      }
    }
    const receipts = await this.log.receipts(tx);
    const found = new Map(evidenceIds.map((id): [string, Step[]] => [id, []]));
    for (let after: string | null = null; ;) {
      const events = await this.audit.findCustody(tx, { ...filter, knownAt, below, after, limit: EVENTS_PAGE });
      for (const event of events) {
        const { kind, id } = event.leaf.object;
        const about =
          kind === 'evidence' ? [id] : (byScan.get(id) ?? byRecord.get(id) ?? byEvent.get(event.leaf.id) ?? []);
        for (const evidenceId of about) {
          const step = await stepOf(event, records.get(evidenceId) ?? [], receipts);
          if (step !== null) found.get(evidenceId)?.push(step);
        }
      }
      if (events.length < EVENTS_PAGE) return found;
      after = events.at(-1)?.leaf.id ?? null;
    }
  }

  /** By what the events of the evidence are found, and whose each of them is. */
  private async aboutOf(
    tx: Tx,
    evidenceIds: readonly string[],
    knownAt: Date | null,
    tells: (scan: ScanOfEvidence) => boolean,
  ) {
    const told = (await this.scans.idsOfEvidence(tx, evidenceIds)).filter(tells);
    const records = await this.records.steps(tx, evidenceIds, knownAt);
    const exported = await this.exports.of(tx, evidenceIds);
    return {
      records,
      exported,
      byScan: new Map(told.map(({ id, evidenceId }) => [id, [evidenceId]])),
      byEvent: mapped(Map.groupBy(exported, ({ eventId }) => eventId)),
      filter: {
        evidenceIds,
        scanIds: told.map(({ id }) => id),
        recordIds: [...new Set([...records.values()].flat().map(({ recordId }) => recordId))],
        eventIds: [...new Set(exported.map(({ eventId }) => eventId))],
      },
    };
  }
}

const mapped = (groups: Map<string, { evidenceId: string }[]>): Map<string, string[]> =>
  new Map([...groups].map(([key, all]) => [key, all.map(({ evidenceId }) => evidenceId)]));
