import { Module } from '@nestjs/common';
import { AuditController } from './audit.controller.js';
import { AuditService } from './audit.service.js';
import { AuditStore } from './audit.store.js';
import { LogController } from './log.controller.js';
import { LogSequencer } from './log.sequencer.js';
import { LogService } from './log.service.js';
import { LogSigner } from './log.signer.js';
import { LogStore } from './log.store.js';
import { LogWorker } from './log.worker.js';

@Module({
  controllers: [AuditController, LogController],
  providers: [AuditService, AuditStore, LogSequencer, LogService, LogSigner, LogStore, LogWorker],
  exports: [AuditService, LogService],
})
export class AuditModule {}
