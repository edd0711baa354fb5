import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { NoticesModule } from '../notices/notices.module.js';
import { RecordsModule } from '../records/records.module.js';
import { ImportAccounts } from './accounts.js';
import { Directories } from './directory.js';
import { ExportsController } from './exports.controller.js';
import { ImportRun } from './import-run.js';
import { ImportStore } from './import.store.js';
import { ImportWorker } from './import.worker.js';
import { ImportsController } from './imports.controller.js';
import { ImportsService } from './imports.service.js';
import { RecordExport } from './record-export.js';

@Module({
  imports: [AuditModule, OrganizationsModule, EvidenceModule, CatalogModule, NoticesModule, RecordsModule],
  controllers: [ImportsController, ExportsController],
  providers: [ImportAccounts, ImportsService, ImportStore, ImportRun, ImportWorker, Directories, RecordExport],
})
export class BulkModule {}
