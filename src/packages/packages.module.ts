import { Module } from '@nestjs/common';
import type { Logger } from 'pino';
import { AgreementsModule } from '../agreements/agreements.module.js';
import { AnalysesModule } from '../analyses/analyses.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { CustodyModule } from '../custody/custody.module.js';
import { EventsModule } from '../events/events.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { ExceptionsModule } from '../exceptions/exceptions.module.js';
import { LOGGER } from '../kernel/logger.js';
import { Sweeper } from '../kernel/sweeper.js';
import { KeysModule } from '../keys/keys.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { PostureModule } from '../posture/posture.module.js';
import { RecoveryModule } from '../recovery/recovery.module.js';
import { ReconciliationModule } from '../reconciliation/reconciliation.module.js';
import { RecordsModule } from '../records/records.module.js';
import { RecordTypesModule } from '../records/types/record-types.module.js';
import { ResultsModule } from '../results/results.module.js';
import { ScansModule } from '../scans/scans.module.js';
import { PackageCustody } from './custody-files.js';
import { EvidenceSurvey } from './evidence-survey.js';
import { PackageGatherer } from './gather.js';
import { PackageLog } from './log-reader.js';
import { PackageRecords } from './records.js';
import { PackageWatch } from './package-watch.js';
import { PackagesController } from './packages.controller.js';
import { PackagesService } from './packages.service.js';
import { PackagesStore } from './packages.store.js';
import { PackagesWorker } from './packages.worker.js';
import { ReportReader } from './report/readings.js';
import { ReportWriter } from './report/report-writer.js';
import { PackageRowReader } from './row-reader.js';

/** An expired package is not given out from the instant on; its bytes go within the hour. Milliseconds. */
const SWEEP_EVERY = 3_600_000;

@Module({
  imports: [
    AgreementsModule,
    AnalysesModule,
    AuditModule,
    CustodyModule,
    EventsModule,
    EvidenceModule,
    ExceptionsModule,
    KeysModule,
    OrganizationsModule,
    PostureModule,
    ReconciliationModule,
    RecordsModule,
    RecoveryModule,
    RecordTypesModule,
    ResultsModule,
    ScansModule,
  ],
  controllers: [PackagesController],
  providers: [
    PackagesService,
    PackagesStore,
    EvidenceSurvey,
    PackageGatherer,
    PackageLog,
    PackageRowReader,
    PackageRecords,
    PackageCustody,
    ReportReader,
    ReportWriter,
    PackageWatch,
    PackagesWorker,
    {
      provide: Symbol('sweeper of packages'),
      inject: [LOGGER, PackagesService],
      useFactory: (logger: Logger, packages: PackagesService): Sweeper =>
        new Sweeper(logger, {
          every: SWEEP_EVERY,
          what: 'packages whose time is over, and what was left of others',
          remove: (ending) => packages.removeBytes(ending),
        }),
    },
  ],
  exports: [PackagesService],
})
export class PackagesModule {}
