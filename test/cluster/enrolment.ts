import assert from 'node:assert/strict';
import type { RealCluster } from './api-server.js';
import { holds } from './holds.js';
import { safeguard, shell, succeeded } from './person.js';
import type { Service } from './service.js';

export const [NAMESPACE, ACCOUNT] = ['safeguard-agent', 'safeguard-agent'];
export const SUBJECT = `system:serviceaccount:${NAMESPACE}:${ACCOUNT}`;
const IMAGE = `registry.example.org/safeguard@sha256:${'0a'.repeat(32)}`;

interface Trust {
  id: string;
  issuer: string;
  audience: string;
  subjectPattern: string;
  jwks: { keys: { kid?: string }[] } | null;
}
export interface System {
  id: string;
  phiNamespaces: string[];
}
export interface Scan {
  id: string;
  format: string;
  status: string;
  clusterUid: string | null;
  postedBy: string;
  counts: { total: number } | null;
  duplicate: boolean;
}

/** The one system of a name. */
export async function systemOf(service: Service, name: string): Promise<System> {
  const { items } = await service.admin<{ items: System[] }>('GET', `/systems?name=${name}`);
  const [system, ...more] = items;
  if (system === undefined || more.length > 0) throw new Error(`${items.length} systems are named ${name}`);
  return system;
}

export const trustsOf = async (service: Service, { id }: Pick<System, 'id'>): Promise<Trust[]> =>
  (await service.admin<{ items: Trust[] }>('GET', `/agents?systemId=${id}`)).items;
export const scansOf = async (
  service: Service,
  { id }: Pick<System, 'id'>,
  format = 'cluster-snapshot',
): Promise<Scan[]> => (await service.officer<{ items: Scan[] }>(`/systems/${id}/scans?format=${format}`)).items;

/** `safeguard enrol`, by the issuer's discovery URL. */
export async function enrolmentHolds(cluster: RealCluster, service: Service): Promise<void> {
  // What docs/enrolment.md asks of an API server that serves its own keys.
  const anybody = ['--clusterrole=system:service-account-issuer-discovery', '--group=system:unauthenticated'];
  succeeded(await cluster.kubectl('create', 'clusterrolebinding', 'issuer-discovery', ...anybody));
  const args = ['enrol', '--system', 'emr-production', '--phi-namespaces', 'emr', '--keys', 'discovered'];
  const enrolled = await safeguard(cluster, service, [...args, '--image', IMAGE]);
  await holds('one command creates the system and trusts the issuer by its discovery URL', async () => {
    succeeded(enrolled);
    const system = await systemOf(service, 'emr-production');
    assert.deepEqual(system.phiNamespaces, ['emr']);
    const [trust, ...more] = await trustsOf(service, system);
    assert.deepEqual(more, []);
    assert.deepEqual(
      [trust?.issuer, trust?.audience, trust?.subjectPattern, trust?.jwks],
      [cluster.url, service.url, SUBJECT, null],
    );
  });
  await holds('and has kubectl apply the agent, which the API server takes', async () => {
    const image = 'jsonpath={.spec.jobTemplate.spec.template.spec.containers[0].image}';
    const read = await cluster.kubectl('get', 'cronjob', '-n', NAMESPACE, 'safeguard-agent', '-o', image);
    assert.equal(read.stdout, IMAGE, read.stderr);
  });
  await holds('once more it changes nothing', async () => {
    const again = await safeguard(cluster, service, [...args, '--image', IMAGE]);
    succeeded(again);
    assert.match(again.stderr, /its agent is trusted: /);
    assert.equal((await trustsOf(service, await systemOf(service, 'emr-production'))).length, 1);
  });
}

/** The three lines that the API prints, by the keys that the cluster prints. */
export async function threeLinesHold(cluster: RealCluster, service: Service): Promise<void> {
  const printed = async (): Promise<string[]> => {
    const args = ['enrol', '--system', 'emr-recovery', '--environment', 'recovery', '--phi-namespaces', 'emr'];
    const lines = await safeguard(cluster, service, [...args, '--keys', 'pinned', '--image', IMAGE, '--print']);
    succeeded(lines);
    return lines.stdout.trimEnd().split('\n');
  };
  await holds('the three lines that it prints do the same, each by a shell, with the keys pasted', async () => {
    const [create = '', ...none] = await printed();
    assert.deepEqual(none, []);
    succeeded(await shell(cluster, service, create));
    const [done, trust = '', apply = ''] = await printed();
    assert.match(done ?? '', /^# done: /);
    succeeded(await shell(cluster, service, trust));
    succeeded(await shell(cluster, service, apply));
    const [trusted, ...more] = await trustsOf(service, await systemOf(service, 'emr-recovery'));
    assert.deepEqual(more, []);
    const { keys } = (await cluster.call('GET', '/openid/v1/jwks')) as unknown as { keys: { kid: string }[] };
    assert.deepEqual(
      [trusted?.issuer, trusted?.audience, trusted?.subjectPattern],
      [cluster.url, service.url, SUBJECT],
    );
    assert.deepEqual(
      trusted?.jwks?.keys.map(({ kid }) => kid),
      keys.map(({ kid }) => kid),
    );
  });
}
