import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Outbound } from '../../src/kernel/http/outbound.js';

/** A Kubernetes API server with its etcd: no nodes, no controllers, but everything that a reader of objects can meet. */
export interface RealCluster {
  url: string;
  /** PEM of the authority of its certificate. */
  authority: string;
  directory: string;
  /** A call as the cluster's administrator; its answer's JSON. Throws on any status but 2xx. */
  call: (method: 'GET' | 'POST', path: string, body?: object) => Promise<Answer>;
  /** A call of somebody who has no credential, as the service asks an issuer for its keys. */
  asAnybody: Outbound;
  /** A token of a service account, as the kubelet gets it for a projected volume. */
  tokenOf: (namespace: string, name: string) => Promise<string>;
  stop: () => Promise<void>;
}

export type Answer = Record<string, unknown> & { status?: unknown; metadata?: { uid?: string } };

export async function startRealCluster(): Promise<RealCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'safeguard-kubernetes-'));
  const at = (name: string): string => join(directory, name);
  const [clients, peers, secure] = [await freePort(), await freePort(), await freePort()];
  const admin = randomUUID();
  const accounts = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  await writeFile(at('accounts.key'), accounts.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(at('accounts.pub'), accounts.publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(at('tokens.csv'), `${admin},admin,admin,system:masters\n`);
  const url = `https://127.0.0.1:${secure}`;
  const etcd = run('ETCD', [
    `--data-dir=${at('etcd')}`,
    `--listen-client-urls=http://127.0.0.1:${clients}`,
    `--advertise-client-urls=http://127.0.0.1:${clients}`,
    `--listen-peer-urls=http://127.0.0.1:${peers}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peers}`,
    `--initial-cluster=default=http://127.0.0.1:${peers}`,
    '--log-level=error',
  ]);
  const server = run('KUBE_APISERVER', [
    `--etcd-servers=http://127.0.0.1:${clients}`,
    `--secure-port=${secure}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--cert-dir=${at('certificates')}`,
    '--authorization-mode=RBAC',
    `--token-auth-file=${at('tokens.csv')}`,
    `--service-account-issuer=${url}`,
    `--service-account-key-file=${at('accounts.pub')}`,
    `--service-account-signing-key-file=${at('accounts.key')}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    // There is no controller that would make the account default, without which no pod is admitted.
    '--disable-admission-plugins=ServiceAccount',
  ]);
  const stop = async (): Promise<void> => {
    for (const { child, ended } of [server, etcd]) {
      child.kill('SIGTERM');
      await ended;
    }
    await rm(directory, { recursive: true, force: true });
  };
  const certificate = at('certificates/apiserver.crt');
  try {
    await until(() => existsSync(certificate), [server, etcd]);
    const authority = await readFile(certificate, 'utf8');
    const call: RealCluster['call'] = (method, path, body) =>
      ask(`${url}${path}`, { method, authority, token: admin, body });
    await until(
      async () => (await call('GET', '/api/v1/namespaces/kube-system').catch(() => null)) !== null,
      [server, etcd],
    );
    return {
      url,
      authority,
      directory,
      call,
      stop,
      asAnybody: (address, { headers } = {}) => get(address, authority, headers),
      tokenOf: async (namespace, name) => {
        const answer = await call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { audiences: [url], expirationSeconds: 3_600 },
        });
        return (answer.status as { token: string }).token;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Running {
  child: ChildProcess;
  ended: Promise<void>;
  output: () => string;
}

function run(variable: 'ETCD' | 'KUBE_APISERVER', args: readonly string[]): Running {
  const child = spawn(process.env[variable] ?? variable, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-4_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<void>((resolve) => {
    child.on('close', () => resolve());
    child.on('error', () => resolve());
  });
  return { child, ended, output: () => output };
}

async function until(isSo: () => boolean | Promise<boolean>, running: readonly Running[]): Promise<void> {
  for (const began = Date.now(); !(await isSo());) {
    const dead = running.find(({ child }) => child.exitCode !== null);
    if (dead) throw new Error(`a part of the cluster ended:\n${dead.output()}`);
    if (Date.now() > began + 120_000) throw new Error(`the cluster does not come up:\n${running[0]?.output() ?? ''}`);
    await wait(200);
  }
}

interface Asked {
  method: string;
  authority: string;
  token: string;
  body: object | undefined;
}

function ask(url: string, { method, authority, token, body }: Asked): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const asking = request(url, { method, headers, ca: authority }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      if ((response.statusCode ?? 500) >= 300)
        reject(new Error(`${method} ${url}: ${response.statusCode ?? 0} ${text}`));
      else resolve(JSON.parse(text) as Answer);
    });
  });
  asking.on('error', reject);
  asking.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}

function get(url: string, authority: string, headers: Record<string, string> = {}): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const asking = request(url, { headers, ca: authority }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => resolve(new Response(Buffer.concat(chunks), { status: response.statusCode ?? 500 })));
  });
  asking.on('error', reject);
  asking.end();
  return promise;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
