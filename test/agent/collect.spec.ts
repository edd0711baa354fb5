import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ApiServer, configuration, LIMITS, type Limits } from '../../src/agent/api-server.js';
import { collectSnapshot, Unidentified } from '../../src/agent/collect.js';
import type { Wanted } from '../../src/agent/discovery.js';
import { DocumentTooLarge, DocumentWriter } from '../../src/agent/document.js';
import { KINDS } from '../../src/checks/kinds.js';
import {
  type Cluster,
  cut,
  forbidden,
  gibberish,
  gone,
  silent,
  startCluster,
  status,
  tooMany,
  UID,
} from './cluster.js';
import { type Line, linesOf } from './lines.js';
import { folder, quickClock, textOf } from './support.js';

const kind = (name: string, resource: string, more: Partial<Wanted> = {}): Wanted => ({
  group: '',
  versions: ['v1'],
  kind: name,
  resource,
  listed: 'object',
  without: [],
  ...more,
});
const PODS = kind('Pod', 'pods');
const NAMESPACES = kind('Namespace', 'namespaces');
const SECRETS = kind('Secret', 'secrets', { listed: 'metadata' });

const podNamed = (name: string): object => ({
  metadata: { name, namespace: 'emr', uid: name },
  spec: { containers: [] },
});
const pods = (count: number): object[] => Array.from({ length: count }, (_, at) => podNamed(`pod-${at}`));

async function collect(
  cluster: Cluster,
  kinds: readonly Wanted[],
  { limits = LIMITS, largest = 1e8 }: { limits?: Limits; largest?: number } = {},
) {
  const clock = quickClock();
  const api = new ApiServer(configuration(cluster.kubeconfig, undefined), clock, limits);
  const document = await DocumentWriter.create(join(await folder(), 'document'), largest);
  const signal = new AbortController().signal;
  const collected = await collectSnapshot({ api, kinds, clusterName: 'production', clock, signal }, document).catch(
    async (error: unknown) => {
      await document.abandon();
      throw error;
    },
  );
  const written = await document.finish();
  const lines = linesOf(await textOf(written));
  const end = lines.at(-1);
  return {
    clock,
    collected,
    written,
    lines,
    objects: lines.slice(1, -1),
    ends: new Map((end?.lists ?? []).map((list) => [list.resource, list])),
  };
}

const named = (lines: readonly Line[], of: string): unknown[] =>
  lines.filter((line) => line.kind === of).map(({ metadata }) => metadata?.['name']);

describe('what is a snapshot?', () => {
  it('is it a head, each object as it is with its kind, and an end that counts them?', async () => {
    const cluster = await startCluster({ objects: { '/api/v1/pods': [podNamed('a'), podNamed('b')] } });
    const { lines, collected, written } = await collect(cluster, [PODS, NAMESPACES]);
    expect(lines[0]).toMatchObject({
      apiVersion: 'safeguard.dev/v1',
      kind: 'ClusterSnapshot',
      cluster: { uid: UID, name: 'production' },
      serverVersion: { major: '1', minor: '34', gitVersion: 'v1.34.1', platform: 'linux/amd64' },
      collector: { name: 'safeguard' },
      startedAt: collected.startedAt,
      requested: [
        { group: '', version: 'v1', resource: 'pods', kind: 'Pod' },
        { group: '', version: 'v1', resource: 'namespaces', kind: 'Namespace' },
      ],
    });
    expect(lines[1]).toEqual({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'a', namespace: 'emr', uid: 'a' },
      spec: { containers: [] },
    });
    expect(named(lines, 'Namespace')).toEqual(['kube-system']);
    expect(lines.at(-1)).toMatchObject({
      kind: 'ClusterSnapshotEnd',
      lists: [
        { group: '', version: 'v1', resource: 'pods', kind: 'Pod', outcome: 'complete', count: 2, reason: null },
        { resource: 'namespaces', outcome: 'complete', count: 1 },
      ],
    });
    expect(written.content.size).toBe(Buffer.byteLength(await textOf(written)));
  });

  it('are pages read to the last one, and the objects of all of them there in order?', async () => {
    const cluster = await startCluster({ objects: { '/api/v1/pods': pods(1_203) } });
    const { objects, ends } = await collect(cluster, [PODS]);
    expect(ends.get('pods')).toMatchObject({ outcome: 'complete', count: 1_203 });
    expect(named(objects, 'Pod')).toEqual(pods(1_203).map((_, at) => `pod-${at}`));
    const asked = cluster.requests.filter(({ path }) => path === '/api/v1/pods').map(({ query }) => query.get('limit'));
    expect(asked).toEqual(['500', '500', '500']);
  });

  it('is a page that is too large asked for in smaller steps, from the same place?', async () => {
    const cluster = await startCluster({ objects: { '/api/v1/pods': pods(600) } });
    const { objects, ends } = await collect(cluster, [PODS], { limits: { ...LIMITS, answer: 20_000 } });
    expect(ends.get('pods')).toMatchObject({ outcome: 'complete', count: 600 });
    expect(new Set(named(objects, 'Pod')).size).toBe(600);
  });

  it('does an object that is larger than any answer may be fail its list, and no other?', async () => {
    const cluster = await startCluster({ objects: { '/api/v1/pods': [{ metadata: { name: 'x'.repeat(30_000) } }] } });
    const { ends } = await collect(cluster, [PODS, NAMESPACES], { limits: { ...LIMITS, answer: 20_000 } });
    expect(ends.get('pods')).toMatchObject({ outcome: 'failed', count: 0 });
    expect(ends.get('namespaces')).toMatchObject({ outcome: 'complete' });
  });

  it('is a document that finds no room none?', async () => {
    const cluster = await startCluster({ objects: { '/api/v1/pods': pods(20_000) } });
    await expect(collect(cluster, [PODS], { largest: 1_000 })).rejects.toThrow(DocumentTooLarge);
  });
});

