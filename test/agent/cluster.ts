import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { certified } from './certificate.js';

/**
 * A Kubernetes API server as far as a reader sees it, over TLS: discovery, lists in pages, Status objects, in the shapes in which kube-apiserver writes them
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/). What it does wrong, a test tells it to.
 */
export interface Cluster {
  /** A kubeconfig with its address, its authority and the file of the token. */
  kubeconfig: string;
  tokenFile: string;
  /** What it takes now. */
  token: string;
  /** Every request so far: method, path with query, what was accepted. */
  requests: { path: string; query: URLSearchParams; accept: string }[];
  objects: Record<string, object[]>;
  /** By path: answers instead of the replay, as often as there are entries; null is the replay. */
  trouble: Map<string, (Trouble | null)[]>;
}

export type Trouble = (response: ServerResponse, request: IncomingMessage, goOn: () => void) => void;

export const UID = '7b7f4c52-6e5a-4f0e-9f6b-3f1f6f1d9a10';

/** Group/version → its resources. */
export const CORE_V1: Record<string, string> = {
  pods: 'Pod',
  namespaces: 'Namespace',
  secrets: 'Secret',
  configmaps: 'ConfigMap',
};

export interface ClusterOptions {
  /** "apps/v1" → {deployments: 'Deployment'}; the core group is "v1". */
  resources?: Record<string, Record<string, string>>;
  objects?: Record<string, object[]>;
  /** Objects of a page at most, whatever was asked for. */
  page?: number;
}

/** Started for one test. `objects`: by the path of their list (`/api/v1/pods`). */
export async function startCluster({
  resources = {},
  objects = {},
  page = Infinity,
}: ClusterOptions = {}): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'safeguard-cluster-'));
  const { key, cert } = certified();
  const tokenFile = join(directory, 'token');
  const cluster: Cluster = {
    kubeconfig: join(directory, 'kubeconfig'),
    tokenFile,
    token: 'token-1',
    requests: [],
    objects: {
      '/api/v1/namespaces': [
        { metadata: { name: 'kube-system', uid: UID, resourceVersion: '4' }, spec: { finalizers: ['kubernetes'] } },
      ],
      ...objects,
    },
    trouble: new Map(),
  };
  const versions: Record<string, Record<string, string>> = { v1: CORE_V1, ...resources };

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'https://cluster');
    const accept = String(request.headers.accept);
    const path = url.pathname;
    cluster.requests.push({ path, query: url.searchParams, accept });
    const replay = (): void => {
      if (request.headers.authorization !== `Bearer ${cluster.token}`)
        status(response, 401, 'Unauthorized', 'Unauthorized');
      else reply(response, cluster, versions, path, url.searchParams, accept, page);
    };
    const trouble = cluster.trouble.get(path)?.shift();
    if (trouble) trouble(response, request, replay);
    else replay();
  };
  const server = createServer({ key, cert }, answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    await rm(directory, { recursive: true, force: true });
  });
  await writeFile(tokenFile, 'token-1');
  await writeFile(
    cluster.kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [
        {
          name: 'test',
          cluster: {
            server: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
            'certificate-authority-data': Buffer.from(cert).toString('base64'),
          },
        },
      ],
      users: [{ name: 'agent', user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'agent' } }],
    }),
  );
  return cluster;
}

/** As kube-apiserver writes an answer that is no success. */
export function status(
  response: ServerResponse,
  code: number,
  reason: string,
  message: string,
  more: object = {},
  headers: Record<string, string> = {},
): void {
  const body = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code, ...more };
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(`${JSON.stringify(body)}\n`);
}

export const forbidden =
  (resource: string): Trouble =>
  (response) =>
    status(
      response,
      403,
      'Forbidden',
      `${resource} is forbidden: User "system:serviceaccount:safeguard:agent" cannot list resource "${resource}" in API group "" at the cluster scope`,
      { details: { kind: resource } },
    );

/** What etcd has compacted: https://kubernetes.io/docs/reference/using-api/api-concepts/#410-gone-responses */
export const gone: Trouble = (response) =>
  status(response, 410, 'Expired', 'The provided continue parameter is too old to display a consistent list result.', {
    metadata: { continue: 'aW5jb25zaXN0ZW50' },
  });

export const tooMany =
  (seconds: number): Trouble =>
  (response) =>
    status(
      response,
      429,
      'TooManyRequests',
      'Too many requests, please try again later.',
      { details: { retryAfterSeconds: seconds } },
      { 'retry-after': String(seconds) },
    );

