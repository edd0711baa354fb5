import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { awsKmsSigningKey } from '../../src/kernel/crypto/signing/aws-kms.js';
import { fingerprintOf, verifySignature } from '../../src/kernel/crypto/signing/signing-key.js';
import { vaultSigningKey } from '../../src/kernel/crypto/signing/vault-transit.js';
import { startKms, startTransit, type Kms, type Transit } from '../support/key-services.js';

const MESSAGE = Buffer.from('0123  bag/tagmanifest-sha256.txt\n');

describe('a package key in AWS KMS', () => {
  let kms: Kms;
  afterEach(() => kms.stop());
  const open = () =>
    awsKmsSigningKey('package', kms.arn, {
      endpoint: kms.url,
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
      maxAttempts: 1,
    });

  it('does it sign what verifies by the key that it publishes, and is it told the digest alone?', async () => {
    kms = await startKms();
    const key = await open();
    const signature = await key.sign(MESSAGE);
    expect(key).toMatchObject({ use: 'package', algorithm: 'ecdsa-p256-sha256' });
    expect(verifySignature(key.publicKey, MESSAGE, signature)).toBe(true);
    expect(kms.asked.map(({ operation }) => operation)).toEqual(['GetPublicKey', 'Sign']);
    expect(kms.asked[1]?.body).toEqual({
      KeyId: kms.arn,
      Message: createHash('sha256').update(MESSAGE).digest('base64'),
      MessageType: 'DIGEST',
      SigningAlgorithm: 'ECDSA_SHA_256',
    });
    for (const { authorization } of kms.asked) {
      expect(authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-central-1\/kms\/aws4_request/);
    }
  });

  it('is a signature by another key never given out?', async () => {
    kms = await startKms();
    const key = await open();
    kms.swap();
    await expect(key.sign(MESSAGE)).rejects.toThrow(/does not verify by its public key/);
  });

  it('does a key of another kind stop the start?', async () => {
    kms = await startKms('secp384r1');
    await expect(open()).rejects.toThrow('the key is not of the kind ecdsa-p256-sha256');
  });

  it('does a key that is not there?', async () => {
    kms = await startKms();
    kms.arn = `${kms.arn}x`;
    await expect(open()).rejects.toThrow('there is no such key');
  });
});

describe('a package key in the transit engine', () => {
  let transit: Transit;
  let directory: string;
  let tokenFile: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'safeguard-vault-'));
    tokenFile = join(directory, 'token');
  });
  afterAll(() => rm(directory, { recursive: true }));
  afterEach(() => transit.stop());
  const open = async (type?: string) => {
    transit = await startTransit(type);
    await writeFile(tokenFile, `${transit.token}\n`);
    return vaultSigningKey('package', transit.keyUrl, tokenFile);
  };

  it('does it sign what verifies by the key that it publishes?', async () => {
    const key = await open();
    const signature = await key.sign(MESSAGE);
    expect(verifySignature(key.publicKey, MESSAGE, signature)).toBe(true);
    expect(transit.asked).toEqual([
      { path: '/v1/transit/keys/packages', body: {} },
      {
        path: '/v1/transit/sign/packages/sha2-256',
        body: { input: MESSAGE.toString('base64'), key_version: 1, marshaling_algorithm: 'asn1' },
      },
    ]);
  });

  it('does it go on with the version of its start, and take the latest when it starts again?', async () => {
    const key = await open();
    transit.rotate();
    expect(verifySignature(key.publicKey, MESSAGE, await key.sign(MESSAGE))).toBe(true);
    const again = await vaultSigningKey('package', transit.keyUrl, tokenFile);
    expect(fingerprintOf(again.publicKey)).not.toBe(fingerprintOf(key.publicKey));
    expect(verifySignature(again.publicKey, MESSAGE, await again.sign(MESSAGE))).toBe(true);
  });

  it('is the token read anew, so that one that was renewed in its file counts?', async () => {
    const key = await open();
    transit.token = 's.second';
    const refused: unknown = await key.sign(MESSAGE).catch((error: unknown) => error);
    expect(String(refused)).toMatch(/answered 403 to POST \/v1\/transit\/sign\/packages\/sha2-256$/);
    expect(String(refused)).not.toContain('s.first');
    await writeFile(tokenFile, 's.second\n');
    expect(verifySignature(key.publicKey, MESSAGE, await key.sign(MESSAGE))).toBe(true);
  });

  it('does a key of another type stop the start?', async () => {
    await expect(open('ed25519')).rejects.toThrow(/is of type ed25519 and not ecdsa-p256/);
  });

  it('does a service that is not there, or has no such key?', async () => {
    await open();
    transit.keyUrl.pathname = '/v1/transit/keys/others';
    await expect(vaultSigningKey('package', transit.keyUrl, tokenFile)).rejects.toThrow('answered 404');
    await transit.stop();
    await expect(vaultSigningKey('package', transit.keyUrl, tokenFile)).rejects.toThrow();
    transit = await startTransit();
  });
});
