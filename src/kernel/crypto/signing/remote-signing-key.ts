import type { KeyObject } from 'node:crypto';
import { IntegrityError } from '../integrity-error.js';
import { ALGORITHM_OF, algorithmOf, verifySignature, type SigningKey, type SigningUse } from './signing-key.js';

/** Milliseconds in which a key management service has to answer one call. */
export const ANSWER_WITHIN = 10_000;

/**
 * A key that lies elsewhere. What comes back is a signature when it verifies by the public key that was read at the start, and is never given out otherwise: not of
 * another key, not of other bytes, not in another encoding.
 */
export function remoteSigningKey(
  use: SigningUse,
  publicKey: KeyObject,
  signElsewhere: (bytes: Uint8Array) => Promise<Buffer>,
): SigningKey {
  const algorithm = ALGORITHM_OF[use];
  if (algorithmOf(publicKey) !== algorithm) throw new Error(`the key is not of the kind ${algorithm}`);
  return {
    use,
    algorithm,
    publicKey,
    sign: async (bytes) => {
      const signature = await signElsewhere(bytes);
      if (!verifySignature(publicKey, bytes, signature)) {
        throw new IntegrityError(`the signature that the ${use} key's service gave does not verify by its public key`);
      }
      return signature;
    },
  };
}
