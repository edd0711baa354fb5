import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

const extents = (report: Report) =>
  report.coverage.map(({ target, source, extent }) => `${target.kind}/${target.name} ${source} ${extent}`);

describe('Trivy, of a cluster', () => {
  it.each(['trivy-k8s/resources.json', 'trivy-k8s/2022.json', 'trivy-k8s/summary.json'])(
    'does %s give its golden rows?',
    (name) => {
      const report = parse(fixture(name), 'cluster/cluster');
      expect(report).toEqual(golden(name, report));
    },
  );

  it('does it close something only where the poster says what was scanned?', () => {
    const bytes = fixture('trivy-k8s/resources.json');
    expect(extents(parse(bytes))).toEqual([
      'cluster/cluster trivy/misconfiguration partial',
      'cluster/cluster trivy/vulnerability partial',
    ]);
    expect(extents(parse(bytes, 'cluster/prod-1'))).toEqual([
      'cluster/cluster trivy/misconfiguration complete',
      'cluster/cluster trivy/vulnerability complete',
    ]);
    expect(extents(parse(bytes, 'namespace/clinic'))).toEqual([
      'namespace/clinic trivy/misconfiguration complete',
      'namespace/clinic trivy/vulnerability complete',
      'cluster/cluster trivy/misconfiguration partial',
    ]);
    expect(extents(parse(fixture('trivy-k8s/summary.json'), 'cluster/cluster'))).toEqual([
      'cluster/cluster trivy/misconfiguration partial',
    ]);
  });

  it('do other clusters and namespaces contradict the report?', () => {
    const bytes = fixture('trivy-k8s/resources.json');
    expect(faultOf(bytes, declared('cluster/other'))).toBe('target-mismatch');
    expect(faultOf(bytes, declared('namespace/other'))).toBe('target-mismatch');
    expect(faultOf(bytes, declared('namespace/clinic', 'cluster/cluster'))).toBe('target-mismatch');
    expect(faultOf(bytes, declared('image/x'))).toBe('target-mismatch');
  });

  it('does a resource that Trivy could not scan keep everything open?', () => {
    const document = JSON.parse(fixture('trivy-k8s/resources.json').toString()) as { Resources: object[] };
    document.Resources.push({ Namespace: 'clinic', Kind: 'Pod', Name: 'x', Error: 'scan failed' });
    const report = parse(document, 'cluster/cluster');
    expect(report.rejects).toMatchObject([{ pointer: '/Resources/3/Error' }]);
    expect(report.coverage.every(({ extent, silentPass }) => extent === 'partial' && silentPass.length === 0)).toBe(
      true,
    );
  });

  it('is a cluster without resources no evidence?', () => {
    expect(faultOf(bytesOf({ ClusterName: 'prod-1' }), declared('cluster/cluster'))).toBe('empty-report');
    expect(faultOf(bytesOf({ ClusterName: 'x', Resources: null }), declared('cluster/cluster'))).toBe('empty-report');
  });
});

describe('Trivy, compliance of a cluster', () => {
  it.each(['trivy-k8s-compliance/all.json', 'trivy-k8s-compliance/summary.json'])(
    'does %s give its golden rows?',
    (name) => {
      const report = parse(fixture(name), 'cluster/cluster');
      expect(report).toEqual(golden(name, report));
    },
  );

  it('is a control without findings neither passed nor covered?', () => {
    const report = parse(fixture('trivy-k8s-compliance/all.json'), 'cluster/cluster');
    expect(report.coverage).toMatchObject([{ extent: 'complete', checks: ['k8s-nsa-1.0/1.0'], silentPass: [] }]);
    expect(report.results.some(({ check }) => check.endsWith('/1.1'))).toBe(false);
  });

  it('do counts prove nothing?', () => {
    const report = parse(fixture('trivy-k8s-compliance/summary.json'), 'cluster/cluster');
    expect(report).toMatchObject({ results: [], coverage: [{ extent: 'partial' }] });
  });
});
