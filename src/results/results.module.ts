import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { ResultAccounts } from './accounts.js';
import { AccountsStore } from './accounts.store.js';
import { FactsController } from './facts.controller.js';
import { FactsStore } from './facts.store.js';
import { MergeStore } from './merge.store.js';
import { ResultsController } from './results.controller.js';
import { ResultsService } from './results.service.js';
import { ResultsStore } from './results.store.js';

@Module({
  imports: [AuditModule, OrganizationsModule],
  controllers: [ResultsController, FactsController],
  providers: [ResultAccounts, AccountsStore, ResultsService, ResultsStore, FactsStore, MergeStore],
  exports: [ResultsService],
})
export class ResultsModule {}
