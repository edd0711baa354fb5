import { fingerprintOf } from '../kernel/crypto/signing/signing-key.js';
import { packageKeyOf } from './signature.js';

/** The fingerprint of a key in PEM that somebody has from elsewhere. Throws a Fault. */
export const fingerprintIn = (pem: Buffer, name: string): string => fingerprintOf(packageKeyOf(pem, name));
