import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';

/** The audit event by which an evidence left the service in a package. */
export interface Export {
  evidenceId: string;
  eventId: string;
  packageId: string;
}

@Injectable()
export class ExportsStore {
  /** Of many evidence by one statement. */
  async insert(tx: WriteTx, packageId: string, eventId: string, evidenceIds: readonly string[]): Promise<void> {
    await tx.execute(
      `insert into evidence_export (organization_id, evidence_id, event_id, package_id)
       select $1, id, $3, $4 from unnest($2::uuid[]) as id`,
      [tx.organizationId, evidenceIds, eventId, packageId],
    );
  }

  /** In the order of the events. */
  of(tx: Tx, evidenceIds: readonly string[]): Promise<Export[]> {
    return tx.query<Export>(
      `select evidence_id as "evidenceId", event_id as "eventId", package_id as "packageId" from evidence_export
       where organization_id = $1 and evidence_id = any ($2::uuid[])
       order by event_id`,
      [tx.organizationId, evidenceIds],
    );
  }
}
