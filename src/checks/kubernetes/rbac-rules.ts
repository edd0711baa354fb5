import { Fields, MalformedError } from './objects.js';

/**
 * The rules of RBAC and what they match (https://kubernetes.io/docs/reference/access-authn-authz/rbac/; k8s.io/kubernetes/pkg/apis/rbac/v1,
 * evaluation_helpers.go).
 */
export interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

/** What somebody would do: a verb on a resource, or on one object of it. */
export interface Access {
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `pods/exec`. */
  readonly resource: string;
  /** Empty for any object: a rule that names objects does not give that. */
  readonly name: string;
}

/** The API groups without a dot in their name. There will be no others: a group of a CustomResourceDefinition is a domain, and so is each new built-in one. */
const SHORT_GROUPS = new Set(['', '*', 'apps', 'autoscaling', 'batch', 'extensions', 'policy']);

export function ruleOf(fields: Fields): Rule {
  return {
    verbs: fields.texts('verbs'),
    apiGroups: fields.texts('apiGroups'),
    resources: fields.texts('resources'),
    resourceNames: fields.texts('resourceNames'),
    nonResourceURLs: fields.texts('nonResourceURLs'),
  };
}

/**
 * Reads `pods`, `pods/exec`, `apps/deployments`, `apps/deployments/scale`, `*` of `*`. The first part is a group if it has a dot, is empty or `*`, or is one of
 * the five without a dot; so `pods/exec` is the subresource of the core group.
 */
export function accessOf(verb: string, resource: string, name = ''): Access {
  const parts = resource.split('/');
  const first = parts[0] ?? '';
  const grouped = parts.length > 1 && (first.includes('.') || SHORT_GROUPS.has(first));
  const rest = grouped ? parts.slice(1) : parts;
  if (verb === '' || rest.length > 2 || rest.includes('')) {
    throw new MalformedError(
      `${JSON.stringify(`${verb} ${resource}`)} is not a verb and a resource: verb, [group/]resource[/subresource]`,
    );
  }
  return { verb, group: grouped ? first : '', resource: rest.join('/'), name };
}

export function ruleAllows(rule: Rule, access: Access): boolean {
  return (
    has(rule.verbs, access.verb) &&
    has(rule.apiGroups, access.group) &&
    resourceMatches(rule.resources, access.resource) &&
    (rule.resourceNames.length === 0 || rule.resourceNames.includes(access.name))
  );
}

export function ruleAllowsPath(rule: Rule, verb: string, path: string): boolean {
  return (
    has(rule.verbs, verb) &&
    rule.nonResourceURLs.some((url) => url === path || (url.endsWith('*') && path.startsWith(url.replace(/\*+$/, ''))))
  );
}

const has = (list: readonly string[], wanted: string): boolean => list.includes('*') || list.includes(wanted);

/** `*` is every resource with its subresources; `*` before `/scale` is the subresource of each. */
function resourceMatches(resources: readonly string[], wanted: string): boolean {
  const slash = wanted.indexOf('/');
  return has(resources, wanted) || (slash >= 0 && resources.includes(`*${wanted.slice(slash)}`));
}

/**
 * The ways from a role to all that there is, by https://kubernetes.io/docs/concepts/security/rbac-good-practices/ (Privilege escalation risks).
 * Each of the verbs is enough on each of the resources.
 */
const ESCALATIONS: readonly { name: string; verbs: readonly string[]; resources: readonly string[] }[] = [
  // list and watch give the values with the names.
  { name: 'read-secrets', verbs: ['get', 'list', 'watch'], resources: ['secrets'] },
  // Who writes a pod's template runs as any service account of the namespace, and reads any secret in it.
  {
    name: 'create-workloads',
    verbs: ['create', 'update', 'patch'],
    resources: [
      'pods',
      'replicationcontrollers',
      'apps/deployments',
      'apps/daemonsets',
      'apps/statefulsets',
      'apps/replicasets',
      'batch/jobs',
      'batch/cronjobs',
    ],
  },
  // The API server makes it a POST (create) or, over a websocket, a GET.
  {
    name: 'exec-in-pods',
    verbs: ['create', 'get', 'update', 'patch'],
    resources: ['pods/exec', 'pods/attach', 'pods/ephemeralcontainers'],
  },
  // A hostPath volume reaches the node's files past Pod Security Admission, which judges pods.
  { name: 'create-persistent-volumes', verbs: ['create', 'update', 'patch'], resources: ['persistentvolumes'] },
  // The kubelet's API executes commands in pods, past audit and admission.
  { name: 'node-proxy', verbs: ['get', 'create', 'update', 'patch', 'delete'], resources: ['nodes/proxy'] },
  {
    name: 'escalate',
    verbs: ['escalate'],
    resources: ['rbac.authorization.k8s.io/roles', 'rbac.authorization.k8s.io/clusterroles'],
  },
  {
    name: 'bind',
    verbs: ['bind'],
    resources: ['rbac.authorization.k8s.io/roles', 'rbac.authorization.k8s.io/clusterroles'],
  },
  // Extra fields and uids alone are nothing: who impersonates names a user first.
  { name: 'impersonate', verbs: ['impersonate'], resources: ['users', 'groups', 'serviceaccounts'] },
  {
    name: 'approve-certificates',
    verbs: ['update', 'patch'],
    resources: [
      'certificates.k8s.io/certificatesigningrequests/approval',
      'certificates.k8s.io/certificatesigningrequests/status',
    ],
  },
  { name: 'request-tokens', verbs: ['create'], resources: ['serviceaccounts/token'] },
  // A webhook sees every object that is admitted, secrets among them, and may change it.
  {
    name: 'admission-webhooks',
    verbs: ['create', 'update', 'patch'],
    resources: [
      'admissionregistration.k8s.io/validatingwebhookconfigurations',
      'admissionregistration.k8s.io/mutatingwebhookconfigurations',
    ],
  },
  // Its labels say which Pod Security Standard is enforced and which network policies apply.
  { name: 'modify-namespaces', verbs: ['update', 'patch'], resources: ['namespaces'] },
];

/**
 * Which of the ways to more privileges than they name the rules open, by name. A rule narrowed to named objects counts, but for secrets: to read those
 * that one names is what such a rule is for.
 */
export function escalations(given: readonly unknown[]): string[] {
  const rules = given.map((rule, index) => ruleOf(Fields.of(rule, `rules[${index}]`)));
  const unnamed = rules.map((rule): Rule => ({ ...rule, resourceNames: [] }));
  return ESCALATIONS.filter(({ name, verbs, resources }) => {
    const counted = name === 'read-secrets' ? rules : unnamed;
    return resources.some((resource) =>
      verbs.some((verb) => counted.some((rule) => ruleAllows(rule, accessOf(verb, resource)))),
    );
  }).map(({ name }) => name);
}
