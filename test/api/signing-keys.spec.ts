import { createPublicKey } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { fingerprintOf, verifySignature } from '../../src/kernel/crypto/signing/signing-key.js';
import { SigningKeys } from '../../src/kernel/crypto/signing/signing-keys.js';
import { Database } from '../../src/kernel/db/database.js';
import { startSuite, type Caller, type World } from '../support/app.js';

let world: World;
let officer: Caller;
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, officer } = suite);
  return suite.stop;
});

interface Shown {
  use: string;
  fingerprint: string;
  publicKey: string;
  current: boolean;
}
const shown = async (): Promise<Shown[]> => (await officer.get('/v1/signing-keys').expect(200)).body.items as Shown[];

describe('the list of keys that sign', () => {
  it('has it those of the service, and do they verify what it signs?', async () => {
    const keys = world.app.get(SigningKeys);
    const items = await shown();
    expect(items.map(({ use, current }) => [use, current])).toEqual([
      ['log', true],
      ['package', true],
      ['receipt', true],
    ]);
    for (const key of [keys.log, keys.receipt, keys.package]) {
      const { publicKey, fingerprint } = items.find(({ use }) => use === key.use)!;
      const read = createPublicKey(publicKey);
      expect(fingerprint).toBe(fingerprintOf(key.publicKey));
      expect(verifySignature(read, Buffer.from('text'), await key.sign(Buffer.from('text')))).toBe(true);
    }
  });

  it('does a rotated key stay on it, and what it signed verify by it?', async () => {
    const before = world.app.get(SigningKeys);
    const signature = await before.package.sign(Buffer.from('text'));
    const directory = join(world.evidenceDirectory, '..', 'signing');
    await unlink(join(directory, 'package.pem'));
    const options = { directory, create: true, packageKey: null, vaultTokenFile: '' };
    const after = await SigningKeys.open(world.app.get(Database), options);
    await after.onModuleInit();
    await after.onModuleInit();
    const packages = (await shown()).filter(({ use }) => use === 'package');
    expect(packages.map(({ fingerprint }) => fingerprint)).toEqual([
      fingerprintOf(after.package.publicKey),
      fingerprintOf(before.package.publicKey),
    ]);
    // The process that shows them has not been restarted.
    expect(packages.map(({ current }) => current)).toEqual([false, true]);
    const verified = packages.map(({ publicKey }) =>
      verifySignature(createPublicKey(publicKey), Buffer.from('text'), signature),
    );
    expect(verified).toEqual([false, true]);
  });
});
