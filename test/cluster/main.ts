// What `npm run test:cluster` runs: the agent, its shipped ClusterRole and a real API server. Says each thing that holds, and ends with 1 at the first that does not.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { verifyAccessToken, type TokenRules } from '../../src/auth/access-token.js';
import { IssuerKeys } from '../../src/auth/issuer-keys.js';
import { KINDS } from '../../src/checks/kinds.js';
import { Clock } from '../../src/kernel/clock.js';
import { type Line, linesOf } from '../agent/lines.js';
import { type RealCluster, startRealCluster } from './api-server.js';

const ROOT = new URL('../../../', import.meta.url);
const PROGRAM = fileURLToPath(new URL('../../src/bin/safeguard.js', import.meta.url));
const ROLE = fileURLToPath(new URL('deploy/kubernetes/agent/base/cluster-role.yaml', ROOT));
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const [NAMESPACE, ACCOUNT] = ['safeguard-agent', 'safeguard-agent'];
/** Three pages. */
const PODS = 1_101;

interface Role {
  rules: { verbs: string[] }[];
}
const shipped = parseAllDocuments(await readFile(ROLE, 'utf8'))[0]?.toJS() as Role;

const cluster = await startRealCluster();
try {
  await furnish(cluster);
  const [head, ...rest] = await collect(cluster, ['--exclude', 'secrets']);
  const lists = rest.pop()?.lists ?? [];
  const { gitVersion } = await cluster.call('GET', '/version');
  const { metadata } = await cluster.call('GET', '/api/v1/namespaces/kube-system');

  holds('the snapshot is of this cluster, and of its version', () => {
    assert.deepEqual(head?.cluster, { uid: metadata?.uid, name: null });
    assert.equal((head as Line & { serverVersion?: { gitVersion: string } }).serverVersion?.gitVersion, gitVersion);
  });
  holds('with the shipped ClusterRole nothing is refused and nothing fails', () => {
    assert.deepEqual(
      lists.filter(({ outcome }) => outcome !== 'complete' && outcome !== 'absent'),
      [],
    );
    assert.ok(lists.length >= KINDS.length - 1);
  });
  holds('every object of every page is there, once', () => {
    const pods = rest.filter(({ kind }) => kind === 'Pod').map(({ metadata: of }) => of?.['name']);
    assert.equal(pods.length, PODS);
    assert.equal(new Set(pods).size, PODS);
    for (const { kind, group, version, count } of lists) {
      const apiVersion = group === '' ? version : `${group}/${version}`;
      assert.equal(rest.filter((line) => line.kind === kind && line.apiVersion === apiVersion).length, count, kind);
    }
  });
  holds('a kind whose definition is installed is listed, and one whose is not is absent', () => {
    const outcomes = new Map(
      lists.map(({ group, resource, outcome, count }) => [`${resource}.${group}`, [outcome, count]]),
    );
    assert.deepEqual(outcomes.get('schedules.velero.io'), ['complete', 1]);
    assert.deepEqual(outcomes.get('backups.velero.io'), ['absent', 0]);
    assert.deepEqual(outcomes.get('certificates.cert-manager.io'), ['absent', 0]);
  });
  holds('no value of a Secret, a ConfigMap or a variable is in it', () => {
    const pod = rest.find((line) => line.kind === 'Pod');
    assert.match(JSON.stringify(pod), /"env":\[\{"name":"PW"/);
    assert.ok(!JSON.stringify(rest).includes('hunter2'));
  });

  const narrow = await collect(cluster, []);
  holds('Secrets, which the ClusterRole does not let it list, are refused in words', () => {
    const [secrets] = (narrow.at(-1)?.lists ?? []).filter(({ resource }) => resource === 'secrets');
    assert.equal(secrets?.outcome, 'refused');
    assert.match(JSON.stringify(secrets), /cannot list resource ."secrets."/);
  });

  await cluster.call('POST', `${RBAC}/clusterroles`, {
    metadata: { name: 'secrets' },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'] }],
  });
  await bind(cluster, 'secrets');
  const wide = await collect(cluster, []);
  holds('and where it may, they come with their type and without their values', () => {
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
  holds('the agent can do nothing but read', () => {
    assert.deepEqual([...new Set(shipped.rules.flatMap(({ verbs }) => verbs))].sort(), ['get', 'list']);
  });
  const refused = await refusedPolicies(cluster);
  holds('every check that is exported is a policy, whose expressions Kubernetes compiles', () => {
    assert.deepEqual(refused, []);
  });
  await cluster.call('POST', `${RBAC}/clusterrolebindings`, {
    metadata: { name: 'issuer-discovery' },
    roleRef: {
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name: 'system:service-account-issuer-discovery',
    },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:unauthenticated' }],
  });
  const keys = new IssuerKeys(cluster.url, cluster.asAnybody, new Clock(), { warn: console.warn });
  const rules: TokenRules = {
    issuer: cluster.url,
    audience: cluster.url,
    algorithms: ['RS256'],
    types: ['absent', 'JWT'],
  };
  const claims = await verifyAccessToken(await cluster.tokenOf(NAMESPACE, ACCOUNT), rules, keys.source, new Date());
  holds('a token of the agent is taken by the keys that the API server itself serves', () => {
    assert.equal(claims.subject, `system:serviceaccount:${NAMESPACE}:${ACCOUNT}`);
  });
  console.log('the agent holds against a real API server');
} finally {
  await cluster.stop();
}

function holds(what: string, check: () => void): void {
  check();
  console.log(`holds: ${what}`);
}

/** Namespaces, pods, secrets, a definition of its own; the agent's account with the shipped ClusterRole. */
async function furnish({ call }: RealCluster): Promise<void> {
  for (const name of ['emr', NAMESPACE]) await call('POST', '/api/v1/namespaces', { metadata: { name } });
  await call('POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name: ACCOUNT } });
  await call('POST', `${RBAC}/clusterroles`, shipped);
  await bind(cluster, 'safeguard-agent');
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
  for (let tries = 0; ; tries++) {
    try {
      await call('POST', '/apis/velero.io/v1/namespaces/emr/schedules', {
        apiVersion: 'velero.io/v1',
        kind: 'Schedule',
        metadata: { name: 'daily' },
      });
      return;
    } catch (error) {
      if (tries === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** What the API server does not take of `safeguard checks export`, and why. */
async function refusedPolicies({ call, directory }: RealCluster): Promise<string[]> {
  const folder = join(directory, 'policies');
  await promisify(execFile)(process.execPath, [PROGRAM, 'checks', 'export', '--dir', folder], { maxBuffer: 2 ** 24 });
  const refused: string[] = [];
  const files = await readdir(folder);
  assert.ok(files.length > 50);
  for (const file of files) {
    for (const document of parseAllDocuments(await readFile(join(folder, file), 'utf8'))) {
      const object = document.toJS() as { kind: string };
      const resource = object.kind === 'ValidatingAdmissionPolicy' ? 'policies' : 'policybindings';
      try {
        await call('POST', `/apis/admissionregistration.k8s.io/v1/validatingadmission${resource}?dryRun=All`, object);
      } catch (error) {
        refused.push(`${file}: ${String(error)}`);
      }
    }
  }
  return refused;
}

async function bind({ call }: RealCluster, name: string): Promise<void> {
  await call('POST', `${RBAC}/clusterrolebindings`, {
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
    subjects: [{ kind: 'ServiceAccount', name: ACCOUNT, namespace: NAMESPACE }],
  });
}

/** What the agent would send, as its own account with a token that it reads from a file. */
async function collect({ url, authority, directory, tokenOf }: RealCluster, more: readonly string[]): Promise<Line[]> {
  const tokenFile = join(directory, 'token');
  await writeFile(tokenFile, await tokenOf(NAMESPACE, ACCOUNT));
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(
    kubeconfig,
    JSON.stringify({
      'current-context': 'agent',
      clusters: [
        {
          name: 'real',
          cluster: { server: url, 'certificate-authority-data': Buffer.from(authority).toString('base64') },
        },
      ],
      users: [{ name: 'agent', user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } } }],
      contexts: [{ name: 'agent', context: { cluster: 'real', user: 'agent' } }],
    }),
  );
  const args = [PROGRAM, 'agent', '--dry-run', '--output', '-', '--kubeconfig', kubeconfig, ...more];
  const text = await new Promise<string>((resolve, reject) => {
    // It ends with 1 where a list was refused.
    execFile(process.execPath, args, { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if (stdout === '') reject(new Error(stderr, { cause: error }));
      else resolve(stdout);
    });
  });
  return linesOf(text);
}
