import { Module } from '@nestjs/common';
import { AnchorGuard } from './anchor/anchor-guard.js';
import { AnchorService } from './anchor/anchor.service.js';
import { AnchorStore } from './anchor/anchor.store.js';
import { AnchorWorker } from './anchor/anchor.worker.js';
import { AuditController } from './audit.controller.js';
import { AuditService } from './audit.service.js';
import { AuditStore } from './audit.store.js';

@Module({
  controllers: [AuditController],
  providers: [AuditService, AuditStore, AnchorGuard, AnchorService, AnchorStore, AnchorWorker],
  exports: [AuditService, AnchorGuard, AnchorService],
})
export class AuditModule {}
