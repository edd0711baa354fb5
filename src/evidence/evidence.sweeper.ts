import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOGGER } from '../kernel/logger.js';
import { EvidenceService } from './evidence.service.js';

/** After a start, because what a crash left behind is found then. In the background: a failure is logged, and the next start tries again. */
@Injectable()
export class EvidenceSweeper implements OnApplicationBootstrap {
  constructor(
    private readonly evidence: EvidenceService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
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
