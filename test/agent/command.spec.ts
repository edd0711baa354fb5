import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { KINDS } from '../../src/checks/kinds.js';
import { ORGANIZATION, problem, safeguard, start, SYSTEM } from '../cli/support.js';
import { type Cluster, forbidden, startCluster } from './cluster.js';
import { startService } from './service.js';
import { linesOf } from './lines.js';
import { folder } from './support.js';

const PODS = {
  '/api/v1/pods': [
    {
      metadata: { name: 'app', namespace: 'emr', uid: '1' },
      spec: { containers: [{ name: 'app', env: [{ name: 'PW', value: 'hunter2' }] }] },
    },
  ],
};
const WGPOLICY = { 'wgpolicyk8s.io/v1alpha2': { policyreports: 'PolicyReport' } };
const REPORTS = {
  '/apis/wgpolicyk8s.io/v1alpha2/policyreports': [
    {
      metadata: { name: 'r', namespace: 'emr' },
      summary: { fail: 1 },
      results: [{ source: 'kyverno', policy: 'p', result: 'fail' }],
    },
  ],
};

/** The flags of a test, and what the agent must not take from this machine. */
async function flags(cluster: Cluster, service: { url: string }): Promise<string[]> {
  return [
    'agent',
    '--kubeconfig',
    cluster.kubeconfig,
    '--server',
    service.url,
    '--organization',
    ORGANIZATION,
    '--system',
    SYSTEM,
    '--spool',
    join(await folder(), 'spool'),
    '--metrics-port',
    '0',
  ];
}

const jsonLines = (text: string): { level: number; msg: string }[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { level: number; msg: string });

