import { Injectable } from '@nestjs/common';
import { ChecksService } from '../checks/checks.service.js';
import type { SnapshotRules } from '../checks/snapshot-rules.js';
import { Database, type Tx, type WriteTx } from '../kernel/db/database.js';
import type { Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import type { ParseAsk } from './parser.js';
import type { Declaration, Scan } from './scan.entity.js';
import type { SnapshotRow } from './snapshot.entity.js';
import { SnapshotsStore } from './snapshots.store.js';

/** While a snapshot was judged anew a later one came, or its rules have changed again. */
export class Superseded extends Error {}

/** Knows of each system its latest snapshot, and whether it is judged by what it should be. */
@Injectable()
export class SnapshotsService {
  constructor(
    private readonly database: Database,
    private readonly store: SnapshotsStore,
    private readonly checks: ChecksService,
    private readonly queue: Queue,
  ) {}

  find(tx: Tx, systemId: string): Promise<SnapshotRow | null> {
    return this.store.find(tx, systemId);
  }

  /** How a report is to be read: by the rules of its system, should it be a snapshot. */
  asking(principal: Principal, systemId: string, declared: Declaration): ParseAsk & { declared: Declaration } {
    return {
      format: declared.format ?? undefined,
      declared,
      rules: () => this.database.read(principal, (tx) => this.rulesFor(tx, systemId)),
    };
  }

  rulesFor(tx: Tx, systemId: string): Promise<SnapshotRules> {
    return this.checks.rulesFor(tx, systemId);
  }

  /** Whether the snapshot is judged by these rules. */
  isJudgedBy(snapshot: SnapshotRow, rules: SnapshotRules): boolean {
    return snapshot.rules.equals(Buffer.from(rules.digest, 'hex'));
  }

  /**
   * Told of each snapshot that was merged, with the system's merges locked. Rules that have changed since it was read are not passed over: whoever changes them asks for the
   * latest snapshot to be judged anew, and either he finds this one, or it finds his change.
   */
  async settle(
    tx: WriteTx,
    scan: Pick<Scan, 'systemId' | 'id' | 'evidenceId' | 'declared'>,
    observedAt: Date,
    rules: SnapshotRules,
  ): Promise<void> {
    const latest = await this.store.find(tx, scan.systemId);
    const { cause } = scan.declared;
    const isCurrent = (await this.checks.rulesFor(tx, scan.systemId)).digest === rules.digest;
    if (cause !== undefined && (!isCurrent || latest?.scanId !== cause.replaces)) throw new Superseded();
    if (latest !== null && latest.observedAt > observedAt) return;
    await this.store.put(tx, {
      organizationId: tx.organizationId,
      systemId: scan.systemId,
      scanId: scan.id,
      evidenceId: scan.evidenceId,
      observedAt,
      rules: Buffer.from(rules.digest, 'hex'),
      program: this.program,
    });
    if (!isCurrent) await this.ask(tx, scan.systemId);
  }

  /** Asks for the latest snapshots of the transaction's organisation to be judged anew. */
  async askAll(tx: WriteTx): Promise<void> {
    for (const systemId of await this.store.systems(tx)) await this.ask(tx, systemId);
  }

  async ask(tx: WriteTx, systemId: string): Promise<void> {
    await this.queue.send(tx, 'reevaluation', { organizationId: tx.organizationId, systemId, id: systemId });
  }

  judgedByOthers(tx: Tx): Promise<{ organizationId: string; systemId: string }[]> {
    return this.store.judgedByOthers(tx, this.program);
  }

  /** What it is judged by that comes with the program. */
  get program(): Buffer {
    return Buffer.from(this.checks.program, 'hex');
  }
}
