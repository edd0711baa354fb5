import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { z } from 'zod';
import { agentKubeconfig, type Answer, type RealCluster } from './api-server.js';
import { ACCOUNT, NAMESPACE, scansOf, SUBJECT, systemOf, trustsOf } from './enrolment.js';
import { holds } from './holds.js';
import { succeeded } from './person.js';
import { type Ended, run, SAFEGUARD } from './programs.js';
import type { Service } from './service.js';

const podTemplate = z.object({
  spec: z.object({
    serviceAccountName: z.string(),
    containers: z.tuple([
      z.object({
        args: z.array(z.string()),
        env: z.array(z.object({ name: z.string(), value: z.string() })),
        envFrom: z.tuple([z.object({ configMapRef: z.object({ name: z.string() }) })]),
      }),
    ]),
    volumes: z.array(
      z.object({
        name: z.string(),
        projected: z
          .object({
            sources: z.array(
              z.object({
                serviceAccountToken: z
                  .object({ audience: z.string().optional(), expirationSeconds: z.number() })
                  .optional(),
              }),
            ),
          })
          .optional(),
      }),
    ),
  }),
});

/** The agent's pod, made of what was applied as the CronJob's controller would, and what a kubelet would give it: its environment, and the tokens of its volumes. */
export interface AgentPod {
  pod: Answer;
  args: string[];
  environment: Record<string, string>;
  /** For the API server, and for the service. */
  tokens: { apiServer: string; service: string };
}

export async function startAgentPod(cluster: RealCluster, name: string): Promise<AgentPod> {
  const cronJob = await cluster.call('GET', `/apis/batch/v1/namespaces/${NAMESPACE}/cronjobs/safeguard-agent`);
  const { metadata, spec } = z
    .object({
      spec: z.object({
        jobTemplate: z.object({
          spec: z.object({ template: z.looseObject({ metadata: z.looseObject({}), spec: z.looseObject({}) }) }),
        }),
      }),
    })
    .parse(cronJob).spec.jobTemplate.spec.template;
  // Admitted by the Pod Security Standard that its namespace enforces, or refused here.
  const pod = await cluster.call('POST', `/api/v1/namespaces/${NAMESPACE}/pods`, {
    metadata: { ...metadata, name },
    spec,
  });
  const { serviceAccountName, containers, volumes } = podTemplate.parse(pod).spec;
  const [{ args, env, envFrom }] = containers;
  const map = await cluster.call('GET', `/api/v1/namespaces/${NAMESPACE}/configmaps/${envFrom[0].configMapRef.name}`);
  const token = (volume: string): Promise<string> => {
    const sources = volumes.find((one) => one.name === volume)?.projected?.sources ?? [];
    const asked = sources.find((source) => source.serviceAccountToken !== undefined)?.serviceAccountToken;
    assert.ok(asked, `the volume ${volume} projects a token`);
    return cluster.tokenOf(NAMESPACE, serviceAccountName, { ...asked, pod });
  };
  return {
    pod,
    args,
    environment: {
      ...(map['data'] as Record<string, string>),
      ...Object.fromEntries(env.map((one) => [one.name, one.value])),
    },
    tokens: { apiServer: await token('api-server'), service: await token('service') },
  };
}

/** Runs what the pod would run, where a kubelet would have mounted its files. */
export async function runAgent(cluster: RealCluster, service: Service, agent: AgentPod): Promise<Ended> {
  const folder = join(cluster.directory, agent.pod.metadata?.name ?? '');
  await mkdir(folder);
  await writeFile(join(folder, 'token'), agent.tokens.service);
  return run(process.execPath, [SAFEGUARD, ...agent.args], {
    PATH: process.env['PATH'],
    ...agent.environment,
    SAFEGUARD_TOKEN_FILE: join(folder, 'token'),
    SAFEGUARD_SPOOL: join(folder, 'spool'),
    SAFEGUARD_KUBECONFIG: await agentKubeconfig(cluster, agent.tokens.apiServer),
    SAFEGUARD_CA_FILE: service.authorityFile,
    SAFEGUARD_RETRY_FOR: '30s',
  });
}

