import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { currentCatalog } from '../../catalog/load.js';
import { parseReport } from './index.js';
import { EVALUATED_UNFILTERED } from './trivy-results.js';

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

  describe('does silence mean that a check passed?', () => {
    type Row = Partial<Record<'ID' | 'Status', string>>;
    const deployment = (MisconfSummary: object, rows: Row[] = [], more: object = {}) => ({
      Namespace: 'clinic',
      Kind: 'Deployment',
      Name: 'portal',
      Results: [
        {
          Target: 'Deployment/portal',
          Class: 'config',
          Type: 'kubernetes',
          MisconfSummary,
          Misconfigurations: rows.map((row) => ({ ID: 'KSV001', Status: 'FAIL', ...row })),
          ...more,
        },
      ],
    });
    const coverage = (...Resources: object[]) => {
      const [covered] = parse({ ClusterName: 'prod-1', Resources }, 'cluster/cluster').coverage;
      return [covered?.extent, covered?.silentPass];
    };
    const VOUCHES = ['complete', ['KSV-']];
    const SAYS_NOTHING = ['complete', []];
    const CUT = ['partial', []];
    const excepted: Row = { Status: 'EXCEPTION' };
    const ignored = {
      ExperimentalModifiedFindings: [
        { Type: 'misconfiguration', Status: 'ignored', Finding: { ID: 'KSV001', Status: 'FAIL' } },
      ],
    };

    it.each([
      ['all evaluated', VOUCHES, deployment({ Successes: 152, Failures: 0, Exceptions: 0 })],
      ['as few as count', VOUCHES, deployment({ Successes: EVALUATED_UNFILTERED })],
      ['as few as count, one of them failed', VOUCHES, deployment({ Successes: 78, Failures: 1 }, [{}])],
      ['one less', SAYS_NOTHING, deployment({ Successes: EVALUATED_UNFILTERED - 1 })],
      ['one check that failed twice', SAYS_NOTHING, deployment({ Successes: 77, Failures: 2 }, [{}, {}])],
      ['passes that are listed too', SAYS_NOTHING, deployment({ Successes: 78 }, [{ Status: 'PASS' }])],
      ['--severity CRITICAL', SAYS_NOTHING, deployment({ Successes: 26 })],
      ['no summary', SAYS_NOTHING, deployment({})],
      ['of 73 checks 70 ignored', CUT, deployment({ Successes: 3, Failures: 0, Exceptions: 70 })],
      ['one ignored', CUT, deployment({ Successes: 151, Exceptions: 1 })],
      ['more ignored than listed', CUT, deployment({ Successes: 150, Exceptions: 2 }, [excepted])],
      ['the ignored ones listed', VOUCHES, deployment({ Successes: 151, Exceptions: 1 }, [excepted])],
      ['the suppressed ones listed', VOUCHES, deployment({ Successes: 151, Exceptions: 1 }, [], ignored)],
      ['more failures than listed', CUT, deployment({ Successes: 150, Failures: 2 }, [{}])],
      ['a pass in the place of a failure', CUT, deployment({ Successes: 150, Failures: 1 }, [{ Status: 'PASS' }])],
    ])('%s: %j', (_, expected, resource) => {
      expect(coverage(resource)).toEqual(expected);
    });

    it('does one resource show for the whole run that nothing was filtered, and one that is cut undo it?', () => {
      const [whole, small] = [deployment({ Successes: 152 }), deployment({ Successes: 5 })];
      expect(coverage(small, whole)).toEqual(VOUCHES);
      expect(coverage(whole, deployment({ Successes: 5, Exceptions: 1 }))).toEqual(CUT);
    });

    it('can a run of the severities HIGH and CRITICAL not reach the bound?', () => {
      const checks = currentCatalog().checks.filter(({ tool }) => tool === 'trivy');
      expect(checks.filter(({ id }) => id.startsWith('KSV-'))).toHaveLength(EVALUATED_UNFILTERED);
      const severe = checks.filter(({ severity }) => severity === 'high' || severity === 'critical');
      expect(severe.length).toBeLessThan(EVALUATED_UNFILTERED);
    });
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
