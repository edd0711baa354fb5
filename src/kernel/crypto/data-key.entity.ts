import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Read and written by data-key.store.ts; here so that a missing migration is found. */
@Entity('data_key')
@Index('data_key_epoch', ['organizationId', 'epoch', 'createdAt'])
export class DataKeyEntity {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'data_key_pk' })
  organizationId!: string;
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'data_key_pk' })
  id!: string;
  @Column('text')
  epoch!: string;
  @Column('text')
  kekRef!: string;
  @Column('integer')
  kekVersion!: number;
  @Column('bytea')
  wrapped!: Buffer;
  @Column('timestamptz')
  createdAt!: Date;
}
