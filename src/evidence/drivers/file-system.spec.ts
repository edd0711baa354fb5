import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freeBuffer } from '../../kernel/memory.js';
import { FileSystemDriver } from './file-system.js';

const DAY = 86_400_000;
const retainUntil = new Date('2033-01-01T00:00:00Z');

async function* chunks(...parts: Buffer[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield await Promise.resolve(part);
}

async function gather(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

/** Every file under a directory, by path from there. */
async function filesUnder(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

describe('file system driver', () => {
  let parent: string;
  let roots = 0;
  const fresh = async (): Promise<{ root: string; driver: FileSystemDriver }> => {
    const root = join(parent, `root-${(roots += 1)}`);
    return { root, driver: await FileSystemDriver.open(root) };
  };
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'evidence-'));
  });
  afterAll(() => rm(parent, { recursive: true }));

  it('keeps what it was given, and says its size and digest?', async () => {
    const { root, driver } = await fresh();
    const parts = [randomBytes(100_000), Buffer.alloc(0), randomBytes(3)];
    const whole = Buffer.concat(parts);
    const stored = await driver.put('org/ab/evidence-1', chunks(...parts), { retainUntil });
    expect(stored).toEqual({ size: 100_003, sha256: createHash('sha256').update(whole).digest(), version: null });
    const object = { key: 'org/ab/evidence-1', version: stored.version };
    expect(await driver.stat(object)).toEqual({ size: 100_003 });
    expect((await gather(driver.openRange(object, 0, 100_003))).equals(whole)).toBe(true);
    expect((await gather(driver.openRange(object, 99_999, 100_002))).equals(whole.subarray(99_999, 100_002))).toBe(
      true,
    );
    expect(await gather(driver.openRange(object, 5, 5))).toHaveLength(0);
    expect(await filesUnder(root)).toEqual(['org/ab/evidence-1']);
  });

  it('keeps what is overwritten and freed as soon as the next is asked for?', async () => {
    const { root, driver } = await fresh();
    const parts = [40, 2 ** 20 - 40, 2 ** 20, 3 * 2 ** 20 + 5, 7].map((size) => randomBytes(size));
    async function* gone(): AsyncGenerator<Buffer> {
      for (const part of parts) {
        const passing = Buffer.allocUnsafeSlow(part.length);
        part.copy(passing);
        yield await Promise.resolve(passing);
        passing.fill(0);
        freeBuffer(passing);
      }
    }
    const { size, sha256 } = await driver.put('org/passing', gone(), { retainUntil });
    const whole = Buffer.concat(parts);
    expect([size, sha256]).toEqual([whole.length, createHash('sha256').update(whole).digest()]);
    expect((await readFile(join(root, 'org/passing'))).equals(whole)).toBe(true);
  });

  it('may nobody else read or change any of it?', async () => {
    const { root, driver } = await fresh();
    await driver.put('org/evidence', chunks(Buffer.from('x')), { retainUntil });
    expect((await stat(join(root, 'org/evidence'))).mode & 0o777).toBe(0o400);
    for (const directory of ['', '.incoming', 'org']) {
      expect((await stat(join(root, directory))).mode & 0o777).toBe(0o700);
    }
  });

  it('is a root that others can read refused?', async () => {
    const root = join(parent, 'open');
    await mkdir(root);
    await chmod(root, 0o750);
    await expect(FileSystemDriver.open(root)).rejects.toThrow(/open to others/);
  });

  it('is an object never overwritten, not even by a race?', async () => {
    const { root, driver } = await fresh();
    await driver.put('a', chunks(Buffer.from('first')), { retainUntil });
    await expect(driver.put('a', chunks(Buffer.from('second')), { retainUntil })).rejects.toThrow(/EEXIST/);
    expect((await readFile(join(root, 'a'))).toString()).toBe('first');
    const racers = await Promise.allSettled(
      Array.from({ length: 8 }, (_, racer) => driver.put('b', chunks(Buffer.from(String(racer))), { retainUntil })),
    );
    expect(racers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const winner = racers.findIndex(({ status }) => status === 'fulfilled');
    expect((await readFile(join(root, 'b'))).toString()).toBe(String(winner));
    expect((await filesUnder(root)).sort()).toEqual(['a', 'b']);
  });

  it.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '..',
    '../a',
    'a/../../b',
    './a',
    '.incoming/a',
    'A',
    'a b',
    'a\0',
    'a\nb',
    'a\\b',
    'a'.repeat(513),
  ])('is the key %j refused?', async (key) => {
    const { root, driver } = await fresh();
    await expect(driver.put(key, chunks(Buffer.from('x')), { retainUntil })).rejects.toThrow(/storage key/);
    await expect(driver.stat({ key, version: null })).rejects.toThrow(/storage key/);
    await expect(driver.remove({ key, version: null })).rejects.toThrow(/storage key/);
    await expect(gather(driver.openRange({ key, version: null }, 0, 1))).rejects.toThrow(/storage key/);
    expect(await filesUnder(root)).toEqual([]);
  });

  it('has what was taken no name until it is kept, and is nothing left of what is not?', async () => {
    const { root, driver } = await fresh();
    const bytes = randomBytes(100_000);
    const kept = await driver.take(chunks(bytes));
    const discarded = await driver.take(chunks(bytes));
    for (const { path, size } of [kept, discarded]) {
      expect([path.startsWith(join(root, '.incoming')), size]).toEqual([true, bytes.length]);
      expect((await readFile(path)).equals(bytes)).toBe(true);
      expect((await stat(path)).mode & 0o777).toBe(0o400);
    }
    await discarded.discard();
    expect(await kept.keep('org/kept', { retainUntil })).toEqual({
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest(),
      version: null,
    });
    await kept.discard();
    expect(await filesUnder(root)).toEqual(['org/kept']);
    expect((await gather(driver.openRange({ key: 'org/kept', version: null }, 0, bytes.length))).equals(bytes)).toBe(
      true,
    );
  });

  it('is nothing left of what cannot be kept?', async () => {
    const { root, driver } = await fresh();
    await driver.put('org/a', chunks(Buffer.from('first')), { retainUntil });
    for (const key of ['org/a', '../a']) {
      const incoming = await driver.take(chunks(Buffer.from('second')));
      await expect(incoming.keep(key, { retainUntil })).rejects.toThrow(/EEXIST|storage key/);
    }
    expect(await filesUnder(root)).toEqual(['org/a']);
    expect((await readFile(join(root, 'org/a'))).toString()).toBe('first');
  });

  it('does a source that fails leave nothing?', async () => {
    const { root, driver } = await fresh();
    const failing = (async function* () {
      yield await Promise.resolve(randomBytes(2 ** 20));
      throw new Error('the source failed');
    })();
    await expect(driver.put('a', failing, { retainUntil })).rejects.toThrow('the source failed');
    expect(await filesUnder(root)).toEqual([]);
  });

  it('removes an object, once, and what is not there is not there?', async () => {
    const { driver } = await fresh();
    const object = { key: 'org/a', version: null };
    await driver.put(object.key, chunks(Buffer.from('x')), { retainUntil });
    await driver.remove(object);
    await driver.remove(object);
    expect(await driver.stat(object)).toBeNull();
    await expect(gather(driver.openRange(object, 0, 1))).rejects.toThrow(/ENOENT/);
  });

  it('does a process that is killed in the middle leave only what the sweep removes a day later?', async () => {
    const { root, driver } = await fresh();
    await driver.put('kept', chunks(Buffer.from('x')), { retainUntil });
    const program = `
      const { FileSystemDriver } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'file-system.js')).href)});
      const driver = await FileSystemDriver.open(${JSON.stringify(root)});
      setInterval(() => {}, 1000);
      async function* source() { yield Buffer.alloc(1_000_000); process.stdout.write('half'); await new Promise(() => {}); }
      await driver.put('killed', source(), { retainUntil: new Date() });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');

    const left = (await filesUnder(root)).filter((file) => file !== 'kept');
    expect(left).toEqual([expect.stringMatching(/^\.incoming\/[0-9a-f]{32}$/)]);
    expect(await driver.stat({ key: 'killed', version: null })).toBeNull();
    const { mtimeMs } = await stat(join(root, left[0]!));
    const sweep = (later: number) => driver.sweep(new Date(Math.ceil(mtimeMs) + later), new AbortController().signal);
    expect((await sweep(DAY - 1)).removed).toBe(0);
    expect((await driver.sweep(new Date(mtimeMs + 2 * DAY), AbortSignal.abort())).removed).toBe(0);
    expect((await sweep(DAY)).removed).toBe(1);
    expect(await filesUnder(root)).toEqual(['kept']);
  });

  it('does what the sweep cannot remove keep the rest?', async () => {
    const { root, driver } = await fresh();
    const incoming = join(root, '.incoming');
    for (const name of ['0', '2']) await writeFile(join(incoming, name), 'left');
    // A directory, which nobody unlinks.
    await mkdir(join(incoming, '1'));
    const { removed, stay } = await driver.sweep(new Date(Date.now() + 2 * DAY), new AbortController().signal);
    expect([removed, [...stay.values()]]).toEqual([2, [1]]);
    expect(await readdir(incoming)).toEqual(['1']);
  });

  describe('on a full disk', () => {
    let mount = '';
    beforeAll(async () => {
      const directory = await mkdtemp(join(parent, 'full-'));
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', directory], { stdio: 'ignore' });
        mount = directory;
      } catch {
        console.warn('SKIPPED: the full disk needs a small tmpfs, and this user may not mount one');
      }
    });
    afterAll(() => {
      if (mount !== '') execFileSync('umount', [mount]);
    });

    it('is the caller told, and is nothing left?', async (context) => {
      context.skip(mount === '', 'may not mount a tmpfs');
      const driver = await FileSystemDriver.open(mount);
      await driver.put('fits', chunks(randomBytes(300_000)), { retainUntil });
      const put = driver.put('too-big', chunks(randomBytes(500_000), randomBytes(500_000)), { retainUntil });
      await expect(put).rejects.toMatchObject({ code: 'storage-full', status: 507 });
      expect(await filesUnder(mount)).toEqual(['fits']);
      await driver.put('fits-too', chunks(randomBytes(300_000)), { retainUntil });
    });
  });
});
