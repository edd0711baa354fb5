import { Injectable } from '@nestjs/common';
import { DAY_MS } from '../../kernel/dates.js';
import { Database } from '../../kernel/db/database.js';
import type { Instant } from '../../kernel/http/instant.js';
import type { Principal } from '../../kernel/principal.js';
import { KeysService } from '../../keys/keys.service.js';
import { KEY_STATES, type KeyState, type LedgerKey } from '../../keys/ledger.js';
import type { OrganizationPosture } from '../../posture/organization.schema.js';
import type { Posture } from '../../posture/posture.schema.js';
import { PostureService } from '../../posture/posture.service.js';
import type { StatusCounts } from '../../posture/status.js';
import { breachesOf, lastBackups, restoreTestsOf, type Objective } from '../../recovery/objectives.js';
import { RecoveryService } from '../../recovery/recovery.service.js';
import { ResultsService } from '../../results/results.service.js';
import { Worst } from './worst.js';

/** What a report has beside the facts and the registers of its package. */
export interface Readings {
  /** The whole posture of the package. */
  posture: Posture | OrganizationPosture;
  /** How items of the law stood over the period, the earliest first and the instant of the package last. */
  trend: readonly TrendPoint[];
  keys: Shown<KeyReading>;
  objectives: Shown<ObjectiveReading>;
  freshness: Shown<SourceReading>;
}

/** The gravest of all there are. */
export interface Shown<Item> {
  total: number;
  items: readonly Item[];
}

export interface TrendPoint {
  at: Date;
  /** Null: the system was none of the organisation's then. */
  controls: StatusCounts | null;
}

export interface KeyReading {
  system: string;
  name: string;
  state: KeyState;
  reasons: readonly string[];
  createdAt: Date | null;
  /** Those that count, newest first. */
  rotatedAt: readonly Date[];
  dueAt: Date | null;
  policyDays: number | null;
}

export interface ObjectiveReading {
  system: string;
  scope: string;
  criticality: string;
  rpoMinutes: number;
  rtoMinutes: number;
  /** One for each namespace; null: all of the system. */
  lines: readonly {
    namespace: string | null;
    lastBackupAt: Date | null;
    /** When the objective was not held; `lastBackupAt` null: no backup before it is known. */
    breaches: readonly { from: Date; to: Date; minutes: number; lastBackupAt: Date | null }[];
  }[];
  lastTest: { completedAt: Date; missed: string | null } | null;
}

/** Targets that one source reports on, by the age of its latest complete scan of each. */
export interface SourceReading {
  system: string;
  source: string;
  /** One for each of AGES. */
  targets: readonly number[];
  oldestAt: Date;
}

/** Days to which an age goes; null: older. A day and a week are how often scanners run, 35 and 90 days what reviews by the month and the quarter leave. */
export const AGES = [1, 8, 35, 90, null] as const;

/** A point for each month of a year; a longer or shorter period has as many. */
const INTERVALS = 12;

/** Of each list: more than anybody reads, and pages of a report stay some dozens. */
export const MOST = 200;

/** Reads what a package's report shows beside what the package has anyway. Each read is of the same two instants, so it is final when the posture is. */
@Injectable()
export class ReportReader {
  constructor(
    private readonly database: Database,
    private readonly posture: PostureService,
    private readonly keys: KeysService,
    private readonly recovery: RecoveryService,
    private readonly results: ResultsService,
  ) {}

  /** @param tick is done before each system and each point of the trend, outside of any transaction; what it throws ends the reading. */
  async read(
    principal: Principal,
    of: { posture: Readings['posture']; periodFrom: Date; instant: Instant },
    tick: () => Promise<void>,
  ): Promise<Readings> {
    const { posture, periodFrom, instant } = of;
    const period = { from: periodFrom, to: instant.asOf };
    const keys = new Worst(MOST, byGravity);
    const objectives = new Worst(MOST, byBreaches);
    const freshness = new Worst(MOST, byAge);
    for (const { id, name } of posture.systems) {
      await tick();
      await this.database.readSnapshot(principal, async (tx) => {
        for (const key of await this.keys.ledger(tx, instant, id)) keys.add(keyReading(name, key));
        const kept = await this.recovery.kept(tx, instant, id);
        const runs = await this.recovery.runsFor(tx, instant, id, period, kept.objectives);
        for (const objective of kept.objectives) {
          objectives.add(objectiveReading(name, objective, { ...kept, runs, period }));
        }
        for (const source of sourceReadings(name, await this.results.findCoverage(tx, id, instant), instant.asOf)) {
          freshness.add(source);
        }
      });
    }
    return {
      posture,
      trend: await this.trend(principal, posture, period, instant.knownAt, tick),
      keys: keys.shown(),
      objectives: objectives.shown(),
      freshness: freshness.shown(),
    };
  }

