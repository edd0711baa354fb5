import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDigest, type ContentHeaders } from '../kernel/http/content.js';
import { Room } from '../kernel/slots.js';
import type { EvidenceDriver, Follower, IncomingObject } from './drivers/driver.js';
import { FileSystemDriver } from './drivers/file-system.js';
import type { GrowingEvidence } from './growing-evidence.js';
import { takeIn } from './intake.js';
import type { Door } from './redaction.js';

const MIB = 2 ** 20;
const LIMITS = { maxEncodedBytes: 8 * MIB, maxDecodedBytes: 8 * MIB, maxSilence: 60_000 };
const ROOM = 9 * MIB;
const BYTES = randomBytes(5 * MIB);
const digestOf = (bytes: Buffer): string => formatDigest({ 'sha-256': createHash('sha256').update(bytes).digest() });

/** Nothing is suspect. */
const OPEN_DOOR: Door = {
  watch: () => ({ see: () => undefined, isSuspect: () => false }),
  inspect: () => Promise.reject(new Error('nothing was suspect')),
};

/** All is suspect, and its first byte is dropped. */
const STRICT_DOOR: Door = {
  watch: () => ({ see: () => undefined, isSuspect: () => true }),
  inspect: () =>
    Promise.resolve({
      starts: Float64Array.of(0),
      ends: Float64Array.of(1),
      replacements: new Uint8Array(1),
      texts: ['-'],
      dropped: { secret: 1 },
    }),
};

let root: string;
let files: FileSystemDriver;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'growing-'));
  files = await FileSystemDriver.open(root);
});
afterAll(() => rm(root, { recursive: true }));

/** The store of files, but for what is replaced of it. */
const storeWith = (replaced: Partial<EvidenceDriver>): EvidenceDriver =>
  Object.assign(Object.create(files) as FileSystemDriver, replaced);

const fullAfter = (most: number): EvidenceDriver =>
  storeWith({
    take: (source: AsyncIterable<Buffer>, follower: Follower | null = null) => {
      const cut = async function* (): AsyncGenerator<Buffer> {
        let bytes = 0;
        for await (const chunk of source) {
          bytes += chunk.length;
          if (bytes > most) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
          yield chunk;
        }
      };
      return files.take(cut(), follower);
    },
  });

function taking(driver: EvidenceDriver, door: Door, headers: ContentHeaders = {}) {
  const seen: { growing: GrowingEvidence | null } = { growing: null };
  const room = new Room(ROOM);
  const taken = takeIn(
    // A copy: what has been received is freed.
    Readable.from([Buffer.from(BYTES)], { objectMode: false }),
    { contentLength: String(BYTES.length), ...headers },
    LIMITS,
    {
      driver,
      key: createSecretKey(randomBytes(32)),
      identity: {
        organizationId: '0192f0c1-0000-7000-8000-000000000001',
        evidenceId: '0192f0c1-0000-7000-8000-000000000002',
        version: 1,
      },
      retainUntil: new Date('2033-01-01T00:00:00Z'),
      room,
    },
    door,
    (growing, opened) => {
      seen.growing = growing;
      void opened.release();
    },
  );
  return { taken, seen, room };
}

const left = async (): Promise<string[]> =>
  (await readdir(root, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);

describe('is what is read of evidence while it comes given up', () => {
  it.each<[string, () => EvidenceDriver, ContentHeaders, string]>([
    [
      'where all of it has come and is not what was announced',
      () => files,
      { contentDigest: digestOf(Buffer.of()) },
      'digest-mismatch',
    ],
    ['where there is no room for all of it', () => fullAfter(2 * MIB), {}, 'storage-full'],
  ])('%s?', async (_where, driver, headers, code) => {
    const { taken, seen, room } = taking(driver(), OPEN_DOOR, headers);
    await expect(taken).rejects.toMatchObject({ code });
    expect(seen.growing?.unwanted.aborted).toBe(true);
    expect(room.take(ROOM)).toBe(true);
    expect(await left()).toEqual([]);
  });

  it('and not where it is kept, but for by who has begun to read it?', async () => {
    const { taken, seen } = taking(files, OPEN_DOOR);
    const { kept, release } = await taken;
    release();
    seen.growing?.giveUp();
    expect(seen.growing?.unwanted.aborted).toBe(false);
    seen.growing?.drop();
    expect(seen.growing?.unwanted.aborted).toBe(true);
    await files.remove({ key: kept.storageKey, version: null });
  });
});

it('is nothing kept, and no room held, where what may not be kept cannot be removed?', async () => {
  const broken = storeWith({
    take: async (source: AsyncIterable<Buffer>, follower: Follower | null = null): Promise<IncomingObject> => {
      const incoming = await files.take(source, follower);
      // Of what came as it was: what is made of it has no follower.
      return follower === null
        ? incoming
        : { ...incoming, discard: () => Promise.reject(Object.assign(new Error('read-only'), { code: 'EROFS' })) };
    },
  });
  const { taken, room } = taking(broken, STRICT_DOOR);
  await expect(taken).rejects.toMatchObject({ code: 'EROFS' });
  expect(room.take(ROOM)).toBe(true);
  // What came lies among what is incoming, without a name, and is swept.
  expect(await left()).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
});
