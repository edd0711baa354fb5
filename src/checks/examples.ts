import type { CheckExample } from '../catalog/checks.schema.js';
import { ClusterBuilder, type ClusterObjects, type ListEnd } from './cluster.js';
import { compileCheck, DefinitionFaults, withParams, type CompiledCheck } from './definition.js';
import { evaluate, type Outcome } from './evaluate.js';
import { KINDS, kindNamed } from './kinds.js';
import { DEFAULT_PHI_LABELS } from './phi.js';
import { splitApiVersion } from './values.js';

/** An example whose outcome is not what it says. */
export interface ExampleFault {
  readonly check: string;
  /** JSON Pointer into the definition. */
  readonly pointer: string;
  readonly name: string;
  readonly reason: string;
}

const NOW = '2026-11-26T08:00:00Z';

/** The cluster of an example: every kind is complete but those that it says were refused. */
export function clusterOf(example: CheckExample): ClusterObjects {
  const builder = new ClusterBuilder();
  // The definition is read again, and add() changes what it is given.
  for (const object of structuredClone(example.objects)) builder.add(object);
  const refused = new Set(example.refused?.map((name) => kindNamed(name)?.name));
  const counts = new Map<string, ListEnd>();
  for (const { name, group, kind, versions, resource } of KINDS) {
    // Kinds of a whole group have names of their own.
    const outcome = resource === '*' ? 'absent' : refused.has(name) ? 'refused' : 'complete';
    counts.set(`${group}/${kind}`, { group, kind, version: versions[0] ?? '', outcome, count: 0, reason: null });
  }
  for (const { apiVersion, kind } of example.objects) {
    if (typeof apiVersion !== 'string' || typeof kind !== 'string') continue;
    const { group, version } = splitApiVersion(apiVersion);
    const key = `${group}/${kind}`;
    const list = counts.get(key) ?? { group, kind, version, outcome: 'complete', count: 0, reason: null };
    counts.set(key, { ...list, version, count: list.count + 1 });
  }
  const namespaces = example.objects
    .filter(({ kind }) => kind === 'Namespace')
    .map(({ metadata }) => metadata as { name?: string; uid?: string } | undefined);
  return builder.build(
    {
      uid: namespaces.find((metadata) => metadata?.name === 'kube-system')?.uid ?? 'example',
      name: 'example',
      serverVersion: { major: '1', minor: '34', gitVersion: example.version ?? 'v1.34.1', platform: 'linux/amd64' },
      startedAt: new Date(example.now ?? NOW),
    },
    [...counts.values()],
    { labels: DEFAULT_PHI_LABELS, namespaces: example.phi ?? [] },
  );
}

/** Examples are small. A definition comes from outside, and all of its examples together take no longer than this. */
const MAX_MILLISECONDS = 5_000;

/** Every example of a check that does not come out as it says. */
export function faultsOfExamples(check: CompiledCheck, { milliseconds = MAX_MILLISECONDS } = {}): ExampleFault[] {
  const until = performance.now() + milliseconds;
  return Object.entries(check.definition.examples).flatMap(([expected, examples]) =>
    (examples ?? []).flatMap((example, index) => {
      const reason = faultOf(check, expected, example, until);
      return reason === null
        ? []
        : [{ check: check.id, pointer: `/examples/${expected}/${index}`, name: example.name, reason }];
    }),
  );
}

function faultOf(of: CompiledCheck, expected: string, example: CheckExample, until: number): string | null {
  let check = of;
  try {
    if (example.params !== undefined) check = compileCheck(withParams(of.definition, example.params));
  } catch (error) {
    if (error instanceof DefinitionFaults) return error.message;
    throw error;
  }
  const cluster = clusterOf(example);
  if (cluster.partial.length > 0) return `its objects are no cluster: ${cluster.partial.join(' ')}`;
  const all: Outcome[] = [];
  const left = until - performance.now();
  evaluate([check], cluster, (outcome) => all.push(outcome), { perCheck: left, inAll: left });
  const outcomes = example.object === undefined ? all : all.filter((outcome) => pathOf(outcome) === example.object);
  if (outcomes.length === 0) {
    const judged = all.map((outcome) => pathOf(outcome)).join(', ');
    return `nothing is said of ${example.object ?? 'anything'}${judged === '' ? '' : `, but of ${judged}`}`;
  }
  const wrong = outcomes.filter(({ status }) => status !== expected);
  if (wrong.length === 0) return null;
  return wrong
    .map((outcome) => `${pathOf(outcome)}: ${outcome.status}${outcome.message === null ? '' : `: ${outcome.message}`}`)
    .join('; ');
}

/** `namespace/Kind/name`, `Kind/name` or `cluster`. */
export function pathOf({ object }: Pick<Outcome, 'object'>): string {
  if (object === null) return 'cluster';
  return [...(object.namespace === null ? [] : [object.namespace]), object.kind, object.name].join('/');
}
