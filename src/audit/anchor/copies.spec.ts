import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startObjectLockStore, type ObjectLockStore } from '../../../test/support/object-lock.js';
import { CopyConflict, CopyLost, type Copies } from './copies.js';
import { DirectoryCopies } from './directory-copies.js';
import { S3Copies } from './s3-copies.js';

const ORIGIN = '127.0.0.1:8080/log/019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a01';
const note = (size: number): Buffer => Buffer.from(`${ORIGIN}\n${size}\n`);

let directory: string;
let store: ObjectLockStore;
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' };
beforeAll(async () => {
  Object.assign(process.env, CREDENTIALS);
  store = await startObjectLockStore();
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safeguard-copies-'));
  store.versions.clear();
  store.locked = true;
  store.down = false;
});
afterEach(() => rm(directory, { recursive: true, force: true }));
afterAll(async () => {
  await store.stop();
});

const settings = (): { bucket: string; prefix: string; endpoint: string } => ({
  bucket: store.bucket,
  prefix: 'safeguard/',
  endpoint: store.endpoint,
});
const stores: [string, () => Promise<Copies>][] = [
  ['a directory', () => DirectoryCopies.open(directory)],
  ['S3', () => S3Copies.open(settings())],
];

describe.each(stores)('are heads kept in %s?', (_, open) => {
  it('is there none, then the last that was kept, for this log alone, also for who opens it anew?', async () => {
    const copies = await open();
    expect(await copies.last(ORIGIN)).toBeNull();
    const versions: string[] = [];
    for (const size of [1, 2, 3]) versions.push(await copies.keep(ORIGIN, note(size), await copies.last(ORIGIN)));
    const last = await (await open()).last(ORIGIN);
    expect(last?.note).toEqual(note(3));
    expect(last?.version).toBe(versions[2]);
    expect(new Set(versions).size).toBe(3);
    expect(await copies.last(`${ORIGIN}/2`)).toBeNull();
  });

  it('does of two that follow the same one only the first take its place?', async () => {
    const [one, other] = [await open(), await open()];
    expect(await Promise.all([one.last(ORIGIN), other.last(ORIGIN)])).toEqual([null, null]);
    await one.keep(ORIGIN, note(1), null);
    await expect(other.keep(ORIGIN, note(9), null)).rejects.toThrow(CopyConflict);
    const seen = await other.last(ORIGIN);
    await one.keep(ORIGIN, note(2), seen);
    await expect(other.keep(ORIGIN, note(9), seen)).rejects.toThrow(CopyConflict);
    expect((await one.last(ORIGIN))?.note).toEqual(note(2));
  });
});

describe('is a directory one that cannot be mistaken?', () => {
  it('is one that is absent refused, as a medium that is not mounted?', async () => {
    await expect(DirectoryCopies.open(join(directory, 'gone'))).rejects.toThrow('is no directory');
    await writeFile(join(directory, 'file'), '');
    await expect(DirectoryCopies.open(join(directory, 'file'))).rejects.toThrow('is no directory');
  });

  it('is the last found past a thousand, and does nothing unfinished count?', async () => {
    const copies = await DirectoryCopies.open(directory);
    const at = join(directory, '127.0.0.1%3A8080', 'log', ORIGIN.slice(-36), 'checkpoints');
    await copies.keep(ORIGIN, note(999), { note: note(1), version: '998', tag: '998' });
    await copies.keep(ORIGIN, note(1_000), await copies.last(ORIGIN));
    expect(await readdir(join(at, '000', '001'))).toEqual(['000']);
    await writeFile(join(at, '000', '001', '.unfinished'), '');
    expect((await copies.last(ORIGIN))?.version).toBe('1000');
    expect((await readdir(directory)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('is the one before the last when a folder was made and its first file was not?', async () => {
    const copies = await DirectoryCopies.open(directory);
    await copies.keep(ORIGIN, note(1), null);
    const at = join(directory, '127.0.0.1%3A8080', 'log', ORIGIN.slice(-36), 'checkpoints');
    await mkdir(join(at, '000', '001'));
    await mkdir(join(at, '001'));
    expect((await copies.last(ORIGIN))?.version).toBe('1');
    await rm(join(at, '000', '000', '001'));
    expect(await copies.last(ORIGIN)).toBeNull();
  });

  it('does no origin lead out of it?', async () => {
    const copies = await DirectoryCopies.open(directory);
    for (const origin of ['../log', 'host/../..', 'host//log', '', '.']) {
      await expect(copies.last(origin)).rejects.toThrow('an origin has a host and names');
    }
  });
});

describe('is a bucket one that keeps what it is given?', () => {
  it('is each version locked for six years, where nobody can shorten it?', async () => {
    const copies = await S3Copies.open(settings(), () => new Date('2026-11-26T10:00:00Z'));
    await copies.keep(ORIGIN, note(1), null);
    const [kept] = store.versions.get(`safeguard/${ORIGIN}/checkpoint`) ?? [];
    expect(kept?.retainUntil).toEqual(new Date('2032-11-26T10:00:00Z'));
  });

  it('is one without Object Lock refused, and one that does not answer or is not there?', async () => {
    store.locked = false;
    await expect(S3Copies.open(settings())).rejects.toThrow('ObjectLockConfigurationNotFoundError');
    store.locked = true;
    await expect(S3Copies.open({ ...settings(), bucket: 'gone' })).rejects.toThrow('NoSuchBucket');
    store.down = true;
    await expect(S3Copies.open(settings())).rejects.toThrow('the bucket does not answer');
  });

  it('is a copy that was hidden by a delete marker missed, and not taken for none?', async () => {
    const copies = await S3Copies.open(settings());
    await copies.keep(ORIGIN, note(1), null);
    store.delete(`safeguard/${ORIGIN}/checkpoint`);
    await expect(copies.last(ORIGIN)).rejects.toThrow(CopyLost);
  });
});
