import { Module } from '@nestjs/common';
import { ScanAccounts } from './accounts.js';
import { AccountsStore } from './accounts.store.js';
import { AuditModule } from '../audit/audit.module.js';
import { ChecksModule } from '../checks/checks.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { EventsModule } from '../events/events.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { ResultsModule } from '../results/results.module.js';
import { AuditWebhookController } from './audit-webhook.controller.js';
import { Conclusion } from './conclusion.js';
import { DryRunController } from './dry-run.controller.js';
import { Parser, SIGNING_TRUST, TIME_LIMIT } from './parser.js';
import { QueuedScans } from './queued-scans.service.js';
import { Readings } from './readings.js';
import { Reevaluation } from './reevaluation.service.js';
import { ReevaluationWorker } from './reevaluation.worker.js';
import { Redactor } from './redactor.js';
import type { SigningTrust } from './signing-trust.js';
import { ScansController } from './scans.controller.js';
import { ScansService } from './scans.service.js';
import { ScansStore } from './scans.store.js';
import { ScansWorker } from './scans.worker.js';
import { SnapshotsService } from './snapshots.service.js';
import { SnapshotsStore } from './snapshots.store.js';

@Module({
  imports: [AuditModule, ChecksModule, EvidenceModule, OrganizationsModule, ResultsModule, EventsModule],
  controllers: [ScansController, AuditWebhookController, DryRunController],
  providers: [
    ScanAccounts,
    AccountsStore,
    ScansService,
    ScansStore,
    Conclusion,
    Readings,
    QueuedScans,
    SnapshotsService,
    SnapshotsStore,
    Reevaluation,
    ReevaluationWorker,
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
