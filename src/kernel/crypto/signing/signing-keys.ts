import type { OnModuleInit } from '@nestjs/common';
import type { KeyObject } from 'node:crypto';
import type { Database, Tx } from '../../db/database.js';
import { newId } from '../../ids.js';
import { servicePrincipal } from '../../principal.js';
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
import { signingKeyStore } from './signing-key.store.js';

export interface SigningOptions {
  /** Of `log.pem`, `receipt.pem` and, unless `packageKey` says otherwise, `package.pem`. */
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
}

/** The keys that the service signs by, one of each use, and the public ones of all that ever did: what an old one has signed still verifies. */
export class SigningKeys implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly keys: Readonly<Record<SigningUse, SigningKey>>,
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
  static async open(database: Database, options: SigningOptions): Promise<SigningKeys> {
    const file = (use: SigningUse): Promise<SigningKey> => FileSigningKey.load(options.directory, use, options);
    return new SigningKeys(database, {
      log: await file('log'),
      receipt: await file('receipt'),
      package: await packageKeyOf(options, file),
    });
  }

  /** Before anything is signed: no signature by a key that is not on the list. */
  async onModuleInit(): Promise<void> {
    await this.database.write(servicePrincipal('signing-keys', null, newId()), async (tx) => {
      for (const { use, publicKey } of Object.values(this.keys)) {
        await signingKeyStore.register(tx, { use, keyId: fingerprintOf(publicKey), publicKey: spkiOf(publicKey) });
      }
      tx.withoutAudit('the table is append-only and of no organisation: it is its own record');
    });
  }

  /** Every key that ever signed, those of a use from its newest on. */
  async known(tx: Tx): Promise<KnownKey[]> {
    const current = new Set(Object.values(this.keys).map((key) => `${key.use} ${fingerprintOf(key.publicKey)}`));
    return (await signingKeyStore.all(tx)).map((row) => {
      const publicKey = publicKeyOf(row.publicKey);
      const algorithm = algorithmOf(publicKey);
      if (algorithm === null) throw new Error(`the public key ${row.keyId} is of no kind that we sign by`);
      return {
        use: row.use,
        algorithm,
        fingerprint: fingerprintOf(publicKey),
        publicKey,
        firstUsedAt: row.firstUsedAt,
        current: current.has(`${row.use} ${row.keyId}`),
      };
    });
  }
}

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
