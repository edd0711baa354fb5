import { createPublicKey } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { algorithmOf, ALGORITHM_OF, fingerprintOf, type SigningUse } from './signing-key.js';

const EARLIER = /^(?<use>log|receipt|package)-[A-Za-z0-9._-]+\.pub\.pem$/;

export const nameOf = ({ use, keyId }: { use: SigningUse; keyId: string }): string => `${use} ${keyId}`;

/**
 * The names of the public keys in the signing directory: `<use>-….pub.pem`. By them an operator says of keys on the list that they were the service's, which it does not know of those that
 * were replaced before it vouched for any.
 */
export async function earlierKeysIn(directory: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const file of await readdir(directory)) {
    const use = EARLIER.exec(file)?.groups?.['use'] as SigningUse | undefined;
    if (use === undefined) continue;
    const path = join(directory, file);
    const publicKey = createPublicKey(await readFile(path));
    if (algorithmOf(publicKey) !== ALGORITHM_OF[use]) {
      throw new Error(`${path} is not a public key of the kind ${ALGORITHM_OF[use]}`);
    }
    names.add(nameOf({ use, keyId: fingerprintOf(publicKey) }));
  }
  return names;
}
