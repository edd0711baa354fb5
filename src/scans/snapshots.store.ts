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
    await tx.execute(
      `insert into snapshot (organization_id, system_id, scan_id, evidence_id, observed_at, rules, program)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (organization_id, system_id) do update
         set scan_id = excluded.scan_id, evidence_id = excluded.evidence_id, observed_at = excluded.observed_at,
             rules = excluded.rules, program = excluded.program`,
      [row.organizationId, row.systemId, row.scanId, row.evidenceId, row.observedAt, row.rules, row.program],
    );
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
