import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';

/** By which an agent signs what it sends: P-256 (FIPS 186-5) or Ed25519, as SubjectPublicKeyInfo in PEM (RFC 7468 section 13). */
const signingKey = z
  .string()
  .max(1_000)
  .refine((pem) => !pem.includes('PRIVATE KEY'), 'A private key was sent: make another, and send the public one.')
  .refine(isUsable, 'No public key in PEM of P-256 or Ed25519.');

export const signingKeys = z.array(signingKey).max(5).refine(areDistinct, 'A key is given twice.').meta({
  description:
    'Public keys in PEM (P-256, Ed25519) by which the agent signs what it sends. Several while one takes the place of another. With keys, a report that is not signed is flagged.',
});

export const signingKeyOf = (pem: string): KeyObject => createPublicKey(pem);

/** SHA-256 of the key's SubjectPublicKeyInfo, in hex. */
export function signingKeyId(pem: string): string {
  return createHash('sha256')
    .update(signingKeyOf(pem).export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** Asked also of lists of which a member is no key, which is told by itself. */
function areDistinct(keys: readonly string[]): boolean {
  const usable = keys.filter(isUsable);
  return new Set(usable.map(signingKeyId)).size === usable.length;
}

function isUsable(pem: string): boolean {
  if (!/^\s*-----BEGIN PUBLIC KEY-----/.test(pem)) return false;
  try {
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = signingKeyOf(pem);
    return type === 'ed25519' || (type === 'ec' && details?.namedCurve === 'prime256v1');
  } catch {
    return false;
  }
}
