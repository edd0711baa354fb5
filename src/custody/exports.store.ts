import { Injectable } from '@nestjs/common';
import type { Row } from '../audit/account.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { idsOf } from '../kernel/db/rows.js';
import { EvidenceExport } from './evidence-export.entity.js';

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

  /** Packages in which anything has left. */
  packages(tx: Tx, after: string | null, limit: number): Promise<string[]> {
    return idsOf(tx, EvidenceExport, 'packageId', after, limit);
  }

  /** By package and event, the digest of all that left. */
  async ofPackages(tx: Tx, packageIds: readonly string[]): Promise<Row[]> {
    const rows = await tx.query<{ id: string; key: string; evidence: string }>(
      `select package_id as id, event_id as key, encode(sha256(convert_to(string_agg(evidence_id::text, ',' order by evidence_id), 'UTF8')), 'hex') as evidence
       from evidence_export where organization_id = $1 and package_id = any ($2::uuid[])
       group by package_id, event_id`,
      [tx.organizationId, packageIds],
    );
    return rows.map(({ id, key, evidence }) => ({ id, key, says: { evidence } }));
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
