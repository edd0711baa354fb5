import { Controller } from '@nestjs/common';
import { DAY_MS } from '../kernel/dates.js';
import { Database } from '../kernel/db/database.js';
import { Call, Endpoint, type CallOf } from '../kernel/http/endpoint.js';
import { instantOf } from '../kernel/http/instant.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { SystemService } from '../organizations/system.service.js';
import type { EffectiveRecord } from '../records/effective.js';
import { FACT_KINDS } from '../results/fact.js';
import type { ListedFact } from '../results/listed-fact.js';
import type { BackupRun } from './backups.js';
import { breachesOf, lastBackups, restoreTestsOf, type Objective } from './objectives.js';
import { getRecovery, listBackups, type BackupView } from './recovery.schema.js';
import { RecoveryService } from './recovery.service.js';
import type { Period } from './rpo.js';
import { speaksFor, type SeenStore } from './stores.js';

const MAX_PERIOD_DAYS = 366;
const DEFAULT_PERIOD_DAYS = 30;
const MAX_BREACHES = 1_000;

@Controller()
export class RecoveryController {
  constructor(
    private readonly database: Database,
    private readonly systems: SystemService,
    private readonly recovery: RecoveryService,
  ) {}

  @Endpoint(getRecovery)
  async get(@Call() call: CallOf<typeof getRecovery>) {
    const { systemId } = call.params;
    await this.awaitKnown(call.principal, systemId, call.query.knownAt);
    return this.database.readSnapshot(call.principal, async (tx) => {
      await this.systems.requireSystem(tx, systemId);
      const instant = instantOf(call.query, await this.recovery.present(tx, systemId));
      const period = periodOf(call.query, instant.asOf);
      const { objectives, restoreTests, stores } = await this.recovery.kept(tx, instant, systemId);
      const runs = await this.recovery.runsFor(tx, instant, systemId, period, objectives);
      const locations = await this.recovery.storage(tx, instant, systemId);
      return {
        systemId,
        from: period.from.toISOString(),
        to: period.to.toISOString(),
        objectives: objectives.map((objective) => objectiveView(objective, { runs, restoreTests, period })),
        storage: locations.flatMap((fact) => storageView(fact, stores)),
      };
    });
  }

  /** Whoever names what was known is told what stays so. In transactions of their own: a snapshot is taken by its first statement, and would not show what was waited for. */
  private async awaitKnown(principal: Principal, systemId: string, knownAt: string | undefined): Promise<void> {
    if (knownAt === undefined) return;
    const instant = await this.database.read(principal, async (tx) => {
      await this.systems.requireSystem(tx, systemId);
      const asked = instantOf({ knownAt }, await this.recovery.present(tx, systemId));
      await this.systems.awaitRegistered(tx, asked.knownAt);
      return asked;
    });
    await this.database.read(principal, (tx) => this.recovery.awaitKnown(tx, systemId, instant.knownAt));
  }

  @Endpoint(listBackups)
  async list(@Call() call: CallOf<typeof listBackups>) {
    const { limit, cursor, ...query } = call.query;
    const { systemId } = call.params;
    const before = decodeCursor(cursor, ['time', 'uuid']);
    await this.awaitKnown(call.principal, systemId, query.knownAt);
    const found = await this.database.readSnapshot(call.principal, async (tx) => {
      await this.systems.requireSystem(tx, systemId);
      const instant = instantOf(query, await this.recovery.present(tx, systemId));
      const period = periodOf(query, instant.asOf);
      const runs = await this.recovery.runsFor(tx, instant, systemId, period, []);
      return runs
        .filter(({ startedAt }) => startedAt >= period.from && startedAt <= period.to)
        .reverse()
        .filter(({ startedAt, series }) => before === null || isAfter(startedAt, series, before))
        .slice(0, limit + 1);
    });
    return toPage(found, limit, backupView, ({ startedAt, series }) => [startedAt.toISOString(), series]);
  }
}

