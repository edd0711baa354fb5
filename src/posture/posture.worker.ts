import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Logger } from 'pino';
import { newId } from '../kernel/ids.js';
import { LOGGER } from '../kernel/logger.js';
import { servicePrincipal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { PostureMemory } from './memory.service.js';

/** Keeps what is remembered of postures to what is known. No answer depends on when: what is not remembered is evaluated. */
@Injectable()
export class PostureWorker implements OnApplicationBootstrap {
  constructor(
    private readonly queue: Queue,
    private readonly memory: PostureMemory,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.queue.work(
      'posture',
      ({ organizationId, systemId }) =>
        this.memory.refresh(servicePrincipal('posture', organizationId, newId()), systemId === '' ? null : systemId),
      ({ organizationId, systemId }) => {
        this.logger.error({ organizationId, systemId }, 'a posture could not be remembered');
        return Promise.resolve();
      },
    );
  }
}