describe('what is said of a list that did not come?', () => {
  it('does it begin anew once when its instant is gone, without an object twice?', async () => {
    const cluster = await startCluster({ objects: { '/api/v1/pods': pods(900) } });
    cluster.trouble.set('/api/v1/pods', [null, gone]);
    const { objects, ends } = await collect(cluster, [PODS, NAMESPACES]);
    expect(ends.get('pods')).toMatchObject({ outcome: 'complete', count: 900 });
    expect(named(objects, 'Pod')).toHaveLength(900);
    expect(named(objects, 'Namespace')).toEqual(['kube-system']);
  });

  it('is it failed when its instant is gone again, and what was read is there and counted?', async () => {
    const cluster = await startCluster({ objects: { '/api/v1/pods': pods(900) } });
    cluster.trouble.set('/api/v1/pods', [null, gone, null, gone]);
    const { objects, ends } = await collect(cluster, [PODS, NAMESPACES]);
    expect(ends.get('pods')).toMatchObject({
      outcome: 'failed',
      count: 500,
      reason: expect.stringContaining('too old'),
    });
    expect(named(objects, 'Pod')).toHaveLength(500);
    expect(ends.get('namespaces')).toMatchObject({ outcome: 'complete' });
  });

  it('is it refused where RBAC refuses it, with the reason, and the others go on?', async () => {
    const cluster = await startCluster({ objects: { '/api/v1/pods': pods(2) } });
    cluster.trouble.set('/api/v1/pods', [forbidden('pods')]);
    const { ends, objects } = await collect(cluster, [PODS, NAMESPACES]);
    expect(ends.get('pods')).toMatchObject({
      outcome: 'refused',
      count: 0,
      reason: expect.stringContaining('cannot list resource "pods"'),
    });
    expect(named(objects, 'Namespace')).toEqual(['kube-system']);
    expect(cluster.requests.filter(({ path }) => path === '/api/v1/pods')).toHaveLength(1);
  });

  it.each([
    ['a busy server, as long as it asks for', [tooMany(7)], [7_000]],
    ['a cut answer', [cut], [250]],
    [
      'a failure of the server',
      [(response: Parameters<typeof gone>[0]) => status(response, 503, 'ServiceUnavailable', 'down')],
      [250],
    ],
  ])('is %s waited out?', async (_what, troubles, atLeast) => {
    const cluster = await startCluster({ objects: { '/api/v1/pods': pods(3) } });
    cluster.trouble.set('/api/v1/pods', [...troubles]);
    const { ends, clock } = await collect(cluster, [PODS]);
    expect(ends.get('pods')).toMatchObject({ outcome: 'complete', count: 3 });
    expect(clock.pauses).toHaveLength(atLeast.length);
    clock.pauses.forEach((pause, at) => expect(pause).toBeGreaterThanOrEqual(atLeast[at] ?? 0));
  });

  it.each([
    ['cut again and again', Array.from({ length: 6 }, () => cut), 'cut'],
    ['no JSON', Array.from({ length: 6 }, () => gibberish), 'no JSON'],
    ['busy for longer than anybody waits', [tooMany(3_600)], 'Too many requests'],
    ['never answered', Array.from({ length: 6 }, () => silent), 'no answer in time'],
  ])('is a list failed that is %s?', async (_what, troubles, reason) => {
    const cluster = await startCluster({ objects: { '/api/v1/pods': pods(3) } });
    cluster.trouble.set('/api/v1/pods', [...troubles]);
    const { ends } = await collect(cluster, [PODS, NAMESPACES], { limits: { ...LIMITS, idle: 100 } });
    expect(ends.get('pods')).toMatchObject({ outcome: 'failed', count: 0, reason: expect.stringContaining(reason) });
    expect(ends.get('namespaces')).toMatchObject({ outcome: 'complete' });
  });

  it('is one that leads in a circle failed?', async () => {
    const cluster = await startCluster();
    const circle = (response: Parameters<typeof gone>[0]): void =>
      void response
        .writeHead(200)
        .end(
          JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: { continue: 'same' }, items: [podNamed('a')] }),
        );
    cluster.trouble.set('/api/v1/pods', [circle, circle, circle]);
    const { ends } = await collect(cluster, [PODS]);
    expect(ends.get('pods')).toMatchObject({ outcome: 'failed', count: 2 });
  });

  it('is an answer that is no list failed, and one of Go without items complete?', async () => {
    const cluster = await startCluster();
    const answer = (body: object) => (response: Parameters<typeof gone>[0]) =>
      void response.writeHead(200).end(JSON.stringify(body));
    cluster.trouble.set('/api/v1/pods', [answer({ kind: 'Pod', metadata: {} })]);
    cluster.trouble.set('/api/v1/configmaps', [
      answer({ kind: 'ConfigMapList', metadata: { resourceVersion: '1' }, items: null }),
    ]);
    const { ends } = await collect(cluster, [PODS, kind('ConfigMap', 'configmaps')]);
    expect(ends.get('pods')).toMatchObject({ outcome: 'failed', reason: 'the answer is no list' });
    expect(ends.get('configmaps')).toMatchObject({ outcome: 'complete', count: 0 });
  });
});

