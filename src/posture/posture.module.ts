import { Module } from '@nestjs/common';
import { AgreementsModule } from '../agreements/agreements.module.js';
import { AgreementsService } from '../agreements/agreements.service.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { ChecksModule } from '../checks/checks.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { ExceptionsModule } from '../exceptions/exceptions.module.js';
import { ExceptionsService } from '../exceptions/exceptions.service.js';
import { KeysModule } from '../keys/keys.module.js';
import { KeysService } from '../keys/keys.service.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { ResultsModule } from '../results/results.module.js';
import { RecordsModule } from '../records/records.module.js';
import { RecoveryModule } from '../recovery/recovery.module.js';
import { RecoveryService } from '../recovery/recovery.service.js';
import { RisksModule } from '../risks/risks.module.js';
import { RisksService } from '../risks/risks.service.js';
import { RecordTypesModule } from '../records/types/record-types.module.js';
import { Judges } from './judges.js';
import { PostureMemory } from './memory.service.js';
import { PlaceReader } from './place.reader.js';
import { ScansModule } from '../scans/scans.module.js';
import { PostureController } from './posture.controller.js';
import { PostureReader } from './posture.reader.js';
import { PostureService } from './posture.service.js';
import { PostureWorker } from './posture.worker.js';
import { StampReader } from './stamp.reader.js';
import { TimelineMemory } from './timeline.memory.js';
import { TimelineStore } from './timeline.store.js';
import { WorkController } from './work.controller.js';
import { WorkService } from './work.service.js';

@Module({
  imports: [
    CatalogModule,
    ChecksModule,
    EvidenceModule,
    OrganizationsModule,
    ResultsModule,
    ScansModule,
    RecordsModule,
    RecordTypesModule,
    AgreementsModule,
    KeysModule,
    RecoveryModule,
    RisksModule,
    ExceptionsModule,
  ],
  controllers: [PostureController, WorkController],
  providers: [
    PostureService,
    WorkService,
    PostureReader,
    PostureMemory,
    PostureWorker,
    StampReader,
    {
      provide: TimelineMemory,
      useFactory: (store: TimelineStore) => new TimelineMemory(store),
      inject: [TimelineStore],
    },
    TimelineStore,
    PlaceReader,
    {
      provide: Judges,
      useFactory: (
        agreements: AgreementsService,
        keys: KeysService,
        recovery: RecoveryService,
        risks: RisksService,
        acceptances: ExceptionsService,
      ): Judges => ({ judges: [agreements, keys, recovery, risks], acceptances }),
      inject: [AgreementsService, KeysService, RecoveryService, RisksService, ExceptionsService],
    },
  ],
  exports: [PostureService, WorkService],
})
export class PostureModule {}
