import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { newId } from '../kernel/ids.js';
import { servicePrincipal, type Principal } from '../kernel/principal.js';
import { Queue } from '../kernel/queue.js';
import { QueuedScans } from './queued-scans.service.js';

/** Finishes queued scans, also those that a killed server left. */
@Injectable()
export class ScansWorker implements OnApplicationBootstrap {
  constructor(
    private readonly queue: Queue,
    private readonly scans: QueuedScans,
  ) {}

  onApplicationBootstrap(): void {
    this.queue.work(
      'scan',
      ({ organizationId, systemId, id }) => this.scans.finish(workerOf(organizationId), systemId, id),
      ({ organizationId, systemId, id }) => this.scans.giveUp(workerOf(organizationId), systemId, id),
    );
  }
}

const workerOf = (organizationId: string): Principal => servicePrincipal('scan-worker', organizationId, newId());
