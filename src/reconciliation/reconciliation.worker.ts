import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Logger } from 'pino';
import { Database } from '../kernel/db/database.js';
import { reasonOf } from '../kernel/http/outbound.js';
import { newId } from '../kernel/ids.js';
import { LOGGER } from '../kernel/logger.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { ReconciliationService } from './reconciliation.service.js';

/** Milliseconds after which all organisations are compared again. */
const EVERY = 6 * 3_600_000;

/**
 * Milliseconds after a start: whoever asks first waits for what is not in any memory yet, and comparing an organisation takes a core for seconds. What was edited meanwhile is found all the
 * same, and before each package rows are compared anyhow.
 */
const AFTER_START = 5 * 60_000;

/** Has the rows of every organisation compared, some minutes after a start and then and again. What several servers ask for is done once. */
@Injectable()
export class ReconciliationWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private first: NodeJS.Timeout | undefined;
  private timer: NodeJS.Timeout | undefined;
  private asking: Promise<void> | null = null;

  constructor(
    private readonly queue: Queue,
    private readonly database: Database,
    private readonly reconciliation: ReconciliationService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.queue.work(
      'reconciliation',
      ({ organizationId }) => this.reconciliation.examine(workerOf(organizationId)),
      ({ organizationId }) => {
        this.logger.error({ organizationId }, 'rows could not be compared with their events');
        return Promise.resolve();
      },
    );
    this.first = setTimeout(() => this.begin(), AFTER_START).unref();
    this.timer = setInterval(() => this.begin(), EVERY).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.first);
    clearInterval(this.timer);
    await this.asking;
  }

  private begin(): void {
    this.asking ??= this.ask()
      .catch((error: unknown) =>
        this.logger.error({ reason: reasonOf(error) }, 'asking for rows to be compared with their events failed'),
      )
      .finally(() => {
        this.asking = null;
      });
  }

  private async ask(): Promise<void> {
    const program: Principal = workerOf(null);
    for (const organizationId of await this.database.read(program, (tx) => this.reconciliation.organizations(tx))) {
      await this.database.write(workerOf(organizationId), async (tx) => {
        tx.withoutAudit('looking changes nothing that anybody is told');
        await this.queue.send(tx, 'reconciliation', { organizationId, systemId: '', id: organizationId });
      });
    }
  }
}

const workerOf = (organizationId: string | null): Principal =>
  servicePrincipal('reconciliation', organizationId, newId());
