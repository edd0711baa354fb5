import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** An approved version in one place over an interval of time, as it is known over an interval of our time (migration 24 says what each column means). */
@Entity('record_interval')
@Index('record_open', ['organizationId', 'type', 'systemId', 'subject'], {
  where: 'effective_to is null and known_to is null',
})
@Index('record_ended', ['organizationId', 'type', 'effectiveTo'], { where: 'effective_to is not null' })
@Check('record_interval_ended', '(effective_to is null) = (ended_known is null)')
@Check('record_interval_forward', 'effective_to > effective_from')
export class RecordInterval {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_interval_pk' })
  organizationId!: string;
  @Column('text')
  type!: string;
  @Column('uuid', { nullable: true })
  subject!: string | null;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_interval_pk' })
  recordId!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'record_interval_pk' })
  version!: number;
  /** A system, or WHOLE. */
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_interval_pk' })
  systemId!: string;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'record_interval_pk' })
  effectiveFrom!: Date;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'record_interval_pk' })
  knownFrom!: Date;
  @Column('timestamptz', { nullable: true })
  effectiveTo!: Date | null;
  @Column('timestamptz', { nullable: true })
  endedKnown!: Date | null;
  @Column('timestamptz', { nullable: true })
  knownTo!: Date | null;
  @Column('timestamptz')
  goodFrom!: Date;
  @Column('timestamptz', { nullable: true })
  expiresAt!: Date | null;
  @Column('text', { nullable: true })
  outcome!: string | null;
  @Column('boolean')
  fails!: boolean;
  @Column('text', { array: true })
  about!: string[];
}
