import { beforeAll, expect, it } from 'vitest';
import { KINDS } from '../../src/checks/kinds.js';
import type { Posture } from '../../src/posture/posture.schema.js';
import { startSuite, type Clinic } from '../support/app.js';

let clinic: Clinic;
let posture: Posture;

/** All that an agent may list of a cluster of EKS, complete: its control plane is not among it. */
function snapshot(): string {
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-system', uid: 'cluster-1' } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'emr', uid: 'emr' } },
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'worker-1', uid: 'worker-1', labels: { 'eks.amazonaws.com/nodegroup': 'workers' } },
    },
  ];
  const lists = KINDS.filter(({ resource }) => resource !== '*').map(({ group, versions, resource, kind }) => ({
    ...{ group, version: versions[0], resource, kind },
    ...{ outcome: 'complete', count: objects.filter((object) => object.kind === kind).length, reason: null },
  }));
  const requested = lists.map(({ group, version, resource, kind }) => ({ group, version, resource, kind }));
  const began = Date.now() - 60_000;
  const head = {
    ...{ apiVersion: 'safeguard.dev/v1', kind: 'ClusterSnapshot', cluster: { uid: 'cluster-1', name: null } },
    serverVersion: { major: '1', minor: '34', gitVersion: 'v1.34.1-eks-113cf36', platform: 'linux/amd64' },
    ...{ collector: { name: 'safeguard', version: '0.1.0' }, startedAt: new Date(began).toISOString() },
    ...{ requested, stripped: [] },
  };
  const finishedAt = new Date(began + 1_000).toISOString();
  const end = { apiVersion: 'safeguard.dev/v1', kind: 'ClusterSnapshotEnd', finishedAt, lists };
  return [head, ...objects, end].map((line) => `${JSON.stringify(line)}\n`).join('');
}

beforeAll(async () => {
  const suite = await startSuite();
  ({ clinic } = suite);
  const { body } = await clinic.agent
    .post(`${clinic.systemPath}/scans`)
    .set('Content-Type', 'application/x-ndjson')
    .send(snapshot())
    .expect(201);
  expect(body).toMatchObject({ format: 'cluster-snapshot', status: 'stored', notes: expect.any(Array) });
  posture = (await suite.officer.get(`${clinic.systemPath}/posture`).expect(200)).body as Posture;
  return suite.stop;
});

it.each([
  ['etcd-tls', 'keep provider_attestation'],
  ['api-audit-logging', 'EKS: logging.clusterLogging with audit (`aws eks describe-cluster`)'],
  ['secrets-encryption-at-rest', 'EKS: encryptionConfig of `aws eks describe-cluster`'],
  ['audit-policy-coverage', 'keep provider_attestation'],
])('is %s missing where the provider hides the control plane, and is said what does instead?', (id, instead) => {
  const practice = posture.practices.find((one) => one.id === id);
  expect([practice?.status, practice?.counts.pass]).toEqual(['missing', 0]);
  expect(practice?.counts.manual).toBeGreaterThan(0);
  expect(practice?.reason).toContain(instead);
});