describe('is what is absent told from what is refused?', () => {
  const VELERO = kind('Schedule', 'schedules', { group: 'velero.io', versions: ['v1'] });

  it('is a kind absent whose group, version or resource the server does not know?', async () => {
    const cluster = await startCluster({ resources: { 'cert-manager.io/v1': { issuers: 'Issuer' } } });
    const { ends, lines } = await collect(cluster, [
      VELERO,
      kind('Certificate', 'certificates', { group: 'cert-manager.io' }),
    ]);
    expect(ends.get('schedules')).toMatchObject({ group: 'velero.io', outcome: 'absent', count: 0, reason: null });
    expect(ends.get('certificates')).toMatchObject({ outcome: 'absent' });
    expect(lines[0]?.requested).toHaveLength(2);
  });

  it.each([
    ['refused', 403, 'Forbidden'],
    ['failed', 500, 'InternalError'],
  ])('is it %s where discovery says %d?', async (outcome, code, reason) => {
    const cluster = await startCluster();
    const say = (response: Parameters<typeof gone>[0]): void => status(response, code, reason, 'no');
    cluster.trouble.set(
      '/apis/velero.io',
      Array.from({ length: 10 }, () => say),
    );
    const { ends } = await collect(cluster, [VELERO]);
    expect(ends.get('schedules')).toMatchObject({ outcome, reason: expect.stringContaining('discovery') });
  });

  it('is it failed, and not absent, where it is served in an unknown version only?', async () => {
    const cluster = await startCluster({ resources: { 'velero.io/v2': { schedules: 'Schedule' } } });
    const { ends } = await collect(cluster, [VELERO]);
    expect(ends.get('schedules')).toMatchObject({
      version: 'v2',
      outcome: 'failed',
      reason: expect.stringContaining('v2 only'),
    });
  });

  it('is it failed, and not absent, where it is there and cannot be listed?', async () => {
    const cluster = await startCluster({ resources: { 'velero.io/v1': { schedules: 'Schedule' } } });
    cluster.trouble.set('/apis/velero.io/v1', [
      (response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(
          JSON.stringify({
            kind: 'APIResourceList',
            resources: [{ name: 'schedules', kind: 'Schedule', verbs: ['get'] }],
          }),
        ),
    ]);
    const { ends } = await collect(cluster, [VELERO]);
    expect(ends.get('schedules')).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('listed') });
  });

  it('is the best version asked for that the server has?', async () => {
    const path = '/apis/networking.istio.io/v1beta1/gateways';
    const cluster = await startCluster({
      resources: {
        'networking.istio.io/v1alpha3': { gateways: 'Gateway' },
        'networking.istio.io/v1beta1': { gateways: 'Gateway' },
      },
      objects: { [path]: [{ metadata: { name: 'edge' } }] },
    });
    const { objects } = await collect(cluster, [
      kind('Gateway', 'gateways', { group: 'networking.istio.io', versions: ['v1', 'v1beta1', 'v1alpha3'] }),
    ]);
    expect(objects).toEqual([
      { apiVersion: 'networking.istio.io/v1beta1', kind: 'Gateway', metadata: { name: 'edge' } },
    ]);
  });

  it('is every kind of a group listed where the table asks for all of them, and no subresource?', async () => {
    const at = '/apis/constraints.gatekeeper.sh/v1beta1';
    const cluster = await startCluster({
      resources: {
        'constraints.gatekeeper.sh/v1beta1': {
          k8srequiredlabels: 'K8sRequiredLabels',
          k8sallowedrepos: 'K8sAllowedRepos',
        },
      },
      objects: { [`${at}/k8srequiredlabels`]: [{ metadata: { name: 'owner' } }] },
    });
    const { ends, objects } = await collect(cluster, [
      kind('Constraint', '*', { group: 'constraints.gatekeeper.sh', versions: ['v1beta1'] }),
    ]);
    expect([...ends.keys()]).toEqual(['k8srequiredlabels', 'k8sallowedrepos']);
    expect(objects).toMatchObject([{ kind: 'K8sRequiredLabels', metadata: { name: 'owner' } }]);
  });
});

