import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { Reject, ReportFaultCode, Target } from './report.js';

/** What the poster said of the report where it does not say itself. */
export interface Declaration {
  format: string | null;
  /** RFC 3339 UTC, milliseconds. */
  observedAt: string | null;
  targets: Target[];
  partial: boolean;
  /** Of what nobody posted: why the program read the bytes again. */
  cause?: Cause;
}

/** The rules that a snapshot was judged by have changed. */
export interface Cause {
  kind: 'rules';
  /** What the rules are called. */
  ruleSet: string;
  /** Digest of all that they are. */
  rules: string;
  /** The scan whose results these take the place of, from then on. */
  replaces: string;
}

export interface RowCounts {
  total: number;
  new: number;
  changed: number;
  unchanged: number;
  closed: number;
}

/** Of check results; with those of facts and events, where the report's format gives such (scans of before there were any have none). */
export interface ScanCounts extends RowCounts {
  rejected: number;
  facts?: RowCounts;
  events?: { total: number; new: number };
}

/** Why a report was refused as evidence. Its bytes are kept: quarantined, downloadable, never read into a result. */
export interface ScanProblem {
  code:
    | ReportFaultCode
    | 'observed-at-required'
    | 'observed-in-future'
    | 'observed-at-mismatch'
    | 'parse-limit'
    | 'unreadable';
  detail: string;
  pointer?: string;
  offset?: number;
  line?: number;
}

/** What was noticed of a scan as a whole. */
export interface ScanFlag {
  code: string;
  detail: string;
}

export type ScanStatus = 'queued' | 'stored' | 'refused';

@Entity('scan')
@ForeignKey('system', ['organizationId', 'systemId'], ['organizationId', 'id'], { name: 'scan_system' })
@ForeignKey('evidence', ['organizationId', 'evidenceId'], ['organizationId', 'id'], { name: 'scan_evidence' })
@Index('scan_once', ['organizationId', 'systemId', 'evidenceId', 'declaredDigest'], {
  unique: true,
  where: `status <> 'refused'`,
})
@Index('scan_received', ['organizationId', 'systemId', 'receivedAt', 'id'])
@Index('scan_reading', ['organizationId', 'systemId', 'evidenceId', 'readingDigest', 'observedAt'], {
  where: `status = 'stored'`,
})
@Index('scan_rows', ['organizationId', 'systemId', 'rowsDigest', 'observedAt'], { where: 'rows_digest is not null' })
@Index('scan_identity', ['organizationId', 'systemId', 'tool', 'observedAt'], {
  where: 'cluster_name is not null or cluster_uid is not null',
})
@Index('scan_uid', ['organizationId', 'systemId', 'observedAt'], { where: 'cluster_uid is not null' })
@Index('scan_by_evidence', ['organizationId', 'evidenceId'])
@Check('scan_status', `status in ('queued', 'stored', 'refused')`)
@Check('scan_stored', `status <> 'stored' or (observed_at is not null and known_at is not null and counts is not null)`)
@Check('scan_refused', `status <> 'refused' or problem is not null`)
export class Scan {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'scan_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'scan_pk' })
  systemId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'scan_pk' })
  id!: string;
  @Column('uuid')
  evidenceId!: string;
  @Column('text')
  status!: ScanStatus;
  @Column('jsonb')
  declared!: Declaration;
  @Column('bytea')
  declaredDigest!: Buffer;
  /** Digest of all rows and coverage: two scans with the same one say the same, whatever their bytes and instants. Null until it is read. */
  @Column('bytea', { nullable: true })
  rowsDigest!: Buffer | null;
  /** Digest of all that a reading depends on beside the bytes and the instant: format, targets, partial, and the revision of the readers. */
  @Column('bytea')
  readingDigest!: Buffer;
  @Column('text', { nullable: true })
  format!: string | null;
  @Column('text', { nullable: true })
  tool!: string | null;
  @Column('text', { nullable: true })
  toolVersion!: string | null;
  @Column('text', { nullable: true })
  clusterName!: string | null;
  /** `metadata.uid` of the namespace kube-system, where the report tells it: names a cluster for as long as it lives. */
  @Column('text', { nullable: true })
  clusterUid!: string | null;
  /** When it was so, said by the report or its poster. */
  @Column('timestamptz', { nullable: true })
  observedAt!: Date | null;
  /** Whether the report itself says that instant; else its poster did. Null until it is read. */
  @Column('boolean', { nullable: true })
  saysWhen!: boolean | null;
  /** When the bytes arrived. */
  @Column('timestamptz')
  receivedAt!: Date;
  /** When its results became known: the instant of the merge. */
  @Column('timestamptz', { nullable: true })
  knownAt!: Date | null;
  @Column('text')
  postedBy!: string;
  @Column('jsonb', { nullable: true })
  counts!: ScanCounts | null;
  @Column('jsonb', { nullable: true })
  rejects!: Reject[] | null;
  @Column('jsonb', { nullable: true })
  notes!: string[] | null;
  /** Null until it is read. */
  @Column('jsonb', { nullable: true })
  flags!: ScanFlag[] | null;
  @Column('jsonb', { nullable: true })
  problem!: ScanProblem | null;
}
