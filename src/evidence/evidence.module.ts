import { Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { AuditModule } from '../audit/audit.module.js';
import { LOGGER } from '../kernel/logger.js';
import { Sweeper } from '../kernel/sweeper.js';
import { EvidenceAccounts } from './accounts.js';
import { AccountsStore } from './accounts.store.js';
import { EvidenceController } from './evidence.controller.js';
import { EvidenceService } from './evidence.service.js';
import { FindingsService } from './findings.service.js';
import { FindingsStore } from './findings.store.js';
import { EvidenceStore } from './evidence.store.js';

/** What a crash leaves behind is swept when it is a day old: nobody starts the program again for that. */
const SWEEP_EVERY = 6 * 3_600_000;

@Module({
  imports: [AuditModule],
  controllers: [EvidenceController],
  providers: [
    EvidenceAccounts,
    AccountsStore,
    EvidenceService,
    EvidenceStore,
    FindingsService,
    FindingsStore,
    {
      provide: Symbol('sweeper of evidence'),
      inject: [LOGGER, EvidenceService],
      useFactory: (logger: Logger, evidence: EvidenceService): Sweeper =>
        new Sweeper(logger, {
          every: SWEEP_EVERY,
          what: 'what crashes left in the evidence store',
          remove: (ending) => evidence.sweep(ending),
        }),
    },
  ],
  exports: [EvidenceService, FindingsService],
})
export class EvidenceModule {}
