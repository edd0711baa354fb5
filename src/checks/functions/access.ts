import type { ClusterObjects } from '../cluster.js';
import { escalations } from '../kubernetes/rbac-rules.js';
import { Rbac, type Grant } from '../kubernetes/rbac.js';
import type { Rule } from '../kubernetes/rbac-rules.js';
import { isMap, namespaceOf, nameOf, textAt, type KubernetesObject } from '../values.js';
import type { CheckFunction } from './function.js';
import type { Now } from './objects.js';

const KINDS: readonly string[] = ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];

function rbacOf(cluster: ClusterObjects): Rbac {
  return cluster.memo('rbac', () => new Rbac(cluster));
}

/** A binding's role, which may not exist; a role itself. */
function roleOf(cluster: ClusterObjects, object: unknown): unknown {
  const kind = textAt(object, 'kind');
  if (!isMap(object) || !kind.endsWith('Binding')) return object;
  const [role, name] = [textAt(object, 'roleRef', 'kind'), textAt(object, 'roleRef', 'name')];
  const namespace = role === 'Role' ? namespaceOf(object) : '';
  const roles = cluster.memo('roles', () => {
    const all = [...cluster.list('ClusterRole'), ...cluster.list('Role')];
    return new Map(
      all.map((found): [string, KubernetesObject] => [
        `${textAt(found, 'kind')}/${namespaceOf(found)}/${nameOf(found)}`,
        found,
      ]),
    );
  });
  return roles.get(`${role}/${namespace}/${name}`) ?? null;
}

function rulesOf(cluster: ClusterObjects, object: unknown): readonly Rule[] {
  const role = roleOf(cluster, object);
  // A role that does not exist gives nothing: isDangling() tells of it.
  return role === null ? [] : rbacOf(cluster).rulesOf(role);
}

/** Who may do what, after bindings and aggregation. */
export function accessFunctions(cluster: Now): readonly CheckFunction[] {
  const rbac = () => rbacOf(cluster());
  return [
    {
      signature: 'can(dyn, string, string, string): bool',
      handler: (subject: unknown, verb: string, resource: string, namespace: string) =>
        rbac().can(subject, verb, resource, namespace),
      about:
        'Whether a subject (`ServiceAccount/ns/name`, `Group/name`, `User/name`, or as a binding writes it) may do it: `can("ServiceAccount/shop/web", "get", "secrets", "shop")`. ' +
        'Resources with their group: `apps/deployments`, with a subresource: `pods/exec`. Namespace empty: in all of the cluster; `*`: anywhere. A fifth argument names one object.',
      reads: KINDS,
    },
    {
      signature: 'can(dyn, string, string, string, string): bool',
      handler: (subject: unknown, verb: string, resource: string, namespace: string, name: string) =>
        rbac().can(subject, verb, resource, namespace, name),
      about: 'The same of one object by its name.',
      reads: KINDS,
    },
    {
      signature: 'canVisit(dyn, string, string): bool',
      handler: (subject: unknown, verb: string, path: string) => rbac().canVisit(subject, verb, path),
      about:
        'Whether it may ask for a path that is no resource: `canVisit("Group/system:unauthenticated", "get", "/metrics")`.',
      reads: KINDS,
    },
    {
      signature: 'subjectsWho(string, string, string): list<string>',
      handler: (verb: string, resource: string, namespace: string) => rbac().subjectsWho(verb, resource, namespace),
      about:
        'Who may do it, as bindings name them, in order: `subjectsWho("get", "secrets", "*")`. A fourth argument names one object.',
      reads: KINDS,
    },
    {
      signature: 'subjectsWho(string, string, string, string): list<string>',
      handler: (verb: string, resource: string, namespace: string, name: string) =>
        rbac().subjectsWho(verb, resource, namespace, name),
      about: 'The same of one object by its name.',
      reads: KINDS,
    },
    {
      signature: 'allowedBy(dyn): list<map>',
      handler: (subject: unknown): readonly Grant[] => rbac().allowedBy(subject),
      about:
        'Every rule that a subject has, with what its groups give it: `verbs`, `apiGroups`, `resources`, `resourceNames`, `nonResourceURLs`, `namespace` (empty: all), `role`, `binding`.',
      reads: KINDS,
    },
    {
      signature: 'rulesOf(dyn): list<map>',
      handler: (object: unknown) => rulesOf(cluster(), object),
      about:
        'The rules of a Role or ClusterRole after aggregation; of a binding, those of its role, none where there is no such role.',
      reads: KINDS,
    },
    {
      signature: 'boundTo(dyn): list<map>',
      handler: (role: unknown) => rbac().boundTo(role),
      about: 'The subjects that have a Role or ClusterRole: `kind`, `name`, `namespace`.',
      reads: KINDS,
    },
    {
      signature: 'isDangling(dyn): bool',
      handler: (binding: unknown) => rbac().isDangling(binding),
      about: 'Whether the role of a binding does not exist: who makes one of that name gives it to the subjects.',
      reads: KINDS,
    },
    {
      signature: 'escalations(list): list<string>',
      handler: (rules: readonly Rule[]) => escalations(rules),
      about:
        'The ways in which rules let one become more than one is, by the RBAC good practices of Kubernetes: `escalations(rulesOf(object))`.',
    },
  ];
}
