import { Check, Column, Entity, PrimaryColumn } from 'typeorm';
import type { ObjectKind } from '../audit/event.js';

export type RowState = 'altered' | 'restored';

/** What was found of the rows of an object in a table, each time that it was another than before. Append-only. */
@Entity('row_finding')
@Check('row_finding_state', `state in ('altered', 'restored')`)
export class RowFinding {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'row_finding_pk' })
  organizationId!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'row_finding_pk' })
  tableName!: string;
  @Column('text')
  objectKind!: ObjectKind;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'row_finding_pk' })
  objectId!: string;
  @PrimaryColumn('timestamptz', { primaryKeyConstraintName: 'row_finding_pk' })
  foundAt!: Date;
  @Column('text')
  state!: RowState;
  @Column('text')
  reason!: string;
}
