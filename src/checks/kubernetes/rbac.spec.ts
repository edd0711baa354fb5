import { describe, expect, it } from 'vitest';
import { growth } from '../../../test/support/growth.js';
import { MalformedError, type KubernetesObject, type Objects } from './objects.js';
import { accessOf, escalations, type Rule } from './rbac-rules.js';
import { subjectName } from './rbac-subjects.js';
import { Rbac } from './rbac.js';

const objects = (...list: KubernetesObject[]): Objects => ({
  list: (kind) => list.filter((object) => object.kind === kind),
});
const rbac = (...list: KubernetesObject[]): Rbac => new Rbac(objects(...list));

const rule = (verbs: string[], resources: string[], change: Partial<Rule> = {}) => ({
  apiGroups: [''],
  verbs,
  resources,
  ...change,
});
const clusterRole = (
  name: string,
  rules: unknown,
  change: KubernetesObject = {},
  labels?: unknown,
): KubernetesObject => ({
  kind: 'ClusterRole',
  metadata: { name, labels },
  rules,
  ...change,
});
const role = (namespace: string, name: string, ...rules: unknown[]): KubernetesObject => ({
  kind: 'Role',
  metadata: { name, namespace },
  rules,
});
const account = (namespace: string | undefined, name: string) => ({ kind: 'ServiceAccount', name, namespace });
const group = (name: string) => ({ kind: 'Group', name, apiGroup: 'rbac.authorization.k8s.io' });
const user = (name: string) => ({ kind: 'User', name, apiGroup: 'rbac.authorization.k8s.io' });
const clusterBinding = (name: string, roleName: string, ...subjects: unknown[]): KubernetesObject => ({
  kind: 'ClusterRoleBinding',
  metadata: { name },
  roleRef: { kind: 'ClusterRole', name: roleName },
  subjects,
});
const binding = (namespace: string, name: string, roleRef: unknown, ...subjects: unknown[]): KubernetesObject => ({
  kind: 'RoleBinding',
  metadata: { name, namespace },
  roleRef,
  subjects,
});
const aRole = (name: string) => ({ kind: 'Role', name });
const aClusterRole = (name: string) => ({ kind: 'ClusterRole', name });

const APP = 'ServiceAccount/emr/app';

/** Whether these rules, given to the app cluster-wide, let it do this. */
const allows = (rules: unknown[], verb: string, resource: string, name?: string): boolean =>
  rbac(clusterRole('r', rules), clusterBinding('b', 'r', account('emr', 'app'))).can(APP, verb, resource, '', name);

