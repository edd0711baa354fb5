import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';
import type { EventCategory, EventSeverity } from './event.js';

/** One event, as its source tells it, and the report that delivered it first (migration 12 says what each column means). */
@Entity('event')
@Index('event_by_category', ['organizationId', 'systemId', 'category', 'at', 'id'])
@Check(
  'event_category',
  `category in ('exec', 'secret-read', 'rbac-change', 'policy-change', 'denied', 'anonymous-access', 'alert')`,
)
@Check('event_severity', `severity in ('critical', 'high', 'medium', 'low', 'info', 'unknown')`)
export class EventRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'event_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'event_pk' })
  systemId!: string;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'event_pk' })
  at!: Date;
  /** `eventId` (staged-event.ts). */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'event_pk' })
  id!: string;
  @Column('text')
  source!: string;
  /** The id that the source gives it. */
  @Column('text')
  nativeId!: string;
  @Column('text')
  category!: EventCategory;
  @Column('text')
  severity!: EventSeverity;
  @Column('text')
  actor!: string;
  @Column('text')
  action!: string;
  @Column('text')
  resource!: string;
  @Column('text', { nullable: true })
  namespace!: string | null;
  @Column('integer', { nullable: true })
  statusCode!: number | null;
  @Column('text')
  sourceIp!: string;
  @Column('uuid')
  scanId!: string;
  @Column('uuid')
  evidenceId!: string;
  @Column('timestamptz')
  knownAt!: Date;
}
