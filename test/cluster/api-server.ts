import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './holds.js';
import { type Answered, call, send } from './http.js';
import { type Ended, freePort, run, type Running, start } from './programs.js';

/** A Kubernetes API server with its etcd: no nodes, no controllers, but everything that a reader of objects can meet. */
export interface RealCluster {
  url: string;
  /** PEM of the authority of its certificate, and the file of it. */
  authority: string;
  authorityFile: string;
  directory: string;
  /** Of the cluster's administrator. */
  kubeconfig: string;
  /** A call as the cluster's administrator; its answer's JSON. Throws on any status but 2xx. */
  call: (method: 'GET' | 'POST', path: string, body?: object) => Promise<Answer>;
  /** A call as whoever holds a token, whatever its answer. */
  as: (token: string, path: string) => Promise<Answered>;
  /** Its metrics, in Prometheus' text format. */
  metrics: () => Promise<string>;
  /** `kubectl` as the cluster's administrator. */
  kubectl: (...args: readonly string[]) => Promise<Ended>;
  /** A token of a service account, as the kubelet gets it for a projected volume. */
  tokenOf: (namespace: string, name: string, projected?: Projected) => Promise<string>;
  /** Ends the API server; etcd goes on. What it still has to post, it posts before. */
  stopServer: () => Promise<void>;
  /** And starts it with further flags. */
  startServer: (flags: readonly string[]) => Promise<void>;
  stop: () => Promise<void>;
}

export type Answer = Record<string, unknown> & { status?: unknown; metadata?: { name?: string; uid?: string } };

export interface Projected {
  /** The API server's own where none is given. */
  audience?: string | undefined;
  expirationSeconds?: number | undefined;
  /** The pod that it is projected into, and ends with. */
  pod?: Answer | undefined;
}

export async function startRealCluster(): Promise<RealCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'safeguard-kubernetes-'));
  const at = (name: string): string => join(directory, name);
  const [clients, peers, secure] = [await freePort(), await freePort(), await freePort()];
  const token = randomUUID();
  const accounts = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  await writeFile(at('accounts.key'), accounts.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(at('accounts.pub'), accounts.publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(at('tokens.csv'), `${token},admin,admin,system:masters\n`);
  const url = `https://127.0.0.1:${secure}`;
  const etcd = program('ETCD', [
    `--data-dir=${at('etcd')}`,
    `--listen-client-urls=http://127.0.0.1:${clients}`,
    `--advertise-client-urls=http://127.0.0.1:${clients}`,
    `--listen-peer-urls=http://127.0.0.1:${peers}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peers}`,
    `--initial-cluster=default=http://127.0.0.1:${peers}`,
    '--log-level=error',
  ]);
  const flags = [
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
  ];
  let server = program('KUBE_APISERVER', flags);
  const authorityFile = at('certificates/apiserver.crt');
  const isUp = async (): Promise<true | null> => {
    const dead = [server, etcd].find(({ child }) => child.exitCode !== null || child.pid === undefined);
    if (dead) throw new Error(`a part of the cluster ended:\n${dead.output()}`);
    if (!existsSync(authorityFile)) return null;
    const authority = await readFile(authorityFile, 'utf8');
    const path = `${url}/api/v1/namespaces/kube-system`;
    return call(path, { authority, token }).then(
      () => true as const,
      () => null,
    );
  };
  const stop = async (): Promise<void> => {
    await server.stop();
    await etcd.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await until('the cluster comes up', 120, isUp);
    const authority = await readFile(authorityFile, 'utf8');
    const kubeconfig = at('admin.conf');
    await writeFile(kubeconfig, kubeconfigOf({ url, authority }, { token }));
    const cluster: RealCluster = {
      url,
      authority,
      authorityFile,
      directory,
      kubeconfig,
      call: (method, path, body) => call<Answer>(`${url}${path}`, { method, authority, token, body }),
      as: (of, path) => send(`${url}${path}`, { authority, token: of }),
      metrics: async () => (await send(`${url}/metrics`, { authority, token })).text,
      kubectl: (...args) =>
        run('kubectl', args, { PATH: process.env['PATH'], HOME: directory, KUBECONFIG: kubeconfig }),
      tokenOf: async (namespace, name, { audience, expirationSeconds = 3_600, pod } = {}) => {
        const answer = await cluster.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: {
            audiences: audience === undefined ? [] : [audience],
            expirationSeconds,
            ...(pod === undefined
              ? {}
              : {
                  boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata?.name, uid: pod.metadata?.uid },
                }),
          },
        });
        return (answer.status as { token: string }).token;
      },
      stopServer: () => server.stop(),
      startServer: async (further) => {
        server = program('KUBE_APISERVER', [...flags, ...further]);
        await until('the API server comes up again', 120, isUp);
      },
      stop,
    };
    return cluster;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A kubeconfig of one user. */
export function kubeconfigOf({ url, authority }: Pick<RealCluster, 'url' | 'authority'>, user: object): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'real',
    clusters: [
      {
        name: 'real',
        cluster: { server: url, 'certificate-authority-data': Buffer.from(authority).toString('base64') },
      },
    ],
    users: [{ name: 'user', user }],
    contexts: [{ name: 'real', context: { cluster: 'real', user: 'user' } }],
  });
}

/** The file of a kubeconfig that names the file of this token. */
export async function agentKubeconfig(cluster: RealCluster, token: string): Promise<string> {
  const [tokenFile, kubeconfig] = [join(cluster.directory, 'token'), join(cluster.directory, 'agent.conf')];
  await writeFile(tokenFile, token);
  const user = { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } };
  await writeFile(kubeconfig, kubeconfigOf(cluster, user));
  return kubeconfig;
}

function program(variable: 'ETCD' | 'KUBE_APISERVER', args: readonly string[]): Running {
  const path = process.env[variable];
  if (path === undefined) throw new Error(`${variable} names no program: npm run test:cluster sets it`);
  return start(path, args);
}
