import type { Catalog } from '../catalog/catalog.js';
import type { Coming } from './signals.js';

/** What a source last covered of a system, by target. */
export interface Covered {
  readonly source: string;
  readonly observedAt: Date;
}

/**
 * For how many days what a source reports is fresh: of the practices that its tool's checks support the shortest time, for from then on something is stale; of a source
 * that supports none by a check (facts, reports without check ids) the catalogue's default. Null: for good. `scanner`: days by practice, as the organisation sets them.
 */
export function daysOf(catalog: Catalog, scanner: Readonly<Record<string, number>>): (source: string) => number | null {
  const byTool = new Map<string, number>();
  let usual: number | null = null;
  for (const { id, scannerFreshness } of catalog.practices) {
    if (scannerFreshness.from === 'default') usual = scannerFreshness.maxAgeDays;
    const { maxAgeDays } = catalog.freshnessOf(id, { scanner }).scanner;
    if (maxAgeDays === null) continue;
    for (const tool of new Set(catalog.checksOf(id).map((check) => check.tool))) {
      byTool.set(tool, Math.min(maxAgeDays, byTool.get(tool) ?? Infinity));
    }
  }
  return (source) => byTool.get(catalog.toolOf(source) ?? '') ?? usual;
}

/** Of each source the newest complete scan of any target: machines come and go, and a source that still reports has not stopped. */
export function newestOf(
  systemId: string,
  coverage: readonly Covered[],
  days: (source: string) => number | null,
): Coming[] {
  return [...Map.groupBy(coverage, ({ source }) => source)].map(([source, covered]) => ({
    systemId,
    source,
    lastAt: new Date(Math.max(...covered.map(({ observedAt }) => observedAt.getTime()))),
    maxAgeDays: days(source),
  }));
}
