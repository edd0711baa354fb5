import { createHash } from 'node:crypto';
import { OWN_CHECKS } from '../catalog/checks.mapping.js';
import type { CheckDefinition } from '../catalog/checks.schema.js';
import { DEFAULT_PHI_LABELS, type PhiScope } from './phi.js';

/** The source of results of checks over snapshots: the name that the catalogue knows their tool by. */
export const SNAPSHOT_CHECKS = OWN_CHECKS;

/** All that the results of a snapshot depend on beside its bytes. It is data: snapshots are judged in a thread of their own. */
export interface SnapshotRules {
  /** What the checks are called: the catalogue's version, with the digest of the checks where an organisation has changed some. */
  readonly version: string;
  /** SHA-256 in hex of all of this, and of the code that judges. */
  readonly digest: string;
  /** What is judged by. Those of an organisation were accepted by the version of then: one that this version cannot compile is told, and judges nothing. */
  readonly definitions: readonly CheckDefinition[];
  /** Ids that the organisation has switched off or withdrawn: whoever judges by these rules knows that nothing is said of them any more. */
  readonly withdrawn: readonly string[];
  /** Versions of the checks that the organisation has changed and that judge: told with the results. What comes out does not depend on the number, so `digest` does not. */
  readonly changes: readonly Pick<CheckChange, 'id' | 'version'>[];
  readonly phi: PhiScope;
}

/** Without rules nothing is judged, and a snapshot tells facts alone. */
export const NO_RULES: SnapshotRules = rulesOf({
  catalogue: 'none',
  definitions: [],
  changes: [],
  program: '',
  phi: { labels: DEFAULT_PHI_LABELS, namespaces: [] },
});

/** What an organisation makes of one check. */
export interface CheckChange {
  readonly id: string;
  /** Counts from 1, as the API does. */
  readonly version: number;
  /** Null: it is not judged by. */
  readonly definition: CheckDefinition | null;
}

/** The checks of the catalogue as an organisation has changed them. `program`: digest of the code that judges. */
export function rulesOf(given: {
  readonly catalogue: string;
  readonly definitions: readonly CheckDefinition[];
  readonly changes: readonly CheckChange[];
  readonly program: string;
  readonly phi: PhiScope;
}): SnapshotRules {
  const { catalogue, changes, program, phi } = given;
  const changed = new Map(changes.map(({ id, definition }) => [id, definition]));
  const kept = given.definitions.filter(({ id }) => !changed.has(id));
  const definitions = [...kept, ...[...changed.values()].filter((definition) => definition !== null)].sort((a, b) =>
    a.id < b.id ? -1 : 1,
  );
  const withdrawn = [...changed].flatMap(([id, definition]) => (definition === null ? [id] : [])).sort();
  const checks = digestOf(`[${canonical(catalogue)},[${definitions.map(textOf).join(',')}],${canonical(withdrawn)}]`);
  return {
    version: changes.length === 0 ? catalogue : `${catalogue}+${checks.slice(0, 12)}`,
    digest: digestOf(canonical([checks, program, phi.labels, phi.namespaces])),
    definitions,
    withdrawn,
    changes: changes.flatMap(({ id, version: of, definition }) => (definition === null ? [] : [{ id, version: of }])),
    phi,
  };
}

/** Of every set of rules the most are the catalogue's, which are the same objects all the time, and frozen. */
const texts = new WeakMap<CheckDefinition, string>();

function textOf(definition: CheckDefinition): string {
  const text = texts.get(definition) ?? canonical(definition);
  texts.set(definition, text);
  return text;
}

/** Definitions come from YAML and from jsonb, where members have no order: the same ones in another order are the same. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
