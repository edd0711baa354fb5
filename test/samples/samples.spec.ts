import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseReport } from '../../src/scans/formats/index.js';
import type { FactKind } from '../../src/results/fact.js';
import type { CheckStatus, Declared, Report } from '../../src/scans/report.js';
import { EXPECTED, SAMPLES } from './expected.js';

describe.skipIf(SAMPLES === null)('reports of the tools themselves (../shared/samples)', () => {
  const read = (file: string, declared?: Declared): Report => {
    const target = EXPECTED[file]?.target;
    return parseReport(readFileSync(join(SAMPLES ?? '', file)), {
      declared: declared ?? { targets: target ? [target] : [], partial: false },
    });
  };

  it('is every sample expected here?', () => {
    const files = readdirSync(SAMPLES ?? '', { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.parentPath !== SAMPLES)
      .map((entry) => `${basename(entry.parentPath)}/${entry.name}`);
    expect(Object.keys(EXPECTED).sort()).toEqual(files.sort());
  });

  for (const [file, expected] of Object.entries(EXPECTED)) {
    const { refused } = expected;
    if (refused !== undefined) {
      it(`is ${file} refused?`, () => {
        expect(() => read(file)).toThrow(new RegExp(`^${refused}: `));
      });
      continue;
    }

    it(`does ${file} give each of its ${expected.listed} findings?`, () => {
      const report = read(file);
      expect(report.format).toBe(expected.format);
      expect(report.observedAt).toBe(expected.observedAt ?? null);
      const statuses: Partial<Record<CheckStatus, number>> = {};
      for (const { status } of report.results) statuses[status] = (statuses[status] ?? 0) + 1;
      expect(statuses).toEqual(expected.statuses);
      expect(report.rejects).toHaveLength(expected.rejected ?? 0);
      expect(report.results.length + (expected.repeated ?? 0) + report.rejects.length).toBe(expected.listed);
      const facts: Partial<Record<FactKind, number>> = {};
      for (const { kind } of report.facts) facts[kind] = (facts[kind] ?? 0) + 1;
      expect(facts).toEqual(expected.facts ?? {});
      expect(report.events).toHaveLength(expected.events ?? 0);
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
    expect(JSON.stringify(read('checkov/v2.0-array-two-frameworks.json'))).not.toMatch(
      /committer|bridgecrewio|example\.org/,
    );
  });

  it('does no key, token, template or command line of a state leave the reader?', () => {
    const all = Object.entries(EXPECTED).filter(([, { facts }]) => facts);
    const text = JSON.stringify(all.map(([file]) => read(file)));
    expect(text).not.toMatch(
      /c2VjcmV0|dGhpcyBp|YWJjZGVm|bearerToken|secret\/sa|BEGIN PUBLIC KEY|--audit-policy-file|--etcd/,
    );
    expect(text).toContain('was sent with its keys');
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
    expect(extents('checkov/v3.2-skips-and-parsing-error.json')).toEqual([['checkov/terraform', 'partial']]);
  });

  it('does a clean image count as scanned?', () => {
    const report = read('trivy-image/no-vulnerabilities-key-absent.json');
    expect(report.coverage).toEqual([
      {
        target: { kind: 'image', name: 'trivy-unittest:latest' },
        source: 'trivy/vulnerability',
        extent: 'complete',
        checks: null,
        silentPass: [],
      },
    ]);
  });
});
