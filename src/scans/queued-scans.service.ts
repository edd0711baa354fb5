import { Inject, Injectable } from '@nestjs/common';
import { EvidenceService } from '../evidence/evidence.service.js';
import { Database } from '../kernel/db/database.js';
import type { Principal } from '../kernel/principal.js';
import type { Turns } from '../kernel/slots.js';
import { Conclusion, MERGE_TURNS, type Reading } from './conclusion.js';
import { Readings } from './readings.js';
import { droppedNotes } from './redaction/dropped.js';
import type { Scan } from './scan.entity.js';
import { ScansStore } from './scans.store.js';
import { SnapshotsService } from './snapshots.service.js';

/** Ends the scans whose posters did not wait. */
@Injectable()
export class QueuedScans {
  constructor(
    private readonly database: Database,
    private readonly store: ScansStore,
    private readonly evidence: EvidenceService,
    private readonly conclusion: Conclusion,
    private readonly readings: Readings,
    private readonly snapshots: SnapshotsService,
    @Inject(MERGE_TURNS) private readonly turns: Turns,
  ) {}

  /** Finishes a scan that was queued. Does nothing if it is finished: a worker may have died between its commit and its acknowledgement. */
  async finish(principal: Principal, systemId: string, id: string): Promise<void> {
    const queued = await this.find(principal, systemId, id);
    if (queued === null) return;
    const { evidenceId, declared } = queued;
    const { size } = await this.database.read(principal, (tx) => this.evidence.find(tx, evidenceId));
    const read = () =>
      this.readings.begin(
        size,
        () => this.evidence.openFile(principal, evidenceId),
        this.snapshots.asking(principal, systemId, declared),
      );
    await this.readings.write(read, (reading) => this.conclude(principal, queued, reading));
  }

  /** Ends a queued scan that could not be read however often it was tried: its bytes are kept, and it counts for nothing. */
  async giveUp(principal: Principal, systemId: string, id: string): Promise<void> {
    const queued = await this.find(principal, systemId, id);
    if (queued === null) return;
    await this.conclude(principal, queued, {
      problem: {
        code: 'unreadable',
        detail: 'The report could not be read, however often it was tried. Tell the operator.',
      },
    });
  }

  /** Null: it is finished. */
  private async find(principal: Principal, systemId: string, id: string): Promise<Scan | null> {
    const scan = await this.database.read(principal, (tx) => this.store.find(tx, systemId, id));
    return scan?.status === 'queued' ? scan : null;
  }

  private async conclude(principal: Principal, { systemId, id }: Scan, reading: Reading): Promise<void> {
    await this.turns.run(systemId, () =>
      this.database.write(principal, async (tx) => {
        const scan = await this.store.findForUpdate(tx, systemId, id);
        if (scan?.status !== 'queued') {
          tx.withoutAudit('another worker has finished it; the lock alone is no change');
          return;
        }
        const { redaction } = await this.evidence.find(tx, scan.evidenceId);
        await this.conclusion.conclude(tx, scan, reading, droppedNotes(redaction?.dropped ?? {}));
      }),
    );
  }
}