describe('rules', () => {
  it.each<[string, unknown, string, string, boolean]>([
    ['a verb and a resource', rule(['get'], ['pods']), 'get', 'pods', true],
    ['another verb', rule(['get'], ['pods']), 'list', 'pods', false],
    ['another resource', rule(['get'], ['pods']), 'get', 'secrets', false],
    ['another group', rule(['get'], ['deployments']), 'get', 'apps/deployments', false],
    ['a group', rule(['get'], ['deployments'], { apiGroups: ['apps'] }), 'get', 'apps/deployments', true],
    ['the core group alone', rule(['get'], ['pods'], { apiGroups: ['apps'] }), 'get', 'pods', false],
    ['every verb', rule(['*'], ['pods']), 'escalate', 'pods', true],
    ['every group', rule(['get'], ['things'], { apiGroups: ['*'] }), 'get', 'x.example.com/things', true],
    ['every resource with subresources', rule(['create'], ['*']), 'create', 'pods/exec', true],
    ['a resource without subresources', rule(['create'], ['pods']), 'create', 'pods/exec', false],
    ['a subresource', rule(['create'], ['pods/exec']), 'create', 'pods/exec', true],
    ['a subresource without its resource', rule(['create'], ['pods/exec']), 'create', 'pods', false],
    [
      'a subresource of each',
      rule(['update'], ['*/scale'], { apiGroups: ['apps'] }),
      'update',
      'apps/deployments/scale',
      true,
    ],
    [
      'no other subresource',
      rule(['update'], ['*/scale'], { apiGroups: ['apps'] }),
      'update',
      'apps/deployments/status',
      false,
    ],
    ['no stars within names', rule(['get'], ['pod*', 'pods/*']), 'get', 'pods/log', false],
    ['everything asked for, everything given', rule(['*'], ['*'], { apiGroups: ['*'] }), '*', '*/*', true],
    ['everything asked for, one verb given', rule(['get'], ['*'], { apiGroups: ['*'] }), '*', '*/*', false],
    ['everything asked for, one resource given', rule(['*'], ['pods'], { apiGroups: ['*'] }), '*', '*/*', false],
    ['nothing', { verbs: [], resources: [], apiGroups: [] }, 'get', 'pods', false],
    ['fields that are null', { verbs: null, resources: null, apiGroups: null }, 'get', 'pods', false],
    ['a rule of paths', { verbs: ['get'], nonResourceURLs: ['*'] }, 'get', 'pods', false],
  ])('give %s?', (_, given, verb, resource, expected) => {
    expect(allows([given], verb, resource)).toBe(expected);
  });

  it('add up over rules, but not within one?', () => {
    expect(allows([rule(['get'], ['pods']), rule(['list'], ['secrets'])], 'list', 'pods')).toBe(false);
    expect(allows([rule(['get'], ['pods']), rule(['list'], ['secrets'])], 'list', 'secrets')).toBe(true);
  });

  it('narrowed to names give those names and no others?', () => {
    const named = [rule(['get'], ['secrets'], { resourceNames: ['tls'] })];
    expect([undefined, '', 'tls', 'other'].map((name) => allows(named, 'get', 'secrets', name))).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(allows([rule(['get'], ['secrets'])], 'get', 'secrets', 'tls')).toBe(true);
  });

  it.each([
    ['pods', '', 'pods'],
    ['pods/exec', '', 'pods/exec'],
    ['/pods', '', 'pods'],
    ['apps/deployments', 'apps', 'deployments'],
    ['batch/jobs/status', 'batch', 'jobs/status'],
    ['rbac.authorization.k8s.io/roles', 'rbac.authorization.k8s.io', 'roles'],
    ['*/*', '*', '*'],
    ['*/pods/exec', '*', 'pods/exec'],
    ['*', '', '*'],
  ])('read %s as a group and a resource?', (text, api, resource) => {
    expect(accessOf('get', text)).toEqual({ verb: 'get', group: api, resource, name: '' });
  });

  it.each(['', '/', 'apps/', 'pods/', 'pods/exec/x', 'apps/a/b/c', 'a//b'])('refuse %j as a resource?', (text) => {
    expect(() => accessOf('get', text)).toThrow(MalformedError);
    expect(() => accessOf('', 'pods')).toThrow(MalformedError);
  });

  it.each([
    [[], []],
    [[rule(['get'], ['pods', 'configmaps'])], []],
    [[rule(['get'], ['secrets'], { resourceNames: ['mine'] })], []],
    [[rule(['watch'], ['secrets'])], ['read-secrets']],
    [[rule(['patch'], ['deployments'], { apiGroups: ['apps'] })], ['create-workloads']],
    [[rule(['get'], ['pods/exec'])], ['exec-in-pods']],
    [[rule(['get'], ['nodes/proxy'])], ['node-proxy']],
    [
      [rule(['bind'], ['clusterroles'], { apiGroups: ['rbac.authorization.k8s.io'], resourceNames: ['edit'] })],
      ['bind'],
    ],
    [[rule(['escalate'], ['roles'], { apiGroups: ['*'] })], ['escalate']],
    [[rule(['impersonate'], ['users'])], ['impersonate']],
    [[rule(['impersonate'], ['userextras/scopes'], { apiGroups: ['authentication.k8s.io'] })], []],
    [[rule(['create'], ['serviceaccounts/token'])], ['request-tokens']],
    [[rule(['create'], ['persistentvolumes'])], ['create-persistent-volumes']],
    [[rule(['patch'], ['namespaces'])], ['modify-namespaces']],
  ])('%j open the ways %j?', (rules, ways) => {
    const read = rbac(clusterRole('r', rules)).rulesOf(clusterRole('r', rules));
    expect(escalations(read)).toEqual(ways);
    expect(escalations(rules)).toEqual(ways);
    expect(() => escalations([...rules, { verbs: '*' }])).toThrow(MalformedError);
  });

  it('of an administrator open all ways?', () => {
    const all = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], resourceNames: [], nonResourceURLs: [] };
    expect(escalations([all])).toHaveLength(12);
  });
});

