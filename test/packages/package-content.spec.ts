import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FileSystemDriver } from '../../src/evidence/drivers/file-system.js';
import { keepPackage, openPackage, storageKeyOf } from '../../src/packages/package-content.js';

const key = createSecretKey(randomBytes(32));
const retainUntil = new Date('2033-01-01T00:00:00Z');
const bytes = randomBytes(2_500_000);

describe('the stored bytes of a package', () => {
  let root: string;
  let driver: FileSystemDriver;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'packages-'));
    driver = await FileSystemDriver.open(root);
  });
  afterAll(() => rm(root, { recursive: true }));
  const keep = (attempt: string) =>
    keepPackage(driver, key, storageKeyOf('org', 'package', attempt), Readable.from([bytes]), retainUntil);

  it('come back whole and in ranges, and lie there encrypted?', async () => {
    const kept = await keep('one');
    expect(kept).toMatchObject({ size: bytes.length, sha256: createHash('sha256').update(bytes).digest() });
    expect((await buffer(await openPackage(driver, key, kept))).equals(bytes)).toBe(true);
    const range = await buffer(await openPackage(driver, key, kept, { start: 1_048_000, end: 1_049_000 }));
    expect(range.equals(bytes.subarray(1_048_000, 1_049_000))).toBe(true);
    expect((await readFile(join(root, kept.storageKey))).includes(bytes.subarray(0, 64))).toBe(false);
  });

  it('fail to open changed, cut, gone, or in the place of another package?', async () => {
    const kept = await keep('two');
    const other = await keep('three');
    const file = join(root, kept.storageKey);
    const stored = await readFile(file);
    const open = async () => buffer(await openPackage(driver, key, kept));
    await chmod(file, 0o600);
    await writeFile(file, await readFile(join(root, other.storageKey)));
    await expect(open()).rejects.toThrow(/authentic/);
    await writeFile(
      file,
      stored.map((byte, at) => (at === 2_000_000 ? byte ^ 1 : byte)),
    );
    await expect(open()).rejects.toThrow(/authentic/);
    await writeFile(file, stored.subarray(0, -1));
    await expect(open()).rejects.toThrow(/another size/);
    await rm(file);
    await expect(open()).rejects.toThrow(/gone/);
  });

  it('leave nothing when the source fails, and free the source when the store does?', async () => {
    const storageKey = storageKeyOf('org', 'package', 'four');
    const failing = Readable.from(
      (async function* () {
        yield await Promise.resolve(bytes);
        throw new Error('the source failed');
      })(),
    );
    await expect(keepPackage(driver, key, storageKey, failing, retainUntil)).rejects.toThrow('the source failed');
    expect(await driver.stat({ key: storageKey, version: null })).toBeNull();
    await keep('five');
    const unread = Readable.from([bytes]);
    const again = keepPackage(driver, key, storageKeyOf('org', 'package', 'five'), unread, retainUntil);
    await expect(again).rejects.toThrow(/EEXIST/);
    expect(unread.destroyed).toBe(true);
  });
});
