import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import { servicePrincipal } from '../kernel/principal.js';
import { Queue, type Job } from '../kernel/queue.js';
import { PackagesService } from './packages.service.js';

/** Builds queued packages, also those that a killed server left. */
@Injectable()
export class PackagesWorker implements OnApplicationBootstrap {
  constructor(
    private readonly queue: Queue,
    private readonly packages: PackagesService,
  ) {}

  onApplicationBootstrap(): void {
    this.queue.work('package', (job, attempt) => this.handle(job, attempt));
  }

  /** Safe to run twice. A failure is told in the package once trying again cannot help, and to the queue always. */
  async handle({ organizationId, id }: Job, { last }: { last: boolean }): Promise<void> {
    const principal = servicePrincipal('package-worker', organizationId, newId());
    try {
      await this.packages.build(principal, id);
    } catch (error) {
      const refused = error instanceof Refusal && error.status < 500 ? error : null;
      if (last || refused !== null) await this.packages.fail(principal, id, refused ?? UNBUILT);
      throw error;
    }
  }
}

const UNBUILT = new Refusal(
  'internal',
  'The package could not be built, however often it was tried. Give the requestId to the operator, and ask for another later.',
);
