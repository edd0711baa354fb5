import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Refusal } from '../../kernel/http/problem.js';
import { freeBuffer } from '../../kernel/memory.js';
import { Swept } from '../../kernel/sweeper.js';
import type { EvidenceDriver, Follower, IncomingObject, LocalFile, ObjectRef, StoredObject } from './driver.js';

/** No dots, so no way out of the root and none into `.incoming`. */
const KEY = /^[a-z0-9-]+(\/[a-z0-9-]+)*$/;
const MAX_KEY = 512;
/** Beside the objects, so that it is the same file system and sweeping does not walk all evidence. */
const INCOMING = '.incoming';
/** Far longer than any upload lives: requests have a time limit of minutes. */
const LEFTOVER_MILLISECONDS = 24 * 3_600_000;
const READ_CHUNK = 2 ** 18;
/** An organisation has 256. */
const MAX_REMEMBERED = 100_000;
/** What is smaller is written at once. */
const WRITE_CHUNK = 2 ** 20;
/** Bytes after which the disk takes what was written while more comes: of 59 MB the sync at the end took 29 ms, and takes 5. */
const SYNC_CHUNK = 8 * 2 ** 20;

/**
 * Objects as files under one directory, readable by nobody else. A file system cannot lock a file against its own service until a date: retention is then
 * held by the rules on the rows alone, and `retainUntil` is not used.
 */
export class FileSystemDriver implements EvidenceDriver {
  /** Directories that this process has made, or found and made durable: each costs that once. */
  private readonly durable = new Set<string>();

  private constructor(private readonly root: string) {}

  /** Makes the root when it is absent; one that others can read is refused. */
  static async open(root: string): Promise<FileSystemDriver> {
    await makeDirectory(join(root, INCOMING));
    const { mode } = await stat(root);
    if ((mode & 0o077) !== 0)
      throw new Error(`${root} is open to others (mode ${(mode & 0o777).toString(8)}): chmod 700`);
    return new FileSystemDriver(root);
  }

  async take(source: AsyncIterable<Buffer>, follower: Follower | null = null): Promise<IncomingObject> {
    const temporary = join(this.root, INCOMING, randomBytes(16).toString('hex'));
    try {
      const { size, sha256 } = await writeDurably(temporary, source, follower);
      let there = true;
      return {
        size,
        path: temporary,
        keep: (key) => {
          there = false;
          return this.name(temporary, key, { size, sha256, version: null });
        },
        discard: async () => {
          if (there) await remove(temporary);
          there = false;
        },
      };
    } catch (error) {
      await remove(temporary);
      throw asRefusal(error);
    }
  }

  async put(key: string, source: AsyncIterable<Buffer>, options: { retainUntil: Date }): Promise<StoredObject> {
    // Before a byte of it is read.
    this.path(key);
    return (await this.take(source)).keep(key, options);
  }

  async *openRange(object: ObjectRef, start: number, end: number): AsyncGenerator<Buffer, void> {
    const path = this.path(object.key);
    if (end <= start) return;
    yield* createReadStream(path, { start, end: end - 1, highWaterMark: READ_CHUNK }) as AsyncIterable<Buffer>;
  }

  localFile(object: ObjectRef): Promise<LocalFile> {
    return Promise.resolve({ path: this.path(object.key), release: () => Promise.resolve() });
  }

  async stat(object: ObjectRef): Promise<{ size: number } | null> {
    try {
      return { size: (await stat(this.path(object.key))).size };
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  async remove(object: ObjectRef): Promise<void> {
    const path = this.path(object.key);
    if (await remove(path)) await syncDirectory(dirname(path));
  }

  async sweep(now: Date, ending: AbortSignal): Promise<Swept> {
    const swept = new Swept();
    for (const name of await readdir(join(this.root, INCOMING))) {
      if (ending.aborted) break;
      const path = join(this.root, INCOMING, name);
      // One that its put has just finished is gone.
      const found = await stat(path).catch(() => null);
      if (found === null || now.getTime() - found.mtimeMs < LEFTOVER_MILLISECONDS) continue;
      await swept.one(() => remove(path));
    }
    return swept;
  }

  private async makeDurable(directory: string): Promise<void> {
    if (this.durable.has(directory)) return;
    await makeDirectory(directory);
    if (this.durable.size >= MAX_REMEMBERED) this.durable.clear();
    this.durable.add(directory);
  }

  private async name(temporary: string, key: string, stored: StoredObject): Promise<StoredObject> {
    let linked: string | null = null;
    try {
      const path = this.path(key);
      await this.makeDurable(dirname(path));
      // A link, not a rename: a rename would replace an object that has the key already.
      await link(temporary, path);
      linked = path;
      await unlink(temporary);
      await syncDirectory(dirname(path));
      return stored;
    } catch (error) {
      await remove(temporary);
      if (linked !== null) await remove(linked);
      throw asRefusal(error);
    }
  }

  private path(key: string): string {
    if (key.length > MAX_KEY || !KEY.test(key)) throw new Error('a storage key has segments of a-z, 0-9 and - only');
    return join(this.root, key);
  }
}

async function writeDurably(
  path: string,
  source: AsyncIterable<Buffer>,
  follower: Follower | null,
): Promise<{ size: number; sha256: Buffer }> {
  const hash = createHash('sha256');
  let size = 0;
  // Read-only from the start; the descriptor that made it may write.
  const file = await open(path, 'wx', 0o400);
  const buffer = Buffer.allocUnsafeSlow(WRITE_CHUNK);
  try {
    await follower?.begin(path);
    let bytes = 0;
    let written = 0;
    let unsynced = 0;
    let syncing = Promise.resolve();
    const write = async (): Promise<void> => {
      // Writes all of it, at the present position.
      await file.writeFile(buffer.subarray(0, bytes));
      written += bytes;
      follower?.wrote(written);
      unsynced += bytes;
      bytes = 0;
      if (unsynced < SYNC_CHUNK) return;
      unsynced = 0;
      syncing = syncing.then(() => file.datasync());
      // Told below.
      syncing.catch(() => undefined);
    };
    for await (const chunk of source) {
      hash.update(chunk);
      size += chunk.length;
      for (let at = 0; at < chunk.length;) {
        const copied = chunk.copy(buffer, bytes, at);
        at += copied;
        bytes += copied;
        if (bytes === buffer.length) await write();
      }
    }
    if (bytes > 0) await write();
    await syncing;
    await file.sync();
  } finally {
    await file.close();
    freeBuffer(buffer);
  }
  return { size, sha256: hash.digest() };
}

/** Makes a directory and its parents, each durable: a file is only there when every directory above it is. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) {
    // Another put may have made it a moment ago and not synced it yet.
    await syncDirectory(dirname(path));
    return;
  }
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Whether there was something to remove. */
async function remove(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

function asRefusal(error: unknown): unknown {
  if (codeOf(error) !== 'ENOSPC' && codeOf(error) !== 'EDQUOT') return error;
  return new Refusal(
    'storage-full',
    'There is no room for this evidence: nothing of it was kept. Tell the operator, then send it again.',
  );
}
