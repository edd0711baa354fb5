import { describe, expect, it } from 'vitest';
import { HEAD, judge, namespace, pod, policy, type Snapshot } from '../../test/support/judged.js';
import { ClusterBuilder, type ListEnd, type ListOutcome } from './cluster.js';
import { KINDS, kindOf } from './kinds.js';

describe('can nothing pass where a kind is not complete?', () => {
  const deny = { each: 'Namespace', pass: "denies(object, 'Ingress')", message: 'No.' };
  const objects = [namespace('clinic'), policy('deny', { podSelector: {}, policyTypes: ['Ingress'] })];

  it('what the check needs is there', () => {
    expect(judge(deny, { objects })).toMatchObject({ said: ['Namespace/clinic pass'], complete: true });
  });

  it.each<[ListOutcome, RegExp]>([
    ['refused', /NetworkPolicy was refused to the collector: forbidden/],
    ['failed', /NetworkPolicy could not be listed to its end/],
  ])('a kind that it reads was %s', (outcome, reason) => {
    const told = judge(deny, { objects, ends: { NetworkPolicy: { outcome, reason: 'forbidden' } } });
    expect(told.complete).toBe(false);
    expect(told.said).toHaveLength(1);
    expect(told.said[0]).toMatch(/^cluster error: Not judged: /);
    expect(told.said[0]).toMatch(reason);
  });

  it('a kind was not asked for', () => {
    const ends = { NetworkPolicy: undefined as unknown as Partial<ListEnd> };
    expect(judge(deny, { objects: [namespace('clinic')], ends })).toMatchObject({
      said: ['cluster error: Not judged: NetworkPolicy was not asked for.'],
      complete: false,
    });
  });

  it('a kind that the API server does not know has no objects', () => {
    const check = { each: 'Schedule', pass: 'true', none: 'fail', title: 'Backups are scheduled' };
    expect(judge(check, { objects: [], ends: { Schedule: { outcome: 'absent' } } })).toMatchObject({
      said: [
        'cluster fail: There is no Schedule that the check is about, and there must be one: Backups are scheduled.',
      ],
      complete: true,
    });
  });

  it('of the kind that is judged, failures are kept and passes are not', () => {
    const check = {
      pass: 'object.spec.?hostNetwork.orValue(false) == false',
      message: '{object.metadata.name} is on the host.',
    };
    const objects = [pod('good'), pod('bad', { hostNetwork: true })];
    expect(judge(check, { objects, ends: { Pod: { outcome: 'failed', reason: '410 Gone' } } })).toMatchObject({
      said: [
        'clinic/Pod/bad fail: bad is on the host.',
        'cluster error: Not judged as a whole: Pod could not be listed to its end: 410 Gone.',
      ],
      complete: false,
    });
  });

  it('absence is no pass where the kind was refused', () => {
    const check = { each: 'Secret', where: 'false', pass: 'true', none: 'pass' };
    expect(judge(check, { objects: [], ends: { Secret: { outcome: 'refused' } } }).said).toEqual([
      'cluster error: Not judged as a whole: Secret was refused to the collector.',
    ]);
  });

  it.each<[string, Snapshot, RegExp]>([
    ['the snapshot was cut', { objects: [pod('web')], cut: true }, /no end: it was cut/],
    [
      'it says that there are more',
      { objects: [pod('web')], ends: { Pod: { count: 2 } } },
      /says that it holds 2 of Pod, and holds 1/,
    ],
    [
      'objects of another cluster',
      { objects: [pod('web'), namespace('kube-system', {}, 'u-2')] },
      /of another cluster/,
    ],
    ['two objects of one name', { objects: [pod('web'), pod('web', {}, { uid: 'other' })] }, /twice, with two uids/],
    [
      'one object twice, of which nothing says that it is one',
      { objects: [pod('web', {}, { uid: '' }), pod('web', {}, { uid: '' })] },
      /without a uid/,
    ],
    ['a line that is no object', { objects: [pod('web'), 'x'] }, /no object of Kubernetes/],
    [
      'an object of a version that is not known',
      { objects: [pod('web'), { apiVersion: 'v2', kind: 'Pod', metadata: { name: 'new', namespace: 'clinic' } }] },
      /version v2, which checks do not know/,
    ],
    [
      'an object without a name',
      { objects: [pod('web'), { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'clinic' } }] },
      /without a name/,
    ],
    [
      'a pod without a namespace',
      { objects: [pod('web'), { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x' } }] },
      /without a namespace/,
    ],
  ])('%s', (_, snapshot, reason) => {
    const { said, complete } = judge({ pass: 'true' }, snapshot);
    expect(complete).toBe(false);
    expect(said.filter((line) => line.includes('pass'))).toEqual([]);
    expect(said.at(-1)).toMatch(reason);
  });

  it('the same object twice, as overlapping pages have it, is one', () => {
    expect(judge({ pass: 'true' }, { objects: [pod('web'), pod('web')] })).toMatchObject({
      said: ['clinic/Pod/web pass'],
      complete: true,
    });
  });

  it('objects of kinds that no check reads do no harm', () => {
    const other = { apiVersion: 'example.org/v1', kind: 'Pod', metadata: { name: 'x' } };
    expect(kindOf('example.org', 'Pod')).toBeNull();
    const builder = new ClusterBuilder();
    builder.add(other);
    const lists = KINDS.map(({ group, kind, versions }): ListEnd => ({
      group,
      kind,
      version: versions[0] ?? '',
      outcome: 'complete',
      count: 0,
      reason: null,
    }));
    const cluster = builder.build(HEAD, lists, { labels: [], namespaces: [] });
    expect([cluster.partial, cluster.incomplete('Pod')]).toEqual([[], null]);
  });

  it('a provider is not known without the nodes', () => {
    const check = { each: 'Cluster', pass: "cluster.provider == ''" };
    expect(judge(check, { objects: [], ends: { Node: { outcome: 'refused' } } }).said).toEqual([
      'cluster error: Not judged: Node was refused to the collector.',
    ]);
    expect(
      judge(
        { each: 'Cluster', pass: "cluster.version == 'v1.34.1'" },
        { objects: [], ends: { Node: { outcome: 'refused' } } },
      ).said,
    ).toEqual(['cluster pass']);
  });
});
