import { describe, expect, it } from 'vitest';
import { clusterOf } from './examples.js';
import { nameOf } from './values.js';

type Json = Record<string, unknown>;

const owned = (kind: string, name: string, uid = '', apiVersion = 'apps/v1', controller: unknown = true) => [
  { apiVersion, kind, name, uid, controller },
];
const object = (apiVersion: string, kind: string, name: string, metadata: Json = {}, more: Json = {}): Json => ({
  apiVersion,
  kind,
  metadata: { name, namespace: 'shop', ...metadata },
  spec: { template: { spec: { containers: [] } } },
  ...more,
});
const pod = (name: string, metadata: Json = {}, phase = 'Running') =>
  object('v1', 'Pod', name, metadata, { status: { phase } });

const workloadsOf = (objects: Json[]) => clusterOf({ name: 'w', objects }).workloads;
const names = (objects: readonly Json[]) => objects.map(nameOf);

describe('which pod templates are judged?', () => {
  it('those that nobody owns', () => {
    const { all } = workloadsOf([
      object('apps/v1', 'Deployment', 'web'),
      object('apps/v1', 'ReplicaSet', 'web-1', { ownerReferences: owned('Deployment', 'web') }),
      pod('web-1-a', { ownerReferences: owned('ReplicaSet', 'web-1') }),
      object(
        'batch/v1',
        'CronJob',
        'night',
        {},
        { spec: { jobTemplate: { spec: { template: { spec: { containers: [] } } } } } },
      ),
      object('batch/v1', 'Job', 'night-1', { ownerReferences: owned('CronJob', 'night', '', 'batch/v1') }),
      object('batch/v1', 'Job', 'once'),
      pod('alone'),
    ]);
    expect(names(all).sort()).toEqual(['alone', 'night', 'once', 'web']);
  });

  it.each<[string, Json[]]>([
    ['an operator of its own kind owns it', owned('Cluster', 'pg', '', 'postgresql.cnpg.io/v1')],
    ['its node does, as of a static pod', owned('Node', 'n1', '', 'v1')],
    ['the owner is not there', owned('ReplicaSet', 'gone')],
    ['the owner is another one of the same name', owned('ReplicaSet', 'web-1', 'other')],
    ['a kind of the same name in another group', owned('Deployment', 'web', '', 'example.org/v1')],
    ['it names itself', owned('Pod', 'p', '', 'v1')],
    ['the owner is not its controller', owned('ReplicaSet', 'web-1', '', 'apps/v1', false)],
    ['the owner is no map', ['x'] as unknown as Json[]],
  ])('and those of which a reference says so that proves nothing: %s', (_, ownerReferences) => {
    const { all } = workloadsOf([
      object('apps/v1', 'ReplicaSet', 'web-1', { uid: 'u' }),
      pod('p', { ownerReferences }),
    ]);
    expect(names(all)).toContain('p');
  });
});

describe('does what runs otherwise than its owner says stand for itself?', () => {
  const template = (image: string) => ({ template: { spec: { containers: [{ name: 'a', image }] } } });
  const old = (spec: Json, status: Json = {}) =>
    object('apps/v1', 'ReplicaSet', 'old', { ownerReferences: owned('Deployment', 'web') }, { spec, status });
  const job = (image: string, conditions: Json[] = []) =>
    object(
      'batch/v1',
      'Job',
      'night-1',
      { ownerReferences: owned('CronJob', 'night', '', 'batch/v1') },
      { spec: template(image), status: { conditions } },
    );
  const web = object('apps/v1', 'Deployment', 'web', {}, { spec: template('new') });
  const night = object('batch/v1', 'CronJob', 'night', {}, { spec: { jobTemplate: { spec: template('new') } } });
  const debugged = (ephemeralContainers: unknown) =>
    object(
      'v1',
      'Pod',
      'p',
      { ownerReferences: owned('ReplicaSet', 'old') },
      { spec: { ephemeralContainers }, status: { phase: 'Running' } },
    );

  it.each<[string, Json[], string[]]>([
    [
      'a ReplicaSet of an earlier template that still runs pods',
      [web, old({ replicas: 2, ...template('old') })],
      ['old', 'web'],
    ],
    ['one that does not say how many', [web, old(template('old'))], ['old', 'web']],
    [
      'one whose pods are still there',
      [web, old({ replicas: 0, ...template('old') }, { replicas: 1 })],
      ['old', 'web'],
    ],
    ['not one that runs nothing', [web, old({ replicas: 0, ...template('old') }, { replicas: 0 })], ['web']],
    ['not one of the same template', [web, old({ replicas: 2, ...template('new') })], ['web']],
    ['a Job that its CronJob would not make', [night, job('old')], ['night', 'night-1']],
    ['not one that has ended', [night, job('old', [{ type: 'Complete', status: 'True' }])], ['night']],
    ['one that is only suspended', [night, job('old', [{ type: 'Suspended', status: 'True' }])], ['night', 'night-1']],
    [
      'a pod with containers of kubectl debug',
      [old(template('old')), debugged([{ name: 'd', image: 'd' }])],
      ['old', 'p'],
    ],
    ['a pod with what is no list of them', [old(template('old')), debugged({})], ['old', 'p']],
    ['not a pod without', [old(template('old')), debugged(null)], ['old']],
    [
      'a pod that names as its owner what makes no pods',
      [web, object('v1', 'Pod', 'p', { ownerReferences: owned('Deployment', 'web') })],
      ['p', 'web'],
    ],
  ])('%s', (_, objects, expected) => expect(names(workloadsOf(objects).all).sort()).toEqual(expected));
});

describe('which pods are a workload’s?', () => {
  it('those that it owns through others and that have not ended', () => {
    const deployment = object('apps/v1', 'Deployment', 'web');
    const cluster = clusterOf({
      name: 'w',
      objects: [
        deployment,
        object('apps/v1', 'ReplicaSet', 'web-1', { ownerReferences: owned('Deployment', 'web') }),
        pod('a', { ownerReferences: owned('ReplicaSet', 'web-1') }),
        pod('b', { ownerReferences: owned('ReplicaSet', 'web-1') }, 'Failed'),
        pod('c'),
      ],
    });
    const [web] = cluster.list('Deployment');
    expect(names(cluster.workloads.podsOf(web!))).toEqual(['a']);
    const alone = cluster.list('Pod').find((found) => nameOf(found) === 'c');
    expect(names(cluster.workloads.podsOf(alone!))).toEqual(['c']);
  });

  it('owners that own each other do not go on for ever', () => {
    const { all } = workloadsOf([
      object('apps/v1', 'ReplicaSet', 'a', { ownerReferences: owned('ReplicaSet', 'b') }),
      object('apps/v1', 'ReplicaSet', 'b', { ownerReferences: owned('ReplicaSet', 'a') }),
      pod('p', { ownerReferences: owned('ReplicaSet', 'a') }),
    ]);
    // No ReplicaSet is made by another: each would hide behind one.
    expect(names(all)).toEqual(['a', 'b']);
  });
});
