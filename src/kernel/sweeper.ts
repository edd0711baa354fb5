import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';

/** What is swept. */
export interface Sweep {
  /** Milliseconds between two. */
  every: number;
  /** What is removed, as the log says it. */
  what: string;
  /** Removes it; returns how many. Safe to run twice, also by two replicas at once. */
  remove(): Promise<number>;
}

/** Removes what has to go, after a start and then and again, in the background: a failure is logged, and the next time tries again. A room provides one by a factory. */
export class Sweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly sweep: Sweep,
  ) {}

  onApplicationBootstrap(): void {
    void this.turn();
    this.timer = setInterval(() => void this.turn(), this.sweep.every).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async turn(): Promise<void> {
    const { what } = this.sweep;
    try {
      const removed = await this.sweep.remove();
      if (removed > 0) this.logger.info({ removed }, `removed ${what}`);
    } catch (error) {
      this.logger.error({ kind: error instanceof Error ? error.name : typeof error }, `removing ${what} failed`);
    }
  }
}
