import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Logger } from 'pino';
import { Database } from '../kernel/db/database.js';
import { Errand } from '../kernel/errand.js';
import { newId } from '../kernel/ids.js';
import { LOGGER } from '../kernel/logger.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
import { Queue, type Job } from '../kernel/queue.js';
import { DeliveriesService, jobOf } from './deliveries.service.js';
import { Lookout } from './lookout.js';
import { WebhooksStore } from './webhooks.store.js';

/** Looks for what is to be told, and tells it. */
@Injectable()
export class NoticesWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private resuming: Errand | undefined;

  constructor(
    private readonly queue: Queue,
    private readonly database: Database,
    private readonly lookout: Lookout,
    private readonly deliveries: DeliveriesService,
    private readonly webhooks: WebhooksStore,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.queue.work(
      'notice',
      ({ organizationId }) => this.lookout.look(workerOf(organizationId)),
      async ({ organizationId }) => {
        this.logger.error({ organizationId }, 'what is to be told could not be looked for');
        await this.lookout.lookLater(workerOf(organizationId));
      },
    );
    this.queue.work(
      'delivery',
      ({ organizationId, id }: Job) => this.deliveries.attempt(workerOf(organizationId), jobOf(id)),
      ({ id }) => {
        this.logger.error({ delivery: id }, 'a notice could not be delivered');
        return Promise.resolve();
      },
    );
    this.resuming = new Errand(this.logger, 'looking for whom somebody is to be told anything', (ending) =>
      this.resume(ending),
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.resuming?.end();
  }

  /** Whoever looks asks for the next time itself; where that was lost, a start begins anew. */
  private async resume(ending: AbortSignal): Promise<void> {
    const program: Principal = { ...workerOf(''), organizationId: null };
    for (const organizationId of await this.database.read(program, (tx) => this.webhooks.organizations(tx))) {
      if (ending.aborted) return;
      await this.lookout.lookSoon(workerOf(organizationId));
    }
  }
}

const workerOf = (organizationId: string): Principal => servicePrincipal('notices', organizationId, newId());
