import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import type { Logger } from 'pino';
import { ANCHOR_CONFIG, type AnchorConfig } from './audit/anchor/anchor.config.js';
import { openCopies } from './audit/anchor/open-copies.js';
import { AuditModule } from './audit/audit.module.js';
import { AUTH_CONFIG, organizationsConfig } from './auth/auth.config.js';
import { AuthModule } from './auth/auth.module.js';
import { LOGIN_PATH } from './auth/session.js';
import { CatalogModule } from './catalog/catalog.module.js';
import { ChecksModule } from './checks/checks.module.js';
import type { Config } from './config.js';
import { FileSystemDriver } from './evidence/drivers/file-system.js';
import { CustodyModule } from './custody/custody.module.js';
import { EngagementsModule } from './engagements/engagements.module.js';
import { EvidenceModule } from './evidence/evidence.module.js';
import { EVIDENCE_DRIVER } from './evidence/evidence.service.js';
import { EventsModule } from './events/events.module.js';
import { ExaminationsModule } from './examinations/examinations.module.js';
import { HealthModule } from './health/health.module.js';
import { TimeStampAuthority } from './kernel/crypto/time-stamp/authority.js';
import { HttpModule } from './kernel/http/http.module.js';
import { ProblemFilter } from './kernel/http/problem.filter.js';
import { KernelModule } from './kernel/kernel.module.js';
import { ORGANIZATIONS_CONFIG } from './organizations/organizations.config.js';
import { OrganizationsModule } from './organizations/organizations.module.js';
import { PackagesModule } from './packages/packages.module.js';
import { TIME_STAMPING } from './packages/signature/signing.js';
import { PostureModule } from './posture/posture.module.js';
import { ReconciliationModule } from './reconciliation/reconciliation.module.js';
import { RecordsModule } from './records/records.module.js';
import { RecordTypesModule } from './records/types/record-types.module.js';
import { AgreementsModule } from './agreements/agreements.module.js';
import { KeysModule } from './keys/keys.module.js';
import { RecoveryModule } from './recovery/recovery.module.js';
import { RisksModule } from './risks/risks.module.js';
import { ExceptionsModule } from './exceptions/exceptions.module.js';
import { AnalysesModule } from './analyses/analyses.module.js';
import { BulkModule } from './bulk/bulk.module.js';
import { NOTICES_CONFIG } from './notices/notices.config.js';
import { NoticesModule } from './notices/notices.module.js';
import { ReferenceModule } from './reference/reference.module.js';
import { ResultsModule } from './results/results.module.js';
import { Turns } from './kernel/slots.js';
import { SIGNING_TRUST } from './scans/parser.js';
import { MERGE_TURNS } from './scans/conclusion.js';
import { REPORT_LIMITS } from './scans/scans.service.js';
import { ScansModule } from './scans/scans.module.js';

/** Each waits with its staged rows in memory. */
const MAX_WAITING_MERGES = 128;

/** What the configuration gives to rooms, each under the token that the room itself names. */
@Module({})
class ConfigurationModule {
  static with(config: Config): DynamicModule {
    const tokens = [
      ANCHOR_CONFIG,
      EVIDENCE_DRIVER,
      REPORT_LIMITS,
      MERGE_TURNS,
      SIGNING_TRUST,
      AUTH_CONFIG,
      ORGANIZATIONS_CONFIG,
      NOTICES_CONFIG,
      TIME_STAMPING,
    ];
    return {
      module: ConfigurationModule,
      global: true,
      providers: [
        { provide: ANCHOR_CONFIG, useFactory: () => anchorConfig(config) },
        { provide: EVIDENCE_DRIVER, useFactory: () => FileSystemDriver.open(config.evidenceDirectory) },
        { provide: REPORT_LIMITS, useValue: config.reportLimits },
        {
          provide: MERGE_TURNS,
          useValue: new Turns(Math.max(1, Math.floor(config.databasePool / 2)), MAX_WAITING_MERGES),
        },
        { provide: SIGNING_TRUST, useValue: config.signingTrust },
        { provide: AUTH_CONFIG, useValue: config.auth },
        { provide: ORGANIZATIONS_CONFIG, useValue: organizationsConfig(config.auth, config.agentImage) },
        { provide: NOTICES_CONFIG, useValue: { privateHosts: config.webhookPrivateHosts } },
        {
          provide: TIME_STAMPING,
          useValue: config.timeStamps === null ? null : new TimeStampAuthority(config.timeStamps),
        },
      ],
      exports: tokens,
    };
  }
}

async function anchorConfig({ anchor, timeStamps }: Config): Promise<AnchorConfig> {
  const authority = timeStamps === null ? null : new TimeStampAuthority(timeStamps);
  return { ...anchor, authority, copies: await openCopies(anchor.copies) };
}

@Module({})
export class AppModule {
  static with(config: Config, logger: Logger): DynamicModule {
    return {
      module: AppModule,
      imports: [
        KernelModule.with({ ...config, answerSecret: config.auth.session.secret, logger }),
        ConfigurationModule.with(config),
        HttpModule,
        AuditModule,
        OrganizationsModule,
        EngagementsModule,
        AuthModule,
        EvidenceModule,
        CatalogModule,
        ChecksModule,
        ResultsModule,
        EventsModule,
        ScansModule,
        RecordTypesModule,
        RecordsModule,
        AgreementsModule,
        KeysModule,
        CustodyModule,
        RecoveryModule,
        RisksModule,
        ExceptionsModule,
        PostureModule,
        AnalysesModule,
        BulkModule,
        NoticesModule,
        ReconciliationModule,
        PackagesModule,
        ExaminationsModule,
        HealthModule,
        ReferenceModule,
      ],
      providers: [{ provide: APP_FILTER, useFactory: () => new ProblemFilter(logger, LOGIN_PATH) }],
    };
  }
}
