import type { Freshness } from '../catalog/catalog.types.js';
import type { SystemEvidence } from './evidence.js';
import type { BlindSpots } from './posture.schema.js';
import { limitOf } from './scanner.js';

/** What was looked at, and what was seen. */
type Seen = Pick<SystemEvidence, 'checks' | 'coverage'>;

/** The longest time for which evidence that grows old at all is fresh, in milliseconds. */
export const longestLimit = (freshness: readonly Freshness[]): number =>
  Math.max(0, ...freshness.map(limitOf).filter(Number.isFinite));

export type BlindTarget = BlindSpots['targets'][number];

/**
 * Targets that scans have reported on and that no complete scan of the same source shows freshly: who reads the statuses should know what they do not see.
 * Fresh means fresh for every practice, by the shortest limit. Sorted by the time since which nobody looked, never first.
 */
export function blindTargets(
  systemId: string,
  { checks, coverage }: Seen,
  asOf: Date,
  freshness: readonly Freshness[],
): BlindTarget[] {
  const limit = Math.min(...freshness.map(limitOf));
  const seen = new Map<string, BlindTarget>();
  for (const { targetId, target, source } of checks) {
    seen.set(`${targetId} ${source}`, { systemId, targetId, target, source, lastComplete: null });
  }
  for (const { targetId, target, source, observedAt } of coverage) {
    const key = `${targetId} ${source}`;
    const before = seen.get(key)?.lastComplete ?? '';
    const lastComplete = [before, observedAt.toISOString()].sort()[1] ?? null;
    seen.set(key, { systemId, targetId, target, source, lastComplete });
  }
  return [...seen.values()]
    .filter(({ lastComplete }) => lastComplete === null || asOf.getTime() - Date.parse(lastComplete) > limit)
    .sort((a, b) => ((a.lastComplete ?? '') < (b.lastComplete ?? '') ? -1 : 1));
}

/** The first instant after one at which a target that a complete scan shows freshly is no longer shown so; null: at none. */
export function becomesBlindAt({ coverage }: Seen, asOf: Date, freshness: readonly Freshness[]): number | null {
  const limit = Math.min(...freshness.map(limitOf));
  const ends = coverage.map(({ observedAt }) => observedAt.getTime() + limit + 1).filter((at) => at > asOf.getTime());
  return ends.length === 0 ? null : Math.min(...ends);
}

/** How many targets no complete scan shows freshly; null where nobody has ever looked at anything. */
export function blindCount({ checks, coverage }: Seen, asOf: Date, freshness: readonly Freshness[]): number | null {
  return checks.length + coverage.length === 0 ? null : blindTargets('', { checks, coverage }, asOf, freshness).length;
}

export type BlindCluster = BlindSpots['clusters'][number];

/** One cluster is what a system is. Of several, each report closes what the one before it had found in another. */
export function blindClusters(
  systemId: string,
  told: readonly { uid: string; name: string | null; lastSeen: Date }[],
): BlindCluster[] {
  if (told.length < 2) return [];
  return told.map(({ uid, name, lastSeen }) => ({ systemId, uid, name, lastSeen: lastSeen.toISOString() }));
}
