import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';

/* Every public key that the service has signed by: read and written by signing-key.store.ts. Of no organisation. */

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

/** That the service has used a key: its digest, sealed by a version of the key-encryption key, which nobody has who has the database alone. */
@Entity('signing_key_voucher')
@ForeignKey('signing_key', ['use', 'keyId'], ['use', 'keyId'], { name: 'signing_key_voucher_key' })
export class SigningKeyVoucher {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'signing_key_voucher_pk' })
  use!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'signing_key_voucher_pk' })
  keyId!: string;
  @Column('integer')
  kekVersion!: number;
  @PrimaryColumn('bytea', { primaryKeyConstraintName: 'signing_key_voucher_pk' })
  sealed!: Buffer;
}
