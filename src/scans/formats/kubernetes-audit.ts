import type { EventCategory } from '../../events/event.js';

/** One request to a Kubernetes API server, as far as an audit log says it. */
export interface AuditedRequest {
  verb: string;
  /** What it was about; null of a path that is no resource. */
  object: AuditedObject | null;
  /** Of the URL, without its query. */
  path: string;
  user: string;
  isAnonymous: boolean;
  outcome: Outcome;
}

export interface AuditedObject {
  /** "" of the core group. */
  group: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
}

/** `refused`: by authentication, authorisation or admission. `failed`: for certain nothing came of it. `done`: it took effect, or nobody can say that it did not. */
export type Outcome = 'done' | 'refused' | 'failed';

const READS = ['get', 'list', 'watch'];
const WRITES = ['create', 'update', 'patch', 'delete', 'deletecollection'];

/** Subresources that lead into a workload. An ephemeral container is how `kubectl debug` gets its shell. */
const INTO_WORKLOADS: Readonly<Record<string, readonly string[]>> = {
  pods: ['exec', 'attach', 'portforward', 'proxy', 'ephemeralcontainers'],
  services: ['proxy'],
  nodes: ['proxy'],
};

const RBAC = 'rbac.authorization.k8s.io';

/** What says what may be admitted, who may reach whom, and how workloads may run: API group → its resources, null for all of them. */
const POLICIES: Readonly<Record<string, readonly string[] | null>> = {
  'admissionregistration.k8s.io': null,
  'networking.k8s.io': ['networkpolicies'],
  'policy.networking.k8s.io': null,
  policy: ['podsecuritypolicies'],
  'security.openshift.io': ['securitycontextconstraints'],
  'kyverno.io': ['policies', 'clusterpolicies', 'policyexceptions', 'cleanuppolicies', 'clustercleanuppolicies'],
  'policies.kyverno.io': null,
  'templates.gatekeeper.sh': null,
  'constraints.gatekeeper.sh': null,
  'mutations.gatekeeper.sh': null,
  'config.gatekeeper.sh': null,
  'cilium.io': ['ciliumnetworkpolicies', 'ciliumclusterwidenetworkpolicies'],
  'crd.projectcalico.org': ['networkpolicies', 'globalnetworkpolicies'],
  'projectcalico.org': ['networkpolicies', 'globalnetworkpolicies'],
  'security.istio.io': null,
};

/** What everybody may ask for by default (ClusterRole `system:public-info-viewer`), and load balancers do every second. */
const PUBLIC_PATH = /^\/(healthz|livez|readyz|version)(\/|$)/;

/**
 * Of which category a request is, null if of none. One has one: what was refused did not happen, and what nobody in particular did is the worse for being, say,
 * a Secret that was read.
 */
export function categoryOf({ verb, object, path, isAnonymous, outcome }: AuditedRequest): EventCategory | null {
  if (outcome === 'refused') return 'denied';
  if (isAnonymous && !(object === null && PUBLIC_PATH.test(path))) return 'anonymous-access';
  if (outcome === 'failed' || object === null) return null;
  const { group, resource, subresource } = object;
  if (group === '' && isOneOf(INTO_WORKLOADS, resource, subresource)) {
    // Ephemeral containers are also read: by `kubectl debug` itself.
    return subresource === 'ephemeralcontainers' && !WRITES.includes(verb) ? null : 'exec';
  }
  if (group === '' && resource === 'secrets' && READS.includes(verb)) return 'secret-read';
  if (!WRITES.includes(verb)) return null;
  if (group === RBAC) return 'rbac-change';
  // Controllers write the status of a policy, which changes nothing of it.
  return subresource !== 'status' && isOneOf(POLICIES, group, resource) ? 'policy-change' : null;
}

function isOneOf(table: Readonly<Record<string, readonly string[] | null>>, key: string, name: string): boolean {
  if (!Object.hasOwn(table, key)) return false;
  const names = table[key];
  return names === null || names?.includes(name) === true;
}

/** The API server's own rule (`BasicLongRunningRequestCheck`): these requests have a beginning, `ResponseStarted`, and an end. */
export function isLongRunning({ verb, object }: AuditedRequest): boolean {
  return (
    verb === 'watch' ||
    verb === 'proxy' ||
    ['attach', 'exec', 'proxy', 'log', 'portforward'].includes(object?.subresource ?? '')
  );
}

/** `namespace/resource.group/name/subresource`, of which what there is; the path of what is no resource. */
export function resourceOf({ object, path }: AuditedRequest): string {
  if (object === null) return path;
  const { group, resource, subresource, namespace, name } = object;
  const isBuiltIn = !group.includes('.') || group.endsWith('.k8s.io');
  const parts = [namespace, isBuiltIn ? resource : `${resource}.${group}`, name, subresource];
  return parts.filter((part) => part !== '').join('/');
}

/** `group/version/namespaces/…/resource/name/subresource` as the API server reads it; null of less. */
export function objectAt([group, version, ...rest]: readonly string[]): AuditedObject | null {
  if (group === undefined || version === undefined || rest[0] === undefined || rest[0] === '') return null;
  const isIn = rest[0] === 'namespaces' && rest.length > 2 && !['status', 'finalize'].includes(rest[2] ?? '');
  const [resource = '', name = '', subresource = ''] = isIn ? rest.slice(2) : rest;
  return { group, resource, name, subresource, namespace: isIn ? (rest[1] ?? '') : '' };
}
