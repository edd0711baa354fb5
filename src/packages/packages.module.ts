import { Module } from '@nestjs/common';
import { AgreementsModule } from '../agreements/agreements.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { EventsModule } from '../events/events.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { ExceptionsModule } from '../exceptions/exceptions.module.js';
import { KeysModule } from '../keys/keys.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { PostureModule } from '../posture/posture.module.js';
import { RecordsModule } from '../records/records.module.js';
import { RecordTypesModule } from '../records/types/record-types.module.js';
import { ResultsModule } from '../results/results.module.js';
import { ScansModule } from '../scans/scans.module.js';
import { PackageGatherer } from './gather.js';
import { PackageLog } from './log-reader.js';
import { PackageRecords } from './records.js';
import { PackagesController } from './packages.controller.js';
import { PackagesService } from './packages.service.js';
import { PackagesStore } from './packages.store.js';
import { PackagesWorker } from './packages.worker.js';

@Module({
  imports: [
    AgreementsModule,
    AuditModule,
    EventsModule,
    EvidenceModule,
    ExceptionsModule,
    KeysModule,
    OrganizationsModule,
    PostureModule,
    RecordsModule,
    RecordTypesModule,
    ResultsModule,
    ScansModule,
  ],
  controllers: [PackagesController],
  providers: [PackagesService, PackagesStore, PackageGatherer, PackageLog, PackageRecords, PackagesWorker],
})
export class PackagesModule {}
