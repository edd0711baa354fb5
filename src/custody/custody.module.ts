import { Module } from '@nestjs/common';
import { ExportAccounts } from './accounts.js';
import { AuditModule } from '../audit/audit.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { RecordsModule } from '../records/records.module.js';
import { ScansModule } from '../scans/scans.module.js';
import { CustodyController } from './custody.controller.js';
import { CustodyService } from './custody.service.js';
import { ExportsStore } from './exports.store.js';

/** What was done with evidence, told from the audit log. */
@Module({
  imports: [AuditModule, EvidenceModule, RecordsModule, ScansModule],
  controllers: [CustodyController],
  providers: [CustodyService, ExportAccounts, ExportsStore],
  exports: [CustodyService],
})
export class CustodyModule {}
