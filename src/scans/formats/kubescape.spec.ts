import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

interface Editable {
  clusterName: string;
  clusterAPIServerInfo: unknown;
  metadata: {
    scanMetadata: Record<string, unknown>;
    targetMetadata: Record<string, unknown>;
    clusterMetadata: unknown;
  };
  results: { resourceID: string; controls: { rules: unknown[]; status?: unknown }[] }[];
}
const cluster = () => JSON.parse(fixture('kubescape/v3-cluster.json').toString()) as Editable;
const files = () => JSON.parse(fixture('kubescape/v2-files.json').toString()) as Editable;

describe('Kubescape', () => {
  it.each(['kubescape/v3-cluster.json', 'kubescape/v2-files.json'])('does %s give its golden rows?', (name) => {
    const report = parse(fixture(name));
    expect(report).toEqual(golden(name, report));
  });

  it('is it complete for the controls that were evaluated, and not for skipped or cut ones?', () => {
    expect(parse(cluster()).coverage).toMatchObject([
      { extent: 'complete', checks: ['C-0016', 'C-0017', 'C-0057', 'C-0002'], silentPass: [] },
    ]);
  });

  it.each([{ includeNamespaces: ['clinic'] }, { excludedNamespaces: ['x'] }, { targetNames: ['workloadscan'] }])(
    'is a scan restricted by %j partial?',
    (restriction) => {
      const document = cluster();
      Object.assign(document.metadata.scanMetadata, restriction);
      expect(parse(document).coverage).toMatchObject([{ extent: 'partial', checks: null }]);
    },
  );

  it('does a report that says neither cluster nor files ask, and stay partial?', () => {
    const document = cluster();
    document.clusterName = '';
    document.clusterAPIServerInfo = null;
    document.metadata.clusterMetadata = {};
    document.metadata.scanMetadata = {};
    expect(faultOf(bytesOf(document))).toBe('target-unknown');
    expect(parse(document, 'cluster/cluster').coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it('do declared targets have to fit?', () => {
    expect(faultOf(bytesOf(cluster()), declared('cluster/prod-1'))).toBe('');
    expect(faultOf(bytesOf(cluster()), declared('cluster/other'))).toBe('target-mismatch');
    expect(faultOf(bytesOf(cluster()), declared('repository/x'))).toBe('target-mismatch');
    expect(faultOf(bytesOf(files()), declared('cluster/cluster'))).toBe('target-mismatch');
    const unnamed = files();
    unnamed.metadata.targetMetadata = {};
    expect(faultOf(bytesOf(unnamed))).toBe('target-unknown');
    expect(faultOf(bytesOf(unnamed), declared('repository/git.example/x'))).toBe('');
  });

  it('is a scan of files complete only where the poster names the repository?', () => {
    expect(parse(files()).coverage).toMatchObject([{ extent: 'partial' }]);
    expect(parse(files(), 'repository/app').coverage).toMatchObject([
      { extent: 'complete', checks: ['C-0004', 'CIS-5.7.2'] },
    ]);
  });

  it('is a control without rules or status rejected, and one with an unreadable rule too?', () => {
    const document = files();
    document.results[0]!.controls[0]!.rules = [];
    document.results[0]!.controls[1]!.rules.push({ name: 'c', status: 'green' });
    const report = parse(document);
    expect(report.results).toEqual([]);
    expect(report.rejects.map(({ pointer }) => pointer)).toEqual([
      '/results/0/controls/0',
      '/results/0/controls/1/rules/1/status',
    ]);
    expect(report.coverage.every(({ extent }) => extent === 'partial')).toBe(true);
  });

  it('is a control of version 3 without a status rejected, whatever its rules say?', () => {
    const document = cluster();
    delete document.results[0]!.controls[2]!.status;
    const report = parse(document);
    expect(report.results.map(({ check }) => check)).not.toContain('C-0057');
    expect(report.rejects).toMatchObject([{ pointer: '/results/0/controls/2/status' }]);
    expect(report.coverage).toMatchObject([{ extent: 'partial' }]);
  });

  it('do manifests, proposed values and committers stay out?', () => {
    for (const document of [cluster(), files()]) {
      expect(JSON.stringify(parse(document))).not.toMatch(/not-to-be-kept|Not Kept|not\.kept/);
    }
  });

  it('is a user among bindings told by a pseudonym?', () => {
    const resourceOf = (user: string) => {
      const document = cluster();
      const [first] = document.results;
      const bound =
        'rbac.authorization.k8s.io/v1//ClusterRole/admin/rbac.authorization.k8s.io/v1//ClusterRoleBinding/admins';
      first!.resourceID = `rbac.authorization.k8s.io//User/${user}/${bound}`;
      return parse(document).results[0]?.resource;
    };
    expect(resourceOf('https://id.example/#jane')).toMatch(
      /^rbac\.authorization\.k8s\.io\/\/User\/sha256:[0-9a-f]{16}\/rbac.*\/admins$/,
    );
    expect(resourceOf('jane')).not.toBe(resourceOf('joe'));
    expect(resourceOf('system:kube-proxy')).toContain('/User/system:kube-proxy/');
  });
});
