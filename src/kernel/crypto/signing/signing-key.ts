import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';

/**
 * What a key signs, and nothing else: checkpoints of logs (`log`), receipts of what was accepted (`receipt`), packages (`package`). A signature of one use is never taken
 * for one of another, whatever bytes somebody gets signed.
 */
export const SIGNING_USES = ['log', 'receipt', 'package'] as const;
export type SigningUse = (typeof SIGNING_USES)[number];

/** `ed25519`: RFC 8032, 64 bytes. `ecdsa-p256-sha256`: ECDSA over NIST P-256 and SHA-256, ASN.1 DER, as `openssl dgst -sha256 -verify` takes it. */
export const SIGNING_ALGORITHMS = ['ed25519', 'ecdsa-p256-sha256'] as const;
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number];

/** Signed notes are Ed25519 (C2SP signed-note); packages P-256, which every key management service, FIPS module and `openssl dgst` knows. */
export const ALGORITHM_OF: Readonly<Record<SigningUse, SigningAlgorithm>> = {
  log: 'ed25519',
  receipt: 'ed25519',
  package: 'ecdsa-p256-sha256',
};

/** A private key, wherever it lies. */
export interface SigningKey {
  readonly use: SigningUse;
  readonly algorithm: SigningAlgorithm;
  readonly publicKey: KeyObject;
  /** Signs the bytes as they are; hashing, where the algorithm asks for it, is done within. Rejects where the key does not answer or answers wrongly. */
  sign(bytes: Uint8Array): Promise<Buffer>;
}

/** By which algorithm a public key verifies; null for one that none of ours signs by. */
export function algorithmOf(publicKey: KeyObject): SigningAlgorithm | null {
  if (publicKey.asymmetricKeyType === 'ed25519') return 'ed25519';
  const isP256 = publicKey.asymmetricKeyType === 'ec' && publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1';
  return isP256 ? 'ecdsa-p256-sha256' : null;
}

/** Whether a signature is of these bytes by that key. False, and no error, for a key of another kind and for what is no signature at all. */
export function verifySignature(publicKey: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  const algorithm = algorithmOf(publicKey);
  if (algorithm === null) return false;
  return verify(algorithm === 'ed25519' ? null : 'sha256', bytes, publicKey, signature);
}

/** SubjectPublicKeyInfo (RFC 5280): what is kept, and what the fingerprint is taken of. */
export const spkiOf = (publicKey: KeyObject): Buffer => publicKey.export({ type: 'spki', format: 'der' });

export const publicKeyOf = (spki: Buffer): KeyObject => createPublicKey({ key: spki, type: 'spki', format: 'der' });

/**
 * SHA-256 of the SubjectPublicKeyInfo in hex: what two people compare. `openssl pkey -pubin -in key.pem -outform DER | sha256sum` says the same.
 */
export const fingerprintOf = (publicKey: KeyObject): string => hash('sha256', spkiOf(publicKey));

/** PEM, with one newline at its end. */
export const pemOf = (publicKey: KeyObject): string => publicKey.export({ type: 'spki', format: 'pem' }).toString();
