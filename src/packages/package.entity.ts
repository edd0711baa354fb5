import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn, type ValueTransformer } from 'typeorm';
import type { ProblemDocument } from '../kernel/http/problem.js';
import type { BuildProgress } from './build-progress.js';

/** pg gives bigint as text; sizes stay far below 2^53. */
const bytes: ValueTransformer = {
  to: (value: number | null) => value,
  from: (value: string | null) => (value === null ? null : Number(value)),
};

export type PackageStatus = 'queued' | 'ready' | 'failed' | 'cancelled';

@Entity('package')
@ForeignKey('organization', ['organizationId'], ['organizationId'], { name: 'package_organization' })
@ForeignKey('system', ['organizationId', 'systemId'], ['organizationId', 'id'], { name: 'package_system' })
@ForeignKey('data_key', ['organizationId', 'dataKeyId'], ['organizationId', 'id'], { name: 'package_data_key' })
@Check('package_status', `status in ('queued', 'ready', 'failed', 'cancelled')`)
@Check('package_finished', `(status = 'queued') = (finished_at is null)`)
@Check(
  'package_ready',
  `status <> 'ready' or (size is not null and sha256 is not null and data_key_id is not null and storage_key is not null and storage_size is not null and storage_sha256 is not null)`,
)
@Check('package_period', `period_from <= as_of`)
@Check('package_failed', `(status = 'failed') = (problem is not null)`)
@Check(
  'package_removed',
  `removed_at is null or status in ('failed', 'cancelled') or (status = 'ready' and expires_at is not null)`,
)
@Index('package_asked', ['organizationId', 'asked'], { unique: true, where: `status = 'queued'` })
export class Package {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'package_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'package_pk' })
  id!: string;
  /** Null: all systems of the organisation. */
  @Column('uuid', { nullable: true })
  systemId!: string | null;
  @Column('timestamptz')
  asOf!: Date;
  /** From when it tells what came before. */
  @Column('timestamptz')
  periodFrom!: Date;
  /** Fixed when the package is asked for, so that it says the same whenever it is built. */
  @Column('timestamptz')
  knownAt!: Date;
  @Column('text')
  status!: PackageStatus;
  @Column('text')
  requestedBy!: string;
  @Column('timestamptz')
  createdAt!: Date;
  @Column('timestamptz', { nullable: true })
  finishedAt!: Date | null;
  /** Of the ZIP itself, in clear. */
  @Column('bigint', { nullable: true, transformer: bytes })
  size!: number | null;
  @Column('bytea', { nullable: true })
  sha256!: Buffer | null;
  @Column('uuid', { nullable: true })
  dataKeyId!: string | null;
  /** While queued: where the latest attempt writes. An attempt whose key is no longer here has been given up. */
  @Column('text', { nullable: true })
  storageKey!: string | null;
  @Column('text', { nullable: true })
  storageVersion!: string | null;
  @Column('bigint', { nullable: true, transformer: bytes })
  storageSize!: number | null;
  @Column('bytea', { nullable: true })
  storageSha256!: Buffer | null;
  @Column('jsonb', { nullable: true })
  problem!: ProblemDocument | null;
  /** Recipients of age; none: it is not encrypted to anybody. */
  @Column('text', { array: true })
  encryptTo!: string[];
  /** From here on it is not given out any more, and its bytes go. */
  @Column('timestamptz', { nullable: true })
  expiresAt!: Date | null;
  /** When its bytes went. */
  @Column('timestamptz', { nullable: true })
  removedAt!: Date | null;
  /** Digest of all that was asked for; null of packages from before. */
  @Column('bytea', { nullable: true })
  asked!: Buffer | null;
  /** Of the attempt under way, now and then. */
  @Column('jsonb', { nullable: true })
  progress!: BuildProgress | null;
}
