import { Module } from '@nestjs/common';
import { OrganizationAccounts } from './accounts.js';
import { AccountsStore } from './accounts.store.js';
import { AuditModule } from '../audit/audit.module.js';
import { AgentTrustController } from './agent-trust.controller.js';
import { AgentTrustService } from './agent-trust.service.js';
import { AgentTrustStore } from './agent-trust.store.js';
import { EnrolmentController } from './enrolment.controller.js';
import { EnrolmentService } from './enrolment.service.js';
import { MemberController } from './member.controller.js';
import { MemberService } from './member.service.js';
import { MemberStore } from './member.store.js';
import { OrganizationController } from './organization.controller.js';
import { OrganizationService } from './organization.service.js';
import { OrganizationStore } from './organization.store.js';
import { RegisterMemory } from './register.memory.js';
import { RegisterStore } from './register.store.js';
import { SystemController } from './system.controller.js';
import { SystemService } from './system.service.js';
import { SystemStore } from './system.store.js';

@Module({
  imports: [AuditModule],
  controllers: [OrganizationController, MemberController, SystemController, AgentTrustController, EnrolmentController],
  providers: [
    OrganizationAccounts,
    AccountsStore,
    OrganizationService,
    OrganizationStore,
    MemberService,
    MemberStore,
    SystemService,
    SystemStore,
    RegisterStore,
    { provide: RegisterMemory, useFactory: () => new RegisterMemory() },
    AgentTrustService,
    AgentTrustStore,
    EnrolmentService,
  ],
  exports: [OrganizationService, MemberService, SystemService, AgentTrustService],
})
export class OrganizationsModule {}
