import type { CatalogContent, Kept } from './catalog.files.js';
import type { CheckEntry, MappingFile } from './catalog.schema.js';
import type { CheckDefinition, ChecksFile } from './checks.schema.js';

/** The tool that the product's own checks are results of. */
export const OWN_CHECKS = 'safeguard-checks';

/** A mapping, whatever it was taken from. */
export interface Mapping extends Omit<MappingFile, 'source' | 'checks'> {
  readonly checks: readonly MappedCheck[];
}

/** `by`: who wrote the check, where it was not the catalogue's authors. `without`: what does instead, which checks of our own say. */
export type MappedCheck = CheckEntry & { readonly by?: 'organization'; readonly without?: string | undefined };

/** What an organisation made of a check: its own, or its own version of one of the catalogue. Not in force: it was switched off or withdrawn. */
export interface OrganizationCheck {
  readonly definition: CheckDefinition;
  readonly inForce: boolean;
}

/** The mappings of scanners, and that of the product's own checks, which say themselves what they support. */
export function allMappings(content: Pick<CatalogContent, 'mappings' | 'checks' | 'organization'>): readonly Mapping[] {
  const own = mappingOf(content.checks, content.organization ?? []);
  return [...content.mappings.values(), ...(own === null ? [] : [own])];
}

function mappingOf(files: Kept<ChecksFile>, organization: readonly OrganizationCheck[]): Mapping | null {
  const given = [...files.values()].flatMap((file) => file.checks);
  const checks = new Map(given.map((check) => [check.id, entryOf(check)]));
  for (const { definition, inForce } of organization) {
    // In place of one of the catalogue, for the practices that the catalogue of today says.
    const { practices } = checks.get(definition.id) ?? entryOf(definition);
    const entry = { ...entryOf(definition), practices, by: 'organization' } as const;
    if (inForce) checks.set(definition.id, entry);
    // What is no longer judged by keeps its meaning, for results of then name it, and nobody waits for results of it.
    else if (!checks.has(definition.id)) checks.set(definition.id, { ...entry, deprecated: true });
  }
  if (checks.size === 0) return null;
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
    checks: [...checks.values()],
  };
}

function entryOf(check: CheckDefinition): MappedCheck {
  const { id, title, severity, without } = check;
  return { id, title, severity, practices: [...practicesOf(check)], without };
}

/** The practices of a check, however it names them. */
export function practicesOf({ practice, practices }: Pick<CheckDefinition, 'practice' | 'practices'>): readonly string[] {
  return practices ?? (practice === undefined ? [] : [practice]);
}
