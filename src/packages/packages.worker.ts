import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { LogDamaged } from '../audit/log-damaged.js';
import { LogRefused, sayFault } from '../audit/log-faults.js';
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
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      await this.packages.fail(principal, id, refusal);
    }
  }

  /** After the last try, also when the worker died at it. */
  async giveUp({ organizationId, id }: Job): Promise<void> {
    await this.packages.fail(workerOf(organizationId), id, UNBUILT);
  }
}

const workerOf = (organizationId: string): Principal => servicePrincipal('package-worker', organizationId, newId());

/** What no further try helps, as it is told; null of everything else. */
function refusalOf(error: unknown): Refusal | null {
  if (error instanceof LogRefused) {
    return new Refusal(
      'log-refused',
      `A package rests on the head of the organisation’s log, and none is signed: ${sayFault(error.fault)}. Tell the operator, and ask for another when \`refused\` of the log is null.`,
    );
  }
  if (error instanceof LogDamaged) {
    return new Refusal(
      'log-refused',
      `The organisation’s log is not what it was made of: ${error.message}. Tell the operator, and ask for another package when that is put right.`,
    );
  }
  return error instanceof Refusal && error.status < 500 ? error : null;
}

const UNBUILT = new Refusal(
  'internal',
  'The package could not be built, however often it was tried. Give the requestId to the operator, and ask for another later.',
);
