import { describe, expect, it } from 'vitest';
import { bytesOf, declared, faultOf, fixture, golden } from '../../../test/fixtures/reports/load.js';
import type { Report } from '../report.js';
import { parseReport } from './index.js';

const parse = (document: unknown, ...targets: string[]): Report =>
  parseReport(Buffer.isBuffer(document) ? document : bytesOf(document), { declared: declared(...targets) });

interface ResultSet {
  Results: Record<string, { Success: unknown; Severity: string }> | null;
}
interface Editable {
  SourceType: string;
  SourceName: string;
  ClusterInfo: { Controllers: number };
  Results: (ResultSet & { Name: string; PodResult: (ResultSet & { ContainerResults: ResultSet[] }) | null })[];
  Score?: number;
}
const cluster = () => JSON.parse(fixture('polaris/cluster.json').toString()) as Editable;
const extents = (report: Report) => report.coverage.map(({ extent }) => extent);

describe('Polaris', () => {
  it.each([
    ['polaris/cluster.json', 'cluster/cluster'],
    ['polaris/files.yaml', 'repository/git.example/app'],
  ])('does %s give its golden rows?', (name, target) => {
    const report = parse(fixture(name), target);
    expect(report).toEqual(golden(name, report));
  });

  it('are all three levels read: the object, its pod, its containers?', () => {
    const rows = parse(cluster()).results.map(({ check, resource, status }) => [check, resource, status]);
    expect(rows).toContainEqual(['deploymentMissingReplicas', 'clinic/Deployment/api', 'fail']);
    expect(rows).toContainEqual(['hostNetworkSet', 'clinic/Deployment/api', 'pass']);
    expect(rows).toContainEqual(['tagNotSpecified', 'clinic/Deployment/api#server', 'fail']);
    expect(rows).toContainEqual(['clusterrolebindingClusterAdmin', 'ClusterRoleBinding/operators', 'fail']);
  });

  it('is what was exempt kept as skipped, so that others that passed do not speak for it?', () => {
    const skipped = parse(cluster()).results.filter(({ status }) => status === 'skip');
    expect(skipped.map(({ check, resource }) => [check, resource])).toEqual([
      ['runAsRootAllowed', 'clinic/Deployment/api#proxy'],
      ['clusterrolebindingClusterAdmin', 'ClusterRoleBinding/exempt'],
    ]);
  });

  it('does a report that fits its score and its workloads cover the cluster, and one that was filtered nothing?', () => {
    expect(parse(cluster()).coverage).toMatchObject([{ extent: 'complete', silentPass: [] }]);
    expect(parse(cluster()).coverage[0]?.checks).toHaveLength(6);

    const failures = cluster();
    for (const { Results, PodResult } of failures.Results) {
      for (const of of [{ Results }, PodResult, ...(PodResult?.ContainerResults ?? [])]) {
        for (const [id, { Success }] of Object.entries(of?.Results ?? {}))
          if (Success === true) delete of?.Results?.[id];
      }
    }
    const filtered = parse(failures);
    expect(extents(filtered)).toEqual(['partial']);
    expect(filtered.results.filter(({ status }) => status === 'skip')).toEqual([]);

    const unscored = cluster();
    delete unscored.Score;
    expect(extents(parse(unscored))).toEqual(['partial']);
    const counted = cluster();
    counted.ClusterInfo.Controllers = 2;
    expect(extents(parse(counted))).toEqual(['partial']);
  });

  it.each(['ClusterNamespace', 'Resource'])('is an audit of a part of the cluster (%s) partial?', (type) => {
    expect(extents(parse({ ...cluster(), SourceType: type }))).toEqual(['partial']);
    expect(extents(parse({ ...cluster(), SourceType: type }, 'cluster/cluster'))).toEqual(['partial']);
  });

  it('is an audit of files complete only where the poster names the repository?', () => {
    const files = { ...cluster(), SourceType: 'Path', SourceName: '/src/deploy' };
    expect(parse(files).coverage).toMatchObject([
      { target: { kind: 'repository', name: '/src/deploy' }, extent: 'partial' },
    ]);
    expect(extents(parse(files, 'repository/app'))).toEqual(['complete']);
    for (const source of [
      { SourceType: 'Path', SourceName: '-' },
      { SourceType: 'Content', SourceName: 'unknown' },
    ]) {
      expect(faultOf(bytesOf({ ...files, ...source }))).toBe('target-unknown');
    }
  });

  it('do declared targets have to fit?', () => {
    expect(faultOf(bytesOf(cluster()), declared('cluster/cluster'))).toBe('');
    expect(faultOf(bytesOf(cluster()), declared('cluster/other'))).toBe('target-mismatch');
    expect(faultOf(bytesOf(cluster()), declared('repository/app'))).toBe('target-mismatch');
    expect(faultOf(bytesOf({ ...cluster(), SourceType: 'Moon' }))).toBe('malformed-report');
  });

  it('is a check that does not say whether it succeeded rejected, and never a pass?', () => {
    const document = cluster();
    document.Results[0]!.PodResult!.Results!['hostNetworkSet']!.Success = 'true';
    const report = parse(document);
    expect(report.rejects).toEqual([
      { pointer: '/Results/0/PodResult/Results/hostNetworkSet/Success', reason: 'must be true or false' },
    ]);
    expect(extents(report)).toEqual(['partial']);
  });

  it('is a severity of no such name unknown, whatever objects inherit?', () => {
    const document = cluster();
    document.Results[1]!.Results!['clusterrolebindingClusterAdmin']!.Severity = 'constructor';
    expect(parse(document).results.find(({ resource }) => resource.endsWith('/operators'))?.severity).toBe('unknown');
  });

  it('is an audit of nothing no evidence?', () => {
    const nothing = { ...cluster(), Results: [], ClusterInfo: { Controllers: 0 }, Score: 100 };
    expect(faultOf(bytesOf(nothing))).toBe('empty-report');
  });

  it('do proposed values stay out?', () => {
    expect(JSON.stringify(parse(cluster()))).not.toContain('not-to-be-kept');
  });
});
