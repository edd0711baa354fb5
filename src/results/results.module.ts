import { Module } from '@nestjs/common';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { FactsController } from './facts.controller.js';
import { FactsStore } from './facts.store.js';
import { MergeStore } from './merge.store.js';
import { ResultsController } from './results.controller.js';
import { ResultsService } from './results.service.js';
import { ResultsStore } from './results.store.js';

@Module({
  imports: [OrganizationsModule],
  controllers: [ResultsController, FactsController],
  providers: [ResultsService, ResultsStore, FactsStore, MergeStore],
  exports: [ResultsService],
})
export class ResultsModule {}
