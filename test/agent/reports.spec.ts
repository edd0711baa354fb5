import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ApiServer, configuration } from '../../src/agent/api-server.js';
import { REPORT_SETS, type ReportSet } from '../../src/agent/report-kinds.js';
import { gatherReports, Incomplete } from '../../src/agent/reports.js';
import { FORMATS } from '../../src/scans/formats/index.js';
import { type Cluster, forbidden, gone, startCluster } from './cluster.js';
import { folder, quickClock, textOf } from './support.js';

const setNamed = (name: string): ReportSet => REPORT_SETS.find((set) => set.name === name)!;

async function gather(cluster: Cluster, set: ReportSet) {
  const clock = quickClock();
  const directory = await folder();
  let files = 0;
  const documents = await gatherReports(
    {
      api: new ApiServer(configuration(cluster.kubeconfig, undefined), clock),
      clock,
      signal: new AbortController().signal,
      scratch: () => join(directory, String(files++)),
      largest: 1e8,
    },
    set,
  );
  return Promise.all(
    documents.map(async ({ written, engine, objects }) => ({
      engine,
      objects,
      list: JSON.parse(await textOf(written)),
      text: await textOf(written),
    })),
  );
}

const WGPOLICY = {
  'wgpolicyk8s.io/v1alpha2': { policyreports: 'PolicyReport', clusterpolicyreports: 'ClusterPolicyReport' },
};
const NAMESPACED = '/apis/wgpolicyk8s.io/v1alpha2/policyreports';
const CLUSTERWIDE = '/apis/wgpolicyk8s.io/v1alpha2/clusterpolicyreports';

const policyReport = (name: string, ...sources: string[]): object => ({
  metadata: { name, namespace: 'emr', managedFields: [{ manager: 'kyverno' }] },
  scope: { apiVersion: 'v1', kind: 'Pod', name: 'app', namespace: 'emr' },
  summary: { pass: 0, fail: sources.length, warn: 0, error: 0, skip: 0 },
  results: sources.map((source) => ({
    source,
    policy: 'p',
    rule: 'r',
    result: 'fail',
    timestamp: { seconds: 1_790_000_000, nanos: 0 },
  })),
});

describe('which reports of the API are posted?', () => {
  it('is it a List per engine, with the namespaced and the cluster-wide objects of both?', async () => {
    const cluster = await startCluster({
      resources: WGPOLICY,
      objects: {
        [NAMESPACED]: [policyReport('a', 'kyverno'), policyReport('b', 'trivy'), policyReport('empty')],
        [CLUSTERWIDE]: [policyReport('c', 'kyverno')],
      },
      page: 1,
    });
    const documents = await gather(cluster, setNamed('policy-report'));
    expect(documents.map(({ engine, objects }) => [engine, objects])).toEqual([
      ['kyverno', 2],
      ['trivy', 1],
    ]);
    expect(documents[0]?.list).toMatchObject({
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'wgpolicyk8s.io/v1alpha2', kind: 'PolicyReport', metadata: { name: 'a' } },
        { apiVersion: 'wgpolicyk8s.io/v1alpha2', kind: 'ClusterPolicyReport', metadata: { name: 'c' } },
      ],
    });
    expect(documents[0]?.text).not.toContain('managedFields');
  });

  it('is it one List where an object has results of several engines, so that none of them closes what is in the other?', async () => {
    const cluster = await startCluster({
      resources: WGPOLICY,
      objects: { [NAMESPACED]: [policyReport('a', 'kyverno'), policyReport('b', 'kyverno', 'trivy')] },
    });
    const documents = await gather(cluster, setNamed('policy-report'));
    expect(documents.map(({ engine, objects }) => [engine, objects])).toEqual([[null, 2]]);
  });

  it('is nothing posted where the cluster has no such kinds, or no reports?', async () => {
    expect(await gather(await startCluster(), setNamed('policy-report'))).toEqual([]);
    expect(await gather(await startCluster({ resources: WGPOLICY }), setNamed('policy-report'))).toEqual([]);
  });

  it.each([
    ['one of its lists is refused', CLUSTERWIDE, [forbidden('clusterpolicyreports')]],
    ['its instant is gone again and again', NAMESPACED, [null, gone, null, gone, null, gone]],
    ['discovery is refused', '/apis/wgpolicyk8s.io', [forbidden('x')]],
  ])('is nothing posted where %s?', async (_what, path, troubles) => {
    const cluster = await startCluster({
      resources: WGPOLICY,
      page: 1,
      objects: { [NAMESPACED]: [policyReport('a', 'kyverno'), policyReport('b', 'kyverno')] },
    });
    cluster.trouble.set(path, troubles);
    await expect(gather(cluster, setNamed('policy-report'))).rejects.toThrow(Incomplete);
  });

  it('does it begin anew once when its instant is gone, without an object twice?', async () => {
    const cluster = await startCluster({
      resources: WGPOLICY,
      page: 1,
      objects: { [NAMESPACED]: [policyReport('a', 'kyverno'), policyReport('b', 'kyverno')] },
    });
    cluster.trouble.set(NAMESPACED, [null, gone]);
    const [document] = await gather(cluster, setNamed('policy-report'));
    expect(document?.list.items).toHaveLength(2);
  });

  it('do roles and cluster roles go together, as their format wants them?', () => {
    expect(setNamed('rbac-assessment').kinds.map(({ kind }) => kind)).toEqual([
      'RbacAssessmentReport',
      'ClusterRbacAssessmentReport',
    ]);
  });

  it.each(REPORT_SETS)(
    'is there a format that reads $name, and takes the cluster as its target?',
    ({ format, kinds }) => {
      const known = FORMATS.find(({ slug }) => slug === format);
      expect(known?.targets).toContain('cluster');
      for (const { group, versions, kind } of kinds) {
        expect(
          known?.detect({
            apiVersion: 'v1',
            kind: 'List',
            items: [{ apiVersion: `${group}/${versions[0]}`, kind, metadata: { name: 'a' } }],
          }),
        ).toBe(true);
      }
    },
  );
});
