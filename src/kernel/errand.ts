import type { Logger } from 'pino';
import { reasonOf } from './http/outbound.js';

/**
 * What is done once after a start, in the background: the server does not wait for it, and a shutdown does, for as long as the step takes that is under way. A failure is
 * logged, and the next start does it again.
 */
export class Errand {
  private readonly ending = new AbortController();
  private readonly running: Promise<void>;

  /** `what` is done, as the log says it; `run` goes on until it has to end. */
  constructor(logger: Logger, what: string, run: (ending: AbortSignal) => Promise<void>) {
    this.running = run(this.ending.signal).catch((error: unknown) =>
      logger.error({ reason: reasonOf(error) }, `${what} failed`),
    );
  }

  /** Before anything is closed that it works with. */
  async end(): Promise<void> {
    this.ending.abort();
    await this.running;
  }
}
