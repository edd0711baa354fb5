import { described, Fields, lazy, listAt, MalformedError, type KubernetesObject, type Objects } from './objects.js';
import { accessOf, ruleAllows, ruleAllowsPath, ruleOf, type Access, type Rule } from './rbac-rules.js';
import { identitiesOf, parseSubject, subjectName, subjectOf, type Subject } from './rbac-subjects.js';
import { labelsOf, LabelSelector } from './selectors.js';

/** A rule that somebody has, where, and by what. */
export interface Grant extends Rule {
  /** Empty for the whole cluster. */
  readonly namespace: string;
  /** `ClusterRole/name` or `Role/namespace/name`. */
  readonly role: string;
  /** `ClusterRoleBinding/name` or `RoleBinding/namespace/name`. */
  readonly binding: string;
}

interface Role {
  readonly id: string;
  readonly own: readonly Rule[];
  readonly aggregates: readonly LabelSelector[];
  readonly labels: readonly string[];
  readonly source: KubernetesObject;
}

interface Binding {
  readonly id: string;
  readonly namespace: string;
  readonly roleId: string;
  /** Undefined if it does not exist. */
  readonly role: Role | undefined;
  readonly subjects: readonly Subject[];
}

/** Members go past RBAC: the API server asks no authoriser of them (k8s.io/apiserver/pkg/authentication/user, SystemPrivilegedGroup). */
const MASTERS = 'system:masters';
const EVERYTHING: Rule = {
  verbs: ['*'],
  apiGroups: ['*'],
  resources: ['*'],
  resourceNames: [],
  nonResourceURLs: ['*'],
};
/** In at least one namespace, or cluster-wide. */
const ANYWHERE = '*';

/**
 * Who may do what by a cluster's roles and bindings (k8s.io/kubernetes/pkg/registry/rbac/validation, rule.go). Other authorisers (Node, a webhook, a
 * cloud's own) may give more; no object shows that.
 *
 * A namespace is a name, the empty string for requests that are of no one namespace (ClusterRoleBindings alone give those), or `*` for anywhere.
 */
export class Rbac {
  private readonly index: () => Index;
  private readonly effective = new Map<Role, readonly Rule[]>();
  private readonly allows = new Map<string, Map<Role, boolean>>();
  private readonly whoCan = new Map<string, readonly string[]>();

  constructor(objects: Objects) {
    this.index = lazy(() => indexOf(objects));
  }

  /** The rules of a Role or ClusterRole, with those of the roles that it aggregates. */
  rulesOf(role: unknown): readonly Rule[] {
    return this.rules(this.roleOf(role));
  }

  /** All that some binding gives the role to, each once. */
  boundTo(role: unknown): readonly Subject[] {
    const bindings = this.index().byRole.get(this.roleOf(role).id) ?? [];
    return distinct(bindings.flatMap(({ subjects }) => subjects));
  }

  /** All that the subject may do, itself or by a group that it is in of necessity. */
  allowedBy(subject: unknown): readonly Grant[] {
    const parsed = parseSubject(subject);
    const grants = [...this.bindingsOf(parsed, ANYWHERE)].flatMap(({ id, namespace, roleId, role }) =>
      role === undefined
        ? []
        : this.rules(role).map((rule): Grant => ({ ...rule, namespace, role: roleId, binding: id })),
    );
    return isMasters(parsed) ? [{ ...EVERYTHING, namespace: '', role: MASTERS, binding: MASTERS }, ...grants] : grants;
  }

  /** @param name of one object; by default any, which a rule narrowed by resourceNames does not give */
  can(subject: unknown, verb: string, resource: string, namespace: string, name = ''): boolean {
    const access = accessOf(verb, resource, name);
    const parsed = parseSubject(subject);
    return isMasters(parsed) || this.bindingsOf(parsed, namespace).some(({ role }) => this.allowedByRole(role, access));
  }

  /** Whether a path that is no resource (`/metrics`, `/debug/pprof`) may be asked for. */
  canVisit(subject: unknown, verb: string, path: string): boolean {
    const parsed = parseSubject(subject);
    return (
      isMasters(parsed) ||
      this.bindingsOf(parsed, '').some(
        ({ role }) => role !== undefined && this.rules(role).some((rule) => ruleAllowsPath(rule, verb, path)),
      )
    );
  }

