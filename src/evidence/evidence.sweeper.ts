import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOGGER } from '../kernel/logger.js';
import { EvidenceService } from './evidence.service.js';

/** What a crash leaves behind is swept when it is a day old: nobody starts the program again for that. */
const INTERVAL = 6 * 3_600_000;

/** After a start and then and again, in the background: a failure is logged, and the next time tries again. */
@Injectable()
export class EvidenceSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly evidence: EvidenceService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.sweep();
    this.timer = setInterval(() => this.sweep(), INTERVAL).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private sweep(): void {
    this.evidence.sweep().then(
      (removed) => removed > 0 && this.logger.info({ removed }, 'removed what crashes left in the evidence store'),
      (error: unknown) =>
        this.logger.error(
          { kind: error instanceof Error ? error.name : typeof error },
          'sweeping the evidence store failed',
        ),
    );
  }
}
