import { describe, expect, it } from 'vitest';
import { directionOf, NetworkPolicies, type Direction } from './network-policy.js';
import { MalformedError, type KubernetesObject } from './objects.js';

const policy = (spec: unknown, name = 'p', namespace = 'emr'): KubernetesObject => ({
  kind: 'NetworkPolicy',
  metadata: { name, namespace },
  spec,
});
const policies = (...list: KubernetesObject[]): NetworkPolicies =>
  new NetworkPolicies({ list: (kind) => (kind === 'NetworkPolicy' ? list : []) });
const EMR = { kind: 'Namespace', metadata: { name: 'emr' } };
const WEB = { app: 'web' };

describe('NetworkPolicies', () => {
  it.each<[string, KubernetesObject, Direction[]]>([
    ['both directions', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }, ['Ingress', 'Egress']],
    ['ingress by default', { podSelector: {} }, ['Ingress']],
    ['ingress, of types that are null', { podSelector: {}, policyTypes: null, ingress: null }, ['Ingress']],
    ['all pods where no selector is written', { policyTypes: ['Egress'] }, ['Egress']],
    ['ingress where egress has rules and no types are written', { podSelector: {}, egress: [{}] }, ['Ingress']],
    [
      'one direction, whatever rules there are for the other',
      { podSelector: {}, policyTypes: ['Egress'], ingress: [{}] },
      ['Egress'],
    ],
    ['nothing of a rule that allows all', { podSelector: {}, ingress: [{}] }, []],
    ['nothing of a rule that allows something', { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] }, []],
    ['nothing for some pods', { podSelector: { matchLabels: WEB }, policyTypes: ['Ingress', 'Egress'] }, []],
  ])('deny %s?', (_, spec, denied) => {
    const directions = ['Ingress', 'Egress'] as const;
    expect(directions.filter((direction) => policies(policy(spec)).denies(EMR, direction))).toEqual(denied);
    expect(directions.filter((direction) => policies(policy(spec)).denies('emr', direction))).toEqual(denied);
    expect(directions.filter((direction) => policies(policy(spec, 'p', 'other')).denies(EMR, direction))).toEqual([]);
  });

  it('still deny by default beside policies that allow?', () => {
    const both = policies(
      policy({ podSelector: {} }),
      policy({ podSelector: { matchLabels: WEB }, ingress: [{}] }, 'allow'),
    );
    expect(both.denies('emr', 'Ingress')).toBe(true);
    expect(policies().denies('emr', 'Ingress')).toBe(false);
  });

  it('isolate the pods that they select, in the directions that they have?', () => {
    const set = policies(
      policy({ podSelector: { matchLabels: WEB }, policyTypes: ['Egress'] }),
      policy({ podSelector: {} }, 'other', 'web'),
    );
    expect(set.isolated('emr', WEB, 'Egress')).toBe(true);
    expect(set.isolated('emr', WEB, 'Ingress')).toBe(false);
    expect(set.isolated('emr', { app: 'db' }, 'Egress')).toBe(false);
    expect(set.isolated('web', null, 'Ingress')).toBe(true);
    expect(set.isolated('nowhere', WEB, 'Ingress')).toBe(false);
    expect(set.selecting('emr', WEB)).toHaveLength(1);
    expect(set.selecting('emr', {})).toEqual([]);
  });

  it('allow everything to who is not isolated, and nothing to who is denied?', () => {
    expect(policies().peers('emr', WEB, 'Egress')).toMatchObject([{ policy: '', everything: true, ports: [] }]);
    expect(policies(policy({ podSelector: {}, policyTypes: ['Egress'] })).peers('emr', WEB, 'Egress')).toEqual([]);
  });

  it('allow over all policies together whom each of their rules names?', () => {
    const set = policies(
      policy(
        {
          podSelector: {},
          policyTypes: ['Egress'],
          egress: [
            {
              to: [
                { podSelector: { matchLabels: { app: 'db' } } },
                { namespaceSelector: {}, podSelector: { matchLabels: { k8s: 'dns' } } },
              ],
              ports: [{ port: 53, protocol: 'UDP' }],
            },
          ],
        },
        'a',
      ),
      policy(
        {
          podSelector: { matchLabels: WEB },
          policyTypes: ['Egress'],
          egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }] }, { ports: [{}] }],
        },
        'b',
      ),
      policy({ podSelector: { matchLabels: { app: 'db' } }, policyTypes: ['Egress'], egress: [{}] }, 'c'),
    );
    const none = { everything: false, namespaceSelector: null, podSelector: null, cidr: '', except: [], ports: [] };
    const dns = [{ protocol: 'UDP', port: 53n, endPort: 53n, name: '' }];
    expect(set.peers('emr', WEB, 'Egress')).toEqual([
      { ...none, policy: 'a', podSelector: { matchLabels: { app: 'db' } }, ports: dns },
      { ...none, policy: 'a', namespaceSelector: {}, podSelector: { matchLabels: { k8s: 'dns' } }, ports: dns },
      { ...none, policy: 'b', cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] },
      { ...none, policy: 'b', everything: true, ports: [{ protocol: 'TCP', port: 0n, endPort: 0n, name: '' }] },
    ]);
  });

  it('know ports by number, range and name?', () => {
    const ports = [
      { port: 80 },
      { port: 8000n, endPort: 8999n },
      { port: 'metrics' },
      { port: 'dns', protocol: 'UDP' },
      { port: 'none' },
    ];
    const set = policies(policy({ podSelector: {}, ingress: [{ ports }] }));
    const pod = {
      containers: [
        { ports: [{ name: 'metrics', containerPort: 9090 }] },
        {
          ports: [
            { name: 'dns', containerPort: 53n, protocol: 'UDP' },
            { name: 'none', containerPort: 1, protocol: 'UDP' },
          ],
        },
      ],
    };
    const numbers = (podSpec?: unknown) =>
      set.peers('emr', {}, 'Ingress', podSpec)[0]!.ports.map(({ port, endPort, name }) => [port, endPort, name]);
    expect(numbers(pod)).toEqual([
      [80n, 80n, ''],
      [8000n, 8999n, ''],
      [9090n, 9090n, 'metrics'],
      [53n, 53n, 'dns'],
      [0n, 0n, 'none'],
    ]);
    expect(numbers()).toEqual([
      [80n, 80n, ''],
      [8000n, 8999n, ''],
      [0n, 0n, 'metrics'],
      [0n, 0n, 'dns'],
      [0n, 0n, 'none'],
    ]);
  });

  const peer = (from: unknown) => ({ podSelector: {}, ingress: [{ from: [from] }] });
  const port = (value: unknown) => ({ podSelector: {}, ingress: [{ ports: [value] }] });
  it.each([
    ['no spec', undefined],
    ['a spec that is a list', []],
    ['a selector that is a text', { podSelector: 'app=web' }],
    ['a selector with a stranger', { podSelector: { app: 'web' } }],
    ['a type that is none', { podSelector: {}, policyTypes: ['ingress'] }],
    ['rules that are a map', { podSelector: {}, ingress: {} }],
    ['a rule that is null', { podSelector: {}, ingress: [null] }],
    ['a peer that is nobody', peer({})],
    ['a peer that is pods and a network', peer({ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } })],
    ['a network that is none', peer({ ipBlock: { cidr: '10.0.0.0' } })],
    ['a network without cidr', peer({ ipBlock: {} })],
    ['an exception that is none', peer({ ipBlock: { cidr: '10.0.0.0/8', except: ['x'] } })],
    ['a selector of peers with a stranger', peer({ namespaceSelector: { name: 'x' } })],
    ['a port that is zero', port({ port: 0 })],
    ['a port that is a fraction', port({ port: 80.5 })],
    ['a port too large', port({ port: 65_536 })],
    ['a range that ends before it begins', port({ port: 90, endPort: 80 })],
    ['a range without beginning', port({ endPort: 80 })],
    ['a range that begins with a name', port({ port: 'http', endPort: 80 })],
    ['a protocol that is none', port({ port: 80, protocol: 'HTTP' })],
    ['a port that is a list', port({ port: [80] })],
  ])('answer nothing over %s?', (_, spec) => {
    const set = policies(policy({ podSelector: {} }, 'fine'), policy(spec));
    expect(() => set.denies('emr', 'Ingress')).toThrow(MalformedError);
    expect(() => set.peers('emr', {}, 'Ingress')).toThrow(MalformedError);
  });

  it('answer nothing over a policy of no namespace, and of labels that are none?', () => {
    expect(() =>
      policies({ kind: 'NetworkPolicy', metadata: { name: 'p' }, spec: {} }).denies('emr', 'Ingress'),
    ).toThrow('metadata.namespace is missing');
    expect(() => policies(policy({})).isolated('emr', ['web'], 'Ingress')).toThrow(MalformedError);
    expect(() => policies(policy({})).denies({}, 'Ingress')).toThrow(MalformedError);
  });

  it('know two directions?', () => {
    expect([directionOf('Ingress'), directionOf('Egress')]).toEqual(['Ingress', 'Egress']);
    for (const wrong of ['ingress', '', null, 1]) expect(() => directionOf(wrong)).toThrow(MalformedError);
  });
});