describe('safeguard agent --once', () => {
  it('does it collect, post and end with 0, and tell so in JSON?', async () => {
    const [cluster, service] = [
      await startCluster({ objects: { ...PODS, ...REPORTS }, resources: WGPOLICY }),
      await startService(),
    ];
    const run = await safeguard([...(await flags(cluster, service)), '--once', '--cluster-name', 'production']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const [snapshot, reports] = [...service.kept.values()];
    expect(service.kept.size).toBe(2);
    expect(snapshot?.headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      'content-encoding': 'zstd',
      authorization: 'Bearer token-of-the-test',
    });
    expect(reports?.query.getAll('targets')).toEqual(['cluster/cluster']);
    expect(reports?.query.get('format')).toBe('policy-report');
    expect(jsonLines(run.stdout).map(({ msg }) => msg)).toEqual(
      expect.arrayContaining(['collected a snapshot', 'posted a report', 'the agent ends']),
    );
    expect(run.stdout).not.toMatch(/hunter2|token-of-the-test|emr/);
  });

  it('does a list that is refused leave a snapshot, told by a warning?', async () => {
    const [cluster, service] = [await startCluster({ objects: PODS }), await startService()];
    cluster.trouble.set('/api/v1/pods', [forbidden('pods')]);
    const run = await safeguard([...(await flags(cluster, service)), '--once']);
    expect(run.code).toBe(0);
    expect(jsonLines(run.stdout)).toContainEqual(
      expect.objectContaining({ level: 40, resource: 'pods', outcome: 'refused' }),
    );
  });

  it('does it end with 1 where something was refused for good, and with 1 where the cluster does not answer?', async () => {
    const [cluster, service] = [await startCluster(), await startService()];
    service.answers = [(response) => problem(response, 422, 'report-refused', 'no')];
    expect(await safeguard([...(await flags(cluster, service)), '--once'])).toMatchObject({ code: 1 });
    cluster.trouble.set('/api/v1/namespaces/kube-system', [forbidden('namespaces')]);
    const blind = await safeguard([...(await flags(cluster, service)), '--once']);
    expect(blind.code).toBe(1);
    expect(blind.stdout).toContain('the cluster does not say who it is');
  });

  it('does it end with 4 where nothing listens, and does the next run post what waited, and what is new?', async () => {
    const cluster = await startCluster();
    const gone = await startService();
    await gone.stop();
    const given = await flags(cluster, gone);
    const first = await safeguard([...given, '--once', '--retry-for', '100ms']);
    expect(first).toMatchObject({ code: 4 });
    expect(first.stderr).toContain('1 reports wait in the spool');
    const service = await startService();
    const second = await safeguard([...given.map((flag) => (flag === gone.url ? service.url : flag)), '--once']);
    expect(second).toMatchObject({ code: 0 });
    expect(service.kept.size).toBe(2);
  });

  it('does what waits from the last run go while a collection hangs?', async () => {
    const [cluster, gone] = [await startCluster(), await startService()];
    await gone.stop();
    const given = await flags(cluster, gone);
    await safeguard([...given, '--once', '--retry-for', '100ms']);
    const service = await startService();
    cluster.trouble.set(
      '/api/v1/namespaces/kube-system',
      Array.from({ length: 6 }, () => () => undefined),
    );
    const agent = start([...given.map((flag) => (flag === gone.url ? service.url : flag)), '--once']);
    await service.came(1);
    agent.kill('SIGTERM');
    await agent.finished;
    expect(service.kept.size).toBe(1);
  });

  it('is a snapshot taken where the drop folder cannot be read, and is it told?', async () => {
    const [cluster, service] = [await startCluster(), await startService()];
    const run = await safeguard([...(await flags(cluster, service)), '--drop-folder', '/nonexistent', '--once']);
    expect(run.code).toBe(1);
    expect(run.stdout).toContain('the drop folder cannot be read');
    expect(service.kept.size).toBe(1);
  });

  it('does a second one at the same spool end at once, and the next when the first is killed not?', async () => {
    const [cluster, service] = [await startCluster(), await startService()];
    const given = await flags(cluster, service);
    const first = start(given);
    await first.wrote(/the agent starts/);
    const second = await safeguard([...given, '--once']);
    expect(second).toMatchObject({ code: 1, stdout: '' });
    expect(second.stderr).toContain('another agent');
    first.kill('SIGKILL');
    await first.finished;
    expect(await safeguard([...given, '--once'])).toMatchObject({ code: 0 });
  });

  it.each([
    [['agent'], /--system/],
    [['agent', '--system', 's'], /--organization/],
    [['agent', '--organization', 'o', '--system', 's', '--interval', '1s'], /at least a minute/],
    [['agent', '--organization', 'o', '--system', 's', '--spool-limit', 'much'], /A size is/],
    [['agent', '--organization', 'o', '--system', 's', '--run', 'nessus'], /Allowed are/],
    [['agent', '--organization', 'o', '--system', 's', '--server', 'http://example.org'], /unencrypted/],
    [['agent', '--organization', 'o', '--system', 's', '--sign-key', '/nonexistent'], /signing key/],
    [['agent', '--organization', 'o', '--system', 's', '--spool', '/nonexistent/spool'], /spool .* cannot be used/],
    [['agent', '--organization', 'o', '--system', 's', '--ca-file', '/nonexistent', '--spool', '/tmp'], /--ca-file/],
  ])('is %j told to be wrong, with 2?', async (args, words) => {
    const run = await safeguard(args, { SAFEGUARD_SPOOL: join(await folder(), 'spool') });
    expect(run).toMatchObject({ code: 2 });
    expect(run.stderr).toMatch(words);
  });

  it('are its settings taken from the environment, as a pod gives them?', async () => {
    const [cluster, service] = [await startCluster({ objects: PODS }), await startService()];
    const run = await safeguard(['agent', '--once'], {
      SAFEGUARD_KUBECONFIG: cluster.kubeconfig,
      SAFEGUARD_SERVER: service.url,
      SAFEGUARD_ORGANIZATION: ORGANIZATION,
      SAFEGUARD_SYSTEM: SYSTEM,
      SAFEGUARD_SPOOL: join(await folder(), 'spool'),
      SAFEGUARD_EXCLUDE: 'secrets, velero.io',
      SAFEGUARD_CLUSTER_NAME: 'from-environment',
      SAFEGUARD_LOG_LEVEL: 'warn',
    });
    expect(run).toMatchObject({ code: 0, stdout: '' });
    expect(cluster.requests.filter(({ path }) => /secrets$|velero/.test(path))).toEqual([]);
  });
});

