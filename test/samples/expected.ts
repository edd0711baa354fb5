import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { CheckStatus, ReportFaultCode, Target } from '../../src/scans/report.js';

/** Reports of the tools themselves, which lie outside of the repository: `../shared/samples` from its root. */
function samplesFolder(): string | null {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (!existsSync(join(folder, 'package.json')) || !existsSync(join(folder, 'src/scans'))) continue;
    const samples = join(folder, '../shared/samples');
    return existsSync(samples) ? samples : null;
  }
  return null;
}

/** Null where it is absent: nothing of the tools themselves can then be read. */
export const SAMPLES = samplesFolder();
if (SAMPLES === null) console.warn('SKIPPED: ../shared/samples is absent, so no report of a real tool was read.');

const NODE: Target = { kind: 'node', name: 'node-1' };
const IMAGE: Target = { kind: 'image', name: 'registry.example/app:1' };
const REPOSITORY: Target = { kind: 'repository', name: 'git.example/app' };

export interface Expected {
  format: string;
  target?: Target;
  /** When it was so, where the report says it itself. Of the others the poster has to say it. */
  observedAt?: string;
  /** How many findings the sample lists, counted apart from this code. */
  listed: number;
  /** Of these, how many repeat a check on the same resource. */
  repeated?: number;
  rejected?: number;
  statuses: Partial<Record<CheckStatus, number>>;
  /** How many things it says are so. */
  facts?: number;
  /** What it is refused for, whatever its poster says. */
  refused?: ReportFaultCode;
}

