import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** What a scan can cover: a node, a namespace, an image … of one system. Its id is derived from its name (series.ts). */
@Entity('target')
@ForeignKey('system', ['organizationId', 'systemId'], ['organizationId', 'id'], { name: 'target_system' })
@Check('target_kind', `kind in ('cluster', 'node', 'namespace', 'image', 'repository', 'account')`)
export class TargetRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'target_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'target_pk' })
  systemId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'target_pk' })
  id!: string;
  @Column('text')
  kind!: string;
  @Column('text')
  name!: string;
}

/** Which series a scan saw outside what it covered completely, kept once per distinct set: an unchanged rescan refers to it and adds nothing. */
@Entity('sighting')
export class Sighting {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'sighting_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'sighting_pk' })
  id!: string;
  @Column('uuid', { array: true })
  series!: string[];
}

/** What the earlier of two sightings has and the later, which came next after it for some target and source, has not. */
@Entity('sighting_loss')
@ForeignKey('sighting', ['organizationId', 'earlierId'], ['organizationId', 'id'], { name: 'sighting_loss_earlier' })
@ForeignKey('sighting', ['organizationId', 'laterId'], ['organizationId', 'id'], { name: 'sighting_loss_later' })
export class SightingLoss {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'sighting_loss_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'sighting_loss_pk' })
  earlierId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'sighting_loss_pk' })
  laterId!: string;
  @Column('uuid', { array: true })
  series!: string[];
}

/** What one scan covered of one target, for one source of findings. */
@Entity('coverage')
@ForeignKey('target', ['organizationId', 'systemId', 'targetId'], ['organizationId', 'systemId', 'id'], {
  name: 'coverage_target',
})
@ForeignKey('scan', ['organizationId', 'systemId', 'scanId'], ['organizationId', 'systemId', 'id'], {
  name: 'coverage_scan',
})
@ForeignKey('evidence', ['organizationId', 'evidenceId'], ['organizationId', 'id'], { name: 'coverage_evidence' })
@ForeignKey('sighting', ['organizationId', 'sightingId'], ['organizationId', 'id'], { name: 'coverage_sighting' })
@Index('coverage_known', ['organizationId', 'systemId', 'knownAt'])
@Index('coverage_by_scan', ['organizationId', 'systemId', 'scanId'])
@Index('coverage_latest', ['organizationId', 'systemId', 'targetId', 'source', 'checksId', 'observedAt', 'knownAt'], {
  where: 'complete',
})
@Index(
  'coverage_sighted',
  ['organizationId', 'systemId', 'targetId', 'source', 'sightingId', 'observedAt', 'knownAt'],
  {
    where: 'sighting_id is not null',
  },
)
@Check('coverage_partial', 'complete or sighting_id is not null')
@Check('coverage_ahead', `observed_at <= known_at + interval '24 hours'`)
export class CoverageRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'coverage_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'coverage_pk' })
  systemId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'coverage_pk' })
  targetId!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'coverage_pk' })
  source!: string;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'coverage_pk' })
  observedAt!: Date;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'coverage_pk' })
  scanId!: string;
  @Column('uuid')
  evidenceId!: string;
  @Column('timestamptz')
  knownAt!: Date;
  @Column('boolean')
  complete!: boolean;
  @Column('text', { array: true, nullable: true })
  checks!: string[] | null;
  @Column('uuid')
  checksId!: string;
  @Column('text', { array: true })
  silentPass!: string[];
  @Column('uuid', { nullable: true })
  sightingId!: string | null;
}

/** One status of one series over an interval of observed time, as it is known over an interval of our time (migration 6 says what each column means). */
@Entity('result')
@Index('result_by_end', ['organizationId', 'systemId', 'observedTo', 'observedFrom'], {
  where: 'observed_to is not null and known_to is null',
})
@Index('result_open', ['organizationId', 'systemId', 'targetId', 'source'], {
  where: 'observed_to is null and known_to is null',
})
@Check('result_ended', '(observed_to is null) = (ended_known is null)')
@Check('result_forward', 'observed_to > observed_from')
@Check('result_status', `status in ('pass', 'fail', 'warn', 'error', 'skip', 'manual')`)
@Check('result_severity', `severity in ('critical', 'high', 'medium', 'low', 'info', 'unknown')`)
export class ResultRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'result_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'result_pk' })
  systemId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'result_pk' })
  series!: string;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'result_pk' })
  observedFrom!: Date;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'result_pk' })
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
  checkId!: string;
  @Column('text')
  resource!: string;
  @Column('text', { nullable: true })
  namespace!: string | null;
  @Column('text')
  status!: string;
  @Column('text')
  severity!: string;
  @Column('text')
  title!: string;
  @Column('text')
  message!: string;
}
