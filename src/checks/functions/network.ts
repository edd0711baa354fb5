import type { ClusterObjects } from '../cluster.js';
import { allowsInternet } from '../kubernetes/internet.js';
import { NetworkPolicies, directionOf, type Peer } from '../kubernetes/network-policy.js';
import { selects } from '../kubernetes/selectors.js';
import { at, namespaceOf } from '../values.js';
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
