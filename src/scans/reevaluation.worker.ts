import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Logger } from 'pino';
import { ChecksService } from '../checks/checks.service.js';
import { Database } from '../kernel/db/database.js';
import { Errand } from '../kernel/errand.js';
import { newId } from '../kernel/ids.js';
import { LOGGER } from '../kernel/logger.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
import { Queue, type Job } from '../kernel/queue.js';
import { Reevaluation } from './reevaluation.service.js';
import { SnapshotsService } from './snapshots.service.js';

/** What the jobs are called that an upgrade asks for: only the version that asked has what they are judged by. */
const BY_PROGRAM = 'program/';

/** Judges snapshots anew when it is asked to, and asks for it itself of those that another version of the program has judged. */
@Injectable()
export class ReevaluationWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private askingAnew: Errand | undefined;

  constructor(
    private readonly queue: Queue,
    private readonly database: Database,
    private readonly reevaluation: Reevaluation,
    private readonly snapshots: SnapshotsService,
    private readonly checks: ChecksService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.queue.work(
      'reevaluation',
      (job) => this.handle(job),
      // The snapshot stays as it was judged, and says so; the next one, or the next change, judges anew.
      ({ systemId }) => {
        this.logger.error({ systemId }, 'a snapshot could not be judged anew');
        return Promise.resolve();
      },
    );
    // Of a large fleet it takes a while, and nothing depends on when.
    this.askingAnew = new Errand(this.logger, 'looking for snapshots that another version has judged', (ending) =>
      this.afterUpgrade(ending),
    );
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.askingAnew?.end();
  }

  private async handle({ organizationId, systemId, id }: Job): Promise<void> {
    // While versions are exchanged, one takes the jobs of the other: it gives them back, and the queue tries again.
    if (id.startsWith(BY_PROGRAM) && id !== this.ownId) throw new Error('for another version of the program');
    const principal = workerOf(organizationId);
    if (systemId === '') await this.reevaluation.spread(principal);
    else await this.reevaluation.run(principal, systemId);
  }

  private async afterUpgrade(ending: AbortSignal): Promise<void> {
    const program: Principal = { ...workerOf(''), organizationId: null };
    const systems = await this.database.read(program, (tx) => this.snapshots.judgedByOthers(tx));
    for (const { organizationId, systemId } of systems) {
      if (ending.aborted) return;
      await this.database.write(workerOf(organizationId), async (tx) => {
        await this.queue.send(tx, 'reevaluation', { organizationId, systemId, id: this.ownId });
        tx.withoutAudit('what is asked for is recorded when it is done');
      });
    }
  }

  private get ownId(): string {
    return BY_PROGRAM + this.checks.program;
  }
}

const workerOf = (organizationId: string): Principal => servicePrincipal('reevaluation', organizationId, newId());