describe('what is asked of the cluster?', () => {
  it('are values of Secrets never asked for, nor kept if they come?', async () => {
    const secret = {
      metadata: { name: 'db', namespace: 'emr' },
      type: 'kubernetes.io/tls',
      data: { password: 'c2VjcmV0' },
    };
    const cluster = await startCluster({ objects: { '/api/v1/secrets': [secret] } });
    const { objects, written } = await collect(cluster, [SECRETS]);
    expect(objects).toEqual([
      { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { name: 'db', namespace: 'emr' } },
    ]);
    expect(cluster.requests.find(({ path }) => path === '/api/v1/secrets')?.accept).toBe(
      'application/json;as=Table;g=meta.k8s.io;v=v1',
    );
    const whole = (response: Parameters<typeof gone>[0]): void =>
      void response
        .writeHead(200)
        .end(JSON.stringify({ kind: 'SecretList', apiVersion: 'v1', metadata: {}, items: [secret] }));
    cluster.trouble.set('/api/v1/secrets', [whole]);
    const careless = await collect(cluster, [SECRETS]);
    expect(await textOf(careless.written)).not.toContain('c2VjcmV0');
    expect(await textOf(written)).not.toContain('c2VjcmV0');
  });

  it('does a token that was replaced serve the next request?', async () => {
    const cluster = await startCluster({ objects: { '/api/v1/pods': pods(3) } });
    cluster.trouble.set('/api/v1/pods', [
      (_response, _request, goOn) => {
        cluster.token = 'token-2';
        void writeFile(cluster.tokenFile, 'token-2').then(goOn);
      },
    ]);
    const { ends } = await collect(cluster, [PODS, NAMESPACES]);
    expect(ends.get('pods')).toMatchObject({ outcome: 'complete', count: 3 });
    expect(ends.get('namespaces')).toMatchObject({ outcome: 'complete' });
  });

  it('is there no snapshot of a cluster that does not say who it is?', async () => {
    const cluster = await startCluster();
    cluster.trouble.set('/api/v1/namespaces/kube-system', [forbidden('namespaces')]);
    await expect(collect(cluster, [PODS])).rejects.toThrow(Unidentified);
  });

  it('is a cluster whose certificate is of another authority none?', async () => {
    const [cluster, other] = [await startCluster(), await startCluster()];
    const config = await readFile(cluster.kubeconfig, 'utf8');
    const authority = /"certificate-authority-data":"([^"]+)"/;
    const foreign = authority.exec(await readFile(other.kubeconfig, 'utf8'))?.[1] ?? '';
    await writeFile(cluster.kubeconfig, config.replace(authority, `"certificate-authority-data":"${foreign}"`));
    await expect(collect(cluster, [PODS])).rejects.toThrow(/certificate/);
    expect(cluster.requests).toEqual([]);
  });

  it('is only ever read, and nothing but what the table names?', async () => {
    const cluster = await startCluster();
    const { ends } = await collect(cluster, KINDS);
    expect(ends.size).toBeGreaterThan(40);
    const asked = new Set(cluster.requests.map(({ path }) => path));
    const known = KINDS.map(
      ({ group, versions, resource }) => `${group === '' ? '/api' : `/apis/${group}`}/${versions[0]}/${resource}`,
    );
    const lists = [...asked].filter(
      (path) =>
        /^\/apis?\/.*\/[a-z]+$/.test(path) &&
        cluster.requests.some((request) => request.path === path && request.query.has('limit')),
    );
    expect(lists.filter((path) => !known.includes(path))).toEqual([]);
  });
});
