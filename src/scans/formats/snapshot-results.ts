import type { ClusterObjects } from '../../checks/cluster.js';
import { compileCheck, DefinitionFaults, type CompiledCheck } from '../../checks/definition.js';
import { evaluate, type Judged, type Outcome } from '../../checks/evaluate.js';
import { SNAPSHOT_CHECKS, type SnapshotRules } from '../../checks/snapshot-rules.js';
import type { Scope, Draft } from './draft.js';
import { resourceName } from './fields.js';
import { withoutPeople } from './people.js';
import { CLUSTER } from './targets.js';

const SCOPE: Scope = { target: CLUSTER, source: SNAPSHOT_CHECKS };

/** What is said of the cluster as a whole. */
const WHOLE = 'cluster';

/** Judges a cluster by the rules of the draft, and tells it what came out. */
export function judgeSnapshot(draft: Draft, cluster: ClusterObjects): void {
  const rules = draft.rules();
  draft.toolVersion = rules.version;
  if (rules.changes.length > 0) {
    const versions = rules.changes.map(({ id, version }) => `${id} version ${version}`);
    draft.note(`Checks as the organisation has changed them: ${versions.join(', ')}.`);
  }
  const checks = compiled(draft, rules);
  const { complete, notes } = evaluate(checks, cluster, (outcome) => {
    draft.attempt('', SCOPE, () => draft.add(resultOf(outcome)));
  });
  for (const note of notes) draft.note(note);
  if (cluster.partial.length > 0) return;
  // Judged by all checks that there are: also of those that were there once, nothing is left. Else of those that are known to be gone.
  const isWhole = complete.length === rules.definitions.length;
  const covered = isWhole ? null : [...complete, ...rules.withdrawn];
  if (covered?.length === 0) return;
  draft.cover({ ...SCOPE, extent: 'complete', checks: covered, silentPass: [] });
}

/** What does not compile is said to judge nothing: a check of an organisation that was accepted by another version. */
function compiled(draft: Draft, { definitions }: SnapshotRules): CompiledCheck[] {
  return definitions.flatMap((definition) => {
    try {
      return [compileCheck(definition)];
    } catch (error) {
      if (!(error instanceof DefinitionFaults)) throw error;
      const { id, title, severity } = definition;
      draft.add({
        ...SCOPE,
        check: id,
        resource: WHOLE,
        namespace: null,
        title,
        status: 'error',
        severity,
        message: `Not judged: the check does not compile. ${error.message}`,
      });
      return [];
    }
  });
}

function resultOf({ check, status, object, message }: Outcome) {
  const { id, title, severity } = check.definition;
  return {
    ...SCOPE,
    check: id,
    resource:
      object === null ? WHOLE : withoutPeople(resourceName(object.namespace, object.group, object.kind, object.name)),
    namespace: object === null ? null : namespaceOf(object),
    title,
    status,
    severity,
    message: message ?? '',
  };
}

/** What is said of a namespace counts among what lies in it. */
const namespaceOf = ({ namespace, group, kind, name }: Judged): string | null =>
  namespace ?? (group === '' && kind === 'Namespace' ? name : null);
