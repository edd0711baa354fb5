import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Catalog } from '../catalog/catalog.js';
import { overlaid } from '../catalog/overlaid.js';
import type { Tx } from '../kernel/db/database.js';
import { DAY_MS, later, MINUTE_MS } from '../kernel/dates.js';
import type { Instant } from '../kernel/http/instant.js';
import { OrganizationService } from '../organizations/organization.service.js';
import { SystemService } from '../organizations/system.service.js';
import type { EffectiveRecord } from '../records/effective.js';
import { RecordsService } from '../records/records.service.js';
import { RecordRulesRegistry } from '../records/rules.js';
import type { Statement } from '../records/statement.js';
import { RecordTypesService } from '../records/types/record-types.service.js';
import type { ListedFact } from '../results/listed-fact.js';
import { ResultsService } from '../results/results.service.js';
import { backupRuns, type BackupRun } from './backups.js';
import { judgeExercises, judgeRecovery } from './judge.js';
import { objectivesOf, type Objective } from './objectives.js';
import type { Period } from './rpo.js';
import { recoveryRules } from './rules.js';
import type { LimitOf } from './saying.js';
import { locationOf, storesOf, type SeenStore } from './stores.js';

const EXERCISE_TYPES = ['exercise_report', 'corrective_action', 'risk'];
const SYSTEM_TYPES = [
  'recovery_objective',
  'restore_test',
  'backup_report',
  'immutability_evidence',
  ...EXERCISE_TYPES,
];

/** How far back the judge looks for the last backup, beyond what its objectives reach: as long as Velero keeps one if nothing else is said (720h), and a day. */
const LOOK_BACK_MS = 31 * DAY_MS;

export interface RecoveryRecords {
  objectives: Objective[];
  restoreTests: EffectiveRecord[];
  /** Where backups are kept, by what was seen of it lately. */
  stores: SeenStore[];
}

@Injectable()
export class RecoveryService implements OnModuleInit {
  constructor(
    private readonly records: RecordsService,
    private readonly recordTypes: RecordTypesService,
    private readonly registry: RecordRulesRegistry,
    private readonly results: ResultsService,
    private readonly organizations: OrganizationService,
    private readonly systems: SystemService,
    private readonly catalog: Catalog,
  ) {}

  onModuleInit(): void {
    this.registry.add('recovery', recoveryRules);
  }

  /** What «now» means for a question: everything that reports and decisions have told is known at it. */
  async present(tx: Tx, systemId: string): Promise<Date> {
    const told = await this.results.present(tx, systemId);
    const decided = await this.records.lastKnown(tx, null);
    return decided !== null && decided > told ? decided : told;
  }

  /** After it, what was known at the instant of the system and of records is final. Refuses (`unavailable`) when that takes too long. */
  async awaitKnown(tx: Tx, systemId: string, knownAt: Date): Promise<void> {
    await this.results.awaitMerges(tx, [systemId], knownAt);
    await this.records.awaitDecisions(tx, knownAt);
  }

  /** What recovery says of practices. In the organisation's part: exercises of the whole organisation, and what takes up their findings. */
  async statements(tx: Tx, instant: Instant, place: string | null): Promise<Statement[]> {
    const { asOf } = instant;
    const limitOf = await this.limits(tx, instant);
    if (place === null) {
      const found = await this.records.effective(tx, instant, { types: EXERCISE_TYPES });
      const records = found.filter(({ type, systemIds }) => type !== 'exercise_report' || systemIds.length === 0);
      return judgeExercises({ records, limitOf, asOf });
    }
    const records = await this.records.effective(tx, instant, { types: SYSTEM_TYPES, systemId: place });
    const system = await this.systems.systemAsOf(tx, instant, place);
    const phiNamespaces = system?.phiNamespaces ?? [];
    const objectives = objectivesOf(records, phiNamespaces);
    const reach = Math.max(LOOK_BACK_MS, longest(objectives));
    const runs = await this.backups(tx, instant, place, new Date(asOf.getTime() - reach));
    const locations = (await this.storage(tx, instant, place)).flatMap((fact) => locationOf(fact) ?? []);
    const holdsPhi = system !== null && system.phi !== 'none';
    return judgeRecovery({ records, runs, holdsPhi, phiNamespaces, locations, limitOf, asOf });
  }

  /** What people keep of the recovery of a system. */
  async kept(tx: Tx, instant: Instant, systemId: string): Promise<RecoveryRecords> {
    const types = ['recovery_objective', 'restore_test', 'immutability_evidence'];
    const found = await this.records.effective(tx, instant, { types, systemId });
    const system = await this.systems.systemAsOf(tx, instant, systemId);
    const limitOf = await this.limits(tx, instant);
    const days = limitOf('backup-offsite-immutability', 'immutability_evidence')?.days ?? null;
    return {
      objectives: objectivesOf(found, system?.phiNamespaces ?? []),
      restoreTests: found.filter(({ type }) => type === 'restore_test'),
      stores: storesOf(found, instant.asOf).filter(
        ({ record: { goodFrom } }) => days === null || later(goodFrom, days) >= instant.asOf,
      ),
    };
  }

  /** The runs that matter to a period: from as long before it as the objectives reach. */
  runsFor(
    tx: Tx,
    instant: Instant,
    systemId: string,
    { from }: Period,
    objectives: readonly Objective[],
  ): Promise<BackupRun[]> {
    return this.backups(tx, instant, systemId, new Date(from.getTime() - longest(objectives)));
  }

  storage(tx: Tx, { asOf, knownAt }: Instant, systemId: string): Promise<ListedFact[]> {
    return this.results.findFactsOverlapping(tx, systemId, ['backup-storage-location'], {
      from: asOf,
      to: asOf,
      knownAt,
    });
  }

  private async backups(tx: Tx, { asOf, knownAt }: Instant, systemId: string, from: Date): Promise<BackupRun[]> {
    const facts = await this.results.findFactsOverlapping(tx, systemId, ['backup'], { from, to: asOf, knownAt });
    return backupRuns(facts, asOf);
  }

  private async limits(tx: Tx, instant: Instant): Promise<LimitOf> {
    const { settings } = await this.organizations.settingsAsOf(tx, instant);
    const [overlay] = settings.overlays;
    const catalog = overlay === undefined ? this.catalog : overlaid(this.catalog, overlay);
    const tightened = await this.recordTypes.tightenedDays(tx, instant.knownAt);
    return (practice, type) => {
      const freshness = catalog.freshnessOf(practice, { records: settings.recordFreshness }).records[type];
      return freshness && { days: tightened(type, freshness.maxAgeDays) };
    };
  }
}

const longest = (objectives: readonly Objective[]): number =>
  Math.max(0, ...objectives.map(({ fields }) => fields.rpoMinutes * MINUTE_MS));
