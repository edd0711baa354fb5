import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { prepare } from '../bin/client/payload.js';
import { printable } from '../bin/client/text.js';
import type { Deposit } from './deposit.js';
import type { Metrics } from './metrics.js';

/** Beside `X.json`, what its poster would declare: the options of `safeguard push`. */
const DECLARATION = '.scan.json';
const declarationSchema = z.strictObject({
  format: z.string().min(1).max(100).optional(),
  targets: z
    .array(
      z
        .string()
        .regex(/^[a-z][a-z0-9-]*\/./)
        .max(1_000),
    )
    .max(1_000)
    .optional(),
  partial: z.boolean().optional(),
  observedAt: z.iso.datetime({ offset: true }).optional(),
});
const DECLARATION_LIMIT = 256 * 1024;

/** Names that say that their file is being written: it is renamed when it is whole. */
const UNFINISHED = /^\.|\.(?:tmp|part|partial|swp)$|~$/;
/** Of a file that was not renamed: as long as this it has looked the same, … */
export const SETTLED = 10_000;
/** … or it has not been changed by its own time, where that is further back than clocks of two machines differ. */
const OLD = 60_000;

/** A folder that others write into may hold anything: no link is followed, no pipe is waited for. */
const NO_LINKS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Takes the reports that scanners leave in a folder. A file is deleted when its bytes are safe in the spool, and not before. */
export class DropFolder {
  /** As what each was seen, and since when: its own time may be ahead of ours. */
  private readonly seen = new Map<string, { look: string; since: number }>();
  private readonly told = new Set<string>();
  /** What was taken and cannot be deleted. */
  private readonly stuck = new Map<string, string>();

  constructor(
    private readonly folder: string,
    private readonly deposit: Deposit,
    private readonly log: Logger,
    private readonly metrics: Metrics,
  ) {}

  /** Takes what is whole, and says how many files may still become so. */
  async look(): Promise<number> {
    const names = (await readdir(this.folder))
      .filter((name) => !UNFINISHED.test(name) && !name.endsWith(DECLARATION))
      .sort();
    for (const known of [this.seen, this.stuck]) {
      for (const name of known.keys()) if (!names.includes(name)) known.delete(name);
    }
    let unsettled = 0;
    let waiting = 0;
    for (const name of names) {
      const outcome = await this.consider(name);
      if (outcome !== 'taken') waiting += 1;
      if (outcome === 'unsettled') unsettled += 1;
    }
    this.metrics.dropWaiting.set(waiting);
    return unsettled;
  }

  private async consider(name: string): Promise<'taken' | 'unsettled' | 'left'> {
    const path = join(this.folder, name);
    const stats = await lstat(path).catch(() => null);
    if (stats === null) return 'taken';
    if (!stats.isFile()) return this.leave(name, 'is no file');
    const look = identity(stats);
    if (this.stuck.get(name) === look) return this.leave(name, 'was taken, and cannot be deleted');
    const now = this.deposit.clock.now();
    const before = this.seen.get(name);
    const since = before?.look === look && before.since <= now ? before.since : now;
    this.seen.set(name, { look, since });
    const isSettled = now - stats.mtimeMs >= OLD || now - since >= SETTLED;
    if (!isSettled || stats.size === 0) return 'unsettled';
    if (stats.size > this.deposit.spool.limit) return this.leave(name, 'is larger than the spool may hold');
    // In the worst case it cannot be compressed.
    if (!this.deposit.spool.hasRoomFor(stats.size))
      return this.leave(name, 'finds no room in the spool until something is posted');
    const declared = await this.declarationOf(path);
    if (declared === null) return this.leave(name, `has a declaration (${name}${DECLARATION}) that cannot be read`);
    return this.take(name, path, stats, declared);
  }

  private async take(
    name: string,
    path: string,
    stats: Stats,
    declared: z.infer<typeof declarationSchema>,
  ): Promise<'taken' | 'unsettled' | 'left'> {
    const look = identity(stats);
    // Whoever wrote it may have a clock that is ahead: nothing is of the future.
    const at = new Date(Math.min(stats.mtimeMs, this.deposit.clock.now()));
    let prepared;
    try {
      prepared = await prepare(path, 'zstd', this.deposit.spool.scratchFolder, { flags: NO_LINKS, most: stats.size });
    } catch (error) {
      return this.leave(name, error instanceof Error ? error.message : 'cannot be read');
    }
    const after = await lstat(path).catch(() => null);
    if (after === null || identity(after) !== look) {
      await rm(prepared.file, { force: true });
      return 'unsettled';
    }
    const { format, targets, partial, observedAt } = declared;
    const origin = printable(name, 200);
    const entry = await this.deposit.put(prepared, at, {
      stream: null,
      origin,
      ...(format === undefined ? {} : { format }),
      ...(targets === undefined ? {} : { targets }),
      ...(partial === undefined ? {} : { partial }),
      ...(observedAt === undefined ? {} : { observedAt }),
    });
    if (this.deposit.leavesUnsigned(prepared))
      this.log.warn({ file: origin }, 'a report came compressed and is not signed');
    try {
      await rm(path, { force: true });
      await rm(`${path}${DECLARATION}`, { force: true });
    } catch {
      this.stuck.set(name, look);
    }
    this.seen.delete(name);
    this.log.info({ file: origin, report: entry.name, bytes: entry.size }, 'took a report from the drop folder');
    return 'taken';
  }

  /** Said once, for as long as it is so. */
  private leave(name: string, reason: string): 'left' {
    const words = `${name} ${reason}`;
    if (!this.told.has(words))
      this.log.error(
        { file: printable(name, 200), reason: printable(reason, 300) },
        'a file in the drop folder is not taken',
      );
    if (this.told.size > 1_000) this.told.clear();
    this.told.add(words);
    return 'left';
  }

  private async declarationOf(path: string): Promise<z.infer<typeof declarationSchema> | null> {
    let handle;
    try {
      handle = await open(`${path}${DECLARATION}`, NO_LINKS);
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? {} : null;
    }
    try {
      const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(DECLARATION_LIMIT), position: 0 });
      return declarationSchema.parse(JSON.parse(buffer.toString('utf8', 0, bytesRead)));
    } catch {
      return null;
    } finally {
      await handle.close();
    }
  }
}

/** Which file it is, and that it is as it was. */
function identity({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [ino, size, mtimeMs, ctimeMs].join('-');
}
