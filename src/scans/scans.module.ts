import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { EventsModule } from '../events/events.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { ResultsModule } from '../results/results.module.js';
import { AuditWebhookController } from './audit-webhook.controller.js';
import { Parser, SIGNING_TRUST, TIME_LIMIT } from './parser.js';
import { Redactor } from './redactor.js';
import type { SigningTrust } from './signing-trust.js';
import { ScansController } from './scans.controller.js';
import { ScansService } from './scans.service.js';
import { ScansStore } from './scans.store.js';
import { ScansWorker } from './scans.worker.js';

@Module({
  imports: [AuditModule, EvidenceModule, OrganizationsModule, ResultsModule, EventsModule],
  controllers: [ScansController, AuditWebhookController],
  providers: [
    ScansService,
    ScansStore,
    ScansWorker,
    Redactor,
    {
      provide: Parser,
      inject: [SIGNING_TRUST],
      useFactory: (trust: readonly SigningTrust[]) => new Parser(trust, TIME_LIMIT),
    },
  ],
  exports: [ScansService],
})
export class ScansModule {}
