import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import type { Received } from '../evidence/received.js';
import { OPEN_DOOR } from '../evidence/redaction.js';
import { Clock } from '../kernel/clock.js';
import { Database, type Tx, type WriteTx } from '../kernel/db/database.js';
import { MAX_SILENCE, type ContentHeaders } from '../kernel/http/content.js';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import type { Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { TABLE_LIMITS } from '../kernel/tables/table.js';
import { actorOf } from '../records/life.js';
import { RecordBulk } from '../records/record-bulk.js';
import type { ImportOutcome, ImportStatus } from './import.entity.js';
import { ImportStore, type ImportedRow, type RowOutcome } from './import.store.js';
import type { ImportSummaryView, ImportView } from './imports.schema.js';

const LIMITS = { maxEncodedBytes: TABLE_LIMITS.file, maxDecodedBytes: TABLE_LIMITS.file, maxSilence: MAX_SILENCE };

/** Versions that are decided on by one statement. */
const PAGE = 1_000;

export interface NewImport {
  type: string;
  sheet: string;
  /** Of a risk register: its analysis; else empty. */
  register: string;
  dryRun: boolean;
  content: Readable;
  headers: ContentHeaders & { mediaType: string };
}

export type ImportDecision = { decision: 'approve' } | { decision: 'reject'; reason: string };

/** Tables of records: received, shown and decided on. What is in them is found out by ImportWorker. */
@Injectable()
export class ImportsService {
  constructor(
    private readonly database: Database,
    private readonly store: ImportStore,
    private readonly bulk: RecordBulk,
    private readonly evidence: EvidenceService,
    private readonly audit: AuditService,
    private readonly queue: Queue,
    private readonly clock: Clock,
  ) {}

  /** Takes the bytes into custody, and queues their reading; or finds the import that they are already. */
  async receive(principal: Principal, sent: NewImport): Promise<{ view: ImportView; isNew: boolean }> {
    actorOf(principal);
    // Before the bytes come: what cannot be is not worth sending.
    await this.database.read(principal, (tx) => this.requireWanted(tx, sent));
    const received = await this.evidence.receive(principal, sent.content, sent.headers, LIMITS, OPEN_DOOR);
    const bytes = { named: false };
    try {
      return await this.database.write(principal, async (tx) => {
        const { id: evidenceId, isNew } = await this.evidence.keep(tx, received);
        // From here on the commit may happen without our being told: bytes that a row may name are never removed.
        bytes.named = isNew;
        const row = this.newRow(tx, sent, evidenceId, received);
        // Waits for whoever is about to take it.
        if (await this.store.insert(tx, row)) {
          await this.queue.send(tx, 'import', { organizationId: tx.organizationId, systemId: '', id: row.id });
          const { type, dryRun, sheet, register, mediaType, requestedPerson: person } = row;
          await this.audit.record(tx, {
            action: 'import.received',
            object: { kind: 'import', id: row.id, sha256: received.kept.sha256.toString('hex') },
            details: { type, dryRun, sheet, register, mediaType, person, evidence: evidenceId },
          });
          return { view: await this.view(tx, row), isNew: true };
        }
        const standing = await this.store.findStanding(tx, row);
        if (standing === null) throw new Error('an import was in the way and is not there');
        tx.withoutAudit('the same bytes are an import already; nothing has changed');
        return { view: await this.view(tx, standing), isNew: false };
      });
    } finally {
      if (!bytes.named) await this.evidence.discard(received);
    }
  }

  private async requireWanted(tx: Tx, { type, register }: NewImport): Promise<void> {
    await this.bulk.type(tx, type);
    if (register === '') return;
    const [analysis] = await this.bulk.read(tx, [register]);
    if (analysis?.record.type !== 'risk_analysis') throw new Refusal('not-found', 'There is no such risk analysis.');
  }

  private newRow(tx: WriteTx, sent: NewImport, evidenceId: string, { mediaType }: Received): ImportedRow {
    const { id: requestedBy, person: requestedPerson } = actorOf(tx.principal);
    return {
      organizationId: tx.organizationId,
      id: newId(),
      type: sent.type,
      sheet: sent.sheet,
      register: sent.register,
      dryRun: sent.dryRun,
      mediaType,
      evidenceId,
      status: 'received',
      requestedAt: this.clock.now(),
      requestedBy,
      requestedPerson,
      finishedAt: null,
      rows: null,
      created: null,
      changed: null,
      unchanged: null,
      drafts: null,
      faultCount: null,
      faults: null,
      decidedAt: null,
      decidedBy: null,
      decidedPerson: null,
      decidedCount: null,
      reason: null,
    };
  }

  async read(tx: Tx, id: string): Promise<ImportView> {
    return this.view(tx, found(await this.store.find(tx, id)));
  }

  /** Newest first. */
  async list(
    tx: Tx,
    filter: { status: ImportStatus | undefined; before: string | null; limit: number },
  ): Promise<ImportSummaryView[]> {
    return (await this.store.list(tx, filter)).map(summaryOf);
  }

  /** By number. */
  async rows(
    tx: Tx,
    id: string,
    filter: { outcomes: readonly ImportOutcome[]; after: number; limit: number },
  ): Promise<RowOutcome[]> {
    found(await this.store.find(tx, id));
    return this.store.rows(tx, id, filter);
  }

  /** All of its versions that still wait, or none of them. */
  decide(principal: Principal, id: string, decision: ImportDecision): Promise<ImportView> {
    return this.database.write(principal, async (tx) => {
      const actor = actorOf(tx.principal);
      const row = found(await this.store.lock(tx, id));
      const status = decision.decision === 'approve' ? 'approved' : 'rejected';
      if (row.status !== 'applied') {
        throw new Refusal('move-refused', `An import that is applied is decided on; this one is ${row.status}.`, {
          extra: { move: decision.decision, state: row.status },
        });
      }
      if (actor.person === row.requestedPerson) {
        throw new Refusal('own-approval', 'You have sent it, be it in another role: another person decides.');
      }
      const reason = decision.decision === 'reject' ? decision.reason : null;
      const decidedCount =
        reason === null
          ? await this.bulk.approve(tx, row.type, this.waiting(tx, id))
          : await this.bulk.abandon(tx, this.waiting(tx, id), reason);
      const decided = {
        status,
        decidedAt: this.clock.now(),
        decidedBy: actor.id,
        decidedPerson: actor.person,
        decidedCount,
        reason,
      } as const;
      await this.store.change(tx, id, decided);
      await this.audit.record(tx, {
        action: `import.${status}`,
        object: { kind: 'import', id },
        details: { type: row.type, versions: decidedCount, reason, person: actor.person },
      });
      return this.view(tx, { ...row, ...decided });
    });
  }

  /** The versions that the import has submitted. */
  private async *waiting(tx: Tx, id: string): AsyncGenerator<{ recordId: string; version: number }[], void> {
    for (let after = 0; ;) {
      const page = await this.store.rows(tx, id, { outcomes: ['created', 'changed'], after, limit: PAGE });
      yield page.flatMap(({ recordId, version }) =>
        recordId === null || version === null ? [] : [{ recordId, version }],
      );
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return;
      after = last.number;
    }
  }

  private async view(tx: Tx, row: ImportedRow): Promise<ImportView> {
    const { sha256 } = await this.evidence.find(tx, row.evidenceId);
    return { ...summaryOf(row), sha256, faults: row.faults ?? [] };
  }
}

function found(row: ImportedRow | null): ImportedRow {
  if (row === null) throw new Refusal('not-found', 'There is no such import.');
  return row;
}

const summaryOf = (row: ImportedRow): ImportSummaryView => ({
  id: row.id,
  type: row.type,
  dryRun: row.dryRun,
  sheet: row.sheet,
  register: row.register === '' ? null : row.register,
  status: row.status,
  evidenceId: row.evidenceId,
  requestedAt: row.requestedAt.toISOString(),
  requestedBy: row.requestedBy,
  finishedAt: row.finishedAt?.toISOString() ?? null,
  rows: row.rows,
  created: row.created,
  changed: row.changed,
  unchanged: row.unchanged,
  drafts: row.drafts,
  faultCount: row.faultCount,
  decidedAt: row.decidedAt?.toISOString() ?? null,
  decidedBy: row.decidedBy,
  decidedCount: row.decidedCount,
  reason: row.reason,
});
