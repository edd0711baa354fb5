import { createCipheriv, createDecipheriv, randomBytes, type KeyObject } from 'node:crypto';
import { IntegrityError } from './integrity-error.js';

const NONCE = 12;
const TAG = 16;

/**
 * A small value under AES-256-GCM: nonce (12, random) || ciphertext || tag (16). `associatedData` names what the value belongs to, so that it opens in
 * no other place. Random nonces bound one key to 2^32 values (NIST SP 800-38D section 8.3); ours last one organisation and quarter.
 */
export function seal(key: KeyObject, plaintext: Buffer, associatedData: Buffer): Buffer {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(associatedData);
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** What `seal` sealed; an IntegrityError for other bytes, another key or other associated data. */
export function open(key: KeyObject, sealed: Buffer, associatedData: Buffer): Buffer {
  if (sealed.length < NONCE + TAG) throw new IntegrityError('the sealed value is cut');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE), { authTagLength: TAG });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(sealed.subarray(-TAG));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE, -TAG)), decipher.final()]);
  } catch {
    throw new IntegrityError('the sealed value is not authentic');
  }
}
