import { fingerprintOf } from '../kernel/crypto/signing/signing-key.js';
import { packageKeyOf } from './signature.js';

/*
 * What whoever verifies has from elsewhere, read from files of theirs. Each throws a Fault that names the file.
 */

/** The fingerprint of a key that may have signed a package. */
export const fingerprintIn = (pem: Buffer, name: string): string => fingerprintOf(packageKeyOf(pem, name));

export { verifierKeysIn } from './notes.js';
