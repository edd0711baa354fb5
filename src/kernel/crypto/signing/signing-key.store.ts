import type { Tx, WriteTx } from '../../db/database.js';
import type { WrappedKey } from '../key-encryption.js';
import type { SigningUse } from './signing-key.js';

export interface SigningKeyRow {
  use: SigningUse;
  /** SHA-256 of the public key, hex. */
  keyId: string;
  /** SubjectPublicKeyInfo. */
  publicKey: Buffer;
  firstUsedAt: Date;
}

type Name = Pick<SigningKeyRow, 'use' | 'keyId'>;

export const signingKeyStore = {
  /** Once; the time of a key that is known stays. */
  async register(tx: WriteTx, row: Omit<SigningKeyRow, 'firstUsedAt'>): Promise<void> {
    await tx.execute(
      `insert into signing_key (use, key_id, public_key, first_used_at) values ($1, $2, $3, service_clock())
       on conflict (use, key_id) do nothing`,
      [row.use, row.keyId, row.publicKey],
    );
  },

  async vouch(tx: WriteTx, { use, keyId }: Name, { version, bytes }: WrappedKey): Promise<void> {
    await tx.execute('insert into signing_key_voucher (use, key_id, kek_version, sealed) values ($1, $2, $3, $4)', [
      use,
      keyId,
      version,
      bytes,
    ]);
  },

  /** The newest of each use first. */
  async all(tx: Tx): Promise<SigningKeyRow[]> {
    return tx.query<SigningKeyRow>(
      `select use, key_id as "keyId", public_key as "publicKey", first_used_at as "firstUsedAt"
       from signing_key order by use, first_used_at desc, key_id`,
    );
  },

  /** What was ever put down to vouch for any. */
  async vouchers(tx: Tx): Promise<(Name & WrappedKey)[]> {
    return tx.query<Name & WrappedKey>(
      'select use, key_id as "keyId", kek_version as version, sealed as bytes from signing_key_voucher',
    );
  },
};
