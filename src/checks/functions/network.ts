import type { ClusterObjects } from '../cluster.js';
import { allowsInternet } from '../kubernetes/internet.js';
import { NetworkPolicies, directionOf, type Peer } from '../kubernetes/network-policy.js';
import { selects } from '../kubernetes/selectors.js';
import { at, isMap, namespaceOf, textAt, type KubernetesObject } from '../values.js';
import { templateOf } from '../workloads.js';
import { Unanswerable, type CheckFunction } from './function.js';
import { objectIn, type Now } from './objects.js';

function policiesOf(cluster: ClusterObjects): NetworkPolicies {
  return cluster.memo('network policies', () => new NetworkPolicies(cluster));
}

/** What policies see of a workload: its namespace and the labels of its pods. */
function podsOf(value: unknown, of: string): { namespace: string; labels: unknown; spec: unknown } {
  const object = objectIn(value, of);
  const template = templateOf(object);
  if (template === null) throw new Unanswerable(`${of}(): takes a workload or a pod`);
  return {
    namespace: namespaceOf(object),
    labels: at(template, 'metadata', 'labels') ?? {},
    spec: at(template, 'spec'),
  };
}

function isolated(cluster: ClusterObjects, workload: unknown, direction: string): boolean {
  const { namespace, labels } = podsOf(workload, 'isolated');
  return policiesOf(cluster).isolated(namespace, labels, directionOf(direction));
}

function peers(cluster: ClusterObjects, workload: unknown, direction: string): readonly Peer[] {
  const { namespace, labels, spec } = podsOf(workload, 'peers');
  return policiesOf(cluster).peers(namespace, labels, directionOf(direction), spec);
}

const NAMESPACE = 'io.kubernetes.pod.namespace';

/** Cilium writes where a label comes from before its key: of pods `k8s:`, which is meant too where it says `any:` or nothing. What comes from elsewhere no pod has. */
function plainKey(key: string): string | null {
  const colon = key.indexOf(':');
  if (colon < 0) return key;
  return ['k8s', 'any'].includes(key.slice(0, colon)) ? key.slice(colon + 1) : null;
}

/** As docs.cilium.io has it (Network Policy, Endpoint Selectors). What is malformed is left as it is, for the selectors of Kubernetes refuse it. */
export function selectsEndpoint(selector: unknown, labels: unknown, namespace: string): boolean {
  if (!isMap(selector)) throw new Unanswerable('selectsEndpoint(): takes a selector');
  const { matchLabels = {}, matchExpressions = [], ...others } = selector;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw new Unanswerable(`selectsEndpoint(): the field ${unknown} is not known`);
  const wanted = isMap(matchLabels) ? Object.entries(matchLabels).map(([key, value]) => [plainKey(key), value]) : null;
  if (wanted?.some(([key]) => key === null) === true) return false;
  const expressions: unknown[] | null = Array.isArray(matchExpressions) ? [] : null;
  for (const expression of Array.isArray(matchExpressions) ? (matchExpressions as unknown[]) : []) {
    const key = plainKey(textAt(expression, 'key'));
    if (key !== null) expressions?.push(isMap(expression) ? { ...expression, key } : expression);
    else if (!['NotIn', 'DoesNotExist'].includes(textAt(expression, 'operator'))) return false;
  }
  return selects(
    {
      matchLabels: wanted === null ? matchLabels : Object.fromEntries(wanted as [string, unknown][]),
      matchExpressions: expressions ?? matchExpressions,
    },
    { ...(isMap(labels) ? labels : {}), [NAMESPACE]: namespace },
  );
}

/** Selectors of namespaces are few, and written again in one policy after another: what each selects is looked for once. */
function namespacesBy(cluster: ClusterObjects, selector: unknown): readonly KubernetesObject[] {
  const known = cluster.memo('namespaces by selector', () => new Map<string, readonly KubernetesObject[]>());
  const text = JSON.stringify(selector ?? null);
  const before = known.get(text);
  if (before !== undefined) return before;
  const found = cluster
    .list('Namespace')
    .filter((namespace) => selects(selector, at(namespace, 'metadata', 'labels') ?? {}));
  known.set(text, found);
  return found;
}

const POLICIES: readonly string[] = ['NetworkPolicy'];

/** What NetworkPolicies of Kubernetes let through, as far as the objects say; whether the network of the cluster enforces them they do not. */
export function networkFunctions(cluster: Now): readonly CheckFunction[] {
  return [
    {
      signature: 'selects(dyn, dyn): bool',
      handler: selects,
      about:
        'Whether a label selector (`matchLabels`, `matchExpressions`) selects labels; null selects nothing, an empty one everything.',
    },
    {
      signature: 'namespacesBy(dyn): list<map>',
      handler: (selector: unknown) => namespacesBy(cluster(), selector),
      about:
        'The Namespaces that a label selector selects, as in `namespaceSelector` of a policy: much faster than a filter over all.',
      reads: ['Namespace'],
    },
    {
      signature: 'selectsEndpoint(dyn, dyn, string): bool',
      handler: selectsEndpoint,
      about:
        'Whether a selector of Cilium selects a pod with these labels in a namespace: keys may begin with `k8s:` or `any:`, and `io.kubernetes.pod.namespace` is one of them.',
    },
    {
      signature: 'denies(dyn, string): bool',
      handler: (namespace: unknown, direction: string) =>
        policiesOf(cluster()).denies(namespace, directionOf(direction)),
      about:
        'Whether a policy of the Namespace (the object or its name) selects all its pods, has the direction (`Ingress`, `Egress`) and no rule for it.',
      reads: POLICIES,
    },
    {
      signature: 'isolated(dyn, string): bool',
      handler: (workload: unknown, direction: string) => isolated(cluster(), workload, direction),
      about:
        'Whether some policy selects the pods of a workload in that direction, so that only what is listed goes through.',
      reads: POLICIES,
    },
    {
      signature: 'peers(dyn, string): list<map>',
      handler: (workload: unknown, direction: string) => peers(cluster(), workload, direction),
      about:
        'With whom the pods of a workload may speak: `policy`, `everything` (the rule names nobody, or nothing isolates them), `namespaceSelector`, `podSelector`, `cidr`, `except`, `ports` (none: all; each with `protocol`, `port`, `endPort`, `name`).',
      reads: POLICIES,
    },
    {
      signature: 'allowsInternet(list): bool',
      handler: (list: readonly Peer[]) => allowsInternet(list),
      about: 'Whether peers reach the internet at large: `allowsInternet(peers(object, "Egress"))`.',
    },
  ];
}
