import { Column, Entity, ForeignKey, PrimaryColumn, Unique, type ValueTransformer } from 'typeorm';

/** pg gives bigint as text; sizes stay far below 2^53. */
const bytes: ValueTransformer = { to: (value: number) => value, from: Number };

@Entity('evidence')
@Unique('evidence_sha256', ['organizationId', 'sha256'])
@ForeignKey('data_key', ['organizationId', 'dataKeyId'], ['organizationId', 'id'], { name: 'evidence_data_key' })
export class Evidence {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'evidence_pk' })
  id!: string;
  /** Of the evidence itself: decoded, in clear. */
  @Column('bytea')
  sha256!: Buffer;
  @Column('bigint', { transformer: bytes })
  size!: number;
  @Column('text')
  mediaType!: string;
  @Column('text')
  sourceKind!: string;
  @Column('text')
  sourceId!: string;
  @Column('timestamptz')
  receivedAt!: Date;
  @Column('timestamptz')
  retainUntil!: Date;
  @Column('uuid')
  dataKeyId!: string;
  @Column('text')
  storageKey!: string;
  @Column('text', { nullable: true })
  storageVersion!: string | null;
  @Column('bigint', { transformer: bytes })
  storageSize!: number;
  /** Of the bytes as stored: encrypted. */
  @Column('bytea')
  storageSha256!: Buffer;
}
