import { Module } from '@nestjs/common';
import { Accounts } from './accounts.js';
import { AnchorController } from './anchor/anchor.controller.js';
import { AnchorGuard } from './anchor/anchor-guard.js';
import { AnchorService } from './anchor/anchor.service.js';
import { AnchorStore } from './anchor/anchor.store.js';
import { AnchorWorker } from './anchor/anchor.worker.js';
import { AuditController } from './audit.controller.js';
import { AuditService } from './audit.service.js';
import { AuditStore } from './audit.store.js';
import { ErasureAccount } from './erasure-account.js';
import { EventComparisons } from './event-comparisons.js';
import { LogAnswers } from './log.answers.js';
import { LogController } from './log.controller.js';
import { LogFaults } from './log-faults.js';
import { LogFaultsStore } from './log-faults.store.js';
import { LogSequencer } from './log.sequencer.js';
import { LogService } from './log.service.js';
import { LogSigner } from './log.signer.js';
import { LogStore } from './log.store.js';
import { LogWorker } from './log.worker.js';

@Module({
  controllers: [AuditController, AnchorController, LogController],
  providers: [
    Accounts,
    AuditService,
    AuditStore,
    AnchorGuard,
    AnchorService,
    AnchorStore,
    AnchorWorker,
    ErasureAccount,
    EventComparisons,
    LogAnswers,
    LogFaults,
    LogFaultsStore,
    LogSequencer,
    LogService,
    LogSigner,
    LogStore,
    LogWorker,
  ],
  exports: [Accounts, AuditService, AnchorGuard, AnchorService, EventComparisons, LogAnswers, LogService],
})
export class AuditModule {}
