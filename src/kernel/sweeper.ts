import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { Logger } from 'pino';
import { reasonOf } from './http/outbound.js';

/** What is swept. */
export interface Sweep {
  /** Milliseconds between two. */
  every: number;
  /** What is removed, as the log says it. */
  what: string;
  /** Removes it, until it has to end. Safe to run twice, also by two replicas at once. */
  remove(ending: AbortSignal): Promise<Swept>;
}

/** What a sweep has done. What cannot be removed keeps nothing else, and is tried again the next time. */
export class Swept {
  removed = 0;
  /** How many could not be removed, by reason. */
  readonly stay = new Map<string, number>();

  /** `remove` says whether there was anything to remove. */
  async one(remove: () => Promise<boolean>): Promise<void> {
    try {
      if (await remove()) this.removed += 1;
    } catch (error) {
      const reason = reasonOf(error);
      this.stay.set(reason, (this.stay.get(reason) ?? 0) + 1);
    }
  }
}

/**
 * Removes what has to go, after a start and then and again, in the background, one time after another: a failure is logged, and the next time tries again. A shutdown
 * waits for what is being removed. A room provides one by a factory.
 */
export class Sweeper implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | null = null;
  private readonly ending = new AbortController();

  constructor(
    private readonly logger: Logger,
    private readonly sweep: Sweep,
  ) {}

  onApplicationBootstrap(): void {
    this.begin();
    this.timer = setInterval(() => this.begin(), this.sweep.every).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.ending.abort();
    await this.running;
  }

  private begin(): void {
    this.running ??= this.turn().finally(() => {
      this.running = null;
    });
  }

  private async turn(): Promise<void> {
    const { what } = this.sweep;
    try {
      const { removed, stay } = await this.sweep.remove(this.ending.signal);
      if (removed > 0) this.logger.info({ removed }, `removed ${what}`);
      if (stay.size > 0) this.logger.error({ stay: Object.fromEntries(stay) }, `removing ${what} failed`);
    } catch (error) {
      this.logger.error({ reason: reasonOf(error) }, `removing ${what} failed`);
    }
  }
}
