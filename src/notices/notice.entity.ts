import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { NoticeType, NoticeValue } from './events.js';
import type { DeliveryStatus } from './webhooks.schema.js';
import { Webhook } from './webhook.entity.js';

/** What happened, once. Never changed. */
@Entity('notice')
@Index('notice_recent', ['organizationId', 'at', 'id'])
@ForeignKey('organization', ['organizationId'], ['organizationId'], { name: 'notice_organization' })
export class NoticeEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'notice_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'notice_pk' })
  id!: string;
  @Column('text')
  type!: NoticeType;
  @Column('text')
  subject!: string;
  @Column('timestamptz')
  at!: Date;
  @Column('jsonb')
  data!: Record<string, NoticeValue>;
}

/** What became of telling a notice to a webhook. */
@Entity('delivery')
@Check('delivery_status', `status in ('delivered', 'waiting', 'failed', 'dropped')`)
@Check('delivery_next', `(status = 'waiting') = (next_at is not null)`)
@Index('delivery_recent', ['organizationId', 'webhookId', 'createdAt', 'noticeId'])
@ForeignKey(() => Webhook, ['organizationId', 'webhookId'], ['organizationId', 'id'], { name: 'delivery_webhook' })
@ForeignKey(() => NoticeEntity, ['organizationId', 'noticeId'], ['organizationId', 'id'], { name: 'delivery_notice' })
export class Delivery {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'delivery_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'delivery_pk' })
  webhookId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'delivery_pk' })
  noticeId!: string;
  @Column('text')
  status!: DeliveryStatus;
  /** How often it was sent in all: a job that knows another number is of the past. */
  @Column('integer')
  attempts!: number;
  /** How often since it was made, or asked for again. */
  @Column('integer')
  tries!: number;
  @Column('timestamptz', { nullable: true })
  nextAt!: Date | null;
  @Column('timestamptz', { nullable: true })
  lastAt!: Date | null;
  /** The last status that it was answered with. */
  @Column('integer', { nullable: true })
  answered!: number | null;
  /** Why there was no answer, in words of ours. */
  @Column('text', { nullable: true })
  fault!: string | null;
  @Column('timestamptz')
  createdAt!: Date;
}

export type DeliveryRow = Pick<Delivery, keyof Delivery>;

/** By what it is known what has changed: how everything stood when the organisation was last looked at. A memory and no evidence. */
@Entity('notice_state')
@ForeignKey('organization', ['organizationId'], ['organizationId'], { name: 'notice_state_organization' })
export class NoticeState {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'notice_state_pk' })
  organizationId!: string;
  @Column('timestamptz')
  seenAt!: Date;
  @Column('jsonb')
  levels!: Record<string, string>;
}
