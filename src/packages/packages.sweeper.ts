import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Logger } from 'pino';
import { LOGGER } from '../kernel/logger.js';
import { PackagesService } from './packages.service.js';

/** An expired package is not given out from the instant on; its bytes go within the hour. Milliseconds. */
const INTERVAL = 3_600_000;

/** After a start and then and again, in the background: a failure is logged, and the next time tries again. */
@Injectable()
export class PackagesSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly packages: PackagesService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.sweep();
    this.timer = setInterval(() => this.sweep(), INTERVAL).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private sweep(): void {
    this.packages.removeExpired().then(
      (removed) => removed > 0 && this.logger.info({ removed }, 'removed packages whose time is over'),
      (error: unknown) =>
        this.logger.error(
          { kind: error instanceof Error ? error.name : typeof error },
          'removing packages whose time is over failed',
        ),
    );
  }
}
