import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { ChecksModule } from '../checks/checks.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { ResultsModule } from '../results/results.module.js';
import { RecordsModule } from '../records/records.module.js';
import { RecordTypesModule } from '../records/types/record-types.module.js';
import { Judges } from './judges.js';
import { PlaceReader } from './place.reader.js';
import { PostureController } from './posture.controller.js';
import { PostureService } from './posture.service.js';

@Module({
  imports: [CatalogModule, ChecksModule, OrganizationsModule, ResultsModule, RecordsModule, RecordTypesModule],
  controllers: [PostureController],
  providers: [
    PostureService,
    PlaceReader,
    { provide: Judges, useFactory: (): Judges => ({ judges: [], acceptances: null }) },
  ],
  exports: [PostureService],
})
export class PostureModule {}
