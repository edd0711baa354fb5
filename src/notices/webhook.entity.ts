import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import type { NoticeType } from './events.js';
import type { WebhookState } from './webhooks.schema.js';

/** Where an organisation is told of what happens. `secret` and `previousSecret` are sealed, each under the data key named beside it. */
@Entity('webhook')
@Check('webhook_state', `state in ('on', 'off', 'failing')`)
@Check(
  'webhook_previous',
  '(previous_secret is null) = (previous_data_key_id is null) and (previous_secret is null) = (previous_until is null)',
)
@ForeignKey('organization', ['organizationId'], ['organizationId'], { name: 'webhook_organization' })
@ForeignKey('data_key', ['organizationId', 'dataKeyId'], ['organizationId', 'id'], { name: 'webhook_data_key' })
@ForeignKey('data_key', ['organizationId', 'previousDataKeyId'], ['organizationId', 'id'], {
  name: 'webhook_previous_data_key',
})
export class Webhook {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'webhook_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'webhook_pk' })
  id!: string;
  @Column('text')
  url!: string;
  @Column('text', { array: true })
  events!: NoticeType[];
  @Column('text')
  state!: WebhookState;
  /** Since it last answered as it should. */
  @Column('integer')
  failures!: number;
  @Column('timestamptz', { nullable: true })
  failingSince!: Date | null;
  @Column('uuid')
  dataKeyId!: string;
  @Column('bytea')
  secret!: Buffer;
  @Column('uuid', { nullable: true })
  previousDataKeyId!: string | null;
  @Column('bytea', { nullable: true })
  previousSecret!: Buffer | null;
  @Column('timestamptz', { nullable: true })
  previousUntil!: Date | null;
  @Column('integer')
  version!: number;
  @Column('timestamptz')
  createdAt!: Date;
  @Column('text')
  createdBy!: string;
  @Column('timestamptz')
  updatedAt!: Date;
  @Column('timestamptz', { nullable: true })
  removedAt!: Date | null;
}

export type WebhookRow = Pick<Webhook, keyof Webhook>;
