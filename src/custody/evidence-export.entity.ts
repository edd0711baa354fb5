import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';

/** That an evidence has left the service in a package, and the audit event that says so. Append-only. */
@Entity('evidence_export')
@Index('evidence_export_of', ['organizationId', 'packageId', 'eventId', 'evidenceId'])
@ForeignKey('evidence', ['organizationId', 'evidenceId'], ['organizationId', 'id'], {
  name: 'evidence_export_evidence',
})
@ForeignKey('package', ['organizationId', 'packageId'], ['organizationId', 'id'], { name: 'evidence_export_package' })
export class EvidenceExport {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_export_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_export_pk' })
  evidenceId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_export_pk' })
  eventId!: string;
  @Column('uuid')
  packageId!: string;
}
