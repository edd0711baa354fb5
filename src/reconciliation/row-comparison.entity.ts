import { Column, Entity, PrimaryColumn } from 'typeorm';

/** When all rows of an organisation were last compared. */
@Entity('row_comparison')
export class RowComparison {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'row_comparison_pk' })
  organizationId!: string;
  @Column('timestamptz')
  comparedAt!: Date;
}
