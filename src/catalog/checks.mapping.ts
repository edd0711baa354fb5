import type { CatalogContent, Kept } from './catalog.files.js';
import type { MappingFile } from './catalog.schema.js';
import { practicesOf, type ChecksFile } from './checks.schema.js';

/** The tool that the product's own checks are results of. */
export const OWN_CHECKS = 'safeguard-checks';

/** A mapping, whatever it was taken from. */
export type Mapping = Omit<MappingFile, 'source'>;

/** The mappings of scanners, and that of the product's own checks, which say themselves what they support. */
export function allMappings(content: Pick<CatalogContent, 'mappings' | 'checks'>): readonly Mapping[] {
  const own = mappingOf(content.checks);
  return [...content.mappings.values(), ...(own === null ? [] : [own])];
}

function mappingOf(files: Kept<ChecksFile>): Mapping | null {
  const checks = [...files.values()].flatMap((file) => file.checks);
  if (checks.length === 0) return null;
  return {
    tool: OWN_CHECKS,
    match: 'id',
    review: 'proposed',
    reports: [
      {
        source: OWN_CHECKS,
        lists: 'all',
        note: 'every object that a check is about has a result; what could not be judged is an error, and no pass',
      },
    ],
    checks: checks.map((check) => ({
      id: check.id,
      title: check.title,
      severity: check.severity,
      practices: [...practicesOf(check)],
    })),
  };
}
