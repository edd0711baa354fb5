import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { AuditEvent } from './audit.entity.js';

/** Logs that were begun anew, all of them at once: a restored database must not sign otherwise what it has signed (docs/log.md). The highest number is the present one. */
@Entity('log_generation')
export class LogGeneration {
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'log_generation_pk' })
  number!: number;
  @Column('timestamptz')
  startedAt!: Date;
}

/** Events that have no index yet; a trigger of `audit_event` fills it. */
@Entity('audit_queue')
export class AuditQueueEntry {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'audit_queue_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'audit_queue_pk' })
  eventId!: string;
  @Column('bytea')
  leafHash!: Buffer;
}

@Entity('audit_leaf')
@Index('audit_leaf_of_event', ['organizationId', 'generation', 'eventId'], { unique: true })
@ForeignKey(() => AuditEvent, ['organizationId', 'eventId'], ['organizationId', 'id'], { name: 'audit_leaf_event' })
export class AuditLeaf {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'audit_leaf_pk' })
  organizationId!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'audit_leaf_pk' })
  generation!: number;
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'audit_leaf_pk' })
  index!: string;
  @Column('bytea')
  leafHash!: Buffer;
  @Column('uuid', { nullable: true })
  eventId!: string | null;
  /** Of a leaf that is no event. */
  @Column('bytea', { nullable: true })
  leaf!: Buffer | null;
}

/** Full tiles. */
@Entity('log_tile')
export class LogTile {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'log_tile_pk' })
  organizationId!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'log_tile_pk' })
  generation!: number;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'log_tile_pk' })
  level!: number;
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'log_tile_pk' })
  index!: string;
  @Column('bytea')
  hashes!: Buffer;
  /** What the level above has of it. */
  @Column('bytea')
  root!: Buffer;
}

@Entity('log_state')
@Check('log_state_signed', 'signed_size <= size')
export class LogState {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'log_state_pk' })
  organizationId!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'log_state_pk' })
  generation!: number;
  @Column('text')
  origin!: string;
  @Column('bigint')
  size!: string;
  @Column('bytea')
  root!: Buffer;
  @Column('bytea')
  frontier!: Buffer;
  /** False while a log that was begun anew takes over the leaves of the one before; until then its head is not signed. */
  @Column('boolean')
  isComplete!: boolean;
  /** Of the last checkpoint; 0 before the first. */
  @Column('bigint')
  signedSize!: string;
}

@Entity('log_checkpoint')
export class LogCheckpoint {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'log_checkpoint_pk' })
  organizationId!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'log_checkpoint_pk' })
  generation!: number;
  @PrimaryColumn('bigint', { primaryKeyConstraintName: 'log_checkpoint_pk' })
  size!: string;
  @Column('bytea')
  root!: Buffer;
  @Column('bytea')
  note!: Buffer;
  @Column('timestamptz')
  signedAt!: Date;
}
