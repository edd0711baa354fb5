import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

@Entity('audit_event')
@Index('audit_event_object', ['organizationId', 'objectKind', 'objectId', 'id'])
@Index('audit_event_action', ['organizationId', 'action', 'id'])
@Check('audit_event_leaf', 'octet_length(leaf) <= 16384')
export class AuditEvent {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'audit_event_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'audit_event_pk' })
  id!: string;
  @Column('timestamptz')
  createdAt!: Date;
  @Column('text')
  action!: string;
  @Column('text')
  actorKind!: string;
  @Column('text')
  actorId!: string;
  @Column('text')
  objectKind!: string;
  @Column('text')
  objectId!: string;
  @Column('text')
  outcome!: string;
  @Column('text')
  requestId!: string;
  @Column('bytea')
  leaf!: Buffer;
}

/** That the details of an event were erased, and by which record two people decided on it. Append-only. */
@Entity('audit_erasure')
@ForeignKey(() => AuditEvent, ['organizationId', 'eventId'], ['organizationId', 'id'], { name: 'audit_erasure_event' })
@ForeignKey('record', ['organizationId', 'recordId'], ['organizationId', 'id'], { name: 'audit_erasure_record' })
export class AuditErasure {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'audit_erasure_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'audit_erasure_pk' })
  eventId!: string;
  @Column('uuid')
  recordId!: string;
  @Column('timestamptz')
  erasedAt!: Date;
}

@Entity('audit_detail')
@ForeignKey(() => AuditEvent, ['organizationId', 'eventId'], ['organizationId', 'id'], { name: 'audit_detail_event' })
export class AuditDetail {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'audit_detail_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'audit_detail_pk' })
  eventId!: string;
  @Column('uuid')
  dataKeyId!: string;
  @Column('bytea')
  salt!: Buffer;
  @Column('bytea')
  encryptedDetail!: Buffer;
}
