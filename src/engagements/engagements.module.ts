import { Module } from '@nestjs/common';
import { EngagementAccounts } from './accounts.js';
import { AccountsStore } from './accounts.store.js';
import { AuditModule } from '../audit/audit.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { EngagementController } from './engagement.controller.js';
import { EngagementService } from './engagement.service.js';
import { EngagementStore } from './engagement.store.js';

/** Which auditors are let in, to what and until when. What they then do is of src/examinations. */
@Module({
  imports: [AuditModule, OrganizationsModule],
  controllers: [EngagementController],
  providers: [EngagementAccounts, AccountsStore, EngagementService, EngagementStore],
  exports: [EngagementService],
})
export class EngagementsModule {}
