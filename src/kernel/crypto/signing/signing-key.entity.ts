import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** Every public key that the service has signed by: read and written by signing-key.store.ts. Of no organisation. */
@Entity('signing_key')
@Check('signing_key_use', `use in ('log', 'receipt', 'package')`)
export class SigningKeyEntity {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'signing_key_pk' })
  use!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'signing_key_pk' })
  keyId!: string;
  @Column('bytea')
  publicKey!: Buffer;
  @Column('timestamptz')
  firstUsedAt!: Date;
}
