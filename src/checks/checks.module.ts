import { Module } from '@nestjs/common';
import { CheckAccounts } from './accounts.js';
import { AuditModule } from '../audit/audit.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { ChecksController } from './checks.controller.js';
import { ChecksService } from './checks.service.js';
import { ChecksStore } from './checks.store.js';
import { CheckTrial } from './trial.js';

@Module({
  imports: [AuditModule, CatalogModule, OrganizationsModule],
  controllers: [ChecksController],
  providers: [CheckAccounts, ChecksService, ChecksStore, CheckTrial],
  exports: [ChecksService, CheckTrial],
})
export class ChecksModule {}