  /** Whom a binding gives it to, in the words of `subjectName`, sorted. Groups stand as they are bound; `system:masters` only where it is bound. */
  subjectsWho(verb: string, resource: string, namespace: string, name = ''): readonly string[] {
    const key = JSON.stringify([verb, resource, namespace, name]);
    let subjects = this.whoCan.get(key);
    if (subjects === undefined) {
      const access = accessOf(verb, resource, name);
      const { all, byNamespace } = this.index();
      const bindings =
        namespace === ANYWHERE
          ? all
          : [...(byNamespace.get('') ?? []), ...(namespace === '' ? [] : (byNamespace.get(namespace) ?? []))];
      const given = bindings.filter(({ role }) => this.allowedByRole(role, access));
      subjects = [...new Set(given.flatMap((binding) => binding.subjects.map(subjectName)))].sort();
      this.whoCan.set(key, subjects);
    }
    return subjects;
  }

  /** Bindings whose role does not exist, as `RoleBinding/namespace/name`: whoever makes a role of that name gives it to their subjects. */
  danglingBindings(): readonly string[] {
    return this.index()
      .all.filter(({ role }) => role === undefined)
      .map(({ id }) => id);
  }

  isDangling(binding: unknown): boolean {
    const fields = Fields.of(binding, '');
    const cluster = fields.needText('kind') === 'ClusterRoleBinding';
    return bindingOf(fields, cluster, this.index().roles).role === undefined;
  }

  private roleOf(role: unknown): Role {
    const fields = Fields.of(role, '');
    const id = idOf(fields, fields.needText('kind') === 'ClusterRole' ? 'ClusterRole' : 'Role');
    const known = this.index().roles.get(id);
    if (known === undefined) throw new MalformedError(`${id} is not among the objects`);
    return known;
  }

  /** The bindings of a subject and of the groups that it is in, in a namespace and cluster-wide. */
  private bindingsOf(subject: Subject, namespace: string): Binding[] {
    return identitiesOf(subject).flatMap((identity) => {
      const bindings = this.index().bySubject.get(subjectName(identity));
      if (bindings === undefined) return [];
      if (namespace === ANYWHERE) return [...bindings.values()].flat();
      return [...(bindings.get('') ?? []), ...(namespace === '' ? [] : (bindings.get(namespace) ?? []))];
    });
  }

  private allowedByRole(role: Role | undefined, access: Access): boolean {
    if (role === undefined) return false;
    const judge = (): boolean => this.rules(role).some((rule) => ruleAllows(rule, access));
    // Names are as many as there are objects; the questions of checks without them are few.
    if (access.name !== '') return judge();
    const key = JSON.stringify([access.verb, access.group, access.resource]);
    let answers = this.allows.get(key);
    if (answers === undefined) this.allows.set(key, (answers = new Map<Role, boolean>()));
    let answer = answers.get(role);
    if (answer === undefined) answers.set(role, (answer = judge()));
    return answer;
  }

  /**
   * The controller manager writes into an aggregating role what it aggregates; a snapshot may have been taken before it did, and the role's next rules
   * are then known already. So what it has and what it will have count, through as many roles as aggregate each other.
   */
  private rules(role: Role): readonly Rule[] {
    if (role.aggregates.length === 0) return role.own;
    let rules = this.effective.get(role);
    if (rules === undefined) {
      const reached = new Set([role]);
      for (const { aggregates } of reached) {
        for (const selector of aggregates) {
          for (const candidate of this.candidates(selector)) {
            if (
              selector.matches(labelsOf(Fields.of(candidate.source, candidate.id).need('metadata').value('labels')))
            ) {
              reached.add(candidate);
            }
          }
        }
      }
      rules = [...reached].flatMap(({ own }) => own);
      this.effective.set(role, rules);
    }
    return rules;
  }

  private candidates(selector: LabelSelector): Iterable<Role> {
    const { clusterRoles, byLabel } = this.index();
    if (selector.nothing) return [];
    return selector.candidates === null
      ? clusterRoles
      : selector.candidates.flatMap((label) => byLabel.get(label) ?? []);
  }
}

