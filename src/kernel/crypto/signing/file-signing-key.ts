import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { createPrivateFile, readPrivateFile } from '../private-file.js';
import { ALGORITHM_OF, algorithmOf, type SigningAlgorithm, type SigningKey, type SigningUse } from './signing-key.js';

/** A key in a file of the signing directory: `<use>.pem`, PKCS#8 in PEM. */
export class FileSigningKey implements SigningKey {
  readonly algorithm: SigningAlgorithm;

  private constructor(
    readonly use: SigningUse,
    private readonly privateKey: KeyObject,
    readonly publicKey: KeyObject,
  ) {
    this.algorithm = ALGORITHM_OF[use];
  }

  /** With `create` an absent file is made first; without, it is an error: a key that a restart made anew would be one that nobody has been told of. */
  static async load(directory: string, use: SigningUse, options: { create: boolean }): Promise<FileSigningKey> {
    const path = join(directory, `${use}.pem`);
    if (options.create) await createPrivateFile(path, newKey(ALGORITHM_OF[use]));
    const privateKey = parsed(await readPrivateFile(path));
    const publicKey = privateKey === null ? null : createPublicKey(privateKey);
    if (privateKey === null || publicKey === null || algorithmOf(publicKey) !== ALGORITHM_OF[use]) {
      throw new Error(`${path} is not a private key of the kind ${ALGORITHM_OF[use]}, in PEM and without a password`);
    }
    return new FileSigningKey(use, privateKey, publicKey);
  }

  sign(bytes: Uint8Array): Promise<Buffer> {
    return Promise.resolve(sign(this.algorithm === 'ed25519' ? null : 'sha256', bytes, this.privateKey));
  }
}

function newKey(algorithm: SigningAlgorithm): string {
  const { privateKey } =
    algorithm === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Null, and not OpenSSL's error, which may tell of what it read. */
function parsed(pem: string): KeyObject | null {
  try {
    return createPrivateKey({ key: pem, format: 'pem' });
  } catch {
    return null;
  }
}
