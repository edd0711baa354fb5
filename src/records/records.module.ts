import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { IntervalStore } from './interval.store.js';
import { RecordCheck } from './record-check.js';
import { RecordLife } from './record-life.js';
import { RecordsController } from './records.controller.js';
import { RecordsService } from './records.service.js';
import { RecordsStore } from './records.store.js';
import { RecordListStore } from './record-list.store.js';
import { RecordReader } from './record-reader.js';
import { RecordRulesRegistry } from './rules.js';
import { RecordTypesModule } from './types/record-types.module.js';

@Module({
  imports: [AuditModule, OrganizationsModule, EvidenceModule, CatalogModule, RecordTypesModule],
  controllers: [RecordsController],
  providers: [
    RecordsService,
    RecordLife,
    RecordReader,
    RecordCheck,
    RecordRulesRegistry,
    RecordsStore,
    RecordListStore,
    IntervalStore,
  ],
  exports: [RecordsService, RecordLife, RecordReader, RecordRulesRegistry],
})
export class RecordsModule {}
