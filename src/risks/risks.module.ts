import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { RecordsModule } from '../records/records.module.js';
import { RecordTypesModule } from '../records/types/record-types.module.js';
import { ResultsModule } from '../results/results.module.js';
import { RisksService } from './risks.service.js';

@Module({
  imports: [CatalogModule, OrganizationsModule, RecordsModule, RecordTypesModule, ResultsModule],
  providers: [RisksService],
  exports: [RisksService],
})
export class RisksModule {}