/** Whose tokens are taken, and whose are not. */
export async function tokensHold(cluster: RealCluster, service: Service, name: string): Promise<AgentPod> {
  const system = await systemOf(service, name);
  const agent = await startAgentPod(cluster, `safeguard-agent-of-${name}`);
  await holds(`the pod's token is one that a kubelet projects: of ${name}'s audience, and bound to the pod`, () => {
    const claims = decodeJwt<{ 'kubernetes.io'?: { pod?: { name?: string } } }>(agent.tokens.service);
    assert.deepEqual(
      [claims.iss, claims.sub, claims.aud, claims['kubernetes.io']?.pod?.name],
      [cluster.url, SUBJECT, [service.url], agent.pod.metadata?.name],
    );
    assert.equal(agent.environment['SAFEGUARD_SYSTEM'], system.id);
  });
  const { metadata } = await cluster.call('GET', '/api/v1/namespaces/kube-system');
  await holds(`by it the agent posts a snapshot of ${name}, which is judged`, async () => {
    const before = await scansOf(service, system);
    assert.deepEqual(before, []);
    succeeded(await runAgent(cluster, service, agent));
    const [scan, ...more] = await scansOf(service, system);
    assert.deepEqual(more, []);
    assert.deepEqual([scan?.status, scan?.clusterUid], ['stored', metadata?.uid]);
    // Of several trusts that mean it, it goes by the oldest.
    const trusts = await service.admin<{ items: { id: string }[] }>('GET', '/agents');
    assert.equal(scan?.postedBy, trusts.items[0]?.id);
    assert.ok((scan?.counts?.total ?? 0) > 100, JSON.stringify(scan?.counts));
  });
  return agent;
}

/** What the least of reports says. */
const report = (of: string): object => ({
  safeguardReport: 1,
  tool: { name: 'token-check', version: '1' },
  observedAt: new Date().toISOString(),
  targets: [{ kind: 'cluster', name: 'cluster', complete: false }],
  results: [{ check: 'posted', resource: of, status: 'pass' }],
});

export async function refusalsHold(cluster: RealCluster, service: Service, { pod, tokens }: AgentPod): Promise<void> {
  const system = await systemOf(service, 'emr-production');
  const post = (token: string, of: string) => service.post(token, `/systems/${system.id}/scans`, report(of));
  for (const [namespace, name] of [
    [NAMESPACE, 'other'],
    ['emr', ACCOUNT],
  ] as const) {
    await cluster.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
  }
  const audience = service.url;
  const others: Record<string, string> = {
    'for the API server': tokens.apiServer,
    'of another audience': await cluster.tokenOf(NAMESPACE, ACCOUNT, { audience: `${audience}.example.org`, pod }),
    'of another account of the namespace': await cluster.tokenOf(NAMESPACE, 'other', { audience }),
    'of an account of that name in another namespace': await cluster.tokenOf('emr', ACCOUNT, { audience }),
    'by another key of the same name': await forged(tokens.service),
  };
  for (const [what, token] of Object.entries(others)) {
    await holds(`a token ${what} is refused`, async () => {
      const { status, text } = await post(token, what);
      assert.equal(status, 401, text);
    });
  }
  await holds('and the pod’s own is taken with the same report: what was refused has left no scan', async () => {
    const { status, text } = await post(tokens.service, 'its own');
    assert.equal(status, 201, text);
    assert.equal((await scansOf(service, system, 'safeguard')).length, 1);
  });
}

/** All that a token says, signed by somebody else. */
async function forged(token: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const { alg = '', kid = '' } = decodeProtectedHeader(token);
  return new SignJWT(decodeJwt(token)).setProtectedHeader({ alg, kid }).sign(privateKey);
}

/** Each trust stands by itself. */
export async function revocationHolds(cluster: RealCluster, service: Service): Promise<void> {
  const systems = [await systemOf(service, 'emr-production'), await systemOf(service, 'emr-recovery')];
  const token = await cluster.tokenOf(NAMESPACE, ACCOUNT, { audience: service.url });
  const answers = async (of: string): Promise<number[]> => {
    const posted = systems.map(({ id }) => service.post(token, `/systems/${id}/scans`, report(of)));
    return (await Promise.all(posted)).map(({ status }) => status);
  };
  await holds('the token is of both systems while both trust it, and of one when the other has revoked', async () => {
    assert.deepEqual(await answers('before'), [201, 201]);
    for (const { id } of await trustsOf(service, { id: systems[0]?.id ?? '' }))
      await service.admin('DELETE', `/agents/${id}`);
    assert.deepEqual(await answers('after'), [404, 201]);
  });
}