describe('Rbac', () => {
  const SECRETS = rule(['get', 'list'], ['secrets']);

  it('knows where a binding gives what?', () => {
    const cluster = rbac(
      clusterRole('reader', [SECRETS]),
      role('emr', 'reader', rule(['create'], ['pods/exec'])),
      clusterBinding('everywhere', 'reader', account('ops', 'root')),
      binding('emr', 'here', aClusterRole('reader'), account('emr', 'app')),
      binding('emr', 'own', aRole('reader'), account(undefined, 'app')),
    );
    const who = (resource: string, verb: string) =>
      ['', 'emr', 'web', '*'].map((namespace) => cluster.subjectsWho(verb, resource, namespace));
    expect(who('secrets', 'get')).toEqual([
      ['ServiceAccount/ops/root'],
      [APP, 'ServiceAccount/ops/root'],
      ['ServiceAccount/ops/root'],
      [APP, 'ServiceAccount/ops/root'],
    ]);
    expect(who('pods/exec', 'create')).toEqual([[], [APP], [], [APP]]);
    expect(['', 'emr', 'web', '*'].map((namespace) => cluster.can(APP, 'get', 'secrets', namespace))).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect(
      ['', 'emr', 'web', '*'].map((namespace) => cluster.can('ServiceAccount/ops/root', 'get', 'secrets', namespace)),
    ).toEqual([true, true, true, true]);
    expect(cluster.can('ServiceAccount/web/app', 'get', 'secrets', '*')).toBe(false);
  });

  it('gives groups what their members have, and members what their groups have?', () => {
    const cluster = rbac(
      clusterRole('r', [SECRETS]),
      clusterRole('w', [rule(['create'], ['pods'])]),
      clusterBinding('all', 'r', group('system:serviceaccounts')),
      binding('emr', 'ours', aClusterRole('w'), group('system:serviceaccounts:emr')),
      binding('web', 'people', aClusterRole('w'), group('system:authenticated')),
    );
    expect(cluster.can(APP, 'get', 'secrets', '')).toBe(true);
    expect(cluster.can(APP, 'create', 'pods', 'emr')).toBe(true);
    expect(cluster.can('ServiceAccount/web/app', 'create', 'pods', 'emr')).toBe(false);
    expect(cluster.can('User/jane', 'get', 'secrets', '')).toBe(false);
    expect(cluster.can('User/jane', 'create', 'pods', 'web')).toBe(true);
    expect(cluster.can('User/system:anonymous', 'create', 'pods', 'web')).toBe(false);
    expect(cluster.can('Group/system:unauthenticated', 'create', 'pods', 'web')).toBe(false);
    expect(cluster.can('Group/system:serviceaccounts:emr', 'get', 'secrets', '')).toBe(true);
    expect(cluster.can('User/system:serviceaccount:emr:app', 'create', 'pods', 'emr')).toBe(true);
    expect(cluster.subjectsWho('create', 'pods', 'emr')).toEqual(['Group/system:serviceaccounts:emr']);
  });

  it('lets system:masters do all, whatever is bound?', () => {
    expect(rbac().can('Group/system:masters', 'get', 'secrets', '')).toBe(true);
    expect(rbac().canVisit('Group/system:masters', 'get', '/metrics')).toBe(true);
    expect(rbac().allowedBy('Group/system:masters')).toHaveLength(1);
    expect(rbac().subjectsWho('get', 'secrets', '')).toEqual([]);
  });

  it('tells what a subject may do, where, and by what?', () => {
    const cluster = rbac(
      clusterRole('r', [SECRETS]),
      clusterBinding('all', 'r', group('system:authenticated')),
      binding('emr', 'here', aClusterRole('r'), account('emr', 'app')),
      binding('web', 'lost', aRole('gone'), account('emr', 'app')),
    );
    expect(cluster.allowedBy(APP).map(({ namespace, role: by, binding: through }) => [namespace, by, through])).toEqual(
      [
        ['emr', 'ClusterRole/r', 'RoleBinding/emr/here'],
        ['', 'ClusterRole/r', 'ClusterRoleBinding/all'],
      ],
    );
    expect(cluster.allowedBy(APP)[0]).toMatchObject({
      verbs: ['get', 'list'],
      resources: ['secrets'],
      resourceNames: [],
    });
    expect(cluster.allowedBy('User/system:anonymous')).toEqual([]);
  });

  it('gives an aggregating role what it aggregates, through others and in circles?', () => {
    const aggregating = (name: string, label: string, ...own: unknown[]) =>
      clusterRole(
        name,
        own,
        { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: 'true' } }] } },
        { [`is-${name}`]: 'true' },
      );
    const cluster = rbac(
      aggregating('admin', 'is-edit', rule(['get'], ['pods'])),
      aggregating('edit', 'to-edit'),
      clusterRole('extra', [SECRETS], {}, { 'to-edit': 'true' }),
      aggregating('circle', 'is-circle', rule(['get'], ['nodes'])),
      clusterRole('all', [], { aggregationRule: { clusterRoleSelectors: [{}] } }),
      clusterRole('none', null, { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { no: 'such' } }] } }),
      clusterBinding('a', 'admin', account('emr', 'app')),
      clusterBinding('c', 'circle', account('emr', 'circle')),
      clusterBinding('n', 'none', account('emr', 'none')),
    );
    expect(cluster.can(APP, 'list', 'secrets', '')).toBe(true);
    expect(cluster.can('ServiceAccount/emr/circle', 'get', 'nodes', '')).toBe(true);
    expect(cluster.can('ServiceAccount/emr/circle', 'list', 'secrets', '')).toBe(false);
    expect(cluster.rulesOf(clusterRole('all', [])).length).toBe(3);
    expect(cluster.rulesOf(clusterRole('none', []))).toEqual([]);
  });

  it('lets only roles for the whole cluster give paths?', () => {
    const paths = (...nonResourceURLs: string[]) => [{ verbs: ['get'], nonResourceURLs }];
    const cluster = rbac(
      clusterRole('r', paths('/metrics', '/debug/*')),
      clusterBinding('b', 'r', account('emr', 'app')),
      binding('emr', 'b', aClusterRole('r'), account('emr', 'local')),
      clusterRole('all', paths('*')),
      clusterBinding('all', 'all', account('emr', 'root')),
    );
    const visits = (subject: string) =>
      ['/metrics', '/metrics/x', '/debug/pprof', '/debug', '/'].map((path) => cluster.canVisit(subject, 'get', path));
    expect(visits(APP)).toEqual([true, false, true, false, false]);
    expect(visits('ServiceAccount/emr/root')).toEqual([true, true, true, true, true]);
    expect(visits('ServiceAccount/emr/local')).toEqual([false, false, false, false, false]);
    expect(cluster.canVisit(APP, 'post', '/metrics')).toBe(false);
  });

  it('finds bindings whose role does not exist?', () => {
    const lost = binding('emr', 'lost', aRole('gone'), account('emr', 'app'));
    const kept = binding('emr', 'kept', aRole('here'), account('emr', 'app'));
    const cluster = rbac(
      role('emr', 'here', SECRETS),
      role('web', 'gone', SECRETS),
      lost,
      kept,
      clusterBinding('too', 'gone', user('x')),
      { ...clusterBinding('wrong', 'here', user('x')), roleRef: aRole('here') },
    );
    expect(cluster.danglingBindings()).toEqual([
      'ClusterRoleBinding/too',
      'ClusterRoleBinding/wrong',
      'RoleBinding/emr/lost',
    ]);
    expect([lost, kept].map((object) => cluster.isDangling(object))).toEqual([true, false]);
    expect(cluster.can('User/x', 'get', 'secrets', '*')).toBe(false);
  });

  it('knows to whom a role is bound?', () => {
    const here = role('emr', 'r', SECRETS);
    const cluster = rbac(
      here,
      role('web', 'r', SECRETS),
      binding('emr', 'a', aRole('r'), account('emr', 'app'), group('g')),
      binding('emr', 'b', aRole('r'), group('g')),
      binding('web', 'a', aRole('r'), user('x')),
    );
    expect(cluster.boundTo(here).map(subjectName)).toEqual([APP, 'Group/g']);
    expect(() => cluster.boundTo(role('emr', 'unknown'))).toThrow('Role/emr/unknown is not among the objects');
  });

  it.each<[string, KubernetesObject]>([
    ['a role without name', { kind: 'ClusterRole', metadata: {}, rules: [] }],
    ['a role of no namespace', { kind: 'Role', metadata: { name: 'r' }, rules: [] }],
    ['rules that are a map', clusterRole('r', {})],
    ['verbs that are a text', clusterRole('r', [{ verbs: '*', resources: ['*'], apiGroups: ['*'] }])],
    ['a resource that is a number', clusterRole('r', [{ verbs: ['get'], resources: [1], apiGroups: [''] }])],
    [
      'a selector of an unknown form',
      clusterRole('r', [], { aggregationRule: { clusterRoleSelectors: [{ app: 'x' }] } }),
    ],
    ['labels that are a list', clusterRole('r', [], {}, ['x'])],
    ['a binding without role', { kind: 'ClusterRoleBinding', metadata: { name: 'b' }, subjects: [] }],
    ['a binding to a kind that is none', binding('emr', 'b', { kind: 'Cluster', name: 'r' })],
    ['a subject of an unknown kind', clusterBinding('b', 'r', { kind: 'Robot', name: 'x' })],
    ['a subject without name', clusterBinding('b', 'r', { kind: 'User' })],
    ['a subject that is null', clusterBinding('b', 'r', null)],
  ])('answers nothing over %s?', (_, object) => {
    const cluster = rbac(clusterRole('fine', [SECRETS]), clusterBinding('fine', 'fine', account('emr', 'app')), object);
    expect(() => cluster.can(APP, 'get', 'secrets', '')).toThrow(MalformedError);
    expect(() => cluster.subjectsWho('get', 'secrets', '')).toThrow(MalformedError);
    expect(() => cluster.danglingBindings()).toThrow(MalformedError);
  });

  it('takes a service account of no namespace, bound for the cluster, for nobody?', () => {
    expect(
      rbac(clusterRole('r', [SECRETS]), clusterBinding('b', 'r', account(undefined, 'app'))).subjectsWho(
        'get',
        'secrets',
        '*',
      ),
    ).toEqual([]);
  });

  it('answers for thousands of accounts without asking each of each?', async () => {
    const look = (accounts: number): void => {
      const namespaceOf = (index: number) => `n${index % (accounts / 10)}`;
      const many = Array.from({ length: accounts }, (_, index) => [
        role(namespaceOf(index), `r${index}`, rule(['get'], ['configmaps'])),
        binding(namespaceOf(index), `b${index}`, aRole(`r${index}`), account(namespaceOf(index), `a${index}`)),
        clusterRole(
          `c${index}`,
          [rule(['get'], ['pods'])],
          { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [`k${index}`]: 'x' } }] } },
          { [`k${index + 1}`]: 'x' },
        ),
      ]).flat();
      const byKind = Map.groupBy(many, ({ kind }) => kind);
      const cluster = new Rbac({ list: (kind) => byKind.get(kind) ?? [] });
      let able = 0;
      for (let index = 0; index < accounts; index++) {
        const namespace = namespaceOf(index);
        if (cluster.can(`ServiceAccount/${namespace}/a${index}`, 'get', 'configmaps', namespace)) able++;
        cluster.subjectsWho('get', 'secrets', namespace);
        cluster.rulesOf(clusterRole('c1', []));
      }
      expect(able).toBe(accounts);
    };
    expect(await growth(look, 500, 8)).toBeLessThan(40);
  });
});
