import { Inject, Injectable } from '@nestjs/common';
import type { SnapshotRules } from '../checks/snapshot-rules.js';
import { EvidenceService } from '../evidence/evidence.service.js';
import { Database, type WriteTx } from '../kernel/db/database.js';
import type { Principal } from '../kernel/principal.js';
import { Turns } from '../kernel/slots.js';
import { SystemService } from '../organizations/system.service.js';
import { begunScan } from './begun-scan.js';
import { Conclusion, MERGE_TURNS, type Reading } from './conclusion.js';
import { declaredDigest } from './digests.js';
import { Parser } from './parser.js';
import { Readings } from './readings.js';
import { droppedNotes } from './redaction/dropped.js';
import type { Declaration, Scan } from './scan.entity.js';
import { ScansStore } from './scans.store.js';
import { SnapshotsService, Superseded } from './snapshots.service.js';

/** How often rules or snapshots may change while one is judged, before the queue is to wait and try again. */
const ATTEMPTS = 5;

/** What is to be judged anew, and by what. */
interface Due {
  /** The scan that is replaced. */
  scan: Scan;
  rules: SnapshotRules;
  size: number;
  notes: string[];
}

/**
 * Judges the latest snapshot of a system anew, without collecting again: when its rules have changed, and after an upgrade. What comes out is a scan of its own, of the same
 * evidence and the same instant, known from now on: what was known before stays as it was known.
 */
@Injectable()
export class Reevaluation {
  constructor(
    private readonly database: Database,
    private readonly store: ScansStore,
    private readonly snapshots: SnapshotsService,
    private readonly systems: SystemService,
    private readonly evidence: EvidenceService,
    private readonly conclusion: Conclusion,
    private readonly readings: Readings,
    private readonly parser: Parser,
    @Inject(MERGE_TURNS) private readonly turns: Turns,
  ) {}

  /** The systems of an organisation that have a snapshot, each by itself. */
  async spread(principal: Principal): Promise<void> {
    await this.database.write(principal, async (tx) => {
      await this.snapshots.askAll(tx);
      tx.withoutAudit('what is asked for is recorded when it is done');
    });
  }

  /** Safe to run twice, and by several at once: who comes later finds nothing to do. */
  async run(principal: Principal, systemId: string): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const due = await this.find(principal, systemId);
      if (due === null || (await this.judge(principal, due))) return;
    }
    throw new Error('the rules change faster than a snapshot is judged by them');
  }

  /** Null: the latest snapshot is judged by what it should be, or was found to be unreadable by it. */
  private find(principal: Principal, systemId: string): Promise<Due | null> {
    return this.database.read(principal, async (tx) => {
      const snapshot = await this.snapshots.find(tx, systemId);
      const system = await this.systems.findSystem(tx, systemId);
      if (snapshot === null || system === null || system.retiredAt !== null) return null;
      const rules = await this.snapshots.rulesFor(tx, systemId);
      if (this.snapshots.isJudgedBy(snapshot, rules)) return null;
      const scan = await this.store.find(tx, systemId, snapshot.scanId);
      if (scan === null) throw new Error('the scan of the latest snapshot is not there');
      const digest = declaredDigest(declarationOf(scan, rules));
      if (await this.store.wasRefused(tx, systemId, scan.evidenceId, digest)) return null;
      const { size, redaction } = await this.evidence.find(tx, scan.evidenceId);
      return { scan, rules, size, notes: droppedNotes(redaction?.dropped ?? {}) };
    });
  }

  /** False where it was overtaken. */
  private async judge(principal: Principal, due: Due): Promise<boolean> {
    const { scan, rules, size } = due;
    const declared = declarationOf(scan, rules);
    const read = () =>
      this.readings.begin(size, () => this.evidence.openFile(principal, scan.evidenceId), {
        format: 'cluster-snapshot',
        declared,
        rules: () => Promise.resolve(rules),
      });
    const write = (reading: Reading): Promise<void> =>
      this.turns.run(scan.systemId, () =>
        this.database.write(principal, (tx) => this.record(tx, due, declared, reading)),
      );
    try {
      await this.readings.write(read, write);
      return true;
    } catch (error) {
      if (error instanceof Superseded) return false;
      throw error;
    }
  }

  private async record(
    tx: WriteTx,
    { scan: replaced, notes }: Due,
    declared: Declaration,
    reading: Reading,
  ): Promise<void> {
    // The bytes arrived when they did, signed as they were; and what was noticed then is so.
    const { systemId, evidenceId, receivedAt, signature, flags } = replaced;
    const scan = begunScan(tx, { systemId, evidenceId, declared, receivedAt, signature, flags }, this.parser.revision);
    if (!(await this.store.insertOnce(tx, scan))) {
      tx.withoutAudit('another worker has judged it');
      return;
    }
    await this.conclusion.conclude(tx, scan, reading, notes);
  }
}

/** The declaration of its poster, and why it is read again: each reading replaces one, so that rules which come back are a reading of their own. */
function declarationOf({ declared, id }: Scan, { digest, version }: SnapshotRules): Declaration {
  return { ...declared, cause: { kind: 'rules', ruleSet: version, rules: digest, replaces: id } };
}
