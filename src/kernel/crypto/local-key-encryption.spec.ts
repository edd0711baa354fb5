import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IntegrityError } from './integrity-error.js';
import { LocalKeyEncryptionKey } from './local-key-encryption.js';

describe('local key-encryption key', () => {
  let directory: string;
  let files = 0;
  const freshPath = (): string => join(directory, `kek-${(files += 1)}.json`);
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kek-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  const written = async (content: unknown, mode = 0o600): Promise<string> => {
    const path = freshPath();
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
    await chmod(path, mode);
    return path;
  };
  const load = (path: string): Promise<LocalKeyEncryptionKey> => LocalKeyEncryptionKey.load(path, { create: false });
  const key = (): string => randomBytes(32).toString('base64');

  it('unwraps what it wrapped, and nothing under another context?', async () => {
    const kek = await load(await written({ id: '00c0ffee', current: 1, keys: { 1: key() } }));
    const dataKey = randomBytes(32);
    const wrapped = await kek.wrap(dataKey, 'data-key|a|b|2026Q4');
    expect(kek.ref).toBe('local:00c0ffee');
    expect(wrapped.version).toBe(1);
    expect(wrapped.bytes.includes(dataKey)).toBe(false);
    expect((await kek.unwrap(wrapped, 'data-key|a|b|2026Q4')).equals(dataKey)).toBe(true);
    await expect(kek.unwrap(wrapped, 'data-key|other|b|2026Q4')).rejects.toThrow(IntegrityError);
  });

  it('wraps by the new version after a rotation and still unwraps the old?', async () => {
    const [one, two] = [key(), key()];
    const before = await load(await written({ id: '00c0ffee', current: 1, keys: { 1: one } }));
    const after = await load(await written({ id: '00c0ffee', current: 2, keys: { 1: one, 2: two } }));
    const dataKey = randomBytes(32);
    const old = await before.wrap(dataKey, 'c');
    expect((await after.unwrap(old, 'c')).equals(dataKey)).toBe(true);
    const young = await after.wrap(dataKey, 'c');
    expect(young.version).toBe(2);
    await expect(before.unwrap(young, 'c')).rejects.toThrow(/has no version 2/);
    await expect(after.unwrap({ ...young, version: 1 }, 'c')).rejects.toThrow(IntegrityError);
  });

  it('makes a key only when told so, for its owner alone, and never over one that is there?', async () => {
    const path = join(directory, 'made', 'kek.json');
    await expect(load(path)).rejects.toThrow(/ENOENT/);
    const all = await Promise.all([1, 2, 3, 4].map(() => LocalKeyEncryptionKey.load(path, { create: true })));
    expect(new Set(all.map((kek) => kek.ref)).size).toBe(1);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(directory, 'made'))).toEqual(['kek.json']);
    const content = await readFile(path, 'utf8');
    await LocalKeyEncryptionKey.load(path, { create: true });
    expect(await readFile(path, 'utf8')).toBe(content);
  });

  it.each([0o640, 0o604, 0o620, 0o666])('refuses a file of mode %o?', async (mode) => {
    const path = await written({ id: '00c0ffee', current: 1, keys: { 1: key() } }, mode);
    await expect(load(path)).rejects.toThrow(/open to others/);
  });

  it.each([
    ['a short key', { id: '00c0ffee', current: 1, keys: { 1: randomBytes(31).toString('base64') } }],
    ['a long key', { id: '00c0ffee', current: 1, keys: { 1: randomBytes(33).toString('base64') } }],
    ['an old key of the wrong length', { id: '00c0ffee', current: 2, keys: { 1: 'AAAA', 2: key() } }],
    ['no base64', { id: '00c0ffee', current: 1, keys: { 1: 'hunter2-hunter2-hunter2-hunter2-x' } }],
    ['a current version that is not there', { id: '00c0ffee', current: 2, keys: { 1: key() } }],
    ['no id', { current: 1, keys: { 1: key() } }],
    ['no JSON', 'hunter2'],
    ['nothing', ''],
  ])('refuses a file with %s, without quoting it?', async (_what, content) => {
    const error = await load(await written(content)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toMatch(/is no key file/);
    expect((error as Error).message).not.toContain('hunter2');
  });
});
