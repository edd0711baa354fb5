import assert from 'node:assert/strict';
import { KINDS } from '../../src/checks/kinds.js';
import { type Line, linesOf } from '../agent/lines.js';
import { agentKubeconfig, type RealCluster } from './api-server.js';
import { ACCOUNT, NAMESPACE } from './enrolment.js';
import { holds, until } from './holds.js';
import { run, SAFEGUARD } from './programs.js';

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
/** Three pages. */
const PODS = 1_101;

/** What the agent collects, by the rights that its enrolment has given it. */
export async function snapshotHolds(cluster: RealCluster): Promise<void> {
  await furnish(cluster);
  const [head, ...rest] = await collect(cluster, ['--exclude', 'secrets']);
  const lists = rest.pop()?.lists ?? [];
  const { gitVersion } = await cluster.call('GET', '/version');
  const { metadata } = await cluster.call('GET', '/api/v1/namespaces/kube-system');

  await holds('the snapshot is of this cluster, and of its version', () => {
    assert.deepEqual(head?.cluster, { uid: metadata?.uid, name: null });
    assert.equal((head as Line & { serverVersion?: { gitVersion: string } }).serverVersion?.gitVersion, gitVersion);
  });
  await holds('with the shipped ClusterRole nothing is refused and nothing fails', () => {
    assert.deepEqual(
      lists.filter(({ outcome }) => outcome !== 'complete' && outcome !== 'absent'),
      [],
    );
    assert.ok(lists.length >= KINDS.length - 1);
  });
  await holds('every object of every page is there, once', () => {
    const pods = rest.filter(({ kind }) => kind === 'Pod').map(({ metadata: of }) => of?.['name']);
    assert.equal(pods.length, PODS);
    assert.equal(new Set(pods).size, PODS);
    for (const { kind, group, version, count } of lists) {
      const apiVersion = group === '' ? version : `${group}/${version}`;
      assert.equal(rest.filter((line) => line.kind === kind && line.apiVersion === apiVersion).length, count, kind);
    }
  });
  await holds('a kind whose definition is installed is listed, and one whose is not is absent', () => {
    const outcomes = new Map(
      lists.map(({ group, resource, outcome, count }) => [`${resource}.${group}`, [outcome, count]]),
    );
    assert.deepEqual(outcomes.get('schedules.velero.io'), ['complete', 1]);
    assert.deepEqual(outcomes.get('backups.velero.io'), ['absent', 0]);
    assert.deepEqual(outcomes.get('certificates.cert-manager.io'), ['absent', 0]);
  });
  await holds('no value of a Secret, a ConfigMap or a variable is in it', () => {
    const pod = rest.find((line) => line.kind === 'Pod');
    assert.match(JSON.stringify(pod), /"env":\[\{"name":"PW"/);
    assert.ok(!JSON.stringify(rest).includes('hunter2'));
  });

  const narrow = await collect(cluster, []);
  await holds('Secrets, which the ClusterRole does not let it list, are refused in words', () => {
    const [secrets] = (narrow.at(-1)?.lists ?? []).filter(({ resource }) => resource === 'secrets');
    assert.equal(secrets?.outcome, 'refused');
    assert.match(JSON.stringify(secrets), /cannot list resource ."secrets."/);
  });

  await cluster.call('POST', `${RBAC}/clusterroles`, {
    metadata: { name: 'secrets' },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'] }],
  });
  await cluster.call('POST', `${RBAC}/clusterrolebindings`, {
    metadata: { name: 'secrets' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'secrets' },
    subjects: [{ kind: 'ServiceAccount', name: ACCOUNT, namespace: NAMESPACE }],
  });
  const wide = await collect(cluster, []);
  await holds('and where it may, they come with their type and without their values', () => {
    const secrets = wide.filter(({ kind }) => kind === 'Secret');
    assert.deepEqual(
      secrets.map(({ metadata: of, type }) => [of?.['name'], type]),
      [['db', 'kubernetes.io/basic-auth']],
    );
    assert.deepEqual(Object.keys(secrets[0] ?? {}).sort(), ['apiVersion', 'kind', 'metadata', 'type']);
    assert.ok(
      !JSON.stringify(wide).includes('hunter2') &&
        !JSON.stringify(wide).includes(Buffer.from('hunter2').toString('base64')),
    );
  });
  const { rules } = await cluster.call('GET', `${RBAC}/clusterroles/${ACCOUNT}`);
  await holds('the agent can do nothing but read', () => {
    const verbs = (rules as { verbs: string[] }[]).flatMap((rule) => rule.verbs);
    assert.deepEqual([...new Set(verbs)].sort(), ['get', 'list']);
  });
}

/** A Secret, a ConfigMap and pods that have them, and a definition of its own. */
async function furnish({ call }: RealCluster): Promise<void> {
  await call('POST', '/api/v1/namespaces', { metadata: { name: 'emr' } });
  await call('POST', '/api/v1/namespaces/emr/secrets', {
    metadata: { name: 'db' },
    type: 'kubernetes.io/basic-auth',
    stringData: { username: 'emr', password: 'hunter2' },
  });
  await call('POST', '/api/v1/namespaces/emr/configmaps', {
    metadata: { name: 'app' },
    data: { url: 'db?pw=hunter2' },
  });
  const container = { name: 'app', image: 'registry.example/emr:1', env: [{ name: 'PW', value: 'hunter2' }] };
  for (let from = 0; from < PODS; from += 100) {
    const names = Array.from({ length: Math.min(100, PODS - from) }, (_, at) => `pod-${from + at}`);
    const pod = (name: string) => ({ metadata: { name }, spec: { containers: [container] } });
    await Promise.all(names.map((name) => call('POST', '/api/v1/namespaces/emr/pods', pod(name))));
  }
  await call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'schedules.velero.io' },
    spec: {
      group: 'velero.io',
      names: { plural: 'schedules', singular: 'schedule', kind: 'Schedule', listKind: 'ScheduleList' },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  });
  // The definition is served a moment after it was taken.
  const daily = { apiVersion: 'velero.io/v1', kind: 'Schedule', metadata: { name: 'daily' } };
  await until('the new definition is served', 30, () =>
    call('POST', '/apis/velero.io/v1/namespaces/emr/schedules', daily).catch(() => null),
  );
}

/** What the agent would send, as its own account with a token that it reads from a file. */
async function collect(cluster: RealCluster, more: readonly string[]): Promise<Line[]> {
  const kubeconfig = await agentKubeconfig(cluster, await cluster.tokenOf(NAMESPACE, ACCOUNT));
  const args = [SAFEGUARD, 'agent', '--dry-run', '--output', '-', '--kubeconfig', kubeconfig, ...more];
  // It ends with 1 where a list was refused.
  const { stdout, stderr } = await run(process.execPath, args, process.env);
  if (stdout === '') throw new Error(stderr);
  return linesOf(stdout);
}
