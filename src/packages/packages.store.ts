import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import type { ProblemDocument } from '../kernel/http/problem.js';
import type { BuildProgress } from './build-progress.js';
import type { KeptPackage } from './package-content.js';
import { Package } from './package.entity.js';

/** Read at once. */
const REMOVABLE_PAGE = 1_000;

/** After so many milliseconds no attempt at a package that was cancelled or failed is under way any more: the queue gives none more than six hours. */
const NO_ATTEMPT_AFTER = 24 * 3_600_000;

/** Where bytes lie that nobody is given any more. */
export interface RemovablePackage {
  organizationId: string;
  /** Its time is over; else it was cancelled or failed, and an attempt that was killed may have left them. */
  isExpired: boolean;
  id: string;
  storageKey: string;
  storageVersion: string | null;
}

@Injectable()
export class PackagesStore {
  /** False where the same was asked for and is being built. Waits for a transaction that is about to ask for it. */
  async insert(tx: WriteTx, row: Package): Promise<boolean> {
    return tx.insertUnlessThere({ entity: Package, row });
  }

  /** The one under way that was asked for by the same words. */
  findAsked(tx: Tx, asked: Buffer): Promise<Package | null> {
    return tx.manager
      .createQueryBuilder(Package, 'p')
      .where('p.organization_id = :organizationId', { organizationId: tx.organizationId })
      .andWhere(`p.asked = :asked and p.status = 'queued'`, { asked })
      .getOne();
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

  /** Writes down how far an attempt is. False when it is not the latest, or the package is not being built any more. */
  async progress(tx: WriteTx, id: string, storageKey: string, progress: BuildProgress): Promise<boolean> {
    const updated = await tx.execute(
      `update package set progress = $4
       where organization_id = $1 and id = $2 and status = 'queued' and storage_key = $3`,
      [tx.organizationId, id, storageKey, JSON.stringify(progress)],
    );
    return updated === 1;
  }

  /** Ends a queued package because nobody wants it any more. */
  async cancel(tx: WriteTx, id: string, finishedAt: Date): Promise<void> {
    await tx.execute(
      `update package set status = 'cancelled', finished_at = $3
       where organization_id = $1 and id = $2 and status = 'queued'`,
      [tx.organizationId, id, finishedAt],
    );
  }

  /** Of all organisations (the policy `program`): packages whose time is over and whose bytes are still there, and those that were ended and may have left some; a page of them. */
  async removable(
    tx: Tx,
    now: Date,
    after: Pick<RemovablePackage, 'organizationId' | 'id'> | null,
  ): Promise<RemovablePackage[]> {
    await tx.query(`select set_config('app.program', 'package-expiry', true)`);
    return tx.query<RemovablePackage>(
      `select organization_id as "organizationId", id, status = 'ready' as "isExpired", storage_key as "storageKey",
         storage_version as "storageVersion"
       from package
       where removed_at is null and (status = 'ready' and expires_at <= $1
         or status in ('failed', 'cancelled') and storage_key is not null and finished_at <= $2)
         and ($3::uuid is null or (organization_id, id) > ($3, $4::uuid))
       order by organization_id, id limit $5`,
      [
        now,
        new Date(now.getTime() - NO_ATTEMPT_AFTER),
        after?.organizationId ?? null,
        after?.id ?? null,
        REMOVABLE_PAGE,
      ],
    );
  }

  /** False when another has done it. */
  async markRemoved(tx: WriteTx, id: string, removedAt: Date): Promise<boolean> {
    const updated = await tx.execute(
      `update package set removed_at = $3
       where organization_id = $1 and id = $2 and status <> 'queued' and removed_at is null`,
      [tx.organizationId, id, removedAt],
    );
    return updated === 1;
  }

  /** Ends a queued package without content. */
  async fail(tx: WriteTx, id: string, problem: ProblemDocument, finishedAt: Date): Promise<void> {
    await tx.execute(
      `update package set status = 'failed', finished_at = $3, problem = $4
       where organization_id = $1 and id = $2 and status = 'queued'`,
      [tx.organizationId, id, finishedAt, JSON.stringify(problem)],
    );
  }
}
