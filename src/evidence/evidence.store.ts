import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { EvidenceDisposal } from './disposal.entity.js';
import { Evidence } from './evidence.entity.js';

@Injectable()
export class EvidenceStore {
  /** False when the organisation has these bytes already; waits for a transaction that is about to keep them. */
  insertUnlessKept(tx: WriteTx, evidence: Evidence): Promise<boolean> {
    return tx.insertUnlessThere({ entity: Evidence, row: evidence });
  }

  findByDigest(tx: Tx, sha256: Buffer): Promise<Evidence | null> {
    return tx.manager.findOneBy(Evidence, { organizationId: tx.organizationId, sha256 });
  }

  find(tx: Tx, id: string): Promise<Evidence | null> {
    return tx.manager.findOneBy(Evidence, { organizationId: tx.organizationId, id });
  }

  /** When those of the given evidence were disposed of that were. */
  async disposals(tx: Tx, ids: readonly string[]): Promise<ReadonlyMap<string, Date>> {
    const rows = await tx.query<{ id: string; at: Date }>(
      `select evidence_id as id, disposed_at as at from evidence_disposal where organization_id = $1 and evidence_id = any ($2::uuid[])`,
      [tx.organizationId, ids],
    );
    return new Map(rows.map(({ id, at }) => [id, at]));
  }

  /** False where it was disposed of already. */
  insertDisposal(tx: WriteTx, disposal: EvidenceDisposal): Promise<boolean> {
    return tx.insertUnlessThere({ entity: EvidenceDisposal, row: disposal });
  }

  /** Newest first. */
  list(tx: Tx, filter: { sha256: Buffer | null; before: string | null; limit: number }): Promise<Evidence[]> {
    const query = tx.manager
      .createQueryBuilder(Evidence, 'e')
      .where('e.organization_id = :organizationId', { organizationId: tx.organizationId });
    if (filter.sha256 !== null) {
      query.andWhere('(e.sha256 = :sha256 or e.received_sha256 = :sha256)', { sha256: filter.sha256 });
    }
    if (filter.before !== null) query.andWhere('e.id < :before', { before: filter.before });
    return query.orderBy('e.id', 'DESC').limit(filter.limit).getMany();
  }
}
