import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { PostureModule } from '../posture/posture.module.js';
import { RecordsModule } from '../records/records.module.js';
import { RisksModule } from '../risks/risks.module.js';
import { FrozenPostureAccounts } from './accounts.js';
import { AnalysesController } from './analyses.controller.js';
import { AnalysesService } from './analyses.service.js';
import { AnalysesStore } from './analyses.store.js';
import { AnalysisRules } from './analysis-rules.js';
import { FrozenPostures } from './frozen-postures.service.js';

@Module({
  imports: [AuditModule, CatalogModule, EvidenceModule, OrganizationsModule, PostureModule, RecordsModule, RisksModule],
  controllers: [AnalysesController],
  providers: [AnalysesService, AnalysisRules, AnalysesStore, FrozenPostureAccounts, FrozenPostures],
  exports: [FrozenPostures],
})
export class AnalysesModule {}
