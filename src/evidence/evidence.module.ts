import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { EvidenceController } from './evidence.controller.js';
import { EvidenceService } from './evidence.service.js';
import { EvidenceSweeper } from './evidence.sweeper.js';
import { FindingsService } from './findings.service.js';
import { FindingsStore } from './findings.store.js';
import { EvidenceStore } from './evidence.store.js';

@Module({
  imports: [AuditModule],
  controllers: [EvidenceController],
  providers: [EvidenceService, EvidenceStore, EvidenceSweeper, FindingsService, FindingsStore],
  exports: [EvidenceService, FindingsService],
})
export class EvidenceModule {}
