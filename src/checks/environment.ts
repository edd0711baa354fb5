import { Environment } from '@marcbachmann/cel-js';
import type { ClusterObjects } from './cluster.js';
import { compileExpression, type Expression } from './expression.js';
import { accessFunctions } from './functions/access.js';
import { CONVERSIONS } from './functions/conversions.js';
import { nameOf, type CheckFunction } from './functions/function.js';
import { LANGUAGE } from './functions/language.js';
import { LISTS } from './functions/lists.js';
import { networkFunctions } from './functions/network.js';
import { objectFunctions } from './functions/objects.js';
import { PODS } from './functions/pods.js';
import { reportFunctions } from './functions/reports.js';
import { STRINGS } from './functions/strings.js';
import { EQUAL, IP_NAMESPACE, TYPES, VALUES } from './functions/values.js';
import { WORKLOAD } from './kinds.js';

/** The cluster whose objects the functions look at. Expressions are compiled once, and evaluated over one cluster after another. */
let current: ClusterObjects | null = null;

function cluster(): ClusterObjects {
  if (current === null) throw new Error('a check is evaluated over a cluster');
  return current;
}

/** Evaluates over this cluster. */
export function over<T>(objects: ClusterObjects, evaluate: () => T): T {
  const before = current;
  current = objects;
  try {
    return evaluate();
  } finally {
    current = before;
  }
}

/** Every function that a check may call; docs/writing-checks.md lists them. */
export const FUNCTIONS: readonly CheckFunction[] = [
  ...LANGUAGE,
  ...CONVERSIONS,
  ...STRINGS,
  ...LISTS,
  ...VALUES,
  ...objectFunctions(cluster),
  ...PODS,
  ...reportFunctions(cluster),
  ...accessFunctions(cluster),
  ...networkFunctions(cluster),
];

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly about: string;
  /** Kinds that must be complete for it. Of a map: for each of its fields that reads any; for more of it than fields by name, all of these. */
  readonly reads: readonly string[] | Readonly<Record<string, readonly string[]>>;
}

export const VARIABLES: readonly Variable[] = [
  { name: 'object', type: 'map', about: 'The object that is judged, as the API gives it.', reads: [] },
  {
    name: 'spec',
    type: 'map',
    about: 'In checks of `each: Workload`: the spec of its pods, wherever its kind has it.',
    reads: [],
  },
  {
    name: 'template',
    type: 'map',
    about: 'In checks of `each: Workload`: the pod template, with `metadata` and `spec`.',
    reads: [],
  },
  {
    name: 'namespaceObject',
    type: 'dyn',
    about: 'The Namespace that the object is in; null of what is in none.',
    reads: ['Namespace'],
  },
  {
    name: 'cluster',
    type: 'map',
    about:
      'The cluster: `uid`, `name`, `version` (`v1.34.1`), `platform`, `provider` (`eks`, `gke`, `aks`, `openshift` or empty), `phiNamespaces` (their names), `phiLabels` (`key` and `values`).',
    reads: { provider: ['Node'], phiNamespaces: ['Namespace'] },
  },
  {
    name: 'params',
    type: 'map',
    about: 'The constants of the check, by name: `params.registries`. An organisation sets its own in their place.',
    reads: [],
  },
];

const OF_WORKLOADS: ReadonlySet<string> = new Set(['spec', 'template']);

/** `size` and `.find` → what all overloads of that name read. */
const reads = new Map<string, Set<string>>();
for (const given of FUNCTIONS) {
  const name = nameOf(given);
  const known = reads.get(name) ?? new Set();
  for (const kind of given.reads ?? []) known.add(kind);
  reads.set(name, known);
}
/** The first version of Kubernetes that has a function of this name; none for what is ours. */
export const KUBERNETES_SINCE: ReadonlyMap<string, string> = new Map(
  FUNCTIONS.flatMap((given) => (given.kubernetes === undefined ? [] : [[nameOf(given), given.kubernetes] as const])),
);
const KNOWN: ReadonlySet<string> = new Set(reads.keys());

/** What stands before the dot of `sets.contains`. */
class Sets {
  readonly namespace = 'sets';
}

const LIMITS = { maxAstNodes: 2_000, maxDepth: 100, maxListElements: 500, maxMapEntries: 200, maxCallArguments: 8 };

/** What a value is, out of which the library's type is made. */
function environments(): { plain: Environment; workload: Environment } {
  const base = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false, limits: LIMITS });
  base.registerType('Sets', Sets);
  base.registerConstant('sets', 'Sets', new Sets());
  for (const [name, ctor] of Object.entries(TYPES)) base.registerType(name, { ctor, fields: {} } as never);
  base.registerConstant('ip', 'Ip', IP_NAMESPACE);
  for (const name of EQUAL)
    base.registerOperator(`${name} == ${name}`, (one: Equal, other: Equal) => one.equals(other));
  for (const { signature, handler, about } of FUNCTIONS) {
    if (handler !== undefined)
      base.registerFunction(signature, guarded(handler as Handler), { description: about, async: false });
  }
  for (const { name, type } of VARIABLES) if (!OF_WORKLOADS.has(name)) base.registerVariable(name, type);
  const workload = base.clone();
  for (const { name, type } of VARIABLES) if (OF_WORKLOADS.has(name)) workload.registerVariable(name, type);
  return { plain: base.clone(), workload };
}

interface Equal {
  equals(other: unknown): boolean;
}

type Handler = (...given: unknown[]) => unknown;

/** Functions work on the objects, expressions on what they see of them. */
function guarded(handler: Handler): Handler {
  return (...given) => {
    const views = current?.views;
    if (views === undefined) return handler(...given);
    for (let index = 0; index < given.length; index++) given[index] = views.behind(given[index]);
    return views.seen(handler(...given));
  };
}

const made = environments();

/** Compiles an expression of a check that judges objects of these kinds. Throws `ExpressionFault`. */
export function compile(source: string, each: readonly string[], expected: 'bool' | 'any'): Expression {
  const environment = each.length === 1 && each[0] === WORKLOAD ? made.workload : made.plain;
  return compileExpression(source, environment, KNOWN, expected);
}

/** The variables of a policy beside the object's, and lists and maps of one type: Kubernetes refuses `['', object.metadata.namespace]`, a text and what may be anything. */
const ofPolicies = made.plain.clone({ homogeneousAggregateLiterals: true }).registerVariable('variables', 'map');

/** Why Kubernetes would refuse an expression that is one here: it mixes types; null where it does not. */
export function mixtureIn(source: string): string | null {
  const { error } = ofPolicies.parse(source).check();
  const { code = '', message = '' } = (error ?? {}) as { code?: string; message?: string };
  return code.startsWith('heterogeneous_') ? (message.split('\n')[0] ?? message) : null;
}

/** The kinds that an expression reads beside the object that it judges. */
export function kindsReadBy(expression: Expression): ReadonlySet<string> {
  const kinds = new Set(expression.kinds);
  for (const name of expression.functions) for (const kind of reads.get(name) ?? []) kinds.add(kind);
  for (const { name, reads: by } of VARIABLES) {
    if (!expression.variables.has(name)) continue;
    for (const [field, read] of isList(by) ? [['', by] as const] : Object.entries(by)) {
      if (field === '' || expression.whole.has(name) || expression.fields.has(`${name}.${field}`))
        for (const kind of read) kinds.add(kind);
    }
  }
  return kinds;
}

function isList(reads: Variable['reads']): reads is readonly string[] {
  return Array.isArray(reads);
}
