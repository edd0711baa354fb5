import { describe, expect, it } from 'vitest';
import { bytesOf, faultOf, fixture, fixtureNames, golden, parsed } from '../../../test/fixtures/reports/load.js';

const object = (apiVersion: string, kind: string, more: object = {}) => ({
  apiVersion,
  kind,
  metadata: { name: 'a', namespace: 'clinic' },
  ...more,
});
const value = (...of: Parameters<typeof object>) => parsed(object(...of)).facts[0]?.value;
const policy = (spec: unknown) => object('networking.k8s.io/v1', 'NetworkPolicy', { spec });
const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('Kubernetes objects', () => {
  it.each(fixtureNames('k8s-objects'))('does %s give its golden facts, and nothing that may be secret?', (name) => {
    const report = parsed(fixture(name), 'cluster/cluster');
    expect(report).toEqual(golden(name, report));
    expect(JSON.stringify(report)).not.toMatch(/not-to-be-kept|bm90LX/);
  });

  it('does the namespace kube-system name the cluster?', () => {
    expect(parsed(fixture('k8s-objects/cluster.yaml')).clusterUid).toBe('00000000-0000-4000-8000-000000000001');
    expect(parsed(fixture('k8s-objects/typed-list.json')).clusterUid).toBeNull();
  });

  it('is it noted that data of Secrets and ConfigMaps was dropped, and only then?', () => {
    const notes = (...of: Parameters<typeof object>) => parsed(object(...of)).notes;
    expect(notes('v1', 'Secret')).toEqual([]);
    for (const [kind, field] of [
      ['Secret', 'data'],
      ['Secret', 'stringData'],
      ['ConfigMap', 'data'],
      ['ConfigMap', 'binaryData'],
    ] as const) {
      expect(notes('v1', kind, { [field]: { a: 'hunter2' } })).toEqual([
        'The data of Secrets and ConfigMaps was dropped.',
      ]);
    }
  });

  it.each([
    [{ podSelector: {} }, ['Ingress']],
    [{ podSelector: {}, policyTypes: ['Ingress', 'Egress'] }, ['Ingress', 'Egress']],
    [{ podSelector: {}, policyTypes: ['Egress'] }, ['Egress']],
    [{ podSelector: {}, policyTypes: ['Egress'], egress: [{}] }, []],
    [{ podSelector: {}, egress: [{}] }, ['Ingress']],
    [{ podSelector: {}, ingress: [{}] }, []],
    [{ podSelector: {}, ingress: null }, ['Ingress']],
    [{ podSelector: { matchLabels: { app: 'a' } }, policyTypes: ['Ingress'] }, []],
    [{ podSelector: { matchExpressions: [{}] } }, []],
  ])('what does a network policy with %j deny?', (spec, deniesAll) => {
    expect(parsed(policy(spec)).facts).toMatchObject([{ value: { deniesAll } }]);
  });

  it.each([undefined, null, {}, { podSelector: null }, { podSelector: [] }, { podSelector: {}, ingress: {} }])(
    'does a network policy with %j deny nothing?',
    (spec) => {
      expect(parsed(policy(spec))).toMatchObject({ facts: [], rejects: [{}] });
    },
  );

  it('is every image of a workload looked at?', () => {
    const pod = (...images: unknown[]) => ({ containers: images.map((image) => ({ image })) });
    const byDigest = (spec: object) => value('v1', 'Pod', { spec });
    const pinned = `a@${DIGEST}`;
    expect(byDigest(pod(pinned))).toMatchObject({ imagesByDigest: true, images: [pinned] });
    expect(byDigest(pod(pinned, 'b:1'))).toMatchObject({ imagesByDigest: false });
    expect(byDigest({ ...pod(pinned), initContainers: [{ image: 'b:1' }] })).toMatchObject({ imagesByDigest: false });
    expect(byDigest({ ...pod(pinned), ephemeralContainers: [{ image: 'b' }] })).toMatchObject({
      imagesByDigest: false,
    });
    expect(byDigest({ ...pod(pinned), initContainers: [{}] })).toMatchObject({ imagesByDigest: false });
    expect(byDigest(pod('a@sha256:abc'))).toMatchObject({ imagesByDigest: false });
    expect(byDigest({})).toMatchObject({ imagesByDigest: null, images: [] });
    for (const image of [7, null, {}])
      expect(parsed(object('v1', 'Pod', { spec: pod(image) })).rejects).toHaveLength(1);
  });

  it('are subjects of a binding told, and people by no name?', () => {
    const binding = (subjects: unknown) =>
      object('rbac.authorization.k8s.io/v1', 'RoleBinding', { roleRef: { kind: 'Role', name: 'r' }, subjects });
    expect(
      parsed(
        binding([
          { kind: 'User', name: 'a@clinic.example' },
          { kind: 'User', name: 'b' },
        ]),
      ).facts,
    ).toMatchObject([{ value: { role: 'Role/r', subjects: ['User'] } }]);
    expect(parsed(binding(undefined)).facts).toMatchObject([{ value: { subjects: [] } }]);
    for (const odd of [{ kind: 'Robot', name: 'a' }, { kind: 'User' }, 'a']) {
      expect(parsed(binding([odd]))).toMatchObject({ facts: [], rejects: [{}] });
    }
  });

  it('is what is not of Kubernetes, or of another format, not of this one?', () => {
    for (const [apiVersion, kind] of [
      ['v1', 'Config'],
      ['v2', 'Pod'],
      ['1.0', 'Chart'],
      ['storage.k8s.io/v1', 'Pod'],
      ['example.org/v1', 'Pod'],
    ]) {
      expect(faultOf(bytesOf(object(apiVersion!, kind!))), `${apiVersion} ${kind}`).not.toBe('');
    }
    // XCCDF results of the Compliance Operator.
    expect(faultOf(bytesOf(object('v1', 'ConfigMap', { data: { results: '<TestResult/>' } })))).not.toBe('');
  });

  it('are events alone no evidence?', () => {
    expect(faultOf(bytesOf(object('v1', 'Event')))).toBe('empty-report');
  });
});
