import { Injectable } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { ChecksService } from '../checks/checks.service.js';
import { FindingsService } from '../evidence/findings.service.js';
import type { Tx } from '../kernel/db/database.js';
import { nameId } from '../kernel/ids.js';
import { VERSION } from '../kernel/version.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { SystemService } from '../organizations/system.service.js';
import { RecordsService } from '../records/records.service.js';
import { RecordTypesService } from '../records/types/record-types.service.js';
import { ResultsService } from '../results/results.service.js';
import type { Knowledge, PresentStamp } from './stamp.js';

/**
 * Raised between two versions of the program with every change of the code that what a system says depends on: src/posture, the rooms that judge, and what they
 * read. Another version of the program makes all of it anew.
 */
const REVISION = '4';

const BEGINNING = new Date(0);

const later = (one: Date, other: Date | null): Date => (other !== null && other > one ? other : one);

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
    private readonly findings: FindingsService,
  ) {}

  /** What the transaction sees, of the organisation: of each system that was ever registered, and of records of all places. */
  async knowledge(tx: Tx): Promise<Knowledge> {
    const stamps = [...(await this.stamps(tx, null))];
    const decided = await this.records.lastKnown(tx, null);
    return {
      state: nameId('knowledge', JSON.stringify([decided, stamps])),
      since: stamps.reduce((last, [, { knownSince }]) => later(last, knownSince), later(BEGINNING, decided)),
    };
  }

  /** What the transaction sees, of a system; null: of each that was ever registered. */
  async stamps(tx: Tx, systemId: string | null): Promise<Map<string, PresentStamp>> {
    const settings = await this.organizations.lastSettings(tx);
    const checks = await this.checks.lastChange(tx);
    const types = await this.recordTypes.lastChange(tx);
    const disposed = await this.records.lastDisposal(tx);
    const found = await this.findings.lastFound(tx);
    const results = await this.results.told(tx, systemId);
    const records = await this.records.told(tx, systemId);
    const basis = nameId(
      'posture',
      VERSION,
      REVISION,
      this.catalog.digest,
      String(checks.count),
      String(types.count),
      disposed?.toISOString() ?? '',
      found?.toISOString() ?? '',
    );
    const common = [settings.recordedAt, checks.recordedAt, types.recordedAt, disposed, found].reduce(later, BEGINNING);
    return new Map(
      (await this.systems.lastVersions(tx, systemId)).map(
        ({ systemId, version, recordedAt }): [string, PresentStamp] => {
          const resultsUpto = results.get(systemId) ?? null;
          const recordsUpto = records.get(systemId) ?? null;
          return [
            systemId,
            {
              basis,
              resultsUpto,
              recordsUpto,
              settingsVersion: settings.version,
              systemVersion: version,
              knownSince: later(later(later(common, recordedAt), resultsUpto), recordsUpto),
            },
          ];
        },
      ),
    );
  }
}
