import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

export type FindingState = 'corrupt' | 'intact';

/** What was found of the stored bytes of an evidence, each time that it was another than before. Append-only. */
@Entity('evidence_finding')
@Check('evidence_finding_state', `state in ('corrupt', 'intact')`)
@ForeignKey('evidence', ['organizationId', 'evidenceId'], ['organizationId', 'id'], {
  name: 'evidence_finding_evidence',
})
export class EvidenceFinding {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_finding_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_finding_pk' })
  evidenceId!: string;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'evidence_finding_pk' })
  foundAt!: Date;
  @Column('text')
  state!: FindingState;
  @Column('text')
  reason!: string;
}
