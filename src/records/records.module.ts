import { Module } from '@nestjs/common';
import { RecordAccounts } from './accounts.js';
import { AccountsStore } from './accounts.store.js';
import { AuditModule } from '../audit/audit.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { ScansModule } from '../scans/scans.module.js';
import { RecordCustody } from './custody.service.js';
import { CustodyStore } from './custody.store.js';
import { DisposalStore } from './disposal.store.js';
import { DisposalWorker } from './disposal.worker.js';
import { DocumentsController } from './documents.controller.js';
import { DocumentsService } from './documents.service.js';
import { MoveAccountsStore } from './move-accounts.store.js';
import { IntervalMemory } from './interval.memory.js';
import { IntervalStore } from './interval.store.js';
import { RecordBulk } from './record-bulk.js';
import { RecordBulkStore } from './record-bulk.store.js';
import { RecordCheck } from './record-check.js';
import { RecordApproval } from './record-approval.js';
import { RecordLife } from './record-life.js';
import { RecordsController } from './records.controller.js';
import { RecordsService } from './records.service.js';
import { RecordsStore } from './records.store.js';
import { RecordListStore } from './record-list.store.js';
import { RecordReader } from './record-reader.js';
import { OwnRecordRules } from './record-rules.js';
import { RetentionService } from './retention.service.js';
import { RetentionStore } from './retention.store.js';
import { RecordRulesRegistry } from './rules.js';
import { RecordTypesModule } from './types/record-types.module.js';

@Module({
  imports: [AuditModule, OrganizationsModule, EvidenceModule, ScansModule, CatalogModule, RecordTypesModule],
  controllers: [RecordsController, DocumentsController],
  providers: [
    RecordAccounts,
    AccountsStore,
    MoveAccountsStore,
    RecordsService,
    RecordApproval,
    RecordLife,
    RecordReader,
    RecordBulk,
    RecordBulkStore,
    RecordCheck,
    RecordRulesRegistry,
    OwnRecordRules,
    DocumentsService,
    RetentionService,
    RecordCustody,
    DisposalWorker,
    RecordsStore,
    RecordListStore,
    { provide: IntervalMemory, useFactory: () => new IntervalMemory() },
    IntervalStore,
    RetentionStore,
    CustodyStore,
    DisposalStore,
  ],
  exports: [
    RecordsService,
    RecordLife,
    RecordBulk,
    RecordReader,
    RecordRulesRegistry,
    DocumentsService,
    RetentionService,
    RecordCustody,
  ],
})
export class RecordsModule {}
