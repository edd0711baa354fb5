import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { FrozenPosture } from './frozen-posture.entity.js';

@Injectable()
export class AnalysesStore {
  /** The same posture frozen again is the same evidence: what was said of it first stands. */
  async keepFrozen(tx: WriteTx, row: FrozenPosture): Promise<void> {
    await tx.insertUnlessThere({ entity: FrozenPosture, row });
  }

  findFrozen(tx: Tx, evidenceId: string): Promise<FrozenPosture | null> {
    return tx.manager.findOneBy(FrozenPosture, { organizationId: tx.organizationId, evidenceId });
  }

  /** All evidence that is a frozen posture. */
  async allFrozen(tx: Tx): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      'select evidence_id as id from frozen_posture where organization_id = $1',
      [tx.organizationId],
    );
    return rows.map(({ id }) => id);
  }

  async frozenAmong(tx: Tx, evidenceIds: readonly string[]): Promise<Set<string>> {
    const rows = await tx.query<{ id: string }>(
      'select evidence_id as id from frozen_posture where organization_id = $1 and evidence_id = any ($2::uuid[])',
      [tx.organizationId, evidenceIds],
    );
    return new Set(rows.map(({ id }) => id));
  }
}
