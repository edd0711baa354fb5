import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/** `withdrawn`: as if the organisation had said nothing. */
export type TypeChangeState = 'defined' | 'withdrawn';

/** What an organisation made of a record type, each time that it did. Append-only. */
@Entity('record_type_version')
@ForeignKey('organization', ['organizationId'], ['organizationId'], { name: 'record_type_version_organization' })
@Check('record_type_version_state', `state in ('withdrawn', 'defined')`)
@Check('record_type_version_defined', `(state = 'defined') = (definition is not null)`)
export class RecordTypeVersion {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'record_type_version_pk' })
  organizationId!: string;
  /** Of the catalogue, or `org/…`. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'record_type_version_pk' })
  type!: string;
  /** From 1; 0 is what the catalogue says. */
  @PrimaryColumn('integer', { primaryKeyConstraintName: 'record_type_version_pk' })
  version!: number;
  @Column('timestamptz')
  recordedAt!: Date;
  /** Id of the member. */
  @Column('text')
  recordedBy!: string;
  @Column('text')
  state!: TypeChangeState;
  /** A definition of the organisation's own, or how one of the catalogue is tightened; its shape is that of then. */
  @Column('jsonb', { nullable: true })
  definition!: object | null;
  @Column('text', { nullable: true })
  reason!: string | null;
}

/** A row as plain data. */
export type RecordTypeVersionRow = Pick<RecordTypeVersion, keyof RecordTypeVersion>;
