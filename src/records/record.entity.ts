import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { KeptDocument, RecordLink } from './effective.js';
import type { Move, VersionKind, VersionState } from './moves.js';

@Entity('record')
@Index('record_natural_key', ['organizationId', 'type', 'naturalKey'], { unique: true, where: `natural_key <> ''` })
@Index('record_list', ['organizationId', 'type', 'id'])
@ForeignKey('organization', ['organizationId'], ['organizationId'], { name: 'record_organization' })
export class RecordEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_pk' })
  id!: string;
  @Column('text')
  type!: string;
  /** Of its type one record has it; empty: its type has no key, or it was not submitted yet. */
  @Column('text')
  naturalKey!: string;
  /** The ETag: goes up by one with every move or edit of any version. */
  @Column('integer')
  revision!: number;
  @Column('integer')
  lastVersion!: number;
  /** The last that was approved. */
  @Column('integer', { nullable: true })
  approvedVersion!: number | null;
  /** A draft, or what waits for a decision; one at most. */
  @Column('integer', { nullable: true })
  openVersion!: number | null;
  @Column('timestamptz')
  createdAt!: Date;
  @Column('text')
  createdBy!: string;
}

@Entity('record_version')
@Index('record_version_waiting', ['organizationId', 'submittedAt'], { where: `state = 'submitted'` })
@Check('record_version_kind', `kind in ('content', 'end')`)
@Check('record_version_state', `state in ('draft', 'submitted', 'approved', 'withdrawn')`)
@Check('record_version_submitted', `state <> 'submitted' or (submitted_at is not null and submitted_by is not null)`)
@Check('record_version_decided', `(decided_at is not null) = (state = 'approved' or state = 'withdrawn')`)
@Check(
  'record_version_two_people',
  `state <> 'approved' or (decided_person is not null and cardinality(hands) > 0 and decided_person <> all (hands))`,
)
@ForeignKey('record', ['organizationId', 'recordId'], ['organizationId', 'id'], { name: 'record_version_record' })
export class RecordVersion {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_version_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_version_pk' })
  recordId!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'record_version_pk' })
  version!: number;
  @Column('text')
  kind!: VersionKind;
  @Column('text')
  state!: VersionState;
  @Column('text')
  type!: string;
  /** The definition that it was checked by: a version of the catalogue, or `org/<n>`. */
  @Column('text')
  typeVersion!: string;
  @Column('text')
  title!: string;
  @Column('text')
  ownerId!: string;
  @Column('jsonb')
  fields!: Record<string, unknown>;
  @Column('uuid', { array: true })
  systemIds!: string[];
  @Column('timestamptz')
  effectiveFrom!: Date;
  @Column('timestamptz', { nullable: true })
  expiresAt!: Date | null;
  @Column('timestamptz')
  goodFrom!: Date;
  @Column('text')
  naturalKey!: string;
  @Column('text', { nullable: true })
  subject!: string | null;
  /** A name-based id of the subject, for it outlives the subject's name. */
  @Column('uuid', { nullable: true })
  subjectId!: string | null;
  @Column('text', { nullable: true })
  outcome!: string | null;
  @Column('boolean')
  fails!: boolean;
  @Column('text', { array: true })
  about!: string[];
  @Column('jsonb')
  links!: RecordLink[];
  @Column('jsonb')
  documents!: KeptDocument[];
  @Column('text', { nullable: true })
  reason!: string | null;
  /** Persons who wrote or submitted it. */
  @Column('uuid', { array: true })
  hands!: string[];
  @Column('timestamptz')
  createdAt!: Date;
  @Column('text')
  createdBy!: string;
  @Column('timestamptz', { nullable: true })
  submittedAt!: Date | null;
  @Column('text', { nullable: true })
  submittedBy!: string | null;
  @Column('timestamptz', { nullable: true })
  decidedAt!: Date | null;
  @Column('text', { nullable: true })
  decidedBy!: string | null;
  @Column('uuid', { nullable: true })
  decidedPerson!: string | null;
  @Column('timestamptz', { nullable: true })
  disposedAt!: Date | null;
}

/** The life of a version as it was. Append-only, but that a disposal empties reasons. */
@Entity('record_move')
@ForeignKey('record_version', ['organizationId', 'recordId', 'version'], ['organizationId', 'recordId', 'version'], {
  name: 'record_move_version',
})
export class RecordMove {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_move_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_move_pk' })
  recordId!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'record_move_pk' })
  version!: number;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'record_move_pk' })
  number!: number;
  @Column('text')
  move!: Move;
  @Column('timestamptz')
  at!: Date;
  @Column('text')
  by!: string;
  @Column('text', { nullable: true })
  reason!: string | null;
}

/** What approved versions point at. Append-only. */
@Entity('record_link')
@Index('record_link_target', ['organizationId', 'kind', 'target', 'recordId'])
@Check(
  'record_link_kind',
  `kind in ('practice', 'control', 'record', 'evidence', 'series', 'namespace', 'check', 'event')`,
)
@ForeignKey('record_version', ['organizationId', 'recordId', 'version'], ['organizationId', 'recordId', 'version'], {
  name: 'record_link_version',
})
export class RecordLinkRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_link_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_link_pk' })
  recordId!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'record_link_pk' })
  version!: number;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'record_link_pk' })
  kind!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'record_link_pk' })
  target!: string;
}

/** Evidence that a version has named, also as a draft. Append-only. */
@Entity('record_document')
@Index('record_document_of', ['organizationId', 'evidenceId'])
@ForeignKey('record_version', ['organizationId', 'recordId', 'version'], ['organizationId', 'recordId', 'version'], {
  name: 'record_document_version',
})
@ForeignKey('evidence', ['organizationId', 'evidenceId'], ['organizationId', 'id'], {
  name: 'record_document_evidence',
})
export class RecordDocumentRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_document_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_document_pk' })
  recordId!: string;
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'record_document_pk' })
  version!: number;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_document_pk' })
  evidenceId!: string;
}
