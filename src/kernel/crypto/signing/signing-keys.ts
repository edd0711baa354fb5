import type { OnModuleInit } from '@nestjs/common';
import { hash, type KeyObject } from 'node:crypto';
import type { Logger } from 'pino';
import type { Database, Tx } from '../../db/database.js';
import { newId } from '../../ids.js';
import { servicePrincipal } from '../../principal.js';
import type { KeyEncryptionKey } from '../key-encryption.js';
import { earlierKeysIn, nameOf } from './earlier-keys.js';
import { FileSigningKey } from './file-signing-key.js';
import type { PackageKey } from './package-key.js';
import {
  algorithmOf,
  fingerprintOf,
  publicKeyOf,
  spkiOf,
  type SigningAlgorithm,
  type SigningKey,
  type SigningUse,
} from './signing-key.js';
import { signingKeyStore, type SigningKeyRow } from './signing-key.store.js';

export interface SigningOptions {
  /** Of `log.pem`, `receipt.pem` and, unless `packageKey` says otherwise, `package.pem`; and of public keys from before, by which it vouches for those (`earlierKeysIn`). */
  directory: string;
  /** Make what is absent there. */
  create: boolean;
  packageKey: PackageKey | null;
  /** Of the token of Vault or OpenBao; '' where none is asked. */
  vaultTokenFile: string;
}

/** A public key by which the service signs or has signed. */
export interface KnownKey {
  use: SigningUse;
  algorithm: SigningAlgorithm;
  /** SHA-256 of its SubjectPublicKeyInfo, hex. */
  fingerprint: string;
  publicKey: KeyObject;
  firstUsedAt: Date;
  /** Whether it is the one of this process. */
  current: boolean;
  /** Whether the service has put it on the list itself, or its operator says that it is the service's. Any other may be of whoever writes the database. */
  vouched: boolean;
}

/** The versions of the key-encryption key by which a key is vouched for. */
type Vouched = (row: SigningKeyRow) => Promise<ReadonlySet<number>>;

/** The keys that the service signs by, one of each use, and the public ones of all that ever did: what an old one has signed still verifies. */
export class SigningKeys implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly keys: Readonly<Record<SigningUse, SigningKey>>,
    private readonly earlier: ReadonlySet<string>,
    private readonly kek: KeyEncryptionKey,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  get log(): SigningKey {
    return this.keys.log;
  }
  get receipt(): SigningKey {
    return this.keys.receipt;
  }
  get package(): SigningKey {
    return this.keys.package;
  }

  /** Opens all of them, so that what is wrong with one is found at the start and not when an auditor waits. */
  static async open(
    database: Database,
    options: SigningOptions,
    kek: KeyEncryptionKey,
    logger: Pick<Logger, 'warn'>,
  ): Promise<SigningKeys> {
    const file = (use: SigningUse): Promise<SigningKey> => FileSigningKey.load(options.directory, use, options);
    const keys = { log: await file('log'), receipt: await file('receipt'), package: await packageKeyOf(options, file) };
    return new SigningKeys(database, keys, await earlierKeysIn(options.directory), kek, logger);
  }

  /** Before anything is signed: no signature by a key that is not on the list. What a former version of the key-encryption key vouches for, the present one does as well. */
  async onModuleInit(): Promise<void> {
    await this.database.write(servicePrincipal('signing-keys', null, newId()), async (tx) => {
      tx.withoutAudit('the tables are append-only and of no organisation: they are their own record');
      for (const { use, publicKey } of Object.values(this.keys)) {
        await signingKeyStore.register(tx, { use, keyId: fingerprintOf(publicKey), publicKey: spkiOf(publicKey) });
      }
      const vouched = await this.vouched(tx);
      for (const row of await signingKeyStore.all(tx)) {
        const versions = await vouched(row);
        const isOurs = versions.size > 0 || this.isCurrent(row) || this.isEarlier(row);
        if (!isOurs) {
          const { use, keyId } = row;
          this.logger.warn(
            { use, keyId },
            'a key on the list of signing keys is not known for the service’s: nothing that it signed is believed (docs/operations.md)',
          );
        } else if (!versions.has(this.kek.version)) {
          await signingKeyStore.vouch(tx, row, await this.kek.wrap(digestOf(row), contextOf(row)));
        }
      }
    });
  }

  /** Every key on the list, those of a use from its newest on. */
  async known(tx: Tx): Promise<KnownKey[]> {
    const vouched = await this.vouched(tx);
    const known: KnownKey[] = [];
    for (const row of await signingKeyStore.all(tx)) {
      const publicKey = publicKeyOf(row.publicKey);
      const algorithm = algorithmOf(publicKey);
      if (algorithm === null) throw new Error(`the public key ${row.keyId} is of no kind that we sign by`);
      known.push({
        use: row.use,
        algorithm,
        fingerprint: fingerprintOf(publicKey),
        publicKey,
        firstUsedAt: row.firstUsedAt,
        current: this.isCurrent(row),
        vouched: (await vouched(row)).size > 0,
      });
    }
    return known;
  }

  private isCurrent({ use, publicKey }: SigningKeyRow): boolean {
    return spkiOf(this.keys[use].publicKey).equals(publicKey);
  }

  /** By its bytes: what a row calls itself whoever writes the database may leave as it was. */
  private isEarlier({ use, publicKey }: SigningKeyRow): boolean {
    return this.earlier.has(nameOf({ use, keyId: hash('sha256', publicKey) }));
  }

  private async vouched(tx: Tx): Promise<Vouched> {
    const vouchers = Map.groupBy(await signingKeyStore.vouchers(tx), nameOf);
    return async (row) => {
      const versions = new Set<number>();
      for (const voucher of vouchers.get(nameOf(row)) ?? []) {
        // What does not open vouches for nothing, whyever it does not.
        const sealed = await this.kek.unwrap(voucher, contextOf(row)).catch(() => null);
        if (sealed?.equals(digestOf(row)) === true) versions.add(voucher.version);
      }
      return versions;
    };
  }
}

const digestOf = ({ publicKey }: SigningKeyRow): Buffer => hash('sha256', publicKey, 'buffer');

const contextOf = ({ use, firstUsedAt }: SigningKeyRow): string => `signing-key|${use}|${firstUsedAt.toISOString()}`;

/** Clients of key management services take time and memory to load: who has none does without. */
async function packageKeyOf(
  { packageKey, vaultTokenFile }: SigningOptions,
  file: (use: SigningUse) => Promise<SigningKey>,
): Promise<SigningKey> {
  switch (packageKey?.kind) {
    case undefined:
      return file('package');
    case 'awskms':
      return (await import('./aws-kms.js')).awsKmsSigningKey('package', packageKey.arn);
    case 'vault':
      return (await import('./vault-transit.js')).vaultSigningKey('package', packageKey.url, vaultTokenFile);
  }
}
