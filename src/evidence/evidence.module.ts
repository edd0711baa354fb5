import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { EvidenceController } from './evidence.controller.js';
import { EvidenceService } from './evidence.service.js';
import { EvidenceSweeper } from './evidence.sweeper.js';
import { EvidenceStore } from './evidence.store.js';

@Module({
  imports: [AuditModule],
  controllers: [EvidenceController],
  providers: [EvidenceService, EvidenceStore, EvidenceSweeper],
  exports: [EvidenceService],
})
export class EvidenceModule {}
