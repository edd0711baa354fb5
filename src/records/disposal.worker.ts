import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Logger } from 'pino';
import { EvidenceService } from '../evidence/evidence.service.js';
import { newId } from '../kernel/ids.js';
import { LOGGER } from '../kernel/logger.js';
import { servicePrincipal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';

/** Removes the bytes of evidence that was disposed of: after the commit of the decision, and not before. */
@Injectable()
export class DisposalWorker implements OnApplicationBootstrap {
  constructor(
    private readonly queue: Queue,
    private readonly evidence: EvidenceService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.queue.work(
      'disposal',
      ({ organizationId, id }) => this.evidence.dispose(servicePrincipal('disposal', organizationId, newId()), id),
      // Nobody reads it any more; where its bytes lie is for the operator to see.
      ({ id }) => {
        this.logger.error({ evidence: id }, 'the bytes of a disposed evidence could not be removed');
        return Promise.resolve();
      },
    );
  }
}
