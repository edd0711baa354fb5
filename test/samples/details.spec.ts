import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseReport } from '../../src/scans/formats/index.js';
import type { Report, Severity } from '../../src/scans/report.js';
import { EXPECTED, SAMPLES } from './expected.js';

/** What `../shared/samples/README.md` counts of a sample beside its findings, and what only the values of its facts show. */
interface Details {
  severities?: Partial<Record<Severity, number>>;
  /** The same of what failed alone. */
  failing?: Partial<Record<Severity, number>>;
  /** Results by their source: of several targets, frameworks and classes. */
  sources?: Record<string, number>;
  /** Results by their check, or events by their rule or category. */
  checks?: Record<string, number>;
  /** Different checks, or different resources, of the results. */
  distinct?: Partial<Record<'check' | 'resource', number>>;
  /** Checks that the report shows to have been made. */
  covered?: number;
  note?: string;
  /** What the facts say, in their order. */
  facts?: object[];
}

const rotation = (enabled: boolean | null, more: object = {}) => ({ rotation: { enabled, ...more } });

const DETAILS: Record<string, Details> = {
  'kube-bench/cis-1.6-all-targets-controls-totals.json': {
    sources: {
      'kube-bench/master': 65,
      'kube-bench/etcd': 7,
      'kube-bench/controlplane': 3,
      'kube-bench/node': 23,
      'kube-bench/policies': 24,
    },
  },
  'kube-bench/legacy-v1.5-two-targets-array.json': { sources: { 'kube-bench/node': 24 } },
  'kube-bench/upstream-golden-with-totals.json': {
    sources: { 'kube-bench/master': 1, 'kube-bench/etcd': 1, 'kube-bench/controlplane': 1 },
  },
  'trivy-image/alpine-3.10-current-schema.json': { severities: { medium: 4 } },
  'trivy-image/debian-10-all-statuses-v0.48.json': { severities: { low: 8 } },
  'trivy-image/legacy-pre-v0.20-bare-array.json': { severities: { low: 65, high: 18, medium: 9, unknown: 1 } },
  'trivy-config/fs-vulns-misconfigs-secrets-mixed.json': {
    sources: { 'trivy/vulnerability': 2, 'trivy/misconfiguration': 1, 'trivy/secret': 2 },
  },
  'trivy-secret/licenses-class.json': { sources: { 'trivy/license': 19 } },
  'trivy-k8s/cluster-full-2022-vulnerabilities-misconfigurations.json': {
    sources: { 'trivy/vulnerability': 10, 'trivy/misconfiguration': 10 },
  },
  'trivy-k8s/cluster-full-2024-resources.json': { sources: { 'trivy/misconfiguration': 37 } },
  'trivy-k8s-compliance/nsa-summary.json': { note: 'A summary report of 2 controls' },
  'trivy-operator-vulnerabilityreport/nginx-alpine-41-vulns.json': {
    severities: { medium: 25, low: 11, high: 3, critical: 2 },
  },
  'trivy-operator-vulnerabilityreport/ubuntu-extended-fields-v0.48.json': { severities: { medium: 5 } },
  // Of 116 controls 14 failed.
  'trivy-operator-clustercompliancereport/cis-1.23-detail-report.json': { distinct: { check: 14 } },
  'trivy-operator-clustercompliancereport/cis-summary-report-in-array.json': { note: 'A summary report of 3 controls' },
  'trivy-operator-other/all-report-kinds-keyed-by-crd.json': {
    sources: { 'trivy/configauditreport': 1, 'trivy/exposedsecretreport': 1, 'trivy/vulnerabilityreport': 41 },
  },
  'kubescape/v2-files-scan-44-resources.json': { distinct: { resource: 44 }, covered: 183 },
  'kubescape/v3.0.3-one-file-failed.json': { distinct: { resource: 1 } },
  'polaris/many-fails.json': { failing: { medium: 17, high: 4 } },
  'kubeaudit/cluster-70-lines.ndjson': {
    severities: { high: 50, medium: 20 },
    checks: {
      AppArmorAnnotationMissing: 9,
      SeccompProfileMissing: 9,
      PrivilegedNil: 8,
      ReadOnlyRootFilesystemNil: 8,
      LimitsNotSet: 7,
      CapabilityOrSecurityContextMissing: 6,
      MissingDefaultDenyIngressAndEgressNetworkPolicy: 5,
      RunAsNonRootPSCNilCSCNil: 4,
      DeprecatedAPIUsed: 3,
      AllowPrivilegeEscalationNil: 3,
      NamespaceHostNetworkTrue: 2,
      CapabilityAdded: 2,
      ImageTagMissing: 1,
      AllowPrivilegeEscalationTrue: 1,
      LimitsCPUNotSet: 1,
      PrivilegedTrue: 1,
    },
  },
  'kube-linter/v0.8.3-7-reports.json': { covered: 31 },
  'kube-linter/v0.8.3-reports-null.json': { covered: 31 },
  'checkov/v2.0-array-two-frameworks.json': { sources: { 'checkov/terraform': 25, 'checkov/dockerfile': 3 } },
  'checkov/v3.2-skips-and-parsing-error.json': { note: 'Files of terraform that Checkov could not parse: 1.' },
  'sarif/trivy-alpine-image.sarif': { severities: { medium: 4 }, distinct: { check: 2 } },
  'sarif/dockle-0.3.15-image.sarif': { severities: { low: 3, high: 1 }, distinct: { check: 4 } },
  'sarif/suppressions-all-states.sarif': { distinct: { check: 5 } },
  'grype/v0.79.3-amazonlinux2-image.json': { severities: { medium: 6, high: 6, unknown: 3, low: 1 } },
  'grype/v0.94.0-busybox-epss-kev.json': { severities: { high: 10, medium: 2, low: 2, critical: 1 } },
  'falco/syscall-open-read-8-lines.ndjson': { checks: { open_from_cat: 8 } },
  'falco/container-and-k8s-fields-4-lines.ndjson': {
    checks: { 'Read sensitive file untrusted': 2, 'System user interactive': 2 },
  },
  'k8s-audit-events/cluster-10-events-8-without-apiversion.ndjson': { note: '6 of 10' },
  'k8s-audit-events/raw-gke-and-aks-envelopes.ndjson': { note: '0 of 5' },
  'k8s-audit-events/eks-single-event-pretty-printed.json': { note: '0 of 1' },
  'k8s-encryption-configuration/aescbc-first.yaml': { facts: [{ encryptsSecretsWith: 'aescbc' }] },
  'k8s-encryption-configuration/kms-v2-then-v1.yaml': {
    facts: [{ encryptsSecretsWith: 'kms', entries: [{ providers: [{ apiVersion: 'v2' }, { apiVersion: 'v1' }] }] }],
  },
  'k8s-encryption-configuration/identity-first-means-plaintext.yaml': { facts: [{ encryptsSecretsWith: 'identity' }] },
  'storage/storageclass-ebs-encrypted.yaml': { facts: [{ encrypted: true }] },
  // That it is not said proves no clear text.
  'storage/storageclass-ebs-not-encrypted.yaml': { facts: [{ encrypted: null }] },
  'storage/volumesnapshot-error.yaml': { facts: [{ ready: false, failed: true }] },
  'velero/backup-completed.json': { facts: [{ phase: 'Completed', succeeded: true }] },
  'cert-manager/certificate-ready.yaml': { facts: [{ ready: true, reason: 'CertIssued', issuing: false }] },
  'cert-manager/certificate-config-error.yaml': { facts: [{ ready: false, reason: 'ConfigError' }] },
  'cert-manager/certificate-issuing.yaml': { facts: [{ ready: false, issuing: true }] },
  'aws-kms/get-key-rotation-status-enabled-2018.json': { facts: [rotation(true)] },
  'aws-kms/get-key-rotation-status-disabled-2018.json': { facts: [rotation(false)] },
  'aws-kms/get-key-rotation-status-unsupported-error.json': { facts: [rotation(null, { supported: false })] },
  'aws-kms/get-key-rotation-status-cli-2024.json': { facts: [rotation(true, { periodDays: 365 })] },
  'aws-kms/list-key-rotations-two.json': { facts: [{ rotations: [{}, {}] }] },
  'aws-kms/list-key-rotations-none.json': { facts: [{ rotations: [], lastRotatedAt: null }] },
  'gcp-kms/cryptokeys-list-rotation-set-and-unset.json': {
    facts: [365, null, 30, 90].map((days) => rotation(days !== null, { periodDays: days })),
  },
  'gcp-kms/cryptokey-get-no-rotation.json': { facts: [rotation(false)] },
  'vault-transit/read-key-symmetric-docs.json': { facts: [{ latestVersion: '1', versions: [{ version: '1' }] }] },
  'azure-keyvault/rotationpolicy-rotate-and-notify.json': { facts: [rotation(true)] },
  'azure-keyvault/rotationpolicy-default-no-id-attributes-null.json': { facts: [rotation(false)] },
  'azure-keyvault/rotationpolicy-time-after-create-spec-example.json': { facts: [rotation(true, { periodDays: 90 })] },
  'istio/peerauthentication-strict-unset-empty.yaml': {
    facts: ['STRICT', 'UNSET', 'UNSET', 'STRICT', 'UNSET'].map((mode) => ({ mode })),
  },
  'istio/peerauthentication-permissive-disable.yaml': {
    facts: ['PERMISSIVE', 'DISABLE', 'DISABLE'].map((mode) => ({ mode })),
  },
  'external-secrets/externalsecret-synced.yaml': { facts: [{ ready: true, reason: 'SecretSynced' }] },
  'external-secrets/externalsecret-error.yaml': { facts: [{ ready: false, reason: 'SecretSyncedError' }] },
  'external-secrets/secretstore-ready.yaml': { facts: [{ ready: true, reason: 'Valid' }] },
  'external-secrets/clustersecretstore-invalid.yaml': { facts: [{ ready: false, reason: 'ValidationFailed' }] },
  'secrets-store-csi/secretproviderclasspodstatus-mounted.yaml': { facts: [{ mounted: true, objects: [{}, {}] }] },
};