  /** By what is known at the package's instant: a report that came late has taken its place. */
  private async trend(
    principal: Principal,
    { systemId, counts }: Readings['posture'],
    { from, to }: { from: Date; to: Date },
    knownAt: Date,
    tick: () => Promise<void>,
  ): Promise<TrendPoint[]> {
    const instants = trendInstants(from, to);
    const past = await this.posture.countsAt(principal, { systemId, knownAt }, instants, tick);
    return [
      ...instants.map((at, index) => ({ at, controls: past[index] ?? null })),
      { at: to, controls: counts.controls },
    ];
  }
}

/** Before the end of a period: at its beginning, and at equal distances from then on. A day has one point at most. */
export function trendInstants(from: Date, to: Date): Date[] {
  const length = to.getTime() - from.getTime();
  const intervals = Math.min(INTERVALS, Math.floor(length / DAY_MS));
  return Array.from(
    { length: intervals },
    (_, index) => new Date(from.getTime() + Math.round((length * index) / intervals)),
  );
}

const byGravity = (one: KeyReading, other: KeyReading): number =>
  KEY_STATES.indexOf(one.state) - KEY_STATES.indexOf(other.state);

function keyReading(system: string, key: LedgerKey): KeyReading {
  return {
    system,
    name: key.name,
    state: key.state,
    reasons: key.findings.map(({ reason }) => reason),
    createdAt: key.createdAt,
    rotatedAt: key.rotations.filter(({ denied }) => !denied).map(({ at }) => at),
    dueAt: key.dueAt,
    policyDays: key.fields?.policyDays ?? null,
  };
}

const lost = ({ lines }: ObjectiveReading): number =>
  lines.reduce((sum, { breaches }) => sum + breaches.reduce((all, { minutes }) => all + minutes, 0), 0);
const byBreaches = (one: ObjectiveReading, other: ObjectiveReading): number => lost(other) - lost(one);

type Backups = Parameters<typeof breachesOf>[1];
type Tests = Parameters<typeof restoreTestsOf>[1];

function objectiveReading(
  system: string,
  objective: Objective,
  { runs, restoreTests, period }: { runs: Backups; restoreTests: Tests; period: { from: Date; to: Date } },
): ObjectiveReading {
  const { fields } = objective;
  const breaches = Map.groupBy(breachesOf(objective, runs, period), ({ namespace }) => namespace);
  const [last] = restoreTestsOf(objective, restoreTests, period.to);
  return {
    system,
    scope: fields.scope,
    criticality: fields.criticality,
    rpoMinutes: fields.rpoMinutes,
    rtoMinutes: fields.rtoMinutes,
    lines: lastBackups(objective, runs).map(({ namespace, run }) => ({
      namespace,
      lastBackupAt: run?.startedAt ?? null,
      breaches: breaches.get(namespace) ?? [],
    })),
    lastTest: last === undefined ? null : { completedAt: last.fields.completedAt, missed: last.missed },
  };
}

interface Covered {
  targetId: string;
  source: string;
  observedAt: Date;
}

const byAge = (one: SourceReading, other: SourceReading): number => one.oldestAt.getTime() - other.oldestAt.getTime();

/** A target is as fresh as the latest complete scan of it by the source, of whichever checks. */
function sourceReadings(system: string, coverage: readonly Covered[], asOf: Date): SourceReading[] {
  return [...Map.groupBy(coverage, ({ source }) => source)].map(([source, covered]) => {
    const latest = new Map<string, Date>();
    for (const { targetId, observedAt } of covered) {
      const before = latest.get(targetId);
      if (before === undefined || before < observedAt) latest.set(targetId, observedAt);
    }
    const times = [...latest.values()];
    const targets = AGES.map(() => 0);
    for (const at of times) {
      const age = ageOf(at, asOf);
      targets[age] = (targets[age] ?? 0) + 1;
    }
    const oldestAt = times.reduce((oldest, at) => (at < oldest ? at : oldest), asOf);
    return { system, source, targets, oldestAt };
  });
}

const ageOf = (at: Date, asOf: Date): number =>
  AGES.findIndex((days) => days === null || asOf.getTime() - at.getTime() <= days * DAY_MS);
