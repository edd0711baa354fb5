import { Injectable } from '@nestjs/common';
import { Clock } from '../kernel/clock.js';
import { SigningKeys } from '../kernel/crypto/signing/signing-keys.js';
import { Database, type Tx } from '../kernel/db/database.js';
import type { Principal } from '../kernel/principal.js';
import { AnchorGuard } from './anchor/anchor-guard.js';
import { AnchorStore } from './anchor/anchor.store.js';
import { formatCheckpoint } from './checkpoint.js';
import { LogDamaged } from './log-damaged.js';
import { LogFaults } from './log-faults.js';
import { frontierOf, type Log, type SignedHead } from './log.js';
import { BATCH } from './log.sequencer.js';
import { LogStore } from './log.store.js';
import { rootOf } from './merkle.js';
import { formatNote, signNote, verifierKey } from './note.js';
import { hashReader } from './tile.js';

/**
 * Signs the heads of logs. Only what is committed, only what the log's own tiles prove, and only what extends the head that was signed before: a log must never sign two
 * heads that contradict each other.
 */
@Injectable()
export class LogSigner {
  constructor(
    private readonly database: Database,
    private readonly store: LogStore,
    private readonly keys: SigningKeys,
    private readonly clock: Clock,
    private readonly guard: AnchorGuard,
    private readonly anchors: AnchorStore,
    private readonly faults: LogFaults,
  ) {}

  /**
   * Signs the present head, where it is not signed, and looks at a log of which a fault is known whether that is over, signed or not. Throws a LogRefused where the log is not what it has signed, or not what is outside, and an OutsideSilent where nobody
   * there answers; then it goes on as it is, unsigned.
   */
  async sign(principal: Principal): Promise<void> {
    const began = await this.faults.begin(principal);
    const found = await this.database.readSnapshot(principal, async (tx) => {
      const log = await this.store.find(tx, await this.store.generation(tx));
      if (log === null || !log.isComplete) return null;
      const isDue = log.size !== log.signedSize || (await this.faults.of(tx, log.generation, [log.origin])).length > 0;
      if (!isDue) return null;
      return { log, look: { began, reason: await this.damage(tx, log) } };
    });
    if (found === null) return;
    const { generation, origin, size, root, signedSize } = found.log;
    await this.faults.require(generation, origin, 'here', found.look);
    await this.guard.requireExtends(origin, async () => ({
      size: (await this.database.read(principal, (tx) => this.store.find(tx, generation)))?.size ?? 0,
      rootAt: (at) =>
        this.database.read(principal, (tx) =>
          rootOf(
            at,
            hashReader(at, (tiles) => this.store.tiles(tx, generation, tiles)),
          ),
        ),
    }));
    if (size === signedSize) return;
    const text = formatCheckpoint({ origin, size, root });
    const { publicKey } = this.keys.log;
    const signature = await signNote(text, verifierKey(origin, publicKey), (bytes) => this.keys.log.sign(bytes));
    const note = formatNote({ text, signatures: [signature] });
    const head: SignedHead = { generation, origin, size, root, note, signedAt: this.clock.now() };
    await this.database.write(principal, async (tx) => {
      tx.withoutAudit('a head speaks of the events, and is no event');
      await this.store.keepHead(tx, head);
      await this.anchors.enqueue(tx, generation, head);
    });
  }

  /**
   * In what its rows differ from what it has signed, or from what it can go on from; null where in nothing. All that the sequencer may find is looked at here too: nothing
   * that it has found is over because of a look that would not have found it.
   */
  private async damage(tx: Tx, log: Log): Promise<string | null> {
    try {
      const read = hashReader(log.size, (tiles) => this.store.tiles(tx, log.generation, tiles));
      if (!(await rootOf(log.size, read)).equals(log.root)) return 'the log has another root than its leaves';
      const last = await this.store.lastHead(tx, log.generation);
      const extendsLast = last === null || (last.size <= log.size && (await rootOf(last.size, read)).equals(last.root));
      if (!extendsLast) return 'the log does not extend the head that it has signed';
      if (!frontierOf(log).root.equals(log.root)) return 'what the log goes on from has another root';
      return await this.store.inTheWay(tx, log, BATCH);
    } catch (error) {
      if (error instanceof LogDamaged) return error.message;
      throw error;
    }
  }
}
