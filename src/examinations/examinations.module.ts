import { Module } from '@nestjs/common';
import { RequestAccounts } from './accounts.js';
import { AnalysesModule } from '../analyses/analyses.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { CustodyModule } from '../custody/custody.module.js';
import { EngagementsModule } from '../engagements/engagements.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { PackagesModule } from '../packages/packages.module.js';
import { PostureModule } from '../posture/posture.module.js';
import { RecordsModule } from '../records/records.module.js';
import { ResultsModule } from '../results/results.module.js';
import { ScansModule } from '../scans/scans.module.js';
import { ExaminationController } from './examination.controller.js';
import { HandoverController } from './handover.controller.js';
import { EngagementLogController } from './log.controller.js';
import { Reading } from './reading.js';
import { RequestController } from './request.controller.js';
import { RequestService } from './request.service.js';
import { RequestStore } from './request.store.js';
import { ScopeService } from './scope.service.js';

/** What auditors who were let in read, and what they ask for. */
@Module({
  imports: [
    AnalysesModule,
    AuditModule,
    CatalogModule,
    CustodyModule,
    EngagementsModule,
    EvidenceModule,
    OrganizationsModule,
    PackagesModule,
    PostureModule,
    RecordsModule,
    ResultsModule,
    ScansModule,
  ],
  controllers: [ExaminationController, EngagementLogController, HandoverController, RequestController],
  providers: [Reading, RequestAccounts, RequestService, RequestStore, ScopeService],
})
export class ExaminationsModule {}
