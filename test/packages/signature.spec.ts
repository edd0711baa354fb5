import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, hash, sign, verify, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { bundleFromJSON, type SerializedBundle } from '@sigstore/bundle';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SigningKey } from '../../src/kernel/crypto/signing/signing-key.js';
import { TimeStampAuthority } from '../../src/kernel/crypto/time-stamp/authority.js';
import { kept, signatureFiles, type Signing } from '../../src/packages/signature/signing.js';
import { preAuthenticationEncoding, type Predicate } from '../../src/packages/signature/statement.js';
import { serveTimeStamps } from '../support/time-stamp-authority.js';

const MANIFEST = Buffer.from(`${'a'.repeat(64)}  bag-info.txt\n`);
const VERIFY = Buffer.from('# how to\n');
const VKEY = Buffer.from('example.org/log+0badcafe+AQID');

const predicate: Predicate = {
  packageId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a30',
  tenant: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00',
  scope: { systemId: null },
  period: { from: '2025-11-23T09:00:00.000Z', asOf: '2026-11-23T09:00:00.000Z', knownAt: '2026-11-23T09:00:00.000Z' },
  createdAt: '2026-11-23T09:00:00.000Z',
  log: { origin: 'example.org/log/1', size: 7, rootHash: Buffer.alloc(32, 7).toString('base64') },
  anchor: null,
  counts: { evidence: 3 },
  softwareVersion: '0.1.0',
};

function newSigningKey(): SigningKey & { signed: number } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const key = {
    use: 'package' as const,
    algorithm: 'ecdsa-p256-sha256' as const,
    publicKey,
    signed: 0,
    sign: (bytes: Uint8Array) => {
      key.signed += 1;
      return Promise.resolve(sign('sha256', bytes, privateKey));
    },
  };
  return key;
}

async function made(signing: Partial<Signing> = {}): Promise<{ files: Map<string, Buffer>; key: KeyObject }> {
  const key = newSigningKey();
  const signed = {
    tagManifest: () => MANIFEST,
    beside: [{ path: 'VERIFY.md', content: VERIFY }],
    keys: [{ path: 'log.vkey', content: VKEY }],
    predicate: () => predicate,
  };
  const files = new Map<string, Buffer>();
  const given = { key, authority: null, ...signing };
  for (const { path, content } of signatureFiles(signed, given)) {
    files.set(path, await buffer(Readable.from(content, { objectMode: false })));
  }
  expect(key.signed).toBe(2);
  return { files, key: key.publicKey };
}

interface Statement {
  subject: { name: string; digest: { sha256: string } }[];
  predicateType: string;
  predicate: Predicate;
}
const bundleIn = (files: ReadonlyMap<string, Buffer>) =>
  JSON.parse(files.get('sig/statement.sigstore.json')!.toString()) as SerializedBundle & {
    dsseEnvelope: { payload: string; signatures: { sig: string }[] };
  };
const statementIn = (files: ReadonlyMap<string, Buffer>) =>
  JSON.parse(Buffer.from(bundleIn(files).dsseEnvelope.payload, 'base64').toString()) as Statement;

