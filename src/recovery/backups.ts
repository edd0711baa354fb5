import { FACT_KINDS, type FactValue } from '../results/fact.js';
import type { ListedFact } from '../results/listed-fact.js';

type BackupValue = FactValue<'backup'>;

/** One run of a backup, by all that was said of it. */
export interface BackupRun {
  series: string;
  source: string;
  name: string;
  scanId: string;
  value: BackupValue;
  startedAt: Date;
  completedAt: Date | null;
  /** From when no report lists it any more: it has expired, or somebody has deleted it. Null: it was there, by all that is known at the instant. */
  goneAt: Date | null;
  /** Why it does not count as a backup of anything; null: it does. */
  unusable: string | null;
}

/**
 * The runs that facts tell of, by when they began. A fact that has ended (the backup expired, and is no longer listed) has been until then; what was said last of a
 * run counts, but for what says nothing of how it went (Velero: Deleting). One that does not say when it began is of no time.
 */
export function backupRuns(facts: readonly ListedFact[], asOf: Date): BackupRun[] {
  const runs = new Map<string, BackupRun>();
  const gone = endsOf(facts, asOf);
  for (const fact of facts.toSorted((one, other) => one.observedFrom.getTime() - other.observedFrom.getTime())) {
    const value = fact.kind === 'backup' ? FACT_KINDS.backup.safeParse(fact.value).data : undefined;
    if (value === undefined || value.startedAt === null) continue;
    const startedAt = new Date(value.startedAt);
    if (startedAt > asOf) continue;
    // A tool of one's own may call each night's backup the same.
    const id = `${fact.series} ${value.startedAt}`;
    const before = runs.get(id);
    if (before !== undefined && before.value.succeeded !== null && value.succeeded === null) continue;
    const completedAt = value.completedAt === null ? null : new Date(value.completedAt);
    runs.set(id, {
      series: fact.series,
      source: fact.source,
      name: fact.subject,
      scanId: fact.scanId,
      value,
      startedAt,
      completedAt,
      goneAt: gone.get(fact.series) ?? null,
      unusable: whyUnusable(value, completedAt, asOf),
    });
  }
  return [...runs.values()].sort(
    (one, other) => one.startedAt.getTime() - other.startedAt.getTime() || (one.series < other.series ? -1 : 1),
  );
}

/**
 * When each series ended, if it has: that anything new is said under the name of a backup does not say that the run before is deleted, for a tool may call each
 * night's the same.
 */
function endsOf(facts: readonly ListedFact[], asOf: Date): ReadonlyMap<string, Date | null> {
  const ends = new Map<string, Date | null>();
  for (const { series, observedTo } of facts) {
    const end = observedTo === null || observedTo > asOf ? null : observedTo;
    const before = ends.get(series);
    ends.set(series, before === undefined ? end : before === null || end === null ? null : end > before ? end : before);
  }
  return ends;
}

const isAll = (names: readonly string[]): boolean => names.length === 0 || names.includes('*');

/** Without these no data is in a backup. Their names may have the group behind them. */
const DATA = new Set([
  '*',
  'persistentvolumeclaims',
  'persistentvolumeclaim',
  'pvc',
  'persistentvolumes',
  'persistentvolume',
  'pv',
  'pods',
  'pod',
  'po',
]);

function whyUnusable(value: BackupValue, completedAt: Date | null, asOf: Date): string | null {
  if (value.succeeded !== true)
    return value.succeeded === false ? 'It failed, in whole or in part.' : 'It does not say that it succeeded.';
  if (completedAt === null || completedAt > asOf) return 'It was not completed.';
  if ((value.errors ?? 0) > 0) return 'It had errors.';
  if (value.selective) return 'A label selector narrows it: what it leaves out is not told.';
  if (!isAll(value.includedResources)) return 'It holds some kinds of objects alone.';
  if (value.excludedResources.some((name) => DATA.has(name.toLowerCase().split('.')[0] ?? '')))
    return 'It leaves out the volumes.';
  if (value.snapshotsVolumes === false && value.copiesVolumes !== true)
    return 'It neither snapshots nor copies volumes.';
  const { volumeSnapshotsAttempted: attempted, volumeSnapshotsCompleted: completed } = value;
  if (attempted !== null && completed !== null && completed < attempted)
    return 'Snapshots of some volumes are missing.';
  return null;
}

/** Velero 1.17 and later take patterns; who excludes by one is understood, who includes by one is not taken at the word. */
function excludes(patterns: readonly string[], namespace: string | null): boolean {
  if (namespace === null) return patterns.length > 0;
  return patterns.some((pattern) => {
    const [head = '', ...rest] = pattern.split('*');
    // Whatever a pattern with a star may mean: what begins alike counts as excluded.
    return rest.length === 0 ? pattern === namespace : namespace.startsWith(head.split(/[?[{]/)[0] ?? '');
  });
}

/** Whether the run holds a namespace; null: all that there are. */
export function holds({ value, unusable }: BackupRun, namespace: string | null): boolean {
  if (unusable !== null || excludes(value.excludedNamespaces, namespace)) return false;
  return isAll(value.includedNamespaces) || (namespace !== null && value.includedNamespaces.includes(namespace));
}
