import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AuditService } from '../audit/audit.service.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { Clock } from '../kernel/clock.js';
import { Database, type WriteTx } from '../kernel/db/database.js';
import { Refusal } from '../kernel/http/problem.js';
import { nameId, newId } from '../kernel/ids.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
import { Queue, type Job } from '../kernel/queue.js';
import { readCsv } from '../kernel/tables/csv-read.js';
import { TableFault, type Table } from '../kernel/tables/table.js';
import { readXlsx } from '../kernel/tables/xlsx-read.js';
import { NoticesService } from '../notices/notices.service.js';
import { RecordBulk } from '../records/record-bulk.js';
import { ImportRun, type Examined, type RowResult } from './import-run.js';
import { ImportStore, type ImportedRow } from './import.store.js';
import { faultsDigest, RowsDigest } from './rows-digest.js';

/** Reads imports that were received, also those that a killed server left: all of one in one transaction, or nothing of it. */
@Injectable()
export class ImportWorker implements OnApplicationBootstrap {
  constructor(
    private readonly database: Database,
    private readonly store: ImportStore,
    private readonly run: ImportRun,
    private readonly bulk: RecordBulk,
    private readonly evidence: EvidenceService,
    private readonly audit: AuditService,
    private readonly notices: NoticesService,
    private readonly queue: Queue,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    this.queue.work(
      'import',
      (job) => this.handle(job),
      (job) => this.giveUp(job),
    );
  }

  /** Safe to run twice: whoever comes second finds it finished. What a further try cannot help is told in the import at once. */
  async handle({ organizationId, id }: Job): Promise<void> {
    const principal = workerOf(organizationId);
    try {
      await this.read(principal, id);
    } catch (error) {
      if (error instanceof Faulty) await this.refuse(principal, id, error.examined);
      else if (error instanceof TableFault) await this.refuse(principal, id, faulty(error.message));
      else if (error instanceof Refusal && error.status < 500) await this.refuse(principal, id, faulty(error.detail));
      else throw error;
    }
  }

  /** After the last try, also when the worker died at it. */
  async giveUp({ organizationId, id }: Job): Promise<void> {
    await this.refuse(workerOf(organizationId), id, faulty('It could not be read, however often it was tried.'));
  }

  private async read(principal: Principal, id: string): Promise<void> {
    const row = await this.database.read(principal, (tx) => this.store.find(tx, id));
    if (row?.status !== 'received') return;
    const table = await this.tableOf(principal, row);
    await this.database.write(principal, async (tx) => {
      const locked = await this.store.lock(tx, id);
      if (locked?.status !== 'received') {
        tx.withoutAudit('it is finished already; the lock alone is no change');
        return;
      }
      const { type, register, requestedAt, requestedBy, requestedPerson } = row;
      const asked = { type, register, requestedAt, id: requestedBy, person: requestedPerson };
      const digest = new RowsDigest();
      const examined = await this.run.examine(tx, asked, table, (page) => this.take(tx, row, page, digest));
      if (examined.faultCount > 0) throw new Faulty(examined);
      await this.finish(tx, id, row.dryRun ? 'checked' : 'applied', examined);
      if (row.dryRun) tx.withoutAudit('a dry run changes nothing; that it was asked for is recorded');
      else {
        await this.tell(tx, row, 'import.applied', examined, { rowsDigest: digest.end() });
        // Versions wait for a decision now: whoever wants to be told of it is not to wait.
        const { organizationId } = tx;
        await this.queue.send(tx, 'notice', { organizationId, systemId: '', id: organizationId });
      }
    });
  }

  private async take(
    tx: WriteTx,
    { id, dryRun, ...row }: ImportedRow,
    page: readonly RowResult[],
    digest: RowsDigest,
  ): Promise<void> {
    const made = page.flatMap((result) => result.made ?? []);
    if (!dryRun && made.length > 0) {
      await this.bulk.keep(tx, made, { id: row.requestedBy, person: row.requestedPerson });
    }
    const rows = page.map((result) =>
      // What a dry run has not made has no id.
      dryRun && result.made?.record != null ? { ...result, recordId: null, version: null } : result,
    );
    await this.store.insertRows(tx, id, rows);
    digest.add(rows);
  }

  /** Ends an import of which nothing is taken. */
  private async refuse(principal: Principal, id: string, examined: Examined): Promise<void> {
    await this.database.write(principal, async (tx) => {
      const row = await this.store.lock(tx, id);
      if (row?.status !== 'received') {
        tx.withoutAudit('it is finished already; the lock alone is no change');
        return;
      }
      await this.finish(tx, id, 'refused', examined);
      await this.tell(tx, row, 'import.refused', examined);
    });
  }

  private async finish(
    tx: WriteTx,
    id: string,
    status: 'checked' | 'applied' | 'refused',
    { rows, counts, faultCount, faults }: Examined,
  ): Promise<void> {
    const finishedAt = this.clock.now();
    await this.store.change(tx, id, {
      status,
      finishedAt,
      rows,
      created: counts.created,
      changed: counts.changed,
      unchanged: counts.unchanged,
      drafts: counts.draft,
      faultCount,
      faults,
    });
    await this.notices.tell(tx, [
      {
        id: nameId('notice', tx.organizationId, 'import.finished', id),
        type: 'import.finished',
        subject: `imports/${id}`,
        at: finishedAt,
        data: { status, rows },
      },
    ]);
  }

  private async tell(
    tx: WriteTx,
    { id, type, dryRun, evidenceId, requestedBy }: ImportedRow,
    action: 'import.applied' | 'import.refused',
    { rows, counts, faultCount, faults }: Examined,
    digests: { rowsDigest?: string } = {},
  ): Promise<void> {
    const { sha256 } = await this.evidence.find(tx, evidenceId);
    await this.audit.record(tx, {
      action,
      object: { kind: 'import', id, sha256 },
      outcome: action === 'import.applied' ? 'success' : 'failure',
      details: {
        type,
        dryRun,
        requestedBy,
        rows,
        ...counts,
        faults: faultCount,
        faultsDigest: faultsDigest(faults),
        ...digests,
      },
    });
  }

  private async tableOf(principal: Principal, { evidenceId, mediaType, sheet }: ImportedRow): Promise<Table> {
    const content = await this.evidence.open(principal, evidenceId);
    if (mediaType === 'text/csv') return readCsv(content as AsyncIterable<Buffer>);
    const chunks: Buffer[] = [];
    for await (const chunk of content as AsyncIterable<Buffer>) chunks.push(chunk);
    return readXlsx(Buffer.concat(chunks), { sheet: sheet === '' ? null : sheet });
  }
}

const workerOf = (organizationId: string): Principal => servicePrincipal('import-worker', organizationId, newId());

const faulty = (detail: string): Examined => ({
  rows: 0,
  counts: { created: 0, changed: 0, unchanged: 0, draft: 0 },
  faultCount: 1,
  faults: [{ row: 1, column: null, detail }],
});

/** Ends the transaction that has begun to write. */
class Faulty extends Error {
  constructor(readonly examined: Examined) {
    super('the table has faults');
  }
}
