import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, Unique, type ValueTransformer } from 'typeorm';
import type { Dropped } from './redaction.js';

/** pg gives bigint as text; sizes stay far below 2^53. */
const bytes: ValueTransformer = { to: (value: number) => value, from: Number };
const bytesIfKnown: ValueTransformer = {
  to: (value: number | null) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};

@Entity('evidence')
@Unique('evidence_sha256', ['organizationId', 'sha256'])
@Index('evidence_received', ['organizationId', 'receivedSha256'], { where: 'received_sha256 is not null' })
@Check(
  'evidence_redaction',
  `(received_sha256 is null) = (dropped is null) and (received_size is null) = (dropped is null)`,
)
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
  /** Of what was received, where something of it was dropped before it was kept; then also its bytes and what was dropped. */
  @Column('bytea', { nullable: true })
  receivedSha256!: Buffer | null;
  @Column('bigint', { nullable: true, transformer: bytesIfKnown })
  receivedSize!: number | null;
  @Column('jsonb', { nullable: true })
  dropped!: Dropped | null;
}