describe('what is signed of a package', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'safeguard-signature-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const openssl = async (files: ReadonlyMap<string, Buffer>, manifest: Buffer): Promise<string> => {
    const at = (name: string) => join(directory, name);
    await writeFile(at('key.pem'), files.get('keys/package-signing.pem')!);
    await writeFile(at('sig'), files.get('sig/tagmanifest.p256.sig')!);
    await writeFile(at('tagmanifest-sha256.txt'), manifest);
    const parameters = ['dgst', '-sha256', '-verify', at('key.pem'), '-signature', at('sig')];
    try {
      return execFileSync('openssl', [...parameters, at('tagmanifest-sha256.txt')], { stdio: 'pipe' }).toString();
    } catch {
      return 'refused';
    }
  };

  it('does openssl verify the tag manifest, and refuse another?', async () => {
    const { files } = await made();
    expect(await openssl(files, MANIFEST)).toBe('Verified OK\n');
    expect(await openssl(files, Buffer.from(MANIFEST.toString().replace('a', 'b')))).toBe('refused');
  });

  /** As cosign does with --key, --insecure-ignore-tlog and without time stamps. */
  const sigstore = (bundle: SerializedBundle, key: KeyObject, root: Buffer, timestampThreshold = 0): void => {
    const trusted = TrustedRoot.fromJSON(JSON.parse(root.toString()));
    const material = toTrustMaterial(trusted, () => ({ publicKey: key, validFor: () => true }));
    new Verifier(material, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold }).verify(
      toSignedEntity(bundleFromJSON(bundle)),
    );
  };

  it('does Sigstore’s own verifier take the statement, and refuse a changed one and another key?', async () => {
    const { files, key } = await made();
    const root = files.get('keys/trusted_root.json')!;
    const bundle = bundleIn(files);
    expect(bundle.mediaType).toBe('application/vnd.dev.sigstore.bundle.v0.3+json');
    sigstore(bundle, key, root);
    const changed = structuredClone(bundle);
    changed.dsseEnvelope.payload = Buffer.from(
      Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString().replace('"size":7', '"size":8'),
    ).toString('base64');
    expect(() => sigstore(changed, key, root)).toThrow();
    expect(() => sigstore(bundle, newSigningKey().publicKey, root)).toThrow();
  });

  it('names the statement every byte outside of the bag but the signatures, and the head of the log?', async () => {
    const { files } = await made();
    const { subject, predicateType, predicate: said } = statementIn(files);
    expect(predicateType).toBe('https://safeguard.dev/predicates/audit-package/v1');
    expect(said).toEqual(predicate);
    const beside = new Map([
      ['tagmanifest-sha256.txt', MANIFEST],
      ['VERIFY.md', VERIFY],
      ...[...files].filter(([path]) => path.startsWith('keys/')),
    ]);
    expect(files.get('keys/log.vkey')).toEqual(VKEY);
    expect(subject).toEqual(
      [...beside].map(([name, content]) => ({ name, digest: { sha256: hash('sha256', content) } })),
    );
    expect([...files.keys()].filter((path) => !path.startsWith('keys/'))).toEqual([
      'sig/tagmanifest.p256.sig',
      'sig/statement.sigstore.json',
    ]);
  });

  it('is the signature of the envelope one over its pre-authentication encoding, in DER?', async () => {
    const { files, key } = await made();
    const { payload, signatures } = bundleIn(files).dsseEnvelope;
    const encoded = preAuthenticationEncoding(Buffer.from(payload, 'base64'));
    expect(encoded.toString()).toMatch(/^DSSEv1 28 application\/vnd\.in-toto\+json \d+ \{/);
    expect(verify('sha256', encoded, key, Buffer.from(signatures[0]!.sig, 'base64'))).toBe(true);
  });

  it('does the envelope leave out the key ID, which cosign would compare with one of another kind?', async () => {
    const { files } = await made();
    const { signatures } = bundleIn(files).dsseEnvelope;
    expect(signatures.map((signed) => Object.keys(signed))).toEqual([['sig']]);
  });

  it('are both signatures time-stamped, and taken for so by openssl and by Sigstore’s verifier?', async () => {
    const served = await serveTimeStamps();
    try {
      const authority = new TimeStampAuthority({ url: served.url, chain: served.chain });
      const { files, key } = await made({ authority });
      expect(served.asked()).toBe(2);
      const at = (name: string) => join(directory, name);
      await writeFile(at('sig'), files.get('sig/tagmanifest.p256.sig')!);
      await writeFile(at('tsr'), files.get('sig/tagmanifest.p256.sig.tsr')!);
      await writeFile(at('chain.pem'), files.get('keys/tsa-chain.pem')!);
      const check = ['ts', '-verify', '-data', at('sig'), '-in', at('tsr'), '-CAfile', at('chain.pem')];
      expect(execFileSync('openssl', check, { stdio: 'pipe' }).toString()).toContain('Verification: OK');
      const root = files.get('keys/trusted_root.json')!;
      sigstore(bundleIn(files), key, root, 1);
      // Neither a bundle without its stamp, nor a stamp over another signature.
      const { files: without } = await made();
      expect(() => sigstore(bundleIn(without), key, root, 1)).toThrow();
      const moved = bundleIn(files);
      moved.dsseEnvelope = bundleIn(without).dsseEnvelope;
      expect(() => sigstore(moved, key, root, 1)).toThrow();
      expect(statementIn(files).subject.map(({ name }) => name)).toContain('keys/tsa-chain.pem');
    } finally {
      await served.stop();
    }
  });

  it('does an authority that does not answer leave no package?', async () => {
    const served = await serveTimeStamps();
    served.answering.status = 503;
    const authority = new TimeStampAuthority({ url: served.url, chain: served.chain });
    try {
      const signed = { tagManifest: () => MANIFEST, beside: [], keys: [], predicate: () => predicate };
      for (const { content } of signatureFiles(signed, { key: newSigningKey(), authority })) {
        await expect(buffer(Readable.from(content))).rejects.toThrow('the authority answered 503');
      }
    } finally {
      await served.stop();
    }
  });

  it('is nothing signed before the tag manifest was written to its end?', async () => {
    const cut = kept({
      path: 'tagmanifest-sha256.txt',
      content: (async function* () {
        yield await Promise.resolve(MANIFEST.subarray(0, 10));
        throw new Error('the disk broke');
      })(),
    });
    await expect(buffer(Readable.from(cut.file.content))).rejects.toThrow('the disk broke');
    expect(() => cut.bytes()).toThrow(/before it was written to its end/);
    const key = newSigningKey();
    const signed = { tagManifest: cut.bytes, beside: [], keys: [], predicate: () => predicate };
    const [first] = signatureFiles(signed, { key, authority: null });
    await expect(buffer(Readable.from(first!.content))).rejects.toThrow(/before it was written/);
    expect(key.signed).toBe(0);
    const whole = kept({ path: 'tagmanifest-sha256.txt', content: [MANIFEST.subarray(0, 3), MANIFEST.subarray(3)] });
    await buffer(Readable.from(whole.file.content));
    expect(whole.bytes()).toEqual(MANIFEST);
  });

  it('does a key service that fails leave no signature, and so no package?', async () => {
    const key: SigningKey = { ...newSigningKey(), sign: () => Promise.reject(new Error('the key does not answer')) };
    const signed = { tagManifest: () => MANIFEST, beside: [], keys: [], predicate: () => predicate };
    for (const { content } of signatureFiles(signed, { key, authority: null })) {
      await expect(buffer(Readable.from(content))).rejects.toThrow('the key does not answer');
    }
  });
});
