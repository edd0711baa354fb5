import { Module } from '@nestjs/common';
import { RecordTypeAccounts } from './accounts.js';
import { AuditModule } from '../../audit/audit.module.js';
import { CatalogModule } from '../../catalog/catalog.module.js';
import { RecordTypesController } from './record-types.controller.js';
import { RecordTypesService } from './record-types.service.js';
import { RecordTypesStore } from './record-types.store.js';

@Module({
  imports: [AuditModule, CatalogModule],
  controllers: [RecordTypesController],
  providers: [RecordTypeAccounts, RecordTypesService, RecordTypesStore],
  exports: [RecordTypesService],
})
export class RecordTypesModule {}