interface Index {
  readonly all: readonly Binding[];
  readonly roles: ReadonlyMap<string, Role>;
  readonly clusterRoles: readonly Role[];
  readonly byLabel: ReadonlyMap<string, readonly Role[]>;
  readonly byRole: ReadonlyMap<string, readonly Binding[]>;
  readonly byNamespace: ReadonlyMap<string, readonly Binding[]>;
  /** By subject, then by namespace. */
  readonly bySubject: ReadonlyMap<string, ReadonlyMap<string, readonly Binding[]>>;
}

function indexOf(objects: Objects): Index {
  const roles = new Map<string, Role>();
  for (const kind of ['ClusterRole', 'Role'] as const) {
    for (const object of objects.list(kind)) {
      const role = readRole(object, kind);
      roles.set(role.id, role);
    }
  }
  const clusterRoles = [...roles.values()].filter(({ id }) => id.startsWith('ClusterRole/'));
  const byLabel = new Map<string, Role[]>();
  for (const role of clusterRoles) for (const label of role.labels) listAt(byLabel, label).push(role);

  const all = [
    ...objects.list('ClusterRoleBinding').map((object) => bindingOf(Fields.of(object, ''), true, roles)),
    ...objects.list('RoleBinding').map((object) => bindingOf(Fields.of(object, ''), false, roles)),
  ];
  const byRole = new Map<string, Binding[]>();
  const byNamespace = new Map<string, Binding[]>();
  const bySubject = new Map<string, Map<string, Binding[]>>();
  for (const binding of all) {
    listAt(byRole, binding.roleId).push(binding);
    listAt(byNamespace, binding.namespace).push(binding);
    for (const subject of binding.subjects) {
      const name = subjectName(subject);
      let bindings = bySubject.get(name);
      if (bindings === undefined) bySubject.set(name, (bindings = new Map<string, Binding[]>()));
      listAt(bindings, binding.namespace).push(binding);
    }
  }
  return { all, roles, clusterRoles, byLabel, byRole, byNamespace, bySubject };
}

function idOf(fields: Fields, kind: 'ClusterRole' | 'Role' | 'ClusterRoleBinding' | 'RoleBinding'): string {
  const metadata = fields.need('metadata');
  const name = metadata.needText('name');
  return kind.startsWith('Cluster') ? `${kind}/${name}` : `${kind}/${metadata.needText('namespace')}/${name}`;
}

function readRole(object: KubernetesObject, kind: 'ClusterRole' | 'Role'): Role {
  const fields = Fields.of(object, '');
  const labels = labelsOf(fields.need('metadata').value('labels'), 'metadata.labels');
  const aggregation = kind === 'ClusterRole' ? fields.map('aggregationRule') : undefined;
  return {
    id: idOf(fields, kind),
    own: fields.maps('rules').map(ruleOf),
    aggregates: (aggregation?.maps('clusterRoleSelectors') ?? []).map((selector) =>
      LabelSelector.parse(selector.raw(), selector.path),
    ),
    labels: Object.entries(labels).map(([key, value]) => `${key}=${value}`),
    source: object,
  };
}

function bindingOf(fields: Fields, cluster: boolean, roles: ReadonlyMap<string, Role>): Binding {
  const id = idOf(fields, cluster ? 'ClusterRoleBinding' : 'RoleBinding');
  const namespace = cluster ? '' : fields.need('metadata').needText('namespace');
  const roleRef = fields.need('roleRef');
  const kind = roleRef.needText('kind');
  if (kind !== 'ClusterRole' && kind !== 'Role') {
    throw new MalformedError(`${id}: ${described(kind)} is not a kind of role`);
  }
  // A Role is looked for in the binding's namespace: of a ClusterRoleBinding, where no role can be. It gives nothing.
  const roleId = `${kind}/${kind === 'Role' ? `${namespace}/` : ''}${roleRef.needText('name')}`;
  return {
    id,
    namespace,
    roleId,
    role: roles.get(roleId),
    subjects: distinct(
      fields
        .maps('subjects')
        .map((subject) => subjectOf(subject, namespace))
        // A service account of no namespace is nobody: a ClusterRoleBinding has none to lend it.
        .filter((subject) => subject.kind !== 'ServiceAccount' || subject.namespace !== ''),
    ),
  };
}

const isMasters = ({ kind, name }: Subject): boolean => kind === 'Group' && name === MASTERS;

const distinct = (subjects: readonly Subject[]): Subject[] => [
  ...new Map(subjects.map((subject) => [subjectName(subject), subject])).values(),
];