function counted(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** The same of the report, as far as it is expected. */
function detailsOf({ results, events, coverage, notes, facts }: Report, expected: Details): Details {
  const failing = results.filter(({ status }) => status === 'fail');
  const of: Required<Details> = {
    severities: counted(results.map(({ severity }) => severity)),
    failing: counted(failing.map(({ severity }) => severity)),
    sources: counted(results.map(({ source }) => source)),
    checks: counted([...results.map(({ check }) => check), ...events.map(({ action }) => action)]),
    distinct: Object.fromEntries(
      (['check', 'resource'] as const)
        .filter((name) => expected.distinct?.[name] !== undefined)
        .map((name) => [name, new Set(results.map((result) => result[name])).size]),
    ),
    covered: coverage.reduce((sum, { checks }) => sum + (checks?.length ?? 0), 0),
    note: notes.some((note) => note.includes(expected.note ?? '')) ? (expected.note ?? '') : notes.join('\n'),
    facts: facts.map(({ value }) => value),
  };
  return Object.fromEntries(Object.entries(of).filter(([name]) => Object.hasOwn(expected, name)));
}

describe.skipIf(SAMPLES === null)('what else is counted of reports of the tools themselves (../shared/samples)', () => {
  it.each(Object.entries(DETAILS))('does %s give it?', (file, expected) => {
    const target = EXPECTED[file]?.target;
    const report = parseReport(readFileSync(join(SAMPLES ?? '', file)), {
      declared: { targets: target ? [target] : [], partial: false },
    });
    const { facts, ...details } = detailsOf(report, expected);
    const { facts: expectedFacts, ...others } = expected;
    expect(details).toEqual(others);
    if (expectedFacts === undefined) return;
    expect(facts).toHaveLength(expectedFacts.length);
    expect(facts).toMatchObject(expectedFacts);
  });
});
