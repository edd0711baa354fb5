import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** That evidence is a posture which the service itself froze, and of what instants. Append-only. */
@Entity('frozen_posture')
@ForeignKey('evidence', ['organizationId', 'evidenceId'], ['organizationId', 'id'], { name: 'frozen_posture_evidence' })
export class FrozenPosture {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'frozen_posture_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'frozen_posture_pk' })
  evidenceId!: string;
  @Column('timestamptz')
  asOf!: Date;
  @Column('timestamptz')
  knownAt!: Date;
  @Column('timestamptz')
  frozenAt!: Date;
  @Column('text')
  frozenBy!: string;
}
