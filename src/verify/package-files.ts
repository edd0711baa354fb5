import { createReadStream } from 'node:fs';
import { constants, lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import yauzl from 'yauzl';
import { Paths } from '../kernel/portable-paths.js';
import { entriesOf, isEncrypted } from '../kernel/zip-read.js';
import { Fault } from './fault.js';
import { unpacked } from './zip-entry.js';
import { messageOf, notReadable, quoted, requireLayout } from './zip-layout.js';

/** A package as files: a ZIP, or the folder that somebody has unpacked it to. Nothing is written anywhere, and a file is read as it is asked for. */
export interface PackageFiles {
  /** Sizes by path from the package's own folder (`bag/bagit.txt`). */
  readonly sizes: ReadonlyMap<string, number>;
  /** The bytes of a path in `sizes`, exactly as many as its size says; a Fault where there are others. */
  open(path: string): AsyncIterable<Buffer>;
  close(): Promise<void>;
}

/** Some hundred bytes of memory each. A package has a file per evidence and one per 256 audit events. */
const MAX_FILES = 2_000_000;
/** What is unpacked is hashed as it goes by and kept nowhere, so that the bound is one of time: at hundreds of MB/s this is seconds. */
const FREE_UNPACKED = 4 * 2 ** 30;
/** Reports shrink to a tenth, and the most repetitive of them to a sixtieth; DEFLATE's own limit is 1 032. */
const MAX_RATIO = 200;

/**
 * @throws Fault where the archive or the folder is none that a package can be: a path that leads out of it or that two systems read as two, a name twice, a link,
 * entries that share bytes, bytes that are of no entry.
 */
export async function openPackageFiles(path: string): Promise<PackageFiles> {
  return (await lstat(path)).isDirectory() ? openFolder(path) : openArchive(path);
}

/** The first bytes of a file that `age` has encrypted. */
const AGE = 'age-encryption.org/';

async function openArchive(path: string): Promise<PackageFiles> {
  const archiveSize = await requireArchive(path);
  const zip = await yauzl
    .openPromise(path, { autoClose: false, strictFileNames: true, validateEntrySizes: true })
    .catch(notReadable);
  const close = (): Promise<void> => {
    zip.close();
    return Promise.resolve();
  };
  try {
    const entries = await entriesIn(zip, path, archiveSize);
    const root = rootOf([...entries.keys()]);
    const files = new Map([...entries].map(([name, entry]) => [name.slice(root.length), entry]));
    return {
      sizes: new Map([...files].map(([name, { uncompressedSize }]) => [name, uncompressedSize])),
      async *open(name) {
        const entry = files.get(name);
        if (entry === undefined) throw new Fault(`${name} is not there`);
        yield* unpacked(zip, entry);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Its size in bytes. */
async function requireArchive(path: string): Promise<number> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new Fault('it is neither a file nor a folder');
    const { buffer } = await file.read(Buffer.alloc(AGE.length), 0, AGE.length, 0);
    if (buffer.toString('latin1') === AGE) {
      throw new Fault('it is encrypted; decrypt it first: age -d -i KEY FILE.zip.age > FILE.zip');
    }
    return stats.size;
  } finally {
    await file.close();
  }
}

async function entriesIn(zip: yauzl.ZipFile, path: string, archiveSize: number): Promise<Map<string, yauzl.Entry>> {
  if (zip.entryCount > MAX_FILES) throw new Fault(`the ZIP has more than ${MAX_FILES} entries`);
  const entries = new Map<string, yauzl.Entry>();
  const all: yauzl.Entry[] = [];
  const folders: yauzl.Entry[] = [];
  const paths = new Paths();
  let size = 0;
  try {
    for await (const entry of entriesOf(zip)) {
      const name = entry.fileName;
      all.push(entry);
      const kind = (entry.externalFileAttributes >>> 16) & constants.S_IFMT;
      if (name.endsWith('/') && entry.uncompressedSize === 0) {
        paths.add(name.slice(0, -1));
        folders.push(entry);
        continue;
      }
      if (kind !== 0 && kind !== constants.S_IFREG)
        throw new Fault(`${quoted(name)} is a link or a device, not a file`);
      if (isEncrypted(entry)) throw new Fault(`${quoted(name)} is encrypted`);
      addTo(paths, name);
      size += entry.uncompressedSize;
      entries.set(name, entry);
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
    notReadable(error);
  }
  if (size > Math.max(FREE_UNPACKED, archiveSize * MAX_RATIO)) {
    throw new Fault(`the ZIP unpacks to more than ${MAX_RATIO} times its size`);
  }
  await requireLayout(zip, all, path, archiveSize);
  for (const folder of folders) await requireEmpty(zip, folder);
  return entries;
}

async function requireEmpty(zip: yauzl.ZipFile, folder: yauzl.Entry): Promise<void> {
  if (folder.compressedSize === 0) return;
  for await (const chunk of unpacked(zip, folder)) {
    if (chunk.length > 0) throw new Fault(`${quoted(folder.fileName)} is a folder, and has bytes`);
  }
}

async function openFolder(folder: string): Promise<PackageFiles> {
  const sizes = new Map<string, number>();
  const paths = new Paths();
  const walk = async (under: string): Promise<void> => {
    for (const name of (await readdir(join(folder, under))).sort()) {
      const path = under === '' ? name : `${under}/${name}`;
      addTo(paths, path);
      const stats = await lstat(join(folder, path));
      if (stats.isDirectory()) await walk(path);
      else if (stats.isFile()) sizes.set(path, stats.size);
      else throw new Fault(`${quoted(path)} is a link or a device, not a file`);
      if (sizes.size > MAX_FILES) throw new Fault(`the folder has more than ${MAX_FILES} files`);
    }
  };
  await walk('');
  if (rootOf([...sizes.keys()]) !== '') throw new Fault('the package is in a folder inside of it; name that one');
  return {
    sizes,
    async *open(path) {
      const size = sizes.get(path);
      if (size === undefined) throw new Fault(`${path} is not there`);
      let read = 0;
      const flags = constants.O_RDONLY | constants.O_NOFOLLOW;
      for await (const chunk of createReadStream(join(folder, path), {
        flags: flags as never,
      }) as AsyncIterable<Buffer>) {
        read += chunk.length;
        yield chunk;
      }
      if (read !== size) throw new Fault(`${path} changed while it was read`);
    },
    close: () => Promise.resolve(),
  };
}

/** What stands before `bag/bagit.txt`, of which there is one: `safeguard-package-<id>/`, or nothing. */
function rootOf(paths: readonly string[]): string {
  const declaration = 'bag/bagit.txt';
  const roots = paths.filter((path) => path === declaration || path.endsWith(`/${declaration}`));
  const root = roots[0]?.slice(0, -declaration.length);
  if (root === undefined) throw new Fault('it has no bag/bagit.txt: it is no package, or a part of one');
  if (roots.length > 1) throw new Fault('it has two bags');
  const stray = paths.find((path) => !path.startsWith(root));
  if (stray !== undefined) throw new Fault(`${stray} lies outside of ${root}`);
  return root;
}

function addTo(paths: Paths, path: string): void {
  try {
    paths.add(path);
  } catch (error) {
    throw new Fault(`${quoted(path)}: ${messageOf(error)}`, { cause: error });
  }
}
