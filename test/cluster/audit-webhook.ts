import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { RealCluster } from './api-server.js';
import { scansOf, systemOf } from './enrolment.js';
import { holds, until } from './holds.js';
import { joinNode } from './kubelet.js';
import { safeguard, shell, succeeded } from './person.js';
import type { Service } from './service.js';

const ROOT = new URL('../../../', import.meta.url);
const text = (path: string): Promise<string> => readFile(new URL(path, ROOT), 'utf8');
const shipped = (name: string): Promise<string> => text(`deploy/kubernetes/audit-webhook/${name}`);

interface Event {
  nativeId: string;
  category: string;
  actor: string;
  action: string;
  resource: string;
}

/** The API server's audit webhook, set up as docs/audit-webhook.md says, with its files as they are but for paths and addresses. */
export async function auditWebhookHolds(cluster: RealCluster, service: Service): Promise<void> {
  const system = await systemOf(service, 'emr-production');
  const folder = join(cluster.directory, 'safeguard');
  const logs = join(cluster.directory, 'audit');
  const here = (of: string): string =>
    of
      .replaceAll('/etc/kubernetes/safeguard', folder)
      .replaceAll('/etc/kubernetes/admin.conf', cluster.kubeconfig)
      .replaceAll('/var/log/kubernetes/audit', logs)
      .replaceAll('https://safeguard.example.org', service.url);
  await mkdir(folder, { mode: 0o700 });
  await mkdir(logs);

  await holds('the account of the webhook is applied and trusted by the line of the guide', async () => {
    const manifest = new URL('deploy/kubernetes/audit-webhook/service-account.yaml', ROOT).pathname;
    succeeded(await cluster.kubectl('apply', '-f', manifest));
    // The variables, which the first line of it sets by hand, are those of the shell.
    const [, line = ''] =
      /```sh\nSERVER=.*ORGANIZATION=.*SYSTEM=.*TOKEN=.*\n([^`]+)```/.exec(await text('docs/audit-webhook.md')) ?? [];
    assert.match(line, /^printf /);
    const variables = { SERVER: service.url, ORGANIZATION: service.organizationId, SYSTEM: system.id };
    succeeded(await shell(cluster, service, line, variables));
  });

  await holds('the token is fetched by the command of the systemd unit', async () => {
    const unit = here(await shipped('safeguard-audit-token.service'));
    const [, line = ''] = /^ExecStart=\/bin\/sh -ec '([^']+)'$/m.exec(unit) ?? [];
    const [, audience = ''] = /^Environment=AUDIENCE=(.+)$/m.exec(unit) ?? [];
    // As systemd reads it: a line goes on after a backslash, and a dollar is written twice.
    const command = line.replaceAll('\\\n', ' ').replaceAll('$$', '$');
    succeeded(await shell(cluster, service, command, { AUDIENCE: audience }));
    assert.notEqual(await readFile(join(folder, 'token'), 'utf8'), '');
  });

  await writeFile(join(folder, 'audit-policy.yaml'), await shipped('audit-policy.yaml'));
  await writeFile(join(folder, 'ca.crt'), service.authority);
  const none = '00000000-0000-0000-0000-000000000000';
  const kubeconfig = here(await shipped('kubeconfig.yaml'))
    .replace(`organizations/${none}`, `organizations/${service.organizationId}`)
    .replace(`systems/${none}`, `systems/${system.id}`)
    .replace('# certificate-authority:', 'certificate-authority:');
  await writeFile(join(folder, 'kubeconfig.yaml'), kubeconfig);
  const { apiServer } = z
    .object({ apiServer: z.object({ extraArgs: z.array(z.object({ name: z.string(), value: z.string() })) }) })
    .parse(parse(await shipped('kubeadm.yaml')));
  await cluster.stopServer();
  await cluster.startServer(apiServer.extraArgs.map(({ name, value }) => `--${name}=${here(value)}`));

  const node = await joinNode(cluster, 'node-1');
  try {
    await happen(cluster);
    const events = async (): Promise<Event[]> => {
      const page = await service.officer<{ items: Event[]; next: string | null }>(
        `/systems/${system.id}/events?limit=500`,
      );
      assert.equal(page.next, null);
      return page.items;
    };
    await holds('what concerns security is in the index within a minute, and what does not is not', async () => {
      const arrived = await until('the last of what happened arrives', 60, async () => {
        const all = await events();
        return all.some(isOf(LAST)) ? all : null;
      });
      for (const wanted of HAPPENED)
        assert.ok(arrived.some(isOf(wanted)), JSON.stringify({ wanted, arrived }, null, 1));
      assert.ok(!arrived.some(({ resource }) => resource.includes('configmaps')), 'a read of a ConfigMap is in it');
    });
    await holds('the API server has lost no event', async () => {
      const metrics = await cluster.metrics();
      assert.match(metrics, /^apiserver_audit_event_total [1-9]/m);
      assert.doesNotMatch(metrics, /^apiserver_audit_error_total\{plugin="webhook"\} [1-9]/m);
    });

    // What it still had to post it has posted when it has ended.
    await cluster.stopServer();
    const brought = await events();
    await holds(
      'its own log, pushed afterwards, brings nothing that the webhook had not, and nothing twice',
      async () => {
        const batches = await scansOf(service, system, 'k8s-audit-events');
        assert.ok(batches.length > 1 && batches.every(({ status }) => status === 'stored'), JSON.stringify(batches));
        assert.equal(new Set(brought.map(({ nativeId }) => nativeId)).size, brought.length);
        const args = ['push', '--json', '--system', system.id, '--format', 'k8s-audit-events'];
        const pushed = await safeguard(
          cluster,
          service,
          [...args, '--token-file', join(folder, 'token'), join(logs, 'audit.log')],
          { SAFEGUARD_TOKEN: '' },
        );
        succeeded(pushed);
        const { scan } = z
          .object({ scan: z.object({ counts: z.object({ events: z.object({ total: z.int(), new: z.int() }) }) }) })
          .parse(JSON.parse(pushed.stdout));
        // Of a request that lasts the log has two entries, which are one event.
        assert.ok(scan.counts.events.total >= brought.length, JSON.stringify(scan.counts));
        assert.equal(scan.counts.events.new, 0);
        assert.equal((await events()).length, brought.length);
      },
    );
  } finally {
    await node.stop();
  }
}

/** What the index has to tell of that which is done below, each by who did it. */
const HAPPENED: readonly Partial<Event>[] = [
  { category: 'exec', actor: 'admin', resource: 'emr/pods/portal/exec' },
  { category: 'secret-read', actor: 'admin', action: 'get', resource: 'emr/secrets/db' },
  { category: 'rbac-change', actor: 'admin', action: 'create', resource: 'clusterrolebindings/night-shift' },
  { category: 'denied', actor: 'system:serviceaccount:emr:safeguard-agent', action: 'list', resource: 'emr/secrets' },
];
const LAST = HAPPENED.at(-1) as Partial<Event>;

const isOf =
  (wanted: Partial<Event>) =>
  (event: Event): boolean =>
    Object.entries(wanted).every(([member, value]) => event[member as keyof Event] === value);

/** By the programs that people have. */
async function happen(cluster: RealCluster): Promise<void> {
  await cluster.call('POST', '/api/v1/namespaces/emr/pods', {
    metadata: { name: 'portal' },
    spec: { nodeName: 'node-1', containers: [{ name: 'app', image: 'registry.example/portal:1' }] },
  });
  // It is let in, and there is nothing to run it: that it fails then is another matter.
  const exec = await cluster.kubectl('exec', '-n', 'emr', 'portal', '--request-timeout=10s', '--', 'id');
  assert.notEqual(exec.code, 0);
  succeeded(await cluster.kubectl('get', 'secret', '-n', 'emr', 'db'));
  succeeded(await cluster.kubectl('get', 'configmap', '-n', 'emr', 'app'));
  succeeded(
    await cluster.kubectl('create', 'clusterrolebinding', 'night-shift', '--clusterrole=view', '--user=somebody'),
  );
  const token = await cluster.tokenOf('emr', 'safeguard-agent');
  const { status } = await cluster.as(token, '/api/v1/namespaces/emr/secrets');
  assert.equal(status, 403);
}
