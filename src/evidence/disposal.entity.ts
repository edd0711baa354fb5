import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** That the bytes of an evidence were removed, and by which record two people decided on it. Append-only. */
@Entity('evidence_disposal')
@ForeignKey('evidence', ['organizationId', 'evidenceId'], ['organizationId', 'id'], {
  name: 'evidence_disposal_evidence',
})
@ForeignKey('record', ['organizationId', 'recordId'], ['organizationId', 'id'], { name: 'evidence_disposal_record' })
export class EvidenceDisposal {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_disposal_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_disposal_pk' })
  evidenceId!: string;
  @Column('uuid')
  recordId!: string;
  @Column('timestamptz')
  disposedAt!: Date;
}
