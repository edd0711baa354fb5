import { createPublicKey } from 'node:crypto';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFromJSON, type SerializedBundle } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier as SigstoreVerifier } from '@sigstore/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bagFaults, readBag } from '../packages/bagit-validator.js';
import { timeStampAuthority } from '../support/time-stamp-authority.js';
import { found, holdTo, passes, type Verifier } from '../auditor-tools/verifier.js';
import { makePackage, type Files } from './made-package.js';

/*
 * Packages are held to tools that others wrote: here to those that are on any machine that runs these tests or come with this project's own packages, in
 * test/auditor-tools to those of an auditor, from their registries.
 */

const BAG = [
  /^bag\/data\/evidence\/.*content/,
  /^bag\/data\/index\.json$/,
  /^bag\/bag-info\.txt$/,
  /^bag\/manifest-sha256/,
];

const ON_EVERY_MACHINE: Verifier[] = [
  ...(['sha256', 'sha512'] as const).map((digest) => ({
    name: `${digest}sum`,
    watches: [...BAG, new RegExp(`^bag/tagmanifest-${digest}`)],
    accepts: (folder: string) => {
      const args = ['-c', '--quiet', '--strict', `manifest-${digest}.txt`, `tagmanifest-${digest}.txt`];
      return passes(`${digest}sum`, args, join(folder, 'bag'));
    },
  })),
  {
    name: 'openssl dgst',
    watches: [/^bag\/tagmanifest-sha256/, /^sig\/tagmanifest\.p256\.sig$/, /^keys\/package-signing\.pem$/],
    accepts: (folder) => {
      const signature = ['-signature', 'sig/tagmanifest.p256.sig', 'bag/tagmanifest-sha256.txt'];
      return passes('openssl', ['dgst', '-sha256', '-verify', 'keys/package-signing.pem', ...signature], folder);
    },
  },
  {
    name: 'openssl ts',
    watches: [/^sig\/tagmanifest\.p256\.sig$/, /\.sig\.tsr$/, /^bag\/data\/anchor\/checkpoint$/, /checkpoint\.tsr$/],
    accepts: async (folder) => {
      const stamped = (file: string, stamp: string) =>
        passes('openssl', ['ts', '-verify', '-data', file, '-in', stamp, '-CAfile', 'keys/tsa-chain.pem'], folder);
      return (
        (await stamped('sig/tagmanifest.p256.sig', 'sig/tagmanifest.p256.sig.tsr')) &&
        (await stamped('bag/data/anchor/checkpoint', 'bag/data/anchor/checkpoint.tsr'))
      );
    },
  },
];

const OF_PACKAGES: Verifier[] = [
  {
    name: '@sigstore/verify',
    watches: [/^sig\/statement/, /^keys\/package-signing\.pem$/, /^keys\/trusted_root\.json$/],
    accepts: async (folder) => {
      try {
        const root = TrustedRoot.fromJSON(JSON.parse(await readFile(join(folder, 'keys/trusted_root.json'), 'utf8')));
        const publicKey = createPublicKey(await readFile(join(folder, 'keys/package-signing.pem')));
        const bundle = JSON.parse(
          await readFile(join(folder, 'sig/statement.sigstore.json'), 'utf8'),
        ) as SerializedBundle;
        const trusted = toTrustMaterial(root, () => ({ publicKey, validFor: () => true }));
        // One time stamp at least, as the package has one.
        const thresholds = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 1 };
        new SigstoreVerifier(trusted, thresholds).verify(toSignedEntity(bundleFromJSON(bundle)));
        return true;
      } catch {
        return false;
      }
    },
  },
  {
    // Of RFC 8493 and held to the conformance suite of the Library of Congress (test/samples/vectors.spec.ts).
    name: 'a validator of BagIt',
    watches: [...BAG, /^bag\/bagit\.txt$/, /^bag\/tagmanifest-sha512/],
    accepts: async (folder) => bagFaults(await readBag(join(folder, 'bag'))).length === 0,
  },
];

describe('tools of others', () => {
  let files: Files;
  beforeAll(async () => {
    files = await makePackage({ authority: timeStampAuthority(), entries: 600 });
  });

  it.each(['sha256sum', 'sha512sum', 'openssl'])('is there %s, which an auditor has too?', async (program) => {
    expect(await found(program)).toBeDefined();
  });

  for (const verifier of [...ON_EVERY_MACHINE, ...OF_PACKAGES]) holdTo(verifier, () => files);
});

/** Debian's golang-golang-x-mod-dev, which is found without asking any registry. */
const DEBIAN = { GO111MODULE: 'off', GOPATH: '/usr/share/gocode' };

const harness = await buildHarness();

describe.skipIf(harness === null)('golang.org/x/mod/sumdb', () => {
  let files: Files;
  beforeAll(async () => {
    files = await makePackage({ entries: 600 });
  });
  holdTo(
    {
      name: 'it',
      watches: [
        /^keys\/log\.vkey$/,
        /log\/checkpoint$/,
        /tile\/entries\/000$/,
        /tile\/entries\/002\.p/,
        /tile\/0\/001$/,
        /tile\/0\/002\.p/,
        /tile\/1\//,
        /proofs\/.*\.json$/,
        /proofs\/.*\.tlog-proof$/,
      ],
      accepts: (folder) => passes(harness ?? '', [folder], folder),
    },
    () => files,
  );
});

/** The program that checks a log by it, or null where this machine has not what it is built of. */
async function buildHarness(): Promise<string | null> {
  const go = await found('go');
  const folder = await mkdtemp(join(tmpdir(), 'safeguard-tlog-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  if (go !== undefined) {
    await cp(new URL('../../../test/auditor-tools/tlog', import.meta.url), folder, { recursive: true });
    if (await passes(go, ['build', '-o', 'tlog', '.'], folder, DEBIAN)) return join(folder, 'tlog');
  }
  console.warn(
    'SKIPPED: Debian’s golang-golang-x-mod-dev is not on this machine, or no Go: npm run test:auditor-tools brings it.',
  );
  return null;
}
