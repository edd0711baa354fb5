import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Logger } from 'pino';
import { Database } from '../kernel/db/database.js';
import { newId } from '../kernel/ids.js';
import { LOGGER } from '../kernel/logger.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
import { OutsideSilent } from './anchor/anchor-guard.js';
import { LogSequencer } from './log.sequencer.js';
import { LogSigner } from './log.signer.js';
import { LogStore } from './log.store.js';

/** From a commit to the turn that it wakes: what comes meanwhile is appended with it. Milliseconds, as all of these. */
const GATHER = 100;
/** What another server has committed, and died over, is found by looking. */
const POLL = 1_000;
/** Heads of a log that grows are signed this often: each stays for ever. */
const SIGN_EVERY = 5_000;
/** The same fault of the same organisation is logged again after this time. */
const COMPLAIN_AGAIN = 60_000;

/** Turns events into leaves and signs heads, in the background. Every server has one; what they have in hand at the same time, the database keeps apart. */
@Injectable()
export class LogWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private due = Infinity;
  private turn: Promise<void> | null = null;
  private again = false;
  private ended = false;
  private readonly signedAt = new Map<string, number>();
  /** Before it no head is signed, as nobody outside answers: each log would wait for an answer anew, and the events of all others with it. */
  private silentUntil = 0;
  private readonly complained = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly store: LogStore,
    private readonly sequencer: LogSequencer,
    private readonly signer: LogSigner,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.schedule(0);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.ended = true;
    clearTimeout(this.timer);
    await this.turn;
  }

  /** There are events to be appended. */
  wake(): void {
    this.schedule(GATHER);
  }

  private schedule(wait: number): void {
    const due = performance.now() + wait;
    if (this.ended || due >= this.due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => void this.begin(), wait).unref();
  }

  private async begin(): Promise<void> {
    this.due = Infinity;
    // What is committed while a turn is under way may not have been seen by it.
    if (this.turn !== null) {
      this.again = true;
      return;
    }
    this.turn = this.run();
    await this.turn;
    this.turn = null;
    this.schedule(this.again ? GATHER : POLL);
    this.again = false;
  }

  private async run(): Promise<void> {
    for (const organizationId of await this.waiting()) {
      if (this.ended) return;
      await this.attend(sequencerOf(organizationId), organizationId);
    }
    for (const [id, at] of this.signedAt) if (performance.now() - at > SIGN_EVERY) this.signedAt.delete(id);
  }

  private async waiting(): Promise<string[]> {
    try {
      return await this.database.read(sequencerOf(null), (tx) => this.store.waiting(tx));
    } catch (error) {
      this.complain('', error);
      return [];
    }
  }

  private async attend(principal: Principal, id: string): Promise<void> {
    try {
      while (!this.ended && (await this.sequencer.append(principal, { wait: false })));
      if (this.signedAt.has(id) || performance.now() < this.silentUntil) return;
      await this.signer.sign(principal);
      this.signedAt.set(id, performance.now());
    } catch (error) {
      if (error instanceof OutsideSilent) this.silentUntil = performance.now() + SIGN_EVERY;
      this.complain(id, error);
    }
  }

  private complain(organizationId: string, error: unknown): void {
    const { name, message } = error instanceof Error ? error : { name: typeof error, message: '' };
    const fault = `${organizationId} ${name} ${message}`;
    const now = performance.now();
    for (const [known, at] of this.complained) if (now - at > COMPLAIN_AGAIN) this.complained.delete(known);
    if (this.complained.has(fault)) return;
    this.complained.set(fault, now);
    this.logger.error({ organizationId, kind: name, message }, 'the log does not go on');
  }
}

/** The program, appending to an organisation's log; null: looking for whose it has to. */
export const sequencerOf = (organizationId: string | null): Principal =>
  servicePrincipal('log-sequencer', organizationId, newId());
