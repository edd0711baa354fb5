import { Module } from '@nestjs/common';
import { AgreementsModule } from '../agreements/agreements.module.js';
import { WebhookAccounts } from './accounts.js';
import { AuditModule } from '../audit/audit.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { PostureModule } from '../posture/posture.module.js';
import { RecordsModule } from '../records/records.module.js';
import { ResultsModule } from '../results/results.module.js';
import { CalendarController } from './calendar.controller.js';
import { CalendarService } from './calendar.service.js';
import { DeliveriesService } from './deliveries.service.js';
import { Lookout } from './lookout.js';
import { NoticesController } from './notices.controller.js';
import { NoticesService } from './notices.service.js';
import { NoticesStore } from './notices.store.js';
import { NoticesWorker } from './notices.worker.js';
import { Sources } from './sources.service.js';
import { WebhooksController } from './webhooks.controller.js';
import { WebhooksService } from './webhooks.service.js';
import { WebhooksStore } from './webhooks.store.js';

@Module({
  imports: [
    AgreementsModule,
    AuditModule,
    OrganizationsModule,
    CatalogModule,
    RecordsModule,
    ResultsModule,
    PostureModule,
  ],
  controllers: [WebhooksController, NoticesController, CalendarController],
  providers: [
    ...[WebhooksService, NoticesService, DeliveriesService, Lookout, NoticesWorker],
    ...[CalendarService, Sources, WebhookAccounts, WebhooksStore, NoticesStore],
  ],
  exports: [NoticesService],
})
export class NoticesModule {}
