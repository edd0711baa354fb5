import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { CopyConflict, CopyLost, MAX_COPY, segmentsOf, type Copies, type Copy } from './copies.js';

/** A file's number has nine digits, in three folders, so that the last of them is found by three short listings. */
const DIGITS = /^\d{3}$/;
const MOST = 999_999_999;

/**
 * Copies as numbered files in a directory on another medium: `<origin>/checkpoints/000/000/001`. None is ever written twice; whether none is ever removed is the medium's
 * to promise.
 */
export class DirectoryCopies implements Copies {
  private constructor(private readonly root: string) {}

  /** The directory has to be there: one that is made because a medium is not mounted would hold nothing, and say that nothing was ever kept. */
  static async open(root: string): Promise<DirectoryCopies> {
    const found = await stat(root).catch(() => null);
    if (found?.isDirectory() !== true)
      throw new Error(`${root} is no directory: make it, on another medium than the database's`);
    return new DirectoryCopies(root);
  }

  async last(origin: string): Promise<Copy | null> {
    const folder = this.folderOf(origin);
    const path = await lastBelow(folder, 3);
    if (path === null) return null;
    const note = await readFile(path);
    if (note.length > MAX_COPY) throw new CopyLost('what is kept as a copy is no checkpoint');
    const version = String(Number(path.slice(folder.length).replaceAll(sep, '')));
    return { note, version, tag: version };
  }

  async keep(origin: string, note: Buffer, after: Copy | null): Promise<string> {
    const number = after === null ? 1 : Number(after.tag) + 1;
    if (number > MOST) throw new Error('the directory is full');
    const path = join(this.folderOf(origin), ...(String(number).padStart(9, '0').match(/\d{3}/g) ?? []));
    const beside = join(this.root, `.${randomBytes(16).toString('hex')}`);
    try {
      await writeDurably(beside, note);
      await makeDirectory(dirname(path));
      // A link, not a rename: a rename would replace the file that somebody else has written meanwhile.
      await link(beside, path);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      throw new CopyConflict('another head of the log was kept meanwhile');
    } finally {
      await unlink(beside).catch(absentIsNull);
    }
    await syncDirectory(dirname(path));
    return String(number);
  }

  private folderOf(origin: string): string {
    return join(this.root, ...segmentsOf(origin), 'checkpoints');
  }
}

/** The path of the file with the highest number. A folder is made before its first file is, and may be empty. */
async function lastBelow(path: string, depth: number): Promise<string | null> {
  if (depth === 0) return path;
  const names = (await readdir(path).catch(absentIsNull)) ?? [];
  for (const name of names
    .filter((name) => DIGITS.test(name))
    .sort()
    .reverse()) {
    const found = await lastBelow(join(path, name), depth - 1);
    if (found !== null) return found;
  }
  return null;
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o444);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Durable: a file is only there when every directory above it is. */
async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
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

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

function absentIsNull(error: unknown): null {
  if (codeOf(error) === 'ENOENT') return null;
  throw error;
}
