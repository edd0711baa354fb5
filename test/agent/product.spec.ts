import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FORMATS } from '../../src/scans/formats/index.js';
import { safeguard } from '../cli/support.js';
import { type Clinic, startApp, startClinic, type World } from '../support/app.js';
import { startCluster } from './cluster.js';
import { folder } from './support.js';

let world: World;
let clinic: Clinic;
beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
});
afterAll(() => world.stop());

const SEPTEMBER = Date.UTC(2026, 8, 1) / 1_000;
const LIST = '/apis/wgpolicyk8s.io/v1alpha2/policyreports';

/** A report of Kyverno with so many findings. */
const report = (findings: number): object => ({
  metadata: { name: 'app', namespace: 'emr', uid: 'r-1' },
  scope: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'app', namespace: 'emr' },
  summary: { pass: 0, fail: findings, warn: 0, error: 0, skip: 0 },
  results: Array.from({ length: findings }, (_, at) => ({
    source: 'kyverno',
    policy: 'require-limits',
    rule: `rule-${at}`,
    result: 'fail',
    timestamp: { seconds: SEPTEMBER - findings, nanos: 0 },
  })),
});

it('does the service take what the agent collects, once however often it comes, and close what is gone?', async () => {
  const cluster = await startCluster({
    resources: { 'wgpolicyk8s.io/v1alpha2': { policyreports: 'PolicyReport' } },
    objects: { [LIST]: [report(2)] },
  });
  const tokenFile = join(await folder(), 'token');
  await writeFile(tokenFile, clinic.agent.token ?? '');
  const spool = join(await folder(), 'spool');
  const where = ['--server', world.url, '--organization', clinic.organizationId, '--system', 'emr-production'];
  const run = () =>
    safeguard(
      ['agent', '--once', '--retry-for', '30s', '--kubeconfig', cluster.kubeconfig, '--spool', spool, ...where],
      {
        SAFEGUARD_TOKEN: '',
        SAFEGUARD_TOKEN_FILE: tokenFile,
      },
    );
  const scansOf = async (format: string): Promise<{ status: string; counts: Record<string, number> }[]> => {
    const { body } = await clinic.agent.get(`${clinic.systemPath}/scans`).expect(200);
    return body.items.filter((scan: { format: string }) => scan.format === format).reverse();
  };
  // A service that knows no snapshots says so, and the agent keeps it.
  const knowsSnapshots = FORMATS.some(({ slug }) => slug === 'cluster-snapshot');

  const first = await run();
  expect(first, first.stdout + first.stderr).toMatchObject({ code: knowsSnapshots ? 0 : 1 });
  await run();
  expect(await scansOf('policy-report')).toMatchObject([{ status: 'stored', counts: { total: 2, new: 2 } }]);

  cluster.objects[LIST] = [report(1)];
  await run();
  expect((await scansOf('policy-report'))[1]).toMatchObject({ counts: { total: 1, closed: 1 } });
  const snapshots = await scansOf('cluster-snapshot');
  expect(snapshots.map(({ status }) => status)).toEqual(knowsSnapshots ? ['stored', 'stored', 'stored'] : []);
  if (!knowsSnapshots) expect(first.stdout).toContain('lies in refused/');
});

it('is the report of a scanner that does not say when it looked taken, run by the agent or left in its folder?', async () => {
  const cluster = await startCluster({ resources: {}, objects: {} });
  const [bin, drop] = [await folder(), await folder()];
  const report = fileURLToPath(new URL('../../../demo/today/kube-bench-worker-1.json', import.meta.url));
  await writeFile(join(bin, 'kube-bench'), `#!/bin/sh\ncat '${report}'\n`, { mode: 0o755 });
  await writeFile(join(drop, 'other.json.scan.json'), JSON.stringify({ targets: ['node/worker-2'] }));
  await copyFile(report, join(drop, 'other.json'));
  const spool = join(await folder(), 'spool');
  const before = Date.now();
  const run = await safeguard(
    [
      ...['agent', '--once', '--retry-for', '30s', '--kubeconfig', cluster.kubeconfig, '--spool', spool],
      ...['--server', world.url, '--organization', clinic.organizationId, '--system', 'emr-production'],
      ...['--run', 'kube-bench', '--node-name', 'worker-1', '--drop-folder', drop],
    ],
    { SAFEGUARD_TOKEN: clinic.agent.token ?? '', PATH: `${bin}:${process.env['PATH'] ?? ''}` },
  );
  expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
  const { body } = await clinic.agent.get(`${clinic.systemPath}/scans`).expect(200);
  const scans = (body.items as { format: string; status: string; observedAt: string }[]).filter(
    ({ format, status }) => format === 'kube-bench' && status === 'stored',
  );
  expect(scans).toHaveLength(2);
  for (const { observedAt } of scans) {
    expect(Date.parse(observedAt)).toBeGreaterThanOrEqual(before - 1_000);
    expect(Date.parse(observedAt)).toBeLessThanOrEqual(Date.now());
  }
}, 60_000);