/** Every sample of the four families (kube-bench, Trivy, Kubescape, policy reports), with the counts of ../shared/samples/README.md. */
export const EXPECTED: Record<string, Expected> = {
  'kube-bench/cis-1.6-all-targets-controls-totals.json': {
    format: 'kube-bench',
    target: NODE,
    listed: 122,
    statuses: { pass: 37, fail: 36, manual: 49 },
  },
  'kube-bench/legacy-v1.5-two-targets-array.json': {
    format: 'kube-bench',
    target: NODE,
    listed: 24,
    statuses: { pass: 20, fail: 4 },
  },
  'kube-bench/upstream-golden-with-totals.json': {
    format: 'kube-bench',
    target: NODE,
    listed: 3,
    statuses: { pass: 2, manual: 1 },
  },
  'trivy-image/alpine-3.10-current-schema.json': {
    observedAt: '2021-08-25T12:20:30.000Z',
    format: 'trivy',
    listed: 4,
    statuses: { fail: 4 },
  },
  'trivy-image/debian-10-all-statuses-v0.48.json': {
    observedAt: '2024-01-15T08:58:29.827Z',
    format: 'trivy',
    listed: 8,
    statuses: { fail: 7, skip: 1 },
  },
  'trivy-image/no-vulnerabilities-key-absent.json': { format: 'trivy', listed: 0, statuses: {} },
  'trivy-image/legacy-pre-v0.20-bare-array.json': {
    format: 'trivy',
    target: IMAGE,
    listed: 93,
    statuses: { fail: 93 },
  },
  'trivy-config/dockerfile-1-fail.json': {
    observedAt: '2021-08-25T12:20:30.000Z',
    format: 'trivy',
    listed: 1,
    statuses: { fail: 1 },
  },
  // KSV-0118 twice on the same file: of the container and of the deployment.
  'trivy-config/helm-chart-18-misconfigs.json': {
    observedAt: '2021-08-25T12:20:30.000Z',
    format: 'trivy',
    listed: 18,
    repeated: 1,
    statuses: { fail: 17 },
  },
  'trivy-config/fs-vulns-misconfigs-secrets-mixed.json': {
    format: 'trivy',
    target: REPOSITORY,
    listed: 5,
    statuses: { fail: 5 },
  },
  'trivy-config/dockerfile-2025-05-id-and-avdid.json': {
    observedAt: '2021-08-25T12:20:30.000Z',
    format: 'trivy',
    listed: 1,
    statuses: { fail: 1 },
  },
  'trivy-secret/repo-two-secrets.json': {
    observedAt: '2021-08-25T12:20:30.000Z',
    format: 'trivy',
    listed: 2,
    statuses: { fail: 2 },
  },
  'trivy-secret/licenses-class.json': { format: 'trivy', listed: 19, statuses: { fail: 19 } },
  'trivy-k8s/cluster-full-2022-vulnerabilities-misconfigurations.json': {
    format: 'trivy-k8s',
    listed: 20,
    statuses: { fail: 20 },
  },
  'trivy-k8s/cluster-full-2024-resources.json': { format: 'trivy-k8s', listed: 37, statuses: { fail: 37 } },
  'trivy-k8s-compliance/nsa-all.json': { format: 'trivy-k8s-compliance', listed: 2, statuses: { fail: 2 } },
  'trivy-k8s-compliance/nsa-summary.json': { format: 'trivy-k8s-compliance', listed: 0, statuses: {} },
  // Controls whose rules both passed and failed (15) count as failed.
  'kubescape/v2-files-scan-44-resources.json': {
    observedAt: '2022-11-02T07:55:55.697Z',
    format: 'kubescape',
    target: REPOSITORY,
    listed: 710,
    statuses: { pass: 421, fail: 289 },
  },
  'kubescape/v3.0.3-one-file-failed.json': { format: 'kubescape', listed: 18, statuses: { pass: 15, fail: 3 } },
  'policyreport-wgpolicyk8s/kyverno-v1.11-pod-scope.yaml': {
    observedAt: '2023-12-06T13:19:22.000Z',
    format: 'policy-report',
    listed: 2,
    statuses: { pass: 1, fail: 1 },
  },
  // Its results have no `result`: what they say of the check is unknown, and they are rejected one by one.
  'policyreport-wgpolicyk8s/trivy-adapter-image-vulns.json': {
    observedAt: '2021-08-09T22:40:13.120Z',
    format: 'policy-report',
    listed: 14,
    rejected: 14,
    statuses: {},
  },
  'policyreport-wgpolicyk8s/kube-bench-adapter-list-v1alpha1.yaml': {
    format: 'policy-report',
    listed: 122,
    statuses: { warn: 49, pass: 37, fail: 36 },
  },
  'policyreport-wgpolicyk8s/falco-adapter-two-kinds.yaml': {
    format: 'policy-report',
    listed: 2,
    statuses: { fail: 2 },
  },
  // Its page was written by hand: it is from 2028, and until then it is refused as of the future.
  'openreports/kyverno-1.15-report-list.yaml': {
    observedAt: '2028-08-05T01:06:37.000Z',
    format: 'openreports',
    listed: 1,
    statuses: { fail: 1 },
  },
  'openreports/cis-k8s-kube-bench-adapter.yaml': {
    format: 'openreports',
    listed: 3,
    statuses: { warn: 2, fail: 1 },
  },
  'openreports/falco-kind-policyreport.yaml': { format: 'openreports', listed: 2, statuses: { fail: 2 } },
  'cyclonedx/syft-alpine-container.json': {
    observedAt: '2024-08-19T12:25:05.000Z',
    format: 'cyclonedx',
    listed: 0,
    statuses: {},
    facts: 16,
  },
  'cyclonedx/dropwizard-with-vulnerabilities.json': {
    observedAt: '2024-07-08T17:30:28.000Z',
    format: 'cyclonedx',
    target: REPOSITORY,
    listed: 87,
    statuses: { fail: 87 },
    facts: 167,
  },
  // 18 components, of which two are the same operating system.
  'cyclonedx/trivy-minikube-kbom.json': {
    observedAt: '2023-09-29T06:25:00.000Z',
    format: 'cyclonedx',
    listed: 0,
    statuses: {},
    facts: 17,
  },
  'cyclonedx/vex-only.json': { format: 'cyclonedx', target: IMAGE, listed: 1, statuses: { skip: 1 } },
  'spdx/v2.2-spec-example.json': {
    observedAt: '2010-01-29T18:30:22.000Z',
    format: 'spdx',
    target: REPOSITORY,
    listed: 0,
    statuses: {},
    facts: 4,
  },
  'spdx/trivy-julia-v2.3.json': {
    observedAt: '2021-08-25T12:20:30.000Z',
    format: 'spdx',
    target: REPOSITORY,
    listed: 0,
    statuses: {},
    facts: 5,
  },
  'spdx/with-security-external-refs.json': {
    observedAt: '2026-07-29T00:00:00.000Z',
    format: 'spdx',
    target: IMAGE,
    listed: 0,
    statuses: {},
    facts: 4,
  },
  'spdx/v3.0-jsonld-stub.json': { format: 'spdx', listed: 0, statuses: {}, refused: 'malformed-report' },
  'cosign-verify/keyless-github-workflow.json': { format: 'cosign-verify', listed: 0, statuses: {}, facts: 1 },
  // Two artifacts.
  'intoto-attestation/dsse-slsa-provenance-v0.2-github-generator.jsonl': {
    format: 'intoto-attestation',
    target: REPOSITORY,
    listed: 0,
    statuses: {},
    facts: 2,
  },
  'intoto-attestation/npm-attestations-publish-and-provenance.json': {
    format: 'intoto-attestation',
    target: REPOSITORY,
    listed: 0,
    statuses: {},
    facts: 2,
  },
  'intoto-attestation/sigstore-bundle-cyclonedx-predicate.json': {
    format: 'intoto-attestation',
    listed: 0,
    statuses: {},
    facts: 1,
  },
  'intoto-attestation/sigstore-bundle-v0.3-slsa-v1.json': {
    format: 'intoto-attestation',
    target: REPOSITORY,
    listed: 0,
    statuses: {},
    facts: 1,
  },
};
