import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseReport } from '../../src/scans/formats/index.js';
import type { CheckStatus, Declared, Report, Target } from '../../src/scans/report.js';

/** Reports of the tools themselves, which lie outside of the repository: `../shared/samples` from its root. */
function samplesFolder(): string | null {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (!existsSync(join(folder, 'package.json')) || !existsSync(join(folder, 'src/scans'))) continue;
    const samples = join(folder, '../shared/samples');
    return existsSync(samples) ? samples : null;
  }
  return null;
}

const SAMPLES = samplesFolder();
if (SAMPLES === null) console.warn('SKIPPED: ../shared/samples is absent, so no report of a real tool was read.');

const NODE: Target = { kind: 'node', name: 'node-1' };
const IMAGE: Target = { kind: 'image', name: 'registry.example/app:1' };
const REPOSITORY: Target = { kind: 'repository', name: 'git.example/app' };

interface Expected {
  format: string;
  target?: Target;
  /** How many findings the sample lists, counted apart from this code. */
  listed: number;
  /** Of these, how many repeat a check on the same resource. */
  repeated?: number;
  rejected?: number;
  statuses: Partial<Record<CheckStatus, number>>;
}

const EXPECTED: Record<string, Expected> = {
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
  'trivy-image/alpine-3.10-current-schema.json': { format: 'trivy', listed: 4, statuses: { fail: 4 } },
  'trivy-image/debian-10-all-statuses-v0.48.json': { format: 'trivy', listed: 8, statuses: { fail: 7, skip: 1 } },
  'trivy-image/no-vulnerabilities-key-absent.json': { format: 'trivy', listed: 0, statuses: {} },
  'trivy-image/legacy-pre-v0.20-bare-array.json': {
    format: 'trivy',
    target: IMAGE,
    listed: 93,
    statuses: { fail: 93 },
  },
  'trivy-config/dockerfile-1-fail.json': { format: 'trivy', listed: 1, statuses: { fail: 1 } },
  // KSV-0118 twice on the same file: of the container and of the deployment.
  'trivy-config/helm-chart-18-misconfigs.json': { format: 'trivy', listed: 18, repeated: 1, statuses: { fail: 17 } },
  'trivy-config/fs-vulns-misconfigs-secrets-mixed.json': {
    format: 'trivy',
    target: REPOSITORY,
    listed: 5,
    statuses: { fail: 5 },
  },
  'trivy-config/dockerfile-2025-05-id-and-avdid.json': { format: 'trivy', listed: 1, statuses: { fail: 1 } },
  'trivy-secret/repo-two-secrets.json': { format: 'trivy', listed: 2, statuses: { fail: 2 } },
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
    format: 'kubescape',
    target: REPOSITORY,
    listed: 710,
    statuses: { pass: 421, fail: 289 },
  },
  'kubescape/v3.0.3-one-file-failed.json': { format: 'kubescape', listed: 18, statuses: { pass: 15, fail: 3 } },
  'policyreport-wgpolicyk8s/kyverno-v1.11-pod-scope.yaml': {
    format: 'policy-report',
    listed: 2,
    statuses: { pass: 1, fail: 1 },
  },
  // Its results have no `result`: what they say of the check is unknown, and they are rejected one by one.
  'policyreport-wgpolicyk8s/trivy-adapter-image-vulns.json': {
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
  'openreports/kyverno-1.15-report-list.yaml': { format: 'openreports', listed: 1, statuses: { fail: 1 } },
  'openreports/cis-k8s-kube-bench-adapter.yaml': {
    format: 'openreports',
    listed: 3,
    statuses: { warn: 2, fail: 1 },
  },
  'openreports/falco-kind-policyreport.yaml': { format: 'openreports', listed: 2, statuses: { fail: 2 } },
};

describe.skipIf(SAMPLES === null)('reports of the tools themselves (../shared/samples)', () => {
  const read = (file: string, declared?: Declared): Report => {
    const target = EXPECTED[file]?.target;
    return parseReport(readFileSync(join(SAMPLES ?? '', file)), {
      declared: declared ?? { targets: target ? [target] : [], partial: false },
    });
  };

  it('is every sample of these families expected here?', () => {
    const families = new Set(Object.keys(EXPECTED).map((file) => dirname(file)));
    const files = [...families].flatMap((family) =>
      readdirSync(join(SAMPLES ?? '', family)).map((file) => `${family}/${file}`),
    );
    expect(Object.keys(EXPECTED).sort()).toEqual(files.sort());
  });

  for (const [file, expected] of Object.entries(EXPECTED)) {
    it(`does ${file} give each of its ${expected.listed} findings?`, () => {
      const report = read(file);
      expect(report.format).toBe(expected.format);
      const statuses: Partial<Record<CheckStatus, number>> = {};
      for (const { status } of report.results) statuses[status] = (statuses[status] ?? 0) + 1;
      expect(statuses).toEqual(expected.statuses);
      expect(report.rejects).toHaveLength(expected.rejected ?? 0);
      expect(report.results.length + (expected.repeated ?? 0) + report.rejects.length).toBe(expected.listed);
      const repeats = report.notes.filter((note) => note.includes('repeat a check'));
      expect(repeats).toHaveLength(expected.repeated ? 1 : 0);
    });
  }

  it('does a report that does not say what it is about ask for it?', () => {
    for (const [file, { target }] of Object.entries(EXPECTED)) {
      if (!target) continue;
      expect(() => read(file, { targets: [], partial: false }), file).toThrow(/^target-unknown/);
    }
  });

  it('does nothing of the neighbourhood of secrets and no committer leave the reader?', () => {
    const secrets = JSON.stringify(read('trivy-secret/repo-two-secrets.json'));
    expect(secrets).not.toMatch(/export |echo |\*{4}/);
    expect(secrets).toContain('The text of secrets was dropped.');
    expect(JSON.stringify(read('kubescape/v2-files-scan-44-resources.json'))).not.toMatch(/Committer|example\.org/);
  });

  it('are samples that somebody cut by hand taken as partial?', () => {
    const extents = (file: string, declared?: Declared) =>
      read(file, declared).coverage.map(({ source, extent }) => [source, extent]);
    const cluster: Declared = { targets: [{ kind: 'cluster', name: 'cluster' }], partial: false };
    expect(extents('kube-bench/upstream-golden-with-totals.json')).toContainEqual(['kube-bench/master', 'partial']);
    expect(extents('trivy-k8s/cluster-full-2022-vulnerabilities-misconfigurations.json', cluster)).toEqual([
      ['trivy/vulnerability', 'complete'],
      ['trivy/misconfiguration', 'partial'],
    ]);
    expect(extents('policyreport-wgpolicyk8s/kyverno-v1.11-pod-scope.yaml', cluster)).toEqual([
      ['policy-report/kyverno', 'partial'],
    ]);
    expect(extents('trivy-k8s/cluster-full-2024-resources.json', cluster)).toEqual([
      ['trivy/misconfiguration', 'complete'],
    ]);
    expect(extents('trivy-k8s/cluster-full-2024-resources.json')).toEqual([['trivy/misconfiguration', 'partial']]);
  });

  it('does a clean image count as scanned?', () => {
    const report = read('trivy-image/no-vulnerabilities-key-absent.json');
    expect(report.coverage).toEqual([
      {
        target: { kind: 'image', name: 'trivy-unittest:latest' },
        source: 'trivy/vulnerability',
        extent: 'complete',
        checks: null,
        silentPass: ['CVE-'],
      },
    ]);
  });
});
