import { Module } from '@nestjs/common';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { MergeStore } from './merge.store.js';
import { ResultsController } from './results.controller.js';
import { ResultsService } from './results.service.js';
import { ResultsStore } from './results.store.js';

@Module({
  imports: [OrganizationsModule],
  controllers: [ResultsController],
  providers: [ResultsService, ResultsStore, MergeStore],
  exports: [ResultsService],
})
export class ResultsModule {}
