import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { Engagement, EngagementPackage, type EngagementRow } from './engagement.entity.js';

export interface EngagementFilter {
  includeEnded: boolean;
  now: Date;
  after: string | null;
  limit: number;
}

@Injectable()
export class EngagementStore {
  find(tx: Tx, id: string): Promise<EngagementRow | null> {
    return tx.manager.findOneBy(Engagement, { organizationId: tx.organizationId, id });
  }

  lock(tx: WriteTx, id: string): Promise<EngagementRow | null> {
    return tx.manager.findOne(Engagement, {
      where: { organizationId: tx.organizationId, id },
      lock: { mode: 'pessimistic_write' },
    });
  }

  async insert(tx: WriteTx, row: EngagementRow): Promise<void> {
    await tx.insert({ entity: Engagement, row });
  }

  async update(tx: WriteTx, id: string, change: Partial<EngagementRow>): Promise<void> {
    await tx.update(Engagement, { organizationId: tx.organizationId, id }, change);
  }

  /** By id. */
  list(tx: Tx, { includeEnded, now, after, limit }: EngagementFilter): Promise<EngagementRow[]> {
    const query = tx.manager
      .createQueryBuilder(Engagement, 'e')
      .where('e.organization_id = :organizationId', { organizationId: tx.organizationId });
    if (!includeEnded) query.andWhere('e.revoked_at is null and e.ends_at > :now', { now });
    if (after !== null) query.andWhere('e.id > :after', { after });
    return query.orderBy('e.id').limit(limit).getMany();
  }

  /** False where it was shared already. */
  sharePackage(tx: WriteTx, row: EngagementPackage): Promise<boolean> {
    return tx.insertUnlessThere({ entity: EngagementPackage, row });
  }

  /** By id. */
  async sharedPackages(tx: Tx, engagementId: string): Promise<string[]> {
    const rows = await tx.query<{ id: string }>(
      `select package_id as id from engagement_package where organization_id = $1 and engagement_id = $2 order by package_id`,
      [tx.organizationId, engagementId],
    );
    return rows.map(({ id }) => id);
  }
}
