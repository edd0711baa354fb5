import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { EvidenceModule } from '../evidence/evidence.module.js';
import { EventsModule } from '../events/events.module.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { ResultsModule } from '../results/results.module.js';
import { Parser, TIME_LIMIT } from './parser.js';
import { ScansController } from './scans.controller.js';
import { ScansService } from './scans.service.js';
import { ScansStore } from './scans.store.js';
import { ScansWorker } from './scans.worker.js';

@Module({
  imports: [AuditModule, EvidenceModule, OrganizationsModule, ResultsModule, EventsModule],
  controllers: [ScansController],
  providers: [ScansService, ScansStore, ScansWorker, { provide: Parser, useFactory: () => new Parser(TIME_LIMIT) }],
  exports: [ScansService],
})
export class ScansModule {}
