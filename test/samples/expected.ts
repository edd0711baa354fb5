import type { CheckStatus, ReportFaultCode, Target } from '../../src/scans/report.js';
import type { FactKind } from '../../src/results/fact.js';
import { shared } from './shared.js';

/** Reports of the tools themselves. */
export const SAMPLES = shared('samples', 'no report of a real tool was read');

const CLUSTER: Target = { kind: 'cluster', name: 'cluster' };
const NODE: Target = { kind: 'node', name: 'node-1' };
const IMAGE: Target = { kind: 'image', name: 'registry.example/app:1' };
const KEY: Target = {
  kind: 'account',
  name: 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
};
const ACCOUNT: Target = { kind: 'account', name: '111122223333' };
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
  /** What the whole report is refused for. */
  refused?: ReportFaultCode;
  statuses: Partial<Record<CheckStatus, number>>;
  /** Facts by their kind. */
  facts?: Partial<Record<FactKind, number>>;
  /** Security events, re-deliveries included. */
  events?: number;
}

/** Every sample of the families that are read, with the counts of ../shared/samples/README.md. */
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
  'trivy-operator-vulnerabilityreport/nginx-alpine-41-vulns.json': {
    observedAt: '2023-03-23T16:23:01.000Z',
    format: 'trivy-operator',
    listed: 41,
    statuses: { fail: 41 },
  },
  'trivy-operator-vulnerabilityreport/ubuntu-extended-fields-v0.48.json': {
    observedAt: '2024-01-23T13:43:55.000Z',
    format: 'trivy-operator',
    listed: 5,
    statuses: { fail: 5 },
  },
  'trivy-operator-vulnerabilityreport/no-vulns.json': {
    observedAt: '2023-03-23T16:23:01.000Z',
    format: 'trivy-operator',
    listed: 0,
    statuses: {},
  },
  'trivy-operator-configauditreport/replicaset-13-fails.json': {
    observedAt: '2023-03-23T16:22:54.000Z',
    format: 'trivy-operator',
    listed: 13,
    statuses: { fail: 13 },
  },
  'trivy-operator-configauditreport/checkid-missing.json': {
    observedAt: '2023-03-23T16:22:54.000Z',
    format: 'trivy-operator',
    listed: 1,
    rejected: 1,
    statuses: {},
  },
  'trivy-operator-configauditreport/no-checks.json': {
    observedAt: '2023-03-23T16:22:54.000Z',
    format: 'trivy-operator',
    listed: 0,
    statuses: {},
  },
  // Of its 897 checks 102 stand, without an id, for controls without findings. A check that fails for several containers is listed several times.
  'trivy-operator-clustercompliancereport/cis-1.23-detail-report.json': {
    observedAt: '2024-03-13T12:01:32.000Z',
    format: 'trivy-operator',
    listed: 795,
    repeated: 201,
    statuses: { fail: 594 },
  },
  // Counts only, and a time that is none: 2021-1-1.
  'trivy-operator-clustercompliancereport/cis-summary-report-in-array.json': {
    format: 'trivy-operator',
    listed: 0,
    statuses: {},
  },
  'trivy-operator-rbacassessmentreport/role-proxy-1-fail.yaml': {
    format: 'trivy-operator',
    listed: 1,
    statuses: { fail: 1 },
  },
  'trivy-operator-rbacassessmentreport/role-token-cleaner-docs-sample.yaml': {
    format: 'trivy-operator',
    listed: 16,
    statuses: { pass: 15, fail: 1 },
  },
  'trivy-operator-other/exposedsecret-two.json': {
    observedAt: '2023-03-24T08:34:18.000Z',
    format: 'trivy-operator',
    listed: 2,
    statuses: { fail: 2 },
  },
  // 41 vulnerabilities, a check and a secret; the time of the oldest of these objects.
  'trivy-operator-other/all-report-kinds-keyed-by-crd.json': {
    observedAt: '2023-03-23T16:22:54.000Z',
    format: 'trivy-operator',
    listed: 43,
    statuses: { fail: 43 },
  },
  // Each constraint is a finding beside its violations: 4 + 1, 2 + 1, 1 + 1.
  'gatekeeper/constraint-status-deny-4-violations.yaml': {
    observedAt: '2019-05-11T01:46:13.000Z',
    format: 'gatekeeper',
    listed: 5,
    statuses: { fail: 5 },
  },
  'gatekeeper/constraint-status-dryrun.yaml': {
    observedAt: '2019-08-15T01:46:13.000Z',
    format: 'gatekeeper',
    listed: 3,
    statuses: { fail: 3 },
  },
  'gatekeeper/audit-log-violation-event.json': {
    observedAt: '2021-09-29T04:17:47.000Z',
    format: 'gatekeeper',
    listed: 2,
    statuses: { fail: 2 },
  },
  'grype/v0.79.3-amazonlinux2-image.json': {
    observedAt: '2024-08-29T17:47:41.623Z',
    format: 'grype',
    listed: 16,
    statuses: { fail: 16 },
  },
  'grype/v0.94.0-busybox-epss-kev.json': {
    observedAt: '2025-06-19T11:43:35.523Z',
    format: 'grype',
    listed: 15,
    statuses: { fail: 15 },
  },
  'grype/v0.7.0-no-matches.json': { format: 'grype', listed: 0, statuses: {} },
  'sarif/trivy-alpine-image.sarif': { format: 'sarif', listed: 4, statuses: { fail: 4 } },
  'sarif/dockle-0.3.15-image.sarif': { format: 'sarif', target: IMAGE, listed: 4, statuses: { fail: 4 } },
  'sarif/suppressions-all-states.sarif': {
    format: 'sarif',
    target: REPOSITORY,
    listed: 5,
    statuses: { warn: 3, fail: 2 },
  },
  'sarif/runs-empty.sarif': { format: 'sarif', refused: 'empty-report', listed: 0, statuses: {} },
  'k8s-objects/namespaces-list-openshift.json': {
    format: 'k8s-objects',
    listed: 0,
    statuses: {},
    facts: { 'kubernetes-object': 66 },
  },
  'k8s-objects/pods-podlist-default.json': {
    format: 'k8s-objects',
    listed: 0,
    statuses: {},
    facts: { 'kubernetes-object': 1 },
  },
  'k8s-objects/networkpolicies-list.yaml': {
    format: 'k8s-objects',
    listed: 0,
    statuses: {},
    facts: { 'kubernetes-object': 8 },
  },
  'k8s-objects/clusterrolebindings-list.yaml': {
    format: 'k8s-objects',
    listed: 0,
    statuses: {},
    facts: { 'kubernetes-object': 3 },
  },
  'k8s-objects/clusterroles-list.yaml': {
    format: 'k8s-objects',
    listed: 0,
    statuses: {},
    facts: { 'kubernetes-object': 3 },
  },
  'k8s-objects/kube-apiserver-pod-encryption-and-audit-flags.json': {
    format: 'k8s-objects',
    listed: 0,
    statuses: {},
    facts: { 'kubernetes-object': 1 },
  },
  'k8s-encryption-configuration/aescbc-first.yaml': {
    format: 'k8s-encryption-configuration',
    listed: 2,
    statuses: { pass: 1, fail: 1 },
    facts: { 'encryption-configuration': 1 },
  },
  'k8s-encryption-configuration/kms-v2-then-v1.yaml': {
    format: 'k8s-encryption-configuration',
    listed: 2,
    statuses: { pass: 2 },
    facts: { 'encryption-configuration': 1 },
  },
  'k8s-encryption-configuration/identity-first-means-plaintext.yaml': {
    format: 'k8s-encryption-configuration',
    listed: 2,
    statuses: { fail: 2 },
    facts: { 'encryption-configuration': 1 },
  },
  'k8s-audit-policy/falco-k8saudit-policy.yaml': {
    format: 'k8s-audit-policy',
    listed: 4,
    statuses: { pass: 2, fail: 2 },
    facts: { 'audit-policy': 1 },
  },
  'k8s-audit-policy/kubescape-hostdata-base64-file.json': {
    format: 'k8s-audit-policy',
    listed: 4,
    statuses: { pass: 3, fail: 1 },
    facts: { 'audit-policy': 1 },
  },
  'velero/backup-completed.json': { format: 'velero', listed: 0, statuses: {}, facts: { backup: 1 } },
  'velero/backup-all-fields-annotated.yaml': { format: 'velero', listed: 0, statuses: {}, facts: { backup: 1 } },
  'velero/schedules-good-and-bad-cron.yaml': {
    format: 'velero',
    listed: 0,
    statuses: {},
    facts: { 'backup-schedule': 2 },
  },
  'velero/restores.yaml': { format: 'velero', listed: 0, statuses: {}, facts: { restore: 3 } },
  'storage/storageclass-ebs-encrypted.yaml': {
    format: 'kubernetes-storage',
    listed: 0,
    statuses: {},
    facts: { 'storage-class': 1 },
  },
  'storage/storageclass-ebs-not-encrypted.yaml': {
    format: 'kubernetes-storage',
    listed: 0,
    statuses: {},
    facts: { 'storage-class': 1 },
  },
  // This one and the content have lost their names, so that nobody can tell which they are.
  'storage/volumesnapshot-ready.yaml': { format: 'kubernetes-storage', listed: 1, rejected: 1, statuses: {} },
  'storage/volumesnapshot-error.yaml': {
    format: 'kubernetes-storage',
    listed: 0,
    statuses: {},
    facts: { 'volume-snapshot': 1 },
  },
  'storage/volumesnapshotcontent-ready.yaml': { format: 'kubernetes-storage', listed: 1, rejected: 1, statuses: {} },
  'storage/volumesnapshotclass-aws.yaml': {
    format: 'kubernetes-storage',
    listed: 0,
    statuses: {},
    facts: { 'volume-snapshot-class': 1 },
  },
  'cert-manager/certificate-ready.yaml': { format: 'cert-manager', listed: 0, statuses: {}, facts: { certificate: 1 } },
  'cert-manager/certificate-config-error.yaml': {
    format: 'cert-manager',
    listed: 0,
    statuses: {},
    facts: { certificate: 1 },
  },
  'cert-manager/certificate-issuing.yaml': {
    format: 'cert-manager',
    listed: 0,
    statuses: {},
    facts: { certificate: 1 },
  },
  'cert-manager/certificates-v1-spec-only.yaml': {
    format: 'cert-manager',
    listed: 0,
    statuses: {},
    facts: { certificate: 4 },
  },
  'aws-kms/get-key-rotation-status-enabled-2018.json': {
    format: 'aws-kms',
    target: KEY,
    listed: 0,
    statuses: {},
    facts: { key: 1 },
  },
  'aws-kms/get-key-rotation-status-disabled-2018.json': {
    format: 'aws-kms',
    target: KEY,
    listed: 0,
    statuses: {},
    facts: { key: 1 },
  },
  'aws-kms/get-key-rotation-status-unsupported-error.json': {
    format: 'aws-kms',
    listed: 0,
    statuses: {},
    facts: { key: 1 },
  },
  'aws-kms/get-key-rotation-status-cli-2024.json': {
    format: 'aws-kms',
    target: KEY,
    listed: 0,
    statuses: {},
    facts: { key: 1 },
  },
  'aws-kms/list-key-rotations-two.json': { format: 'aws-kms', listed: 0, statuses: {}, facts: { key: 1 } },
  'aws-kms/list-key-rotations-none.json': {
    format: 'aws-kms',
    target: KEY,
    listed: 0,
    statuses: {},
    facts: { key: 1 },
  },
  'aws-kms/describe-key.json': { format: 'aws-kms', listed: 0, statuses: {}, facts: { key: 1 } },
  'vault-transit/read-key-symmetric-docs.json': {
    format: 'vault-transit',
    target: { kind: 'account', name: 'vault.example/transit' },
    listed: 0,
    statuses: {},
    facts: { key: 1 },
  },
  'vault-transit/read-key-ecdsa-p256-full-envelope.json': {
    format: 'vault-transit',
    target: { kind: 'account', name: 'vault.example/transit' },
    listed: 0,
    statuses: {},
    facts: { key: 1 },
  },
  'gcp-kms/cryptokeys-list-rotation-set-and-unset.json': {
    format: 'gcp-kms',
    listed: 0,
    statuses: {},
    facts: { key: 4 },
  },
  'gcp-kms/cryptokey-get-no-rotation.json': { format: 'gcp-kms', listed: 0, statuses: {}, facts: { key: 1 } },
  'gcp-kms/cryptokeyversions-list.json': { format: 'gcp-kms', listed: 0, statuses: {}, facts: { key: 1 } },
  'azure-keyvault/rotationpolicy-rotate-and-notify.json': {
    format: 'azure-keyvault',
    listed: 0,
    statuses: {},
    facts: { key: 1 },
  },
  'azure-keyvault/rotationpolicy-default-no-id-attributes-null.json': {
    format: 'azure-keyvault',
    target: { kind: 'account', name: 'https://vault.azure.example/keys/key' },
    listed: 0,
    statuses: {},
    facts: { key: 1 },
  },
  'azure-keyvault/keys-list.json': { format: 'azure-keyvault', listed: 0, statuses: {}, facts: { key: 1 } },
  'azure-keyvault/rotationpolicy-time-after-create-spec-example.json': {
    format: 'azure-keyvault',
    listed: 0,
    statuses: {},
    facts: { key: 1 },
  },
  'istio/peerauthentication-strict-unset-empty.yaml': {
    format: 'istio',
    listed: 0,
    statuses: {},
    facts: { 'mutual-tls-policy': 5 },
  },
  'istio/peerauthentication-permissive-disable.yaml': {
    format: 'istio',
    listed: 0,
    statuses: {},
    facts: { 'mutual-tls-policy': 3 },
  },
  'external-secrets/externalsecret-synced.yaml': {
    format: 'external-secrets',
    listed: 0,
    statuses: {},
    facts: { 'external-secret': 1 },
  },
  'external-secrets/externalsecret-error.yaml': {
    format: 'external-secrets',
    listed: 0,
    statuses: {},
    facts: { 'external-secret': 1 },
  },
  'external-secrets/secretstore-ready.yaml': {
    format: 'external-secrets',
    listed: 0,
    statuses: {},
    facts: { 'secret-store': 1 },
  },
  'external-secrets/clustersecretstore-invalid.yaml': {
    format: 'external-secrets',
    listed: 0,
    statuses: {},
    facts: { 'secret-store': 1 },
  },
  'secrets-store-csi/secretproviderclass-azure.yaml': {
    format: 'secrets-store-csi',
    listed: 0,
    statuses: {},
    facts: { 'secret-provider': 1 },
  },
  'secrets-store-csi/secretproviderclasspodstatus-mounted.yaml': {
    format: 'secrets-store-csi',
    listed: 0,
    statuses: {},
    facts: { 'secret-mount': 1 },
  },
  'falco/syscall-open-read-8-lines.ndjson': {
    observedAt: '2016-08-04T16:17:57.882Z',
    format: 'falco',
    listed: 0,
    statuses: {},
    events: 8,
  },
  // One of them is there twice, once without its tags.
  'falco/container-and-k8s-fields-4-lines.ndjson': {
    observedAt: '2024-05-13T13:23:31.089Z',
    format: 'falco',
    listed: 0,
    statuses: {},
    events: 4,
  },
  // Roles and bindings written (4), a command into a pod, a namespace made by nobody.
  'k8s-audit-events/cluster-10-events-8-without-apiversion.ndjson': {
    observedAt: '2018-10-26T14:26:34.242Z',
    format: 'k8s-audit-events',
    listed: 0,
    statuses: {},
    events: 6,
  },
  'k8s-audit-events/eks-single-event-pretty-printed.json': {
    observedAt: '2021-09-07T20:37:30.642Z',
    format: 'k8s-audit-events',
    listed: 0,
    statuses: {},
  },
  'k8s-audit-events/raw-gke-and-aks-envelopes.ndjson': {
    observedAt: '2025-09-30T06:23:35.101Z',
    format: 'k8s-audit-events',
    listed: 0,
    statuses: {},
  },
  'cyclonedx/syft-alpine-container.json': {
    observedAt: '2024-08-19T12:25:05.000Z',
    format: 'cyclonedx',
    listed: 0,
    statuses: {},
    facts: { 'image-component': 16 },
  },
  'cyclonedx/dropwizard-with-vulnerabilities.json': {
    observedAt: '2024-07-08T17:30:28.000Z',
    format: 'cyclonedx',
    target: REPOSITORY,
    listed: 87,
    statuses: { fail: 87 },
    facts: { 'image-component': 167 },
  },
  // 18 components, of which two are the same operating system.
  'cyclonedx/trivy-minikube-kbom.json': {
    observedAt: '2023-09-29T06:25:00.000Z',
    format: 'cyclonedx',
    listed: 0,
    statuses: {},
    facts: { 'image-component': 17 },
  },
  'cyclonedx/vex-only.json': { format: 'cyclonedx', target: IMAGE, listed: 1, statuses: { skip: 1 } },
  'spdx/v2.2-spec-example.json': {
    observedAt: '2010-01-29T18:30:22.000Z',
    format: 'spdx',
    target: REPOSITORY,
    listed: 0,
    statuses: {},
    facts: { 'image-component': 4 },
  },
  'spdx/trivy-julia-v2.3.json': {
    observedAt: '2021-08-25T12:20:30.000Z',
    format: 'spdx',
    target: REPOSITORY,
    listed: 0,
    statuses: {},
    facts: { 'image-component': 5 },
  },
  'spdx/with-security-external-refs.json': {
    observedAt: '2026-07-29T00:00:00.000Z',
    format: 'spdx',
    target: IMAGE,
    listed: 0,
    statuses: {},
    facts: { 'image-component': 4 },
  },
  'spdx/v3.0-jsonld-stub.json': { format: 'spdx', listed: 0, statuses: {}, refused: 'malformed-report' },
  'cosign-verify/keyless-github-workflow.json': {
    format: 'cosign-verify',
    listed: 0,
    statuses: {},
    facts: { signature: 1 },
  },
  // Two artifacts.
  'intoto-attestation/dsse-slsa-provenance-v0.2-github-generator.jsonl': {
    format: 'intoto-attestation',
    target: REPOSITORY,
    listed: 0,
    statuses: {},
    facts: { attestation: 2 },
  },
  'intoto-attestation/npm-attestations-publish-and-provenance.json': {
    format: 'intoto-attestation',
    target: REPOSITORY,
    listed: 0,
    statuses: {},
    facts: { attestation: 2 },
  },
  'intoto-attestation/sigstore-bundle-cyclonedx-predicate.json': {
    format: 'intoto-attestation',
    listed: 0,
    statuses: {},
    facts: { attestation: 1 },
  },
  'intoto-attestation/sigstore-bundle-v0.3-slsa-v1.json': {
    format: 'intoto-attestation',
    target: REPOSITORY,
    listed: 0,
    statuses: {},
    facts: { attestation: 1 },
  },
  'polaris/many-fails.json': {
    observedAt: '2026-07-31T00:00:00.000Z',
    format: 'polaris',
    listed: 31,
    statuses: { fail: 21, pass: 10 },
  },
  'polaris/all-pass-score-100.json': {
    observedAt: '2026-07-31T00:00:00.000Z',
    format: 'polaris',
    listed: 32,
    statuses: { pass: 32 },
  },
  'kubeaudit/cluster-70-lines.ndjson': {
    observedAt: '2023-11-23T17:43:58.000Z',
    format: 'kubeaudit',
    target: CLUSTER,
    listed: 70,
    statuses: { fail: 70 },
  },
  'kube-linter/v0.8.3-7-reports.json': {
    observedAt: '2026-07-31T04:02:38.815Z',
    format: 'kube-linter',
    target: REPOSITORY,
    listed: 7,
    statuses: { fail: 7 },
  },
  'kube-linter/v0.8.3-reports-null.json': {
    observedAt: '2026-07-31T04:02:38.697Z',
    format: 'kube-linter',
    target: REPOSITORY,
    listed: 0,
    statuses: {},
  },
  'checkov/v2.0-array-two-frameworks.json': {
    format: 'checkov',
    target: REPOSITORY,
    listed: 28,
    statuses: { pass: 15, fail: 13 },
  },
  'checkov/v3.2-skips-and-parsing-error.json': {
    format: 'checkov',
    target: REPOSITORY,
    listed: 22,
    statuses: { pass: 8, fail: 12, warn: 2 },
  },
  'checkov/v2.2-platform-severity.json': {
    format: 'checkov',
    target: REPOSITORY,
    listed: 4,
    statuses: { fail: 4 },
  },
  'checkov/v2.1-nothing-found-summary-only.json': {
    format: 'checkov',
    listed: 0,
    statuses: {},
    refused: 'empty-report',
  },
  'prowler-ocsf/kubernetes-v5.json': {
    observedAt: '2025-02-14T13:27:38.000Z',
    format: 'prowler-ocsf',
    listed: 6,
    statuses: { pass: 1, fail: 5 },
  },
  'prowler-ocsf/aws-v5.json': {
    observedAt: '2025-02-14T13:27:03.000Z',
    format: 'prowler-ocsf',
    listed: 5,
    statuses: { fail: 2, manual: 3 },
  },
  // Its times have no zone. One finding is muted.
  'prowler-ocsf/aws-v4.2-ocsf-1.2.json': { format: 'prowler-ocsf', listed: 3, statuses: { fail: 2, warn: 1 } },
  'ocsf-compliance/securityhub-pci-compliance-finding-1.1.json': {
    observedAt: '2023-07-21T18:12:05.693Z',
    format: 'ocsf',
    listed: 1,
    statuses: { fail: 1 },
  },
  'ocsf-compliance/securityhub-security-finding-1.0rc2.json': {
    observedAt: '2022-08-04T18:09:25.316Z',
    format: 'ocsf',
    listed: 1,
    statuses: { pass: 1 },
  },
  // A Detection Finding of Prowler lies among them.
  'ocsf-compliance/prowler-4.5-mapping.json': {
    observedAt: '2024-10-04T13:49:02.000Z',
    format: 'prowler-ocsf',
    listed: 1,
    statuses: { pass: 1 },
  },
  // Of most rules it says that they were not selected: they give no result.
  'xccdf/openscap-ocp4-testresult-root.xml': {
    observedAt: '2021-06-14T01:00:29.000Z',
    format: 'xccdf',
    listed: 28,
    statuses: { pass: 24, fail: 3, skip: 1 },
  },
  'xccdf/arf-wrapped-minimal.xml': {
    observedAt: '2021-06-08T02:54:51.000Z',
    format: 'xccdf',
    listed: 1,
    statuses: { pass: 1 },
  },
  // Its times have no zone.
  'xccdf/scc-rhel7-cdf-prefix-benchmark-root.xml': {
    format: 'xccdf',
    listed: 178,
    statuses: { pass: 172, fail: 6 },
  },
  'xccdf/compliance-operator-configmap.yaml': {
    observedAt: '2020-08-03T02:26:26.000Z',
    format: 'xccdf',
    listed: 123,
    statuses: { pass: 12, fail: 64, manual: 47 },
  },
  'hdf/rhel8-every-status-attestable.json': {
    observedAt: '2024-03-18T17:10:44.000Z',
    format: 'hdf',
    target: NODE,
    listed: 4,
    statuses: { pass: 1, fail: 1, skip: 2 },
  },
  // Three profiles that lie over one another list the same five controls.
  'hdf/three-layer-overlay.json': {
    observedAt: '2020-06-01T18:50:31.000Z',
    format: 'hdf',
    target: NODE,
    listed: 5,
    statuses: { pass: 1, fail: 1, skip: 3 },
  },
  'hdf/cis-aws-foundations-inspec-3.json': {
    observedAt: '2018-11-19T01:21:35.000Z',
    format: 'hdf',
    target: ACCOUNT,
    listed: 52,
    statuses: { pass: 40, fail: 6, skip: 6 },
  },
  'hdf/aws-s3-baseline-small.json': {
    observedAt: '2018-11-19T02:02:51.000Z',
    format: 'hdf',
    target: ACCOUNT,
    listed: 2,
    statuses: { fail: 2 },
  },
  'oscal-assessment-results/nist-ifa-example-1.1.2.json': {
    observedAt: '2023-06-02T12:31:20.000Z',
    format: 'oscal-assessment-results',
    target: CLUSTER,
    listed: 1,
    statuses: { fail: 1 },
  },
  // Its observations are those of openscap-ocp4-testresult-root.xml.
  'oscal-assessment-results/trestle-from-openscap-ocp4-results-only.json': {
    observedAt: '2021-02-24T19:31:13.000Z',
    format: 'oscal-assessment-results',
    target: CLUSTER,
    listed: 28,
    statuses: { pass: 24, fail: 3, skip: 1 },
  },
};
