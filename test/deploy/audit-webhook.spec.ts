import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { refuseKubernetesPattern } from '../../src/organizations/subject-pattern.js';
import { postKubernetesAuditEvents } from '../../src/scans/audit-webhook.schema.js';
import { categoryOf } from '../../src/scans/formats/kubernetes-audit.js';
import { parseReport } from '../../src/scans/formats/index.js';
import { declared } from '../fixtures/reports/load.js';
import { listed } from './kubernetes.js';
import { textOf } from './files.js';

const at = (name: string) => textOf('deploy/kubernetes/audit-webhook', name);
const guide = textOf('docs/audit-webhook.md');

const kubeconfig = z
  .object({
    clusters: z.tuple([z.object({ cluster: z.strictObject({ server: z.url({ protocol: /^https$/ }) }) })]),
    users: z.tuple([z.object({ user: z.strictObject({ tokenFile: z.string() }) })]),
  })
  .parse(parse(at('kubeconfig.yaml')));
const { tokenFile } = kubeconfig.users[0].user;
const argument = z.object({ name: z.string(), value: z.string() });
const volume = z.object({ hostPath: z.string(), mountPath: z.string() });
const { apiServer } = z
  .object({ apiServer: z.object({ extraArgs: z.array(argument), extraVolumes: z.array(volume) }) })
  .parse(parse(at('kubeadm.yaml')));
const valueOf = (name: string) => apiServer.extraArgs.find((one) => one.name === name)?.value;

describe('deploy/kubernetes/audit-webhook', () => {
  it('is the address of the webhook one that the service has?', () => {
    const { pathname, search } = new URL(kubeconfig.clusters[0].cluster.server);
    const none = '00000000-0000-0000-0000-000000000000';
    const path = postKubernetesAuditEvents.path.replace(':organizationId', none).replace(':systemId', none);
    expect([pathname, search]).toEqual([path, '']);
  });

  it('is the token written where it is read, in a folder that the API server sees whole?', () => {
    const folder = tokenFile.slice(0, tokenFile.lastIndexOf('/'));
    const unit = at('safeguard-audit-token.service');
    expect(unit).toContain(`cd ${folder};`);
    expect(unit).toContain('mv token.new token');
    expect(apiServer.extraVolumes).toContainEqual(expect.objectContaining({ hostPath: folder, mountPath: folder }));
    for (const name of ['audit-policy-file', 'audit-webhook-config-file']) {
      expect(valueOf(name)?.startsWith(`${folder}/`), name).toBe(true);
    }
    // Tokens that live longer than a day are refused by the service.
    const hours = Number(/--duration (\d+)h/.exec(unit)?.[1]);
    expect(hours).toBeGreaterThanOrEqual(12);
    expect(hours).toBeLessThan(24);
    expect(at('safeguard-audit-token.timer')).toContain('OnUnitActiveSec=1h');
  });

  it('is its account the one that the guide has trusted, and can no pod be it?', () => {
    const objects = parseAll('service-account.yaml');
    const account = objects.find(({ kind }) => kind === 'ServiceAccount');
    const subject = `system:serviceaccount:${account?.metadata.namespace ?? ''}:${account?.metadata.name ?? ''}`;
    expect(refuseKubernetesPattern(subject)).toBeNull();
    expect(guide).toContain(`"subjectPattern": "${subject}"`);
    const unit = at('safeguard-audit-token.service');
    expect(unit).toContain(`--namespace ${account?.metadata.namespace} create token ${account?.metadata.name}`);
    expect(objects.find(({ kind }) => kind === 'ResourceQuota')).toMatchObject({ spec: { hard: { pods: '0' } } });
    // The agent's account, whose pods others could be made of, is another.
    expect(listed('agent/base').map(({ metadata }) => metadata.namespace)).not.toContain(account?.metadata.namespace);
  });

  it('does the policy keep bodies out but those of RBAC, and what the service makes an index of in?', () => {
    const report = parseReport(Buffer.from(at('audit-policy.yaml')), { declared: declared() });
    expect([report.format, report.rejects]).toEqual(['k8s-audit-policy', []]);
    const { rules } = z
      .object({
        rules: z.array(
          z.object({
            level: z.string(),
            verbs: z.array(z.string()),
            resources: z.array(z.object({ group: z.string(), resources: z.array(z.string()) })),
          }),
        ),
      })
      .parse(report.facts[0]?.value);
    const withBodies = rules.filter(({ level }) => !['None', 'Metadata'].includes(level));
    expect(withBodies).toMatchObject([
      { level: 'Request', resources: [{ group: 'rbac.authorization.k8s.io', resources: [] }] },
    ]);
    // What nodes and the control plane read is left out, of which nobody can know by a policy how much it is.
    expect(Object.fromEntries(report.results.map(({ check, status }) => [check, status]))).toEqual({
      'audit-secrets-without-content': 'manual',
      'audit-rbac-changes': 'pass',
      'audit-no-blanket-none': 'pass',
      'audit-stages': 'pass',
    });
    expect(rules.at(-1)).toMatchObject({ level: 'Metadata', verbs: [], resources: [] });
    const dropped = rules
      .filter(({ level }) => level === 'None')
      .flatMap(({ verbs, resources }) =>
        resources.flatMap(({ group, resources: names }) =>
          (names.length === 0 ? ['anything'] : names).flatMap((name) => verbs.map((verb) => ({ group, name, verb }))),
        ),
      );
    expect(dropped.length).toBeGreaterThan(20);
    for (const { group, name, verb } of dropped) {
      const [resource = '', subresource = ''] = name.split('/');
      const object = { group, resource, subresource, namespace: 'emr', name: 'x' };
      const request = { verb, object, path: '', user: 'system:node:a', isAnonymous: false, outcome: 'done' as const };
      expect(categoryOf(request), `${verb} ${group}/${name}`).toBeNull();
    }
  });

  it('are batches bounded as the guide says, and does the log stay on the node?', () => {
    expect(valueOf('audit-webhook-mode')).toBe('batch');
    expect(valueOf('audit-log-path')).toBeDefined();
    for (const { name, value } of apiServer.extraArgs.filter((one) => /batch|truncate/.test(one.name))) {
      expect(guide).toContain(`--${name}=${value}`);
    }
  });
});

function parseAll(name: string) {
  return at(name)
    .split(/^---$/m)
    .map((text) => parse(text) as { kind: string; metadata: { name: string; namespace?: string } });
}
