import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import type { Notice, NoticeType } from './events.js';
import { Delivery, NoticeState, type DeliveryRow } from './notice.entity.js';
import type { DeliveryStatus } from './webhooks.schema.js';

export interface NoticeFilter {
  type?: NoticeType | undefined;
  since?: Date | undefined;
  /** Those before it, the newest first. */
  before: readonly [at: string, id: string] | null;
  limit: number;
}

export interface DeliveryFilter {
  status?: DeliveryStatus | undefined;
  before: readonly [createdAt: string, noticeId: string] | null;
  limit: number;
}

/** A delivery, and of what. */
export type ListedDelivery = DeliveryRow & Pick<Notice, 'type' | 'subject'>;

const DELIVERY = `d.organization_id as "organizationId", d.webhook_id as "webhookId", d.notice_id as "noticeId", d.status, d.attempts, d.tries,
  d.next_at as "nextAt", d.last_at as "lastAt", d.answered, d.fault, d.created_at as "createdAt", n.type, n.subject`;

@Injectable()
export class NoticesStore {
  /** Adds those that are not there yet, by one statement; gives their ids. */
  async add(tx: WriteTx, notices: readonly Notice[]): Promise<ReadonlySet<string>> {
    const rows = await tx.query<{ id: string }>(
      `insert into notice (organization_id, id, type, subject, at, data)
       select $1, n.id, n.type, n.subject, n.at, n.data
       from jsonb_to_recordset($2::jsonb) as n(id uuid, type text, subject text, at timestamptz, data jsonb)
       on conflict do nothing
       returning id`,
      [tx.organizationId, JSON.stringify(notices)],
    );
    return new Set(rows.map(({ id }) => id));
  }

  list(tx: Tx, { type, since, before, limit }: NoticeFilter): Promise<Notice[]> {
    return tx.query<Notice>(
      `select id, type, subject, at, data from notice
       where organization_id = $1 and ($2::text is null or type = $2) and ($3::timestamptz is null or at >= $3)
         and ($4::timestamptz is null or (at, id) < ($4, $5::uuid))
       order by at desc, id desc limit $6`,
      [tx.organizationId, type ?? null, since ?? null, before?.[0] ?? null, before?.[1] ?? null, limit],
    );
  }

  async find(tx: Tx, id: string): Promise<Notice | null> {
    const [notice] = await tx.query<Notice>(
      'select id, type, subject, at, data from notice where organization_id = $1 and id = $2',
      [tx.organizationId, id],
    );
    return notice ?? null;
  }

  /** Each of the notices waits to be told to the webhook. */
  async addDeliveries(tx: WriteTx, webhookId: string, noticeIds: readonly string[], at: Date): Promise<void> {
    await tx.execute(
      `insert into delivery (organization_id, webhook_id, notice_id, status, attempts, tries, next_at, created_at)
       select $1, $2, n.id, 'waiting', 0, 0, $4, $4 from unnest($3::uuid[]) as n(id)`,
      [tx.organizationId, webhookId, noticeIds, at],
    );
  }

  findDelivery(tx: Tx, webhookId: string, noticeId: string): Promise<DeliveryRow | null> {
    return tx.manager.findOneBy(Delivery, { organizationId: tx.organizationId, webhookId, noticeId });
  }

  lockDelivery(tx: WriteTx, webhookId: string, noticeId: string): Promise<DeliveryRow | null> {
    return tx.manager.findOne(Delivery, {
      where: { organizationId: tx.organizationId, webhookId, noticeId },
      lock: { mode: 'pessimistic_write' },
    });
  }

  async changeDelivery(
    tx: WriteTx,
    { webhookId, noticeId }: DeliveryRow,
    changed: Partial<DeliveryRow>,
  ): Promise<void> {
    await tx.update(Delivery, { organizationId: tx.organizationId, webhookId, noticeId }, changed);
  }

  listDeliveries(tx: Tx, webhookId: string, { status, before, limit }: DeliveryFilter): Promise<ListedDelivery[]> {
    return tx.query<ListedDelivery>(
      `select ${DELIVERY}
       from delivery d join notice n on n.organization_id = d.organization_id and n.id = d.notice_id
       where d.organization_id = $1 and d.webhook_id = $2 and ($3::text is null or d.status = $3)
         and ($4::timestamptz is null or (d.created_at, d.notice_id) < ($4, $5::uuid))
       order by d.created_at desc, d.notice_id desc limit $6`,
      [tx.organizationId, webhookId, status ?? null, before?.[0] ?? null, before?.[1] ?? null, limit],
    );
  }

  /** What was last looked at; null: nothing yet. Whoever looks at the same time waits until the transaction ends. */
  async lockState(tx: WriteTx): Promise<{ seenAt: Date; levels: Record<string, string> } | null> {
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`notices/${tx.organizationId}`]);
    return tx.manager.findOneBy(NoticeState, { organizationId: tx.organizationId });
  }

  async keepState(tx: WriteTx, seenAt: Date, levels: Readonly<Record<string, string>>): Promise<void> {
    await tx.execute(
      `insert into notice_state (organization_id, seen_at, levels) values ($1, $2, $3)
       on conflict (organization_id) do update set seen_at = excluded.seen_at, levels = excluded.levels`,
      [tx.organizationId, seenAt, JSON.stringify(levels)],
    );
  }
}
