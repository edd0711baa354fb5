import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ChecksModule } from '../checks/checks.module.js';
import { EngagementsModule } from '../engagements/engagements.module.js';
import { NoticesModule } from '../notices/notices.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { RecordsModule } from '../records/records.module.js';
import { RecordTypesModule } from '../records/types/record-types.module.js';
import { ReconciliationController } from './reconciliation.controller.js';
import { ReconciliationService } from './reconciliation.service.js';
import { ReconciliationStore } from './reconciliation.store.js';
import { ReconciliationWorker } from './reconciliation.worker.js';

@Module({
  imports: [
    AuditModule,
    ChecksModule,
    EngagementsModule,
    NoticesModule,
    OrganizationsModule,
    RecordsModule,
    RecordTypesModule,
  ],
  controllers: [ReconciliationController],
  providers: [ReconciliationService, ReconciliationStore, ReconciliationWorker],
  exports: [ReconciliationService],
})
export class ReconciliationModule {}
