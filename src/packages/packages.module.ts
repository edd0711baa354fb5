import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { EventsModule } from '../events/events.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { PostureModule } from '../posture/posture.module.js';
import { ResultsModule } from '../results/results.module.js';
import { ScansModule } from '../scans/scans.module.js';
import { PackageGatherer } from './gather.js';
import { PackagesController } from './packages.controller.js';
import { PackagesService } from './packages.service.js';
import { PackagesStore } from './packages.store.js';
import { PackagesWorker } from './packages.worker.js';

@Module({
  imports: [AuditModule, EventsModule, EvidenceModule, OrganizationsModule, PostureModule, ResultsModule, ScansModule],
  controllers: [PackagesController],
  providers: [PackagesService, PackagesStore, PackageGatherer, PackagesWorker],
})
export class PackagesModule {}
