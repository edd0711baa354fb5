import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const program = fileURLToPath(new URL('../../src/bin/safeguard.js', import.meta.url));

export const ORGANIZATION = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00';
export const SYSTEM = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03';
export const SCANS = `/v1/organizations/${ORGANIZATION}/systems/${SYSTEM}/scans`;

export interface Run {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Started {
  finished: Promise<Run>;
  kill: (signal: NodeJS.Signals) => void;
  /** Resolves when the program has written this; rejects when it ended without. */
  wrote: (pattern: RegExp) => Promise<RegExpExecArray>;
}

/** Runs the compiled command line as people do, without anything of this machine's environment but what loads it faster. `cwd`: where; default: here. */
export function start(
  args: readonly string[],
  env: Record<string, string> = {},
  input?: Buffer | string,
  cwd?: string,
): Started {
  const child = spawn(process.execPath, [program, ...args], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      XDG_CONFIG_HOME: '/nonexistent',
      SAFEGUARD_TOKEN: 'token-of-the-test',
      ...env,
    },
    cwd,
  });
  const run: Run = { code: null, signal: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (run.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (run.stderr += chunk.toString()));
  // A program that refuses early does not read its input.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const finished = new Promise<Run>((resolve) => {
    child.on('close', (code, signal) => {
      resolve(Object.assign(run, { code, signal }));
    });
  });
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await finished;
  });
  return {
    finished,
    kill: (signal) => child.kill(signal),
    wrote: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(run.stdout + run.stderr);
          if (match !== null) resolve(match);
        };
        look();
        child.stdout.on('data', look);
        child.stderr.on('data', look);
        child.on('close', () => {
          look();
          reject(new Error(`ended without ${String(pattern)}: ${run.stdout}${run.stderr}`));
        });
      }),
  };
}

export async function safeguard(
  args: readonly string[],
  env: Record<string, string> = {},
  input?: Buffer | string,
  cwd?: string,
): Promise<Run> {
  return start(args, env, input, cwd).finished;
}

export async function directory(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'safeguard-cli-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

export type Handler = (request: IncomingMessage, response: ServerResponse, url: URL) => void | Promise<void>;

/** A server of a few routes: "GET /v1/me". Every other is a 404 problem. The latest organisation and system are there. */
export async function serve(routes: Record<string, Handler>): Promise<string> {
  const all: Record<string, Handler> = {
    'GET /v1/organizations': (_request, response) =>
      json(response, 200, { items: [{ id: ORGANIZATION, name: 'St. Mary' }], next: null }),
    [`GET /v1/organizations/${ORGANIZATION}/systems`]: (_request, response, url) => {
      const systems = [{ id: SYSTEM, name: 'production' }];
      const name = url.searchParams.get('name');
      json(response, 200, { items: systems.filter((system) => name === null || system.name === name), next: null });
    },
    ...routes,
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://server');
    const handler = all[`${request.method ?? ''} ${url.pathname}`];
    if (handler === undefined) problem(response, 404, 'not-found', 'There is no such resource');
    else void handler(request, response, url);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function problem(
  response: ServerResponse,
  status: number,
  code: string,
  title: string,
  more: object = {},
): void {
  const body = { type: `/problems/${code}`, title, status, requestId: 'request-1', ...more };
  json(response, status, body, { 'content-type': 'application/problem+json' });
}

export async function received(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export const STORED = {
  id: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8b00',
  status: 'stored',
  format: 'trivy',
  tool: { name: 'trivy', version: '0.60.0' },
  observedAt: '2026-11-01T00:00:00Z',
  counts: { total: 12, new: 3, changed: 2, unchanged: 7, closed: 1, rejected: 0 },
  rejects: [],
  notes: [],
  duplicate: false,
};
