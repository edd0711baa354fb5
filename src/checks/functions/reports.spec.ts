import { describe, expect, it } from 'vitest';
import { compileCheck } from '../definition.js';
import { clusterOf, pathOf } from '../examples.js';
import { evaluate } from '../evaluate.js';

type Json = Record<string, unknown>;

const IMAGE = 'registry.example.org/ehr/api:1.4.2';
const DIGEST = `sha256:${'9f86d081884c7d65'.repeat(4)}`;

function owner(kind: string, name: string, uid: string) {
  return [{ apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1', kind, name, uid, controller: true }];
}

function workload(kind: string, name: string, uid: string, more: Json = {}, image: unknown = IMAGE): Json {
  const spec = { containers: [{ name: 'api', image }] };
  return {
    apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1',
    kind,
    metadata: { name, namespace: 'ehr', ...(uid === '' ? {} : { uid }), ...more },
    spec: kind === 'Pod' ? spec : { template: { spec } },
  };
}

function report(name: string, ownerReferences: unknown, artifact: Json, more: Json = {}, namespace = 'ehr'): Json {
  return {
    apiVersion: 'aquasecurity.github.io/v1alpha1',
    kind: 'VulnerabilityReport',
    metadata: { name, namespace, labels: { 'trivy-operator.container.name': 'api' }, ownerReferences },
    report: { updateTimestamp: '2026-11-26T01:00:00Z', artifact, ...more },
  };
}

/** What is said of a workload: the title of its report, `none`, or why there is no telling. */
function found(objects: Json[], path: string): string {
  const check = compileCheck({
    id: 'example',
    title: 'It is so',
    practice: 'image-vulnerability-scanning',
    severity: 'high',
    each: 'Workload',
    pass: 'false',
    message:
      '{spec.containers.map(c, reportOn("VulnerabilityReport", object, c)).map(r, r == null ? "none" : r.metadata.name)[0]}',
    examples: { pass: [{ name: 'a', objects: [] }], fail: [{ name: 'a', objects: [] }] },
  });
  let said = 'not judged';
  evaluate([check], clusterOf({ name: 'a', objects }), (outcome) => {
    if (pathOf(outcome) === path) said = outcome.message ?? '';
  });
  return said;
}

const tagged = { repository: 'ehr/api', tag: '1.4.2' };

describe('is the report found that trivy-operator wrote of a container?', () => {
  it('of a pod, of a Deployment by its ReplicaSet', () => {
    const pod = [workload('Pod', 'a', 'p-1'), report('r', owner('Pod', 'a', 'p-1'), tagged)];
    expect(found(pod, 'ehr/Pod/a')).toBe('r');
    const deployment = [
      workload('Deployment', 'a', 'd-1'),
      workload('ReplicaSet', 'a-1', 'r-1', { ownerReferences: owner('Deployment', 'a', 'd-1') }),
      report('r', owner('ReplicaSet', 'a-1', 'r-1'), tagged),
    ];
    expect(found(deployment, 'ehr/Deployment/a')).toBe('r');
  });

  it('by digest where the container names one, whatever the tag', () => {
    const image = `${IMAGE}@${DIGEST}`;
    const on = (artifact: Json) =>
      found([workload('Pod', 'a', 'p-1', {}, image), report('r', owner('Pod', 'a', 'p-1'), artifact)], 'ehr/Pod/a');
    expect(on({ repository: 'ehr/api', digest: DIGEST })).toBe('r');
    expect(on({ repository: 'ehr/api', digest: DIGEST.replace('9f', '00'), tag: '1.4.2' })).toBe('none');
  });

  it('of Docker Hub under its whole name', () => {
    const objects = [
      workload('Pod', 'a', 'p-1', {}, 'busybox'),
      report('r', owner('Pod', 'a', 'p-1'), { repository: 'library/busybox', tag: 'latest' }),
    ];
    expect(found(objects, 'ehr/Pod/a')).toBe('r');
  });

  it('the newest, in whatever order they are listed', () => {
    const old = report('old', owner('Pod', 'a', 'p-1'), tagged, { updateTimestamp: '2026-10-01T00:00:00Z' });
    const young = report('young', owner('Pod', 'a', 'p-1'), tagged);
    for (const reports of [
      [old, young],
      [young, old],
    ])
      expect(found([workload('Pod', 'a', 'p-1'), ...reports], 'ehr/Pod/a')).toBe('young');
  });
});

describe('is a report that is of something else taken for one?', () => {
  it.each([
    ['of another image', report('r', owner('Pod', 'a', 'p-1'), { repository: 'ehr/api', tag: '1.4.1' })],
    ['of another repository', report('r', owner('Pod', 'a', 'p-1'), { repository: 'ehr/web', tag: '1.4.2' })],
    ['of a pod that had the name before', report('r', owner('Pod', 'a', 'p-0'), tagged)],
    ['in another namespace', report('r', owner('Pod', 'a', 'p-1'), tagged, {}, 'other')],
    ['without an owner', report('r', [], tagged)],
    ['with an owner that does not control it', report('r', [{ kind: 'Pod', name: 'a', uid: 'p-1' }], tagged)],
    ['without a word of its image', report('r', owner('Pod', 'a', 'p-1'), {})],
  ])('%s', (_, given) => {
    expect(found([workload('Pod', 'a', 'p-1'), given], 'ehr/Pod/a')).toBe('none');
  });

  it('of another container', () => {
    const given = report('r', owner('Pod', 'a', 'p-1'), tagged);
    given['metadata'] = { ...(given['metadata'] as Json), labels: { 'trivy-operator.container.name': 'web' } };
    expect(found([workload('Pod', 'a', 'p-1'), given], 'ehr/Pod/a')).toBe('none');
  });

  it('a workload without a uid has none, though an owner has none either', () => {
    const given = report('r', [{ kind: 'Pod', name: 'a', controller: true }], tagged);
    expect(found([workload('Pod', 'a', ''), given], 'ehr/Pod/a')).toBe('none');
  });

  it('owners that own each other end', () => {
    const objects = [
      workload('ReplicaSet', 'a', 'r-1', { ownerReferences: owner('ReplicaSet', 'b', 'r-2') }),
      workload('ReplicaSet', 'b', 'r-2', { ownerReferences: owner('ReplicaSet', 'a', 'r-1') }),
      report('r', owner('ReplicaSet', 'a', 'r-1'), tagged),
    ];
    expect(['r', 'none']).toContain(found(objects, 'ehr/ReplicaSet/a'));
  });

  it('an image that is no reference is told', () => {
    const objects = [workload('Pod', 'a', 'p-1', {}, 'UPPER/case:x:y'), report('r', owner('Pod', 'a', 'p-1'), tagged)];
    expect(found(objects, 'ehr/Pod/a')).toBe('?');
  });
});
