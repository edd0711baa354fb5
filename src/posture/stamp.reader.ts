import { Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { ChecksService } from '../checks/checks.service.js';
import type { Tx } from '../kernel/db/database.js';
import { nameId } from '../kernel/ids.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { SystemService } from '../organizations/system.service.js';
import { RecordsService } from '../records/records.service.js';
import { RecordTypesService } from '../records/types/record-types.service.js';
import { ResultsService } from '../results/results.service.js';
import type { PresentStamp } from './stamp.js';

/** Raised with every change of the code that what a system says depends on: src/posture, the rooms that judge, and what they read. */
const REVISION = '1';

@Injectable()
export class StampReader {
  constructor(
    private readonly catalog: Catalog,
    private readonly organizations: OrganizationService,
    private readonly systems: SystemService,
    private readonly checks: ChecksService,
    private readonly results: ResultsService,
    private readonly records: RecordsService,
    private readonly recordTypes: RecordTypesService,
  ) {}

  /** Of each system that was ever registered, what the transaction sees. */
  async stamps(tx: Tx): Promise<Map<string, PresentStamp>> {
    const settings = await this.organizations.lastSettings(tx);
    const checks = await this.checks.lastChange(tx);
    const types = await this.recordTypes.lastChange(tx);
    const disposed = await this.records.lastDisposal(tx);
    const results = await this.results.told(tx);
    const records = await this.records.told(tx);
    const basis = nameId(
      'posture',
      REVISION,
      this.catalog.digest,
      String(checks.count),
      String(types.count),
      disposed?.toISOString() ?? '',
    );
    const common = [settings.recordedAt, checks.recordedAt, types.recordedAt, disposed];
    return new Map(
      (await this.systems.lastVersions(tx)).map(({ systemId, version, recordedAt }): [string, PresentStamp] => {
        const resultsUpto = results.get(systemId) ?? null;
        const recordsUpto = records.get(systemId) ?? null;
        const known = [...common, recordedAt, resultsUpto, recordsUpto].map((at) => at?.getTime() ?? 0);
        return [
          systemId,
          {
            basis,
            resultsUpto,
            recordsUpto,
            settingsVersion: settings.version,
            systemVersion: version,
            knownSince: new Date(Math.max(...known)),
          },
        ];
      }),
    );
  }
}
