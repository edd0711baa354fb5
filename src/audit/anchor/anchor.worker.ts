import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import type { Logger } from 'pino';
import { reasonOf } from '../../kernel/http/outbound.js';
import { LOGGER } from '../../kernel/logger.js';
import { LogRefused } from '../log-faults.js';
import { ANCHOR_CONFIG, type AnchorConfig } from './anchor.config.js';
import { AnchorService } from './anchor.service.js';

/** Has what is new go out, then and again; what fails is logged, and done by the next turn. */
@Injectable()
export class AnchorWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | null = null;

  constructor(
    @Inject(ANCHOR_CONFIG) private readonly config: AnchorConfig,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly anchors: AnchorService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.logger.info({ vkey: await this.anchors.key() }, 'the anchor log, as witnesses have to know it');
    this.timer = setInterval(() => {
      this.running ??= this.turn().finally(() => {
        this.running = null;
      });
    }, this.config.interval).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private async turn(): Promise<void> {
    try {
      await this.anchors.turn();
    } catch (error) {
      // Said by the guard, with what there is to say.
      if (error instanceof LogRefused) return;
      this.logger.error({ reason: reasonOf(error) }, 'anchoring failed');
    }
  }
}
