import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { RecordsModule } from '../records/records.module.js';
import { RecordTypesModule } from '../records/types/record-types.module.js';
import { ResultsModule } from '../results/results.module.js';
import { RecoveryController } from './recovery.controller.js';
import { RecoveryService } from './recovery.service.js';

@Module({
  imports: [CatalogModule, OrganizationsModule, RecordsModule, RecordTypesModule, ResultsModule],
  controllers: [RecoveryController],
  providers: [RecoveryService],
  exports: [RecoveryService],
})
export class RecoveryModule {}
