import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { RowFault } from './rows.js';

/**
 * `checked`: a dry run found nothing wrong. `applied`: its versions are submitted, and wait for another person. `refused`: nothing of it was taken. `rejected`: another
 * person did not approve it, and its versions were abandoned.
 */
export const IMPORT_STATUSES = ['received', 'checked', 'refused', 'applied', 'approved', 'rejected'] as const;
export type ImportStatus = (typeof IMPORT_STATUSES)[number];

/** `draft`: it lacks its documents, which no table brings. */
export const IMPORT_OUTCOMES = ['created', 'changed', 'unchanged', 'draft'] as const;
export type ImportOutcome = (typeof IMPORT_OUTCOMES)[number];

@Entity('import')
@Index('import_once', ['organizationId', 'type', 'evidenceId', 'sheet', 'register'], {
  unique: true,
  where: `not dry_run and status = any (array['received', 'applied', 'approved'])`,
})
@ForeignKey('evidence', ['organizationId', 'evidenceId'], ['organizationId', 'id'], { name: 'import_evidence' })
@Check('import_status', `status = any (array['received', 'checked', 'refused', 'applied', 'approved', 'rejected'])`)
@Check('import_finished', `(status = 'received') = (finished_at is null)`)
@Check('import_dry', `not dry_run or status = any (array['received', 'checked', 'refused'])`)
@Check('import_decided', `(decided_at is not null) = (status = any (array['approved', 'rejected']))`)
@Check('import_two_people', `decided_person <> requested_person or decided_person is null`)
export class Import {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'import_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'import_pk' })
  id!: string;
  @Column('text')
  type!: string;
  /** Of a workbook; empty: the first that is shown. */
  @Column('text')
  sheet!: string;
  /** The risk analysis whose register it is; empty: a table with the columns of its type. */
  @Column('text')
  register!: string;
  @Column('boolean')
  dryRun!: boolean;
  @Column('text')
  mediaType!: string;
  @Column('uuid')
  evidenceId!: string;
  @Column('text')
  status!: ImportStatus;
  @Column('timestamptz')
  requestedAt!: Date;
  @Column('text')
  requestedBy!: string;
  /** The person that the member is: whoever decides is another. */
  @Column('uuid')
  requestedPerson!: string;
  @Column('timestamptz', { nullable: true })
  finishedAt!: Date | null;
  @Column('integer', { nullable: true })
  rows!: number | null;
  @Column('integer', { nullable: true })
  created!: number | null;
  @Column('integer', { nullable: true })
  changed!: number | null;
  @Column('integer', { nullable: true })
  unchanged!: number | null;
  @Column('integer', { nullable: true })
  drafts!: number | null;
  @Column('integer', { nullable: true })
  faultCount!: number | null;
  @Column('jsonb', { nullable: true })
  faults!: RowFault[] | null;
  @Column('timestamptz', { nullable: true })
  decidedAt!: Date | null;
  @Column('text', { nullable: true })
  decidedBy!: string | null;
  @Column('uuid', { nullable: true })
  decidedPerson!: string | null;
  /** How many versions were decided on with it. */
  @Column('integer', { nullable: true })
  decidedCount!: number | null;
  @Column('text', { nullable: true })
  reason!: string | null;
}

/** What became of a row. Append-only. */
@Entity('import_row')
@Index('import_row_record_of', ['organizationId', 'recordId', 'version'])
@ForeignKey('import', ['organizationId', 'importId'], ['organizationId', 'id'], { name: 'import_row_import' })
@ForeignKey('record', ['organizationId', 'recordId'], ['organizationId', 'id'], { name: 'import_row_record' })
@Check('import_row_outcome', `outcome = any (array['created', 'changed', 'unchanged', 'draft'])`)
export class ImportRow {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'import_row_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'import_row_pk' })
  importId!: string;
  /** As a spreadsheet counts. */
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'import_row_pk' })
  number!: number;
  @Column('text')
  outcome!: ImportOutcome;
  @Column('uuid', { nullable: true })
  recordId!: string | null;
  @Column('integer', { nullable: true })
  version!: number | null;
}
