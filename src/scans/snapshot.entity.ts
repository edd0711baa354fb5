import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** The latest snapshot of a system's cluster, and by what it was judged. */
@Entity('snapshot')
@ForeignKey('scan', ['organizationId', 'systemId', 'scanId'], ['organizationId', 'systemId', 'id'], {
  name: 'snapshot_scan',
})
@ForeignKey('evidence', ['organizationId', 'evidenceId'], ['organizationId', 'id'], { name: 'snapshot_evidence' })
export class Snapshot {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'snapshot_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'snapshot_pk' })
  systemId!: string;
  /** The scan that judged it last. */
  @Column('uuid')
  scanId!: string;
  @Column('uuid')
  evidenceId!: string;
  @Column('timestamptz')
  observedAt!: Date;
  /** Digest of all that its results depend on beside its bytes. */
  @Column('bytea')
  rules!: Buffer;
  /** Digest of what of that comes with the program. */
  @Column('bytea')
  program!: Buffer;
}

/** A row as plain data. */
export type SnapshotRow = Pick<Snapshot, keyof Snapshot>;
