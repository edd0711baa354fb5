import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { Snapshot, type SnapshotRow } from './snapshot.entity.js';

@Injectable()
export class SnapshotsStore {
  find(tx: Tx, systemId: string): Promise<SnapshotRow | null> {
    return tx.manager.findOneBy(Snapshot, { organizationId: tx.organizationId, systemId });
  }

  /** Makes it the latest of its system; scans of one system come one after another. */
  async put(tx: WriteTx, row: SnapshotRow): Promise<void> {
    await tx.manager.upsert(Snapshot, row, ['organizationId', 'systemId']);
  }

  async systems(tx: Tx): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      'select system_id as id from snapshot where organization_id = $1 order by system_id',
      [tx.organizationId],
    );
    return rows.map(({ id }) => id);
  }

  /** Of all organisations (the policy `program`): systems whose latest snapshot another version of the program has judged. */
  async judgedByOthers(tx: Tx, program: Buffer): Promise<{ organizationId: string; systemId: string }[]> {
    await tx.query(`select set_config('app.program', 'reevaluation', true)`);
    return tx.query(
      `select organization_id as "organizationId", system_id as "systemId" from snapshot where program <> $1
       order by organization_id, system_id`,
      [program],
    );
  }
}
