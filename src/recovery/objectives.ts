import { MINUTE_MS } from '../kernel/dates.js';
import type { EffectiveRecord } from '../records/effective.js';
import { holds, type BackupRun } from './backups.js';
import { readObjective, readRestore, type ObjectiveFields, type RestoreFields } from './fields.js';
import { heldBy, rpoBreaches, type Breach, type Period } from './rpo.js';

export interface Objective {
  record: EffectiveRecord;
  fields: ObjectiveFields;
  /** What has to be in its backups; null: all namespaces there are. */
  namespaces: readonly (string | null)[];
}

/** The recovery objectives in effect. One without namespaces is of those of the system that hold PHI, or of all where none are named. */
export function objectivesOf(records: readonly EffectiveRecord[], phiNamespaces: readonly string[]): Objective[] {
  return ofType(records, 'recovery_objective').flatMap((record) => {
    const fields = readObjective(record.fields);
    if (fields === null) return [];
    const named = fields.namespaces.length > 0 ? fields.namespaces : phiNamespaces;
    return [{ record, fields, namespaces: named.length > 0 ? [...new Set(named)].sort() : [null] }];
  });
}

export const ofType = (records: readonly EffectiveRecord[], type: string): EffectiveRecord[] =>
  records.filter((record) => record.type === type && !record.disposed);

export interface NamespaceBreach extends Breach {
  /** Null: all namespaces of the system. */
  namespace: string | null;
}

/** When in a period the objective was not held, for each of its namespaces. */
export function breachesOf(
  { fields, namespaces }: Objective,
  runs: readonly BackupRun[],
  period: Period,
): NamespaceBreach[] {
  return namespaces.flatMap((namespace) => {
    const good = runs.filter((run) => holds(run, namespace));
    return rpoBreaches(good, fields.rpoMinutes, period).map((breach) => ({ namespace, ...breach }));
  });
}

export interface LastBackup {
  namespace: string | null;
  run: BackupRun | null;
  /** Until when the objective is held by it; null: it never was. */
  heldUntil: Date | null;
}

/** The last good backup of each namespace of the objective that is still there, else the last that was. `runs`: by when they began. */
export function lastBackups({ fields, namespaces }: Objective, runs: readonly BackupRun[]): LastBackup[] {
  return namespaces.map((namespace) => {
    const good = runs.filter((run) => holds(run, namespace));
    const run = good.findLast(({ goneAt }) => goneAt === null) ?? good.at(-1) ?? null;
    return { namespace, run, heldUntil: run && heldBy(run, fields.rpoMinutes) };
  });
}

export interface RestoreTest {
  record: EffectiveRecord;
  fields: RestoreFields;
  rtoMinutes: number;
  /** Null: the record does not say it. */
  rpoMinutes: number | null;
  /** Why it does not show that the objective is met; null: it does. */
  missed: string | null;
}

/** The restore tests of an objective up to an instant, the last first; of two of one instant the one that missed it. */
export function restoreTestsOf(objective: Objective, records: readonly EffectiveRecord[], asOf: Date): RestoreTest[] {
  return ofType(records, 'restore_test')
    .flatMap((record) => {
      const fields = readRestore(record.fields);
      if (fields === null || fields.objective !== objective.record.id || fields.completedAt > asOf) return [];
      // What was measured cannot be shorter than what the clock says.
      const clock = Math.ceil((fields.completedAt.getTime() - fields.startedAt.getTime()) / MINUTE_MS);
      const rtoMinutes = Math.max(clock, fields.measuredRtoMinutes ?? 0);
      const test = { record, fields, rtoMinutes, rpoMinutes: fields.measuredRpoMinutes };
      return [{ ...test, missed: whyMissed(objective, test) }];
    })
    .sort(
      (one, other) =>
        other.fields.completedAt.getTime() - one.fields.completedAt.getTime() ||
        Number(one.missed === null) - Number(other.missed === null),
    );
}

function whyMissed(
  { fields: goal }: Objective,
  { record, fields, rtoMinutes, rpoMinutes }: Omit<RestoreTest, 'missed'>,
): string | null {
  if (record.fails || fields.result !== 'passed') return `its result is ${fields.result}`;
  if (rtoMinutes > goal.rtoMinutes)
    return `it took ${rtoMinutes} minutes, and the objective (RTO) is ${goal.rtoMinutes}`;
  if (rpoMinutes === null) return 'it does not say how old the data was that it restored (measuredRpoMinutes)';
  if (rpoMinutes > goal.rpoMinutes)
    return `its data was ${rpoMinutes} minutes old, and the objective (RPO) is ${goal.rpoMinutes}`;
  return null;
}