/** Begins to answer, and cuts the connection. */
export const cut: Trouble = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"half');
  response.once('drain', () => undefined);
  setImmediate(() => response.destroy());
};

/** Never answers. */
export const silent: Trouble = () => undefined;

/** Chunked, with an end, and no JSON: a proxy. */
export const gibberish: Trouble = (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');

function reply(
  response: ServerResponse,
  cluster: Cluster,
  versions: Record<string, Record<string, string>>,
  path: string,
  query: URLSearchParams,
  accept: string,
  page: number,
): void {
  const body = bodyOf(cluster, versions, path, { query, accept, page });
  if (body === null) notFound(response);
  else response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}

/** What is at a path; null: nothing. */
function bodyOf(
  cluster: Cluster,
  versions: Record<string, Record<string, string>>,
  path: string,
  asked: Pick<Listing, 'query' | 'accept' | 'page'>,
): object | null {
  if (path === '/version') {
    return {
      major: '1',
      minor: '34',
      gitVersion: 'v1.34.1',
      gitCommit: '93248f9',
      goVersion: 'go1.24.6',
      compiler: 'gc',
      platform: 'linux/amd64',
    };
  }
  if (path === '/api/v1/namespaces/kube-system') {
    return { kind: 'Namespace', apiVersion: 'v1', ...cluster.objects['/api/v1/namespaces']?.[0] };
  }
  const group = /^\/apis\/([^/]+)$/.exec(path)?.[1];
  if (group !== undefined) {
    const served = Object.keys(versions)
      .filter((name) => name.startsWith(`${group}/`))
      .map((groupVersion) => ({ groupVersion, version: groupVersion.split('/')[1] }));
    return served.length === 0
      ? null
      : { kind: 'APIGroup', apiVersion: 'v1', name: group, versions: served, preferredVersion: served[0] };
  }
  const version = /^\/(?:api|apis\/[^/]+)\/[^/]+$/.test(path) ? path.replace(/^\/apis?\//, '') : undefined;
  if (version !== undefined) {
    const known = versions[version];
    if (known === undefined) return null;
    return {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: version,
      resources: Object.entries(known).flatMap(([name, kind]) => [
        { name, singularName: '', namespaced: true, kind, verbs: ['create', 'delete', 'get', 'list', 'watch'] },
        { name: `${name}/status`, singularName: '', namespaced: true, kind, verbs: ['get', 'patch', 'update'] },
      ]),
    };
  }
  const [, groupVersion = '', resource = ''] = /^\/(?:api|apis)\/(.+)\/([^/]+)$/.exec(path) ?? [];
  const kind = versions[groupVersion]?.[resource];
  if (kind === undefined) return null;
  return listOf(cluster.objects[path] ?? [], { ...asked, groupVersion, kind });
}

interface Listing {
  groupVersion: string;
  kind: string;
  query: URLSearchParams;
  accept: string;
  page: number;
}

/** A page of a list; its token is where the next begins. */
function listOf(objects: object[], { groupVersion, kind, query, accept, page }: Listing): object {
  const from = Number(Buffer.from(query.get('continue') ?? '', 'base64').toString() || 0);
  const to = from + Math.min(Number(query.get('limit') ?? Infinity), page);
  const items = objects.slice(from, to) as { metadata: object; type?: string }[];
  const more = to < objects.length;
  const metadata = {
    resourceVersion: '4711',
    ...(more ? { continue: Buffer.from(String(to)).toString('base64'), remainingItemCount: objects.length - to } : {}),
  };
  if (accept.includes('as=PartialObjectMetadataList')) {
    return {
      kind: 'PartialObjectMetadataList',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      items: items.map((item) => ({
        kind: 'PartialObjectMetadata',
        apiVersion: 'meta.k8s.io/v1',
        metadata: item.metadata,
      })),
    };
  }
  if (accept.includes('as=Table')) {
    return {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata,
      columnDefinitions: ['Name', 'Type', 'Data', 'Age'].map((column) => ({
        name: column,
        type: 'string',
        format: '',
        description: column,
        priority: 0,
      })),
      rows: items.map((item) => ({
        cells: ['name', item.type ?? 'Opaque', 1, '5d'],
        object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: item.metadata },
      })),
    };
  }
  return { kind: `${kind}List`, apiVersion: groupVersion, metadata, items };
}

/** As the router says it of a path that it does not know. */
function notFound(response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
}
