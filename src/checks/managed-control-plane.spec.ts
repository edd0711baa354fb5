import { describe, expect, it } from 'vitest';
import { loadCatalog } from '../catalog/load.js';
import { practicesOf } from '../catalog/checks.mapping.js';
import { compileCheck } from './definition.js';
import { evaluate, type Outcome } from './evaluate.js';
import { clusterOf } from './examples.js';

const catalog = loadCatalog();

/** Those that look at what runs the API: by the flags of its pods, or by where its pods are. */
const controlPlane = catalog.definitions.filter(({ where, undecided, pass, message }) =>
  /\bflag\(|\bcontrolPlane\(|\bapiServers\(/.test([where, undecided, pass, message].join('\n')),
);

const node = (labels: Record<string, string>): Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'worker-1', labels },
});
/** What such clusters have in kube-system in place of a control plane. */
const proxy = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'kube-proxy-x7', namespace: 'kube-system', labels: { 'k8s-app': 'kube-proxy' } },
  spec: { containers: [{ name: 'kube-proxy', image: 'x', command: ['kube-proxy', '--v=2'] }] },
};

const PROVIDERS: readonly [string, string, Record<string, string>][] = [
  ['EKS', 'v1.34.1-eks-113cf36', { 'eks.amazonaws.com/nodegroup': 'workers' }],
  ['GKE', 'v1.34.1-gke.1134000', { 'cloud.google.com/gke-nodepool': 'workers' }],
  ['AKS', 'v1.34.1', { 'kubernetes.azure.com/agentpool': 'workers' }],
];

/** Records that practices ask for, and formats and tools that reports are taken of. */
const NAMES = [
  ...new Set([
    ...catalog.practices.flatMap(({ records }) => records.map(({ type }) => type)),
    ...['provider_attestation', 'k8s-audit-policy', 'k8s-audit-events', 'k8s-encryption-configuration'],
    ...['aws-kms', 'gcp-kms', 'azure-keyvault', 'vault-transit', 'kube-bench', 'prowler'],
  ]),
];

function outcomes(gitVersion: string, labels: Record<string, string>): Map<string, Outcome[]> {
  const said = new Map<string, Outcome[]>();
  const cluster = clusterOf({ name: 'managed', version: gitVersion, objects: [node(labels), proxy] });
  const budget = { perCheck: 5_000, inAll: 30_000 };
  const checks = controlPlane.map((definition) => compileCheck(definition));
  evaluate(
    checks,
    cluster,
    (outcome) => said.set(outcome.check.id, [...(said.get(outcome.check.id) ?? []), outcome]),
    budget,
  );
  return said;
}

describe.each(PROVIDERS)('does a snapshot of %s, which hides its control plane,', (provider, gitVersion, labels) => {
  const said = outcomes(gitVersion, labels);

  it.each(controlPlane.map((definition) => [definition.id, definition] as const))(
    'leave %s to people, and name what does instead?',
    (id, definition) => {
      const of = said.get(id) ?? [];
      expect(of.map(({ status, object }) => [status, object])).toEqual([['manual', null]]);
      const message = of[0]?.message ?? '';
      const named = NAMES.filter((name) => new RegExp(`\\b${name}\\b`, 'i').test(message));
      const isAnswered = new RegExp(`\\b${provider}\\b`).test(message);
      expect(named.length > 0 || isAnswered, `${practicesOf(definition).join()}: ${message}`).toBe(true);
    },
  );
});

it('are there such checks at all?', () => {
  expect(controlPlane.length).toBeGreaterThan(20);
});
