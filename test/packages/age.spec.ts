import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { Decrypter, generateHybridIdentity, generateIdentity, identityToRecipient } from 'age-encryption';
import { describe, expect, it } from 'vitest';
import { encryptTo, isRecipient } from '../../src/packages/age.js';

const opened = async (identity: string, bytes: Buffer): Promise<Buffer> => {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return Buffer.from(await decrypter.decrypt(bytes));
};

describe('a package that is encrypted to somebody', () => {
  it('does each of the recipients open it, and nobody else?', async () => {
    const [first, second, stranger] = [
      await generateIdentity(),
      await generateHybridIdentity(),
      await generateIdentity(),
    ];
    const recipients = await Promise.all([first, second].map(identityToRecipient));
    const content = randomBytes(200_000);
    const pieces = [content.subarray(0, 1), content.subarray(1, 130_000), content.subarray(130_000)];
    const sealed = await buffer(await encryptTo(recipients, Readable.from(pieces)));
    expect(sealed.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
    expect(sealed.includes(content.subarray(0, 64))).toBe(false);
    for (const identity of [first, second]) expect((await opened(identity, sealed)).equals(content)).toBe(true);
    await expect(opened(stranger, sealed)).rejects.toThrow();
    await expect(opened(first, sealed.subarray(0, -1))).rejects.toThrow();
  });

  it('are only recipients taken for such?', async () => {
    const identity = await generateIdentity();
    expect(isRecipient(await identityToRecipient(identity))).toBe(true);
    const recipient = await identityToRecipient(identity);
    for (const text of [
      '',
      'age1',
      identity,
      recipient.slice(0, -1),
      `${recipient}q`,
      'ssh-ed25519 AAAA',
      'passphrase',
    ]) {
      expect(isRecipient(text), text).toBe(false);
    }
  });

  it('does a fault of what is encrypted end it in an error?', async () => {
    const recipient = await identityToRecipient(await generateIdentity());
    const failing = Readable.from(
      (async function* () {
        yield await Promise.resolve(randomBytes(100_000));
        throw new Error('the file failed');
      })(),
    );
    await expect(buffer(await encryptTo([recipient], failing))).rejects.toThrow('the file failed');
  });

  it('is no more read than is asked for, and the source closed when nobody wants the rest?', async () => {
    const recipient = await identityToRecipient(await generateIdentity());
    let given = 0;
    const { promise: closed, resolve } = Promise.withResolvers<undefined>();
    const source = Readable.from(
      (async function* () {
        try {
          for (;;) {
            given += 1;
            yield await Promise.resolve(randomBytes(65_536));
          }
        } finally {
          resolve(undefined);
        }
      })(),
      { objectMode: false },
    );
    const sealed = await encryptTo([recipient], source);
    await new Promise((read) => sealed.once('readable', read));
    for (let passed = 0; passed < 200; passed += 1) await turn();
    expect(given).toBeLessThan(40);
    sealed.destroy();
    await closed;
  });
});
