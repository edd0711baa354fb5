import { Injectable } from '@nestjs/common';
import { IsNull, MoreThan } from 'typeorm';
import type { Row } from '../audit/account.js';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { idsOf, rowsOf } from '../kernel/db/rows.js';
import { Webhook, type WebhookRow } from './webhook.entity.js';

@Injectable()
export class WebhooksStore {
  /** Those that were not removed, by id. */
  list(tx: Tx, { after, limit }: { after: string | null; limit: number }): Promise<WebhookRow[]> {
    return tx.manager.find(Webhook, {
      where: {
        organizationId: tx.organizationId,
        removedAt: IsNull(),
        ...(after === null ? {} : { id: MoreThan(after) }),
      },
      order: { id: 'asc' },
      take: limit,
    });
  }

  /** Null of one that was removed. */
  find(tx: Tx, id: string): Promise<WebhookRow | null> {
    return tx.manager.findOneBy(Webhook, { organizationId: tx.organizationId, id, removedAt: IsNull() });
  }

  /** The same, held until the transaction ends. */
  lock(tx: WriteTx, id: string): Promise<WebhookRow | null> {
    return tx.manager.findOne(Webhook, {
      where: { organizationId: tx.organizationId, id, removedAt: IsNull() },
      lock: { mode: 'pessimistic_write' },
    });
  }

  /** One after another, so that the bound on their number holds. */
  async lockAll(tx: WriteTx): Promise<void> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`webhooks/${tx.organizationId}`]);
  }

  async insert(tx: WriteTx, row: WebhookRow): Promise<void> {
    await tx.insert({ entity: Webhook, row });
  }

  async change(tx: WriteTx, id: string, changed: Partial<WebhookRow>): Promise<void> {
    await tx.update(Webhook, { organizationId: tx.organizationId, id }, changed);
  }

  /** Of all organisations (the policy `program`): those that have somebody to tell. */
  async organizations(tx: Tx): Promise<string[]> {
    await tx.query(`select set_config('app.program', 'notices', true)`);
    const rows = await tx.query<{ id: string }>(
      `select distinct organization_id as id from webhook where state = 'on' and removed_at is null order by 1`,
    );
    return rows.map(({ id }) => id);
  }

  ids(tx: Tx, after: string | null, limit: number): Promise<string[]> {
    return idsOf(tx, Webhook, 'id', after, limit);
  }

  /** What is said of them in the details of their events. */
  async rows(tx: Tx, ids: readonly string[]): Promise<Row[]> {
    return (await rowsOf(tx, Webhook, 'id', ids)).map(
      ({ id, url, events, state, version, createdAt, createdBy, updatedAt, removedAt }) => ({
        id,
        key: '',
        says: { url, events, state, version, createdAt, createdBy, updatedAt, removedAt },
      }),
    );
  }
}
