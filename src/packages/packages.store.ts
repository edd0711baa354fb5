import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import type { ProblemDocument } from '../kernel/http/problem.js';
import type { KeptPackage } from './package-content.js';
import { Package } from './package.entity.js';

@Injectable()
export class PackagesStore {
  async insert(tx: WriteTx, row: Package): Promise<void> {
    await tx.insert({ entity: Package, row });
  }

  find(tx: Tx, id: string): Promise<Package | null> {
    return tx.manager.findOneBy(Package, { organizationId: tx.organizationId, id });
  }

  /** Newest first. */
  list(tx: Tx, filter: { before: string | null; limit: number }): Promise<Package[]> {
    const query = tx.manager
      .createQueryBuilder(Package, 'p')
      .where('p.organization_id = :organizationId', { organizationId: tx.organizationId });
    if (filter.before !== null) query.andWhere('p.id < :before', { before: filter.before });
    return query.orderBy('p.id', 'DESC').limit(filter.limit).getMany();
  }

  findForUpdate(tx: WriteTx, id: string): Promise<Package | null> {
    return tx.manager.findOne(Package, {
      where: { organizationId: tx.organizationId, id },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /** Gives a queued package to an attempt, which will write under this key. */
  async claim(tx: WriteTx, id: string, storageKey: string): Promise<void> {
    await tx.execute(
      `update package set storage_key = $3 where organization_id = $1 and id = $2 and status = 'queued'`,
      [tx.organizationId, id, storageKey],
    );
  }

  /** False when the package is finished already, or belongs to a later attempt. */
  async finish(tx: WriteTx, id: string, kept: KeptPackage, dataKeyId: string, finishedAt: Date): Promise<boolean> {
    const updated = await tx.execute(
      `update package
       set status = 'ready', finished_at = $4, size = $5, sha256 = $6, data_key_id = $7, storage_version = $8, storage_size = $9, storage_sha256 = $10
       where organization_id = $1 and id = $2 and status = 'queued' and storage_key = $3`,
      [
        tx.organizationId,
        id,
        kept.storageKey,
        finishedAt,
        kept.size,
        kept.sha256,
        dataKeyId,
        kept.storageVersion,
        kept.storageSize,
        kept.storageSha256,
      ],
    );
    return updated === 1;
  }

  /** Ends a queued package without content. */
  async fail(tx: WriteTx, id: string, problem: ProblemDocument, finishedAt: Date): Promise<void> {
    await tx.execute(
      `update package set status = 'failed', finished_at = $3, problem = $4, storage_key = null
       where organization_id = $1 and id = $2 and status = 'queued'`,
      [tx.organizationId, id, finishedAt, JSON.stringify(problem)],
    );
  }
}
