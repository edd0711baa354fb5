import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Sent } from '../bin/client/scans.js';

const manifestSchema = z.strictObject({
  version: z.literal(1),
  /** What a later report of replaces an earlier one, when there is no room: `snapshot`, `reports/sbom`. Null: nothing does. */
  stream: z.string().nullable(),
  /** For people: which file or list it was. */
  origin: z.string(),
  createdAt: z.iso.datetime(),
  format: z.string().nullable(),
  targets: z.array(z.string()),
  partial: z.boolean(),
  observedAt: z.string().nullable(),
  /** When it was so, for a report that turns out to have no time of its own. */
  observedAtElse: z.iso.datetime(),
  size: z.int().nonnegative(),
  digest: z.string(),
  encoding: z.enum(['zstd', 'gzip', 'identity']),
  mediaType: z.enum([
    'application/json',
    'application/x-ndjson',
    'application/yaml',
    'application/xml',
    'application/octet-stream',
  ]),
  /** A DSSE envelope, made once: a signature by an elliptic curve is another each time. */
  signature: z.string().nullable(),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** A report that waits to be posted. */
export interface Entry extends Manifest, Sent {
  name: string;
}

/** What is not posted any more, and why. */
export interface SpoolEvents {
  /** A later report of its stream replaced it, for lack of room. */
  dropped(entry: Entry): void;
  /** It cannot be read: power was lost, or somebody changed it. It lies in refused/ now. */
  damaged(name: string): void;
  /** Old refused reports made room for new ones. */
  forgotten(name: string): void;
}

/** Refused reports may take this part of the spool's bytes. */
const REFUSED_PART = 4;

/**
 * Reports on their way, in a folder. A report is two files, its bytes and its manifest, named by its time and digest. Each is written aside, made durable and renamed; the
 * manifest first, so that where the bytes are, the report is. Whatever instant the process dies at, a report is wholly there or not at all; whoever gave it does so again,
 * and then it has the same name. It leaves only when the server has it (or will never take it).
 */
export class Spool {
  private readonly entries = new Map<string, Entry>();
  private busy: string | null = null;
  private waiting: (() => void)[] = [];

  private constructor(
    private readonly directory: string,
    readonly limit: number,
    private readonly events: SpoolEvents,
  ) {}

  static async open(directory: string, limit: number, events: SpoolEvents): Promise<Spool> {
    const spool = new Spool(directory, limit, events);
    for (const folder of ['', 'reports', 'refused']) await makeFolder(join(directory, folder));
    // What was being written when a process died is nothing yet.
    await rm(join(directory, 'tmp'), { recursive: true, force: true });
    await mkdir(join(directory, 'tmp'), { mode: 0o700 });
    await spool.load();
    return spool;
  }

  /** A name for a file that is being written; it is gone after a restart. */
  scratch(): string {
    return join(this.directory, 'tmp', randomUUID());
  }

  /** A folder of such. */
  get scratchFolder(): string {
    return join(this.directory, 'tmp');
  }

  /** The largest document that may be written: two snapshots have to find room, the old one and the next. */
  get largest(): number {
    return Math.floor(this.limit / 2);
  }

  /** Whether this many bytes more find room without dropping anything. */
  hasRoomFor(size: number): boolean {
    return this.bytes + size <= this.limit;
  }

  get bytes(): number {
    let sum = 0;
    for (const { size } of this.entries.values()) sum += size;
    return sum;
  }

  get count(): number {
    return this.entries.size;
  }

  /** All of them, the oldest first. */
  get byAge(): Entry[] {
    return [...this.entries.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Takes a finished file over. When it resolves, the report survives whatever happens. */
  async put(file: string, at: Date, manifest: Manifest): Promise<Entry> {
    const name = `${at.toISOString().replaceAll(':', '')}-${Buffer.from(manifest.digest, 'base64').toString('hex')}`;
    const [bytes, described] = this.filesOf(name);
    const draft = this.scratch();
    await writeDurably(draft, JSON.stringify(manifest));
    await syncFile(file);
    await rename(draft, described);
    await rename(file, bytes);
    await this.sync('reports');
    const entry = { ...manifest, name, file: bytes };
    this.entries.set(name, entry);
    await this.makeRoom();
    for (const wake of this.waiting.splice(0)) wake();
    return entry;
  }

  /** Resolves when there is something to post. */
  async filled(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.entries.size > 0) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.waiting.push(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
    signal.throwIfAborted();
  }

  /** While it is posted, an entry is not dropped for lack of room. */
  async holding<T>(entry: Entry, run: () => Promise<T>): Promise<T> {
    this.busy = entry.name;
    try {
      return await run();
    } finally {
      this.busy = null;
    }
  }

  /** The server has it. */
  async remove(entry: Entry): Promise<void> {
    const [bytes, described] = this.filesOf(entry.name);
    this.entries.delete(entry.name);
    await rm(bytes, { force: true });
    await rm(described, { force: true });
    await this.sync('reports');
  }

  /** The server will never take it: it is kept, with the reason, for a person to look at. */
  async setAside(entry: Entry, problem: unknown): Promise<void> {
    await this.aside(entry.name, problem);
    this.entries.delete(entry.name);
    await this.tidyRefused();
  }

  private async aside(name: string, problem: unknown): Promise<void> {
    const draft = this.scratch();
    const refused = join(this.directory, 'refused');
    await writeDurably(draft, `${JSON.stringify(problem, null, 2)}\n`);
    await rename(draft, join(refused, `${name}.problem.json`));
    const [bytes, described] = this.filesOf(name);
    // The bytes first: a manifest that is left alone is cleared away, and bytes without one would be taken for damaged, over the problem that was just written.
    for (const [file, ending] of [
      [bytes, 'report'],
      [described, 'json'],
    ] as const) {
      await rename(file, join(refused, `${name}.${ending}`)).catch(ignoreAbsent);
    }
    await this.sync('refused');
    await this.sync('reports');
  }

  /** Drops, oldest first, what a later report of the same stream replaces, until the rest finds room. */
  private async makeRoom(): Promise<void> {
    for (const entry of this.byAge) {
      if (this.bytes <= this.limit) return;
      const replaced = [...this.entries.values()].some(
        (other) => entry.stream !== null && other.stream === entry.stream && other.name > entry.name,
      );
      if (!replaced || entry.name === this.busy) continue;
      await this.remove(entry);
      this.events.dropped(entry);
    }
  }

  private async tidyRefused(): Promise<void> {
    const folder = join(this.directory, 'refused');
    const reports = (await readdir(folder)).filter((file) => file.endsWith('.report')).sort();
    const sized = await Promise.all(
      reports.map(async (file) => ({ file, size: (await stat(join(folder, file))).size })),
    );
    let sum = sized.reduce((total, { size }) => total + size, 0);
    for (const { file, size } of sized.slice(0, -1)) {
      if (sum <= this.limit / REFUSED_PART) return;
      const name = file.slice(0, -'.report'.length);
      for (const ending of ['report', 'json', 'problem.json'])
        await rm(join(folder, `${name}.${ending}`), { force: true });
      sum -= size;
      this.events.forgotten(name);
    }
  }

  private async load(): Promise<void> {
    const files = await readdir(join(this.directory, 'reports'));
    const withBytes = new Set(files.filter((file) => file.endsWith('.report')).map((file) => file.slice(0, -7)));
    for (const file of files.filter((one) => one.endsWith('.json') && !withBytes.has(one.slice(0, -5)))) {
      await rm(join(this.directory, 'reports', file), { force: true });
    }
    for (const name of withBytes) {
      const [bytes, described] = this.filesOf(name);
      const manifest = await readManifest(described);
      if (manifest !== null && (await stat(bytes)).size === manifest.size) {
        this.entries.set(name, { ...manifest, name, file: bytes });
      } else {
        await this.aside(name, { title: 'The spool was damaged: the file is not what its manifest says.' });
        this.events.damaged(name);
      }
    }
  }

  private filesOf(name: string): [bytes: string, manifest: string] {
    const base = join(this.directory, 'reports', name);
    return [`${base}.report`, `${base}.json`];
  }

  private async sync(folder: string): Promise<void> {
    await syncFile(join(this.directory, folder));
  }
}

/** Not a tree: a name that is wrong is told, and not made true. */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

async function readManifest(file: string): Promise<Manifest | null> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return null;
  }
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  await closing(handle, async () => {
    await handle.writeFile(text);
    await handle.sync();
  });
}

/** A folder too: a rename is durable when its folder is. */
async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r');
  await closing(handle, () => handle.sync());
}

async function closing(handle: FileHandle, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } finally {
    await handle.close();
  }
}

function ignoreAbsent(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
