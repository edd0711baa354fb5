import { Inject, Injectable } from '@nestjs/common';
import { Database, type WriteTx } from '../kernel/db/database.js';
import type { Principal } from '../kernel/principal.js';
import { AnchorGuard } from './anchor/anchor-guard.js';
import { ANCHOR_CONFIG, type AnchorConfig } from './anchor/anchor.config.js';
import { fullTiles } from './full-tiles.js';
import { LogDamaged } from './log-damaged.js';
import { LogFaults } from './log-faults.js';
import { frontierOf, type Log, type NewLeaf } from './log.js';
import { LogStore } from './log.store.js';
import { leafHash } from './merkle.js';
import { logOrigin } from './origin.js';

/** Leaves of one transaction: some hundred kilobytes of rows, and a tenth of a second. */
export const BATCH = 2_000;

/**
 * Gives events their index. An event and its place in the queue are written by the transaction that it describes; here it leaves the queue and becomes a leaf, in one
 * transaction again, so that a crash at any point has done all of it or nothing. Ids and serial numbers are no index: they become visible out of order, and have gaps.
 * The row of a log's state is the lock: of two servers one goes on with another organisation's.
 */
@Injectable()
export class LogSequencer {
  constructor(
    private readonly database: Database,
    private readonly store: LogStore,
    @Inject(ANCHOR_CONFIG) private readonly config: Pick<AnchorConfig, 'host'>,
    private readonly guard: AnchorGuard,
    private readonly faults: LogFaults,
  ) {}

  /**
   * Appends what waits, a batch of it; whether there may be more. `wait`: where another server has the log in hand, waits for it, so that what was committed before the
   * call is in the log when nothing more is left. Throws a LogRefused where the log's rows are not what it was made of.
   */
  async append(principal: Principal, { wait }: { wait: boolean }): Promise<boolean> {
    const at: { log: Log | null } = { log: null };
    try {
      return await this.turn(principal, at, wait);
    } catch (error) {
      // Written down when the turn has been rolled back.
      if (error instanceof LogDamaged && at.log !== null) {
        await this.faults.refuse(at.log.generation, at.log.origin, 'here', error.message);
      }
      throw error;
    }
  }

  /** `at` is told of the log that it has in hand. */
  private turn(principal: Principal, at: { log: Log | null }, wait: boolean): Promise<boolean> {
    return this.database.write(principal, async (tx) => {
      tx.withoutAudit('the log is what is recorded: an event of its growth would make it grow');
      const generation = await this.store.generation(tx);
      const log = await this.store.lock(tx, generation, logOrigin(this.config.host, tx.organizationId, generation), {
        wait,
      });
      if (log === null) return false;
      at.log = log;
      // Begun anew while this one was waited for: from here on it would get leaves that nobody takes over.
      if ((await this.store.generation(tx)) !== generation) return true;
      const carried = log.isComplete ? [] : await this.takenOver(tx, log);
      if (carried.length > 0) {
        await this.extend(tx, log, carried, false);
        return true;
      }
      if (!log.isComplete) await this.store.requeue(tx, log);
      const queued = await this.store.queued(tx, BATCH);
      if (queued.length > 0) {
        await this.extend(tx, log, queued, true);
        await this.store.unqueue(tx, queued);
      } else if (!log.isComplete) {
        await this.store.complete(tx, log);
      }
      return queued.length === BATCH;
    });
  }

  /** Of a log that was begun anew: the last head of the one before, as it is outside, as its first leaf, then all of that one's events again, so that it is complete by itself. */
  private async takenOver(tx: WriteTx, log: Log): Promise<NewLeaf[]> {
    const before = await this.store.before(tx, log);
    if (before === null) return [];
    if (log.size === 0) {
      const note =
        (await this.guard.lastOutside(before.generation, before.origin)) ??
        (await this.store.lastHead(tx, before.generation))?.note;
      if (note !== undefined) return [{ leafHash: leafHash(note), eventId: null, leaf: note }];
    }
    return this.store.carried(tx, before, log, BATCH);
  }

  private async extend(tx: WriteTx, log: Log, leaves: readonly NewLeaf[], isComplete: boolean): Promise<void> {
    const hashes = leaves.map(({ leafHash }) => leafHash);
    const tiles = await fullTiles(log.size, hashes, (level, from, to) =>
      this.store.hashes(tx, log.generation, level, from, to),
    );
    const frontier = frontierOf(log);
    for (const hash of hashes) frontier.append(hash);
    const { size, root, bytes } = frontier;
    await this.store.append(tx, log, leaves, tiles, { size, root, frontier: bytes, isComplete });
  }
}