/** Newest first: whether a run stands behind the one of the cursor. */
function isAfter(startedAt: Date, series: string, [time, last]: readonly [string, string]): boolean {
  const difference = startedAt.getTime() - Date.parse(time);
  return difference < 0 || (difference === 0 && series < last);
}

function periodOf(query: { from?: string | undefined; to?: string | undefined }, asOf: Date): Period {
  const to = query.to === undefined ? asOf : new Date(query.to);
  const from = query.from === undefined ? new Date(to.getTime() - DEFAULT_PERIOD_DAYS * DAY_MS) : new Date(query.from);
  if (to > asOf) throw new Refusal('invalid-request', 'The period ends after asOf.', { pointer: 'query/to' });
  if (from >= to) throw new Refusal('invalid-request', 'The period ends before it begins.', { pointer: 'query/from' });
  if (to.getTime() - from.getTime() > MAX_PERIOD_DAYS * DAY_MS) {
    throw new Refusal('invalid-request', `The period is longer than ${MAX_PERIOD_DAYS} days.`, {
      pointer: 'query/from',
    });
  }
  return { from, to };
}

interface Told {
  runs: readonly BackupRun[];
  restoreTests: readonly EffectiveRecord[];
  period: Period;
}

function objectiveView(objective: Objective, { runs, restoreTests, period }: Told) {
  const { record, fields, namespaces } = objective;
  const breaches = breachesOf(objective, runs, period);
  const until = runs.flatMap((run) => {
    if (run.startedAt > period.to) return [];
    return [run.goneAt !== null && run.goneAt > period.to ? { ...run, goneAt: null } : run];
  });
  return {
    recordId: record.id,
    scope: fields.scope,
    namespaces: [...namespaces],
    criticality: fields.criticality,
    rtoMinutes: fields.rtoMinutes,
    rpoMinutes: fields.rpoMinutes,
    rpo: {
      held: breaches.length === 0,
      breaches: breaches.slice(0, MAX_BREACHES).map(({ namespace, from, to, minutes, lastBackupAt }) => ({
        namespace,
        from: from.toISOString(),
        to: to.toISOString(),
        minutes,
        lastBackupAt: lastBackupAt?.toISOString() ?? null,
      })),
    },
    lastBackups: lastBackups(objective, until).map(({ namespace, run }) => ({
      namespace,
      startedAt: run?.startedAt.toISOString() ?? null,
      series: run?.series ?? null,
    })),
    restoreTests: restoreTestsOf(objective, restoreTests, period.to)
      .filter(({ fields: { completedAt } }) => completedAt >= period.from)
      .map((test) => ({
        recordId: test.record.id,
        backup: test.fields.backup,
        completedAt: test.fields.completedAt.toISOString(),
        result: test.fields.result,
        rtoMinutes: test.rtoMinutes,
        rpoMinutes: test.rpoMinutes,
        missed: test.missed,
      })),
  };
}

function storageView(fact: ListedFact, stores: readonly SeenStore[]) {
  const value = FACT_KINDS['backup-storage-location'].safeParse(fact.value).data;
  if (value === undefined) return [];
  const { bucket } = value;
  const its = stores.filter((store) => speaksFor(store, { series: fact.series, name: fact.subject, bucket }));
  return [
    {
      series: fact.series,
      name: fact.subject,
      provider: value.provider,
      bucket,
      encrypted: value.kmsKeyId !== null || value.serverSideEncryption !== null ? true : null,
      immutable: its.length > 0 && its.every(({ record }) => !record.fails),
    },
  ];
}

const backupView = ({
  series,
  source,
  name,
  scanId,
  startedAt,
  completedAt,
  value,
  unusable,
}: BackupRun): BackupView => ({
  series,
  source,
  name,
  scanId,
  startedAt: startedAt.toISOString(),
  completedAt: completedAt?.toISOString() ?? null,
  expiresAt: value.expiresAt,
  phase: value.phase,
  succeeded: value.succeeded,
  unusable,
  includedNamespaces: value.includedNamespaces,
  excludedNamespaces: value.excludedNamespaces,
  storageLocation: value.storageLocation,
  schedule: value.schedule,
});
