import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Refusal } from '../kernel/http/problem.js';
import { newId } from '../kernel/ids.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
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
    this.queue.work(
      'package',
      (job) => this.handle(job),
      (job) => this.giveUp(job),
    );
  }

  /** Safe to run twice. What a further try cannot help is told in the package at once. */
  async handle({ organizationId, id }: Job): Promise<void> {
    const principal = workerOf(organizationId);
    try {
      await this.packages.build(principal, id);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status >= 500) throw error;
      await this.packages.fail(principal, id, error);
    }
  }

  /** After the last try, also when the worker died at it. */
  async giveUp({ organizationId, id }: Job): Promise<void> {
    await this.packages.fail(workerOf(organizationId), id, UNBUILT);
  }
}

const workerOf = (organizationId: string): Principal => servicePrincipal('package-worker', organizationId, newId());

const UNBUILT = new Refusal(
  'internal',
  'The package could not be built, however often it was tried. Give the requestId to the operator, and ask for another later.',
);
