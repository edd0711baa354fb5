import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileSigningKey } from './file-signing-key.js';
import { fingerprintOf, pemOf, SIGNING_USES, verifySignature } from './signing-key.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safeguard-signing-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const MESSAGE = Buffer.from('what is signed\n');
const load = (use: 'log' | 'receipt' | 'package', create = false, at = directory) =>
  FileSigningKey.load(at, use, { create });

describe('a signing key in a file', () => {
  it.each(SIGNING_USES)('is %s made once, for its owner alone, and the same after a restart?', async (use) => {
    const below = join(directory, 'signing');
    const made = await load(use, true, below);
    expect((await stat(below)).mode & 0o777).toBe(0o700);
    expect((await stat(join(below, `${use}.pem`))).mode & 0o777).toBe(0o600);
    const again = await load(use, true, below);
    expect(again.publicKey.equals(made.publicKey)).toBe(true);
    const signature = await again.sign(MESSAGE);
    expect(verifySignature(made.publicKey, MESSAGE, signature)).toBe(true);
    expect(verifySignature(made.publicKey, Buffer.from('what was not signed\n'), signature)).toBe(false);
    expect(verifySignature((await load(use, true)).publicKey, MESSAGE, signature)).toBe(false);
    expect(verifySignature(made.publicKey, MESSAGE, Buffer.alloc(0))).toBe(false);
  });

  it('do two that start at once have the same?', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => load('log', true)));
    expect(new Set(made.map(({ publicKey }) => fingerprintOf(publicKey))).size).toBe(1);
  });

  it('does openssl verify what the package key signed, and say the same fingerprint?', async () => {
    const key = await load('package', true);
    const at = (name: string) => join(directory, name);
    await writeFile(at('public.pem'), pemOf(key.publicKey));
    await writeFile(at('message'), MESSAGE);
    await writeFile(at('signature'), await key.sign(MESSAGE));
    const openssl = (...parameters: string[]) => execFileSync('openssl', parameters, { stdio: 'pipe' });
    const verified = openssl(
      ...['dgst', '-sha256', '-verify', at('public.pem'), '-signature', at('signature'), at('message')],
    );
    expect(verified.toString()).toBe('Verified OK\n');
    openssl('pkey', '-pubin', '-in', at('public.pem'), '-outform', 'DER', '-out', at('public.der'));
    expect(openssl('dgst', '-sha256', '-r', at('public.der')).toString().split(' ')[0]).toBe(
      fingerprintOf(key.publicKey),
    );
  });

  it('is one that openssl made as the documentation says taken?', async () => {
    const make = (...parameters: string[]) => execFileSync('openssl', ['genpkey', ...parameters], { stdio: 'pipe' });
    make('-algorithm', 'ed25519', '-out', join(directory, 'log.pem'));
    make('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', join(directory, 'package.pem'));
    for (const use of ['log', 'package'] as const) {
      await chmod(join(directory, `${use}.pem`), 0o600);
      const key = await load(use);
      expect(verifySignature(key.publicKey, MESSAGE, await key.sign(MESSAGE))).toBe(true);
    }
  });

  it('does an absent one stop the start, unless it is to be made?', async () => {
    await expect(load('log')).rejects.toThrow('ENOENT');
  });

  it('is one that others may read refused?', async () => {
    await load('receipt', true);
    await chmod(join(directory, 'receipt.pem'), 0o644);
    await expect(load('receipt')).rejects.toThrow('is open to others (mode 644)');
  });

  it.each([
    ['another algorithm', generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })],
    [
      'another curve',
      generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ],
    [
      'a public key',
      generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).publicKey.export({ type: 'spki', format: 'pem' }),
    ],
    ['nothing', ''],
    ['a password', 'correct horse battery staple'],
  ])('is %s in package.pem refused, and not told?', async (_what, content) => {
    await writeFile(join(directory, 'package.pem'), content, { mode: 0o600 });
    const refused = await load('package').catch((error: unknown) => String(error));
    expect(refused).toMatch(
      /package\.pem is not a private key of the kind ecdsa-p256-sha256, in PEM and without a password$/,
    );
    expect(await readFile(join(directory, 'package.pem'), 'utf8')).toBe(content);
  });
});