describe('safeguard agent --dry-run', () => {
  it('does it say what would be sent, send nothing, need no server, and write the document that would be sent?', async () => {
    const cluster = await startCluster({ objects: { ...PODS, ...REPORTS }, resources: WGPOLICY });
    cluster.trouble.set('/api/v1/secrets', [forbidden('secrets')]);
    const output = join(await folder(), 'snapshot.ndjson');
    const run = await safeguard(['agent', '--dry-run', '--kubeconfig', cluster.kubeconfig, '--output', output]);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stdout).toMatch(/^pods +v1 +complete +1 /m);
    expect(run.stdout).toMatch(/^secrets +v1 +refused +0 .*cannot list/m);
    expect(run.stdout).toMatch(/^schedules +velero.io\/v1 +absent *$/m);
    expect(run.stdout).toContain('reports policy-report of kyverno: 1 object');
    expect(run.stdout).toContain('nothing was sent');
    const lines = linesOf(await readFile(output, 'utf8'));
    expect([lines[0]?.kind, lines.at(-1)?.kind]).toEqual(['ClusterSnapshot', 'ClusterSnapshotEnd']);
    expect(lines.at(-1)?.lists?.length).toBeGreaterThanOrEqual(KINDS.length);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it('does a cluster of many kinds give one document, without a word of its runtime?', async () => {
    const resources = {
      v1: {
        namespaces: 'Namespace',
        secrets: 'Secret',
        pods: 'Pod',
        services: 'Service',
        serviceaccounts: 'ServiceAccount',
        persistentvolumeclaims: 'PersistentVolumeClaim',
        persistentvolumes: 'PersistentVolume',
        nodes: 'Node',
      },
      'apps/v1': {
        deployments: 'Deployment',
        statefulsets: 'StatefulSet',
        daemonsets: 'DaemonSet',
        replicasets: 'ReplicaSet',
      },
      'batch/v1': { jobs: 'Job', cronjobs: 'CronJob' },
    };
    const paths = Object.entries(resources).flatMap(([version, names]) =>
      Object.keys(names)
        .filter((name) => !['namespaces', 'secrets'].includes(name))
        .map((name) => `/${version === 'v1' ? 'api' : 'apis'}/${version}/${name}`),
    );
    const cluster = await startCluster({
      resources,
      objects: Object.fromEntries(paths.map((path) => [path, [{ metadata: { name: 'one', namespace: 'emr' } }]])),
    });
    const output = join(await folder(), 'snapshot.ndjson');
    const run = await safeguard(['agent', '--dry-run', '--kubeconfig', cluster.kubeconfig, '--output', output]);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    // One namespace, a head and an end beside them.
    expect(linesOf(await readFile(output, 'utf8'))).toHaveLength(paths.length + 3);
  });

  it('is the document alone on standard output where that is asked for?', async () => {
    const cluster = await startCluster({ objects: PODS });
    const run = await safeguard([
      'agent',
      '--dry-run',
      '--no-reports',
      '--kubeconfig',
      cluster.kubeconfig,
      '--output',
      '-',
    ]);
    expect(run).toMatchObject({ code: 0 });
    expect(linesOf(run.stdout).map(({ kind }) => kind)).toEqual([
      'ClusterSnapshot',
      'Pod',
      'Namespace',
      'ClusterSnapshotEnd',
    ]);
  });
});

describe('safeguard agent, as it goes on', () => {
  it('does it post, tell Prometheus and its probe, and end with 0 on SIGTERM?', async () => {
    const [cluster, service] = [await startCluster({ objects: PODS }), await startService()];
    const port = await freePort();
    const given = (await flags(cluster, service)).map((flag, at, all) =>
      all[at - 1] === '--metrics-port' ? String(port) : flag,
    );
    const agent = start(given);
    await service.came(1);
    await agent.wrote(/"msg":"posted a report"/);
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(metrics).toMatch(/^safeguard_agent_posts_total\{outcome="posted"\} 1$/m);
    expect(metrics).toMatch(/^safeguard_agent_collections_total\{outcome="complete"\} 1$/m);
    expect(metrics).toMatch(/^safeguard_agent_spool_reports 0$/m);
    expect(await fetch(`http://127.0.0.1:${port}/healthz`)).toMatchObject({ status: 200 });
    expect(await fetch(`http://127.0.0.1:${port}/healthz`, { method: 'POST' })).toMatchObject({ status: 405 });
    agent.kill('SIGTERM');
    expect(await agent.finished).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('does SIGTERM in the middle of a collection end it, and leave no half a snapshot?', async () => {
    const [cluster, service] = [await startCluster(), await startService()];
    let reached: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => (reached = resolve));
    cluster.trouble.set('/api/v1/pods', [() => reached()]);
    const given = await flags(cluster, service);
    const agent = start(given);
    await asked;
    agent.kill('SIGTERM');
    expect(await agent.finished).toMatchObject({ code: 0 });
    const spool = given[given.indexOf('--spool') + 1] ?? '';
    expect(await readdir(join(spool, 'tmp'))).toEqual([]);
    expect(await readdir(join(spool, 'reports'))).toEqual([]);
    expect(service.posts).toEqual([]);
  });

  it('is each report of the drop folder posted once, wherever kill -9 strikes?', async () => {
    const [cluster, service] = [await startCluster(), await startService()];
    const drop = join(await folder(), 'drop');
    await mkdir(drop);
    const old = new Date(Date.now() - 120_000);
    for (let at = 0; at < 6; at++) {
      await writeFile(join(drop, `report-${at}.json`), JSON.stringify({ at }));
      await utimes(join(drop, `report-${at}.json`), old, old);
    }
    const given = [...(await flags(cluster, service)), '--drop-folder', drop];
    // Killed while the server has the report and has not said so; then after it was said; then as the first is spooled.
    for (const strike of ['before the answer', 'after the answer', 'while spooling'] as const) {
      const agent = start(given);
      const dead = agent.finished;
      if (strike === 'while spooling') await agent.wrote(/took a report/);
      else {
        const struck = new Promise<void>((resolve) => {
          service.answers = [
            (response, posted, goOn) => {
              if (strike === 'before the answer') service.kept.set(posted.key, posted);
              else goOn();
              agent.kill('SIGKILL');
              if (strike === 'before the answer') response.destroy();
              resolve();
            },
          ];
        });
        await struck;
      }
      agent.kill('SIGKILL');
      expect(await dead).toMatchObject({ signal: 'SIGKILL' });
    }
    expect(await safeguard([...given, '--once'])).toMatchObject({ code: 0 });
    expect(await readdir(drop)).toEqual([]);
    const dropped = [...service.kept.values()].filter(({ headers }) => headers['content-type'] === 'application/json');
    expect(dropped).toHaveLength(6);
    const spool = given[given.indexOf('--spool') + 1] ?? '';
    expect(await readdir(join(spool, 'reports'))).toEqual([]);
  });
});

describe('is the agent light for those who do not run it?', () => {
  it('does no other command load a client of Kubernetes?', async () => {
    const program = new URL('../../src/bin/program.js', import.meta.url).href;
    const hooks = `import { registerHooks } from 'node:module'; globalThis.loaded = [];
      registerHooks({ load(url, context, next) { globalThis.loaded.push(url); return next(url, context); } });
      await import(${JSON.stringify(program)}); process.stdout.write(globalThis.loaded.filter((url) => /client-node|prom-client|\\/src\\/agent\\//.test(url)).join());`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', hooks]);
    expect(stdout).toBe('');
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
