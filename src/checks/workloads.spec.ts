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
      object('batch/v1', 'CronJob', 'night'),
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
    // All are judged, for each would hide behind another.
    expect(names(all)).toEqual(['a', 'b', 'p']);
  });
});
