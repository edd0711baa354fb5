import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** One value of one fact over an interval of observed time, as it is known over an interval of our time (migrations 6 and 11 say what each column means). */
@Entity('fact')
@Index('fact_by_end', ['organizationId', 'systemId', 'observedTo', 'observedFrom'], {
  where: 'observed_to is not null and known_to is null',
})
@Index('fact_open', ['organizationId', 'systemId', 'targetId', 'source'], {
  where: 'observed_to is null and known_to is null',
})
@Index('fact_kind', ['organizationId', 'systemId', 'kind', 'series'])
@Check('fact_ended', '(observed_to is null) = (ended_known is null)')
@Check('fact_forward', 'observed_to > observed_from')
export class FactRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'fact_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'fact_pk' })
  systemId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'fact_pk' })
  series!: string;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'fact_pk' })
  observedFrom!: Date;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'fact_pk' })
  knownFrom!: Date;
  @Column('timestamptz', { nullable: true })
  observedTo!: Date | null;
  @Column('timestamptz', { nullable: true })
  endedKnown!: Date | null;
  @Column('timestamptz', { nullable: true })
  knownTo!: Date | null;
  @Column('uuid')
  targetId!: string;
  @Column('uuid')
  scanId!: string;
  @Column('text')
  source!: string;
  @Column('text')
  kind!: string;
  @Column('text')
  subject!: string;
  @Column('text', { nullable: true })
  namespace!: string | null;
  @Column('jsonb')
  value!: unknown;
  @Column('uuid')
  valueDigest!: string;
}
