import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { HealthController } from './health.controller.js';
import { Readiness } from './readiness.js';

@Module({ imports: [AuditModule], controllers: [HealthController], providers: [Readiness] })
export class HealthModule {}
