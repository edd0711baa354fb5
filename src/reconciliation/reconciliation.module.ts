import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { NoticesModule } from '../notices/notices.module.js';
import { ReconciliationController } from './reconciliation.controller.js';
import { ReconciliationService } from './reconciliation.service.js';
import { ReconciliationStore } from './reconciliation.store.js';
import { ReconciliationWorker } from './reconciliation.worker.js';

@Module({
  imports: [AuditModule, NoticesModule],
  controllers: [ReconciliationController],
  providers: [ReconciliationService, ReconciliationStore, ReconciliationWorker],
  exports: [ReconciliationService],
})
export class ReconciliationModule {}
