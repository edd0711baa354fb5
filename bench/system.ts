import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { Agent, request } from 'undici';
import { DATABASE, startPostgres, type EmbeddedPostgres } from '../src/development/postgres.js';
import { API_AUDIENCE, startProvider, type DevelopmentProvider } from '../src/development/provider.js';
import { migrate } from '../src/kernel/db/migrate.js';
import type { WrittenReport } from './reports.js';

const PROGRAM = fileURLToPath(new URL('../src/bin/safeguard.js', import.meta.url));
const AGENT = 'safeguard-agent';

export interface Bench {
  /** Of this run; removed with all that is in it. */
  directory: string;
  url: string;
  provider: DevelopmentProvider;
  postgres: EmbeddedPostgres;
  /** A superuser's connection: sees all rows. */
  admin: pg.Client;
  organizationId: string;
  adminToken: string;
  /** Peak resident memory of the server, its parser's threads included, in bytes. */
  peakMemory(): Promise<number>;
  /** CPU time that the server and Postgres have used so far, in milliseconds: says more than the clock on a machine that others use too. */
  cpu(): Promise<{ server: number; postgres: number }>;
  createSystem(name: string): Promise<BenchSystem>;
  stop(): Promise<void>;
}

export interface BenchSystem {
  id: string;
  /** `/v1/organizations/{id}/systems/{id}` */
  path: string;
  /** Posts a report of the whole cluster as an agent does; ends with its answer. */
  post(report: WrittenReport, observedAt: Date): Promise<Posted>;
}

export interface Posted {
  scan: { id: string; counts: { total: number; new: number; changed: number; unchanged: number; closed: number } };
  /** Milliseconds since the epoch, from the request's first byte to the last of its answer. */
  startedAt: number;
  endedAt: number;
  milliseconds: number;
}

/** Where the server's CPU profile goes, when one is asked for. */
export interface BenchOptions {
  profileDirectory?: string | undefined;
}

/**
 * The program as in production, in a process of its own, on a Postgres that syncs every commit and with a provider's real tokens, all of it in a temporary
 * directory. Postgres logs each statement's time (a few dozen lines a report), from which stages are read.
 */
export async function startBench({ profileDirectory }: BenchOptions = {}): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'safeguard-bench-'));
  const undo: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  let stopped: Promise<void> | undefined;
  // One way down, however many ask for it: an interrupted bench fails meanwhile, and stops too.
  const stop = (): Promise<void> =>
    (stopped ??= (async () => {
      for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
    })());
  try {
    const postgres = await startPostgres({ dataDirectory: join(directory, 'postgres'), durable: true });
    undo.push(() => postgres.stop());
    await migrate(postgres.url(DATABASE, 'owner'));
    const admin = new pg.Client({ connectionString: postgres.url(DATABASE, 'admin') });
    await admin.connect();
    undo.push(() => admin.end());
    await logStatements(admin);

    const port = await freePort();
    const publicUrl = `http://127.0.0.1:${port}`;
    const provider = await startProvider({
      dataDirectory: join(directory, 'provider'),
      port: 0,
      browserRedirectUris: [`${publicUrl}/auth/callback`],
      agents: [AGENT],
    });
    undo.push(() => provider.stop());

    const profile =
      profileDirectory === undefined
        ? []
        : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`, '--cpu-prof-interval=1000'];
    const server = spawn(process.execPath, [...profile, PROGRAM, 'serve'], {
      env: {
        NODE_ENV: 'development',
        DATABASE_URL: postgres.url(DATABASE, 'server'),
        PUBLIC_URL: publicUrl,
        HOST: '127.0.0.1',
        PORT: String(port),
        EVIDENCE_DIRECTORY: join(directory, 'evidence'),
        KEY_FILE: join(directory, 'keys.json'),
        KEY_FILE_CREATE: 'true',
        OIDC_ISSUER: provider.issuer,
        OIDC_AUDIENCE: API_AUDIENCE,
        OIDC_CLIENT_ID: provider.clients.browser.clientId,
        OIDC_CLIENT_SECRET: provider.clients.browser.clientSecret,
        OIDC_CLI_CLIENT_ID: provider.clients.cli.clientId,
        OIDC_MFA_AMR: 'mfa',
        FIRST_ADMINS: `${provider.issuer}|dev-admin`,
        SESSION_SECRET: 'a secret of the benchmarks and of nobody else',
        ALLOW_INSECURE_ISSUERS: 'true',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    undo.push(() => end(server));
    await serving(server);

    const http = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
    undo.push(() => http.close());
    const adminToken = await provider.tokenFor('dev-admin');
    const call = async (method: 'POST', path: string, body: object): Promise<{ id: string }> => {
      const answer = await request(publicUrl + path, {
        method,
        dispatcher: http,
        headers: { Authorization: `Bearer ${adminToken}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 201) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
      return JSON.parse(text) as { id: string };
    };
    const organization = await call('POST', '/v1/organizations', { name: 'Lakeside Clinic' });
    const organizationPath = `/v1/organizations/${organization.id}`;

    const post = async (path: string, report: WrittenReport, observedAt: Date): Promise<Posted> => {
      const token = await clientCredentials(provider);
      const query = new URLSearchParams({ observedAt: observedAt.toISOString(), targets: 'cluster/cluster' });
      const startedAt = performance.timeOrigin + performance.now();
      const answer = await request(`${publicUrl}${path}/scans?${query.toString()}`, {
        method: 'POST',
        dispatcher: http,
        headers: {
          Authorization: `Bearer ${token}`,
          'Content-Type': 'application/json',
          'Content-Length': String(report.bytes),
          ...(report.contentEncoding === null ? {} : { 'Content-Encoding': report.contentEncoding }),
        },
        body: createReadStream(report.path, { highWaterMark: 2 ** 18 }),
      });
      const text = await answer.body.text();
      const endedAt = performance.timeOrigin + performance.now();
      if (answer.statusCode !== 201) throw new Error(`the report was not taken: ${answer.statusCode} ${text}`);
      return { scan: JSON.parse(text) as Posted['scan'], startedAt, endedAt, milliseconds: endedAt - startedAt };
    };

    return {
      directory,
      url: publicUrl,
      provider,
      postgres,
      admin,
      organizationId: organization.id,
      adminToken,
      peakMemory: () => peakMemory(server),
      cpu: async () => ({ server: (await cpuOf(server.pid ?? 0)).own, postgres: await cpuOfPostgres(postgres.pid) }),
      createSystem: async (name) => {
        const system = await call('POST', `${organizationPath}/systems`, {
          name,
          environment: 'production',
          phi: 'stores',
          phiNamespaces: [],
        });
        const path = `${organizationPath}/systems/${system.id}`;
        await call('POST', `${organizationPath}/agents`, {
          name: `scanner of ${name}`,
          systemId: system.id,
          kind: 'client_credentials',
          issuer: provider.issuer,
          audience: API_AUDIENCE,
          subjectPattern: AGENT,
        });
        return { id: system.id, path, post: (report, observedAt) => post(path, report, observedAt) };
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function logStatements(admin: pg.Client): Promise<void> {
  await admin.query('alter system set log_min_duration_statement = 0');
  await admin.query('alter system set log_parameter_max_length = 0');
  // Milliseconds since the epoch, and the process.
  await admin.query(`alter system set log_line_prefix = '%n|%p|'`);
  await admin.query('select pg_reload_conf()');
}

/** As an agent gets it: the client credentials grant (RFC 6749 section 4.4) at the provider's token endpoint. */
async function clientCredentials(provider: DevelopmentProvider): Promise<string> {
  const agent = provider.clients.agents.find(({ clientId }) => clientId === AGENT);
  if (agent === undefined) throw new Error('the provider has no agent');
  const answer = await fetch(new URL('/token', provider.issuer), {
    method: 'POST',
    headers: {
      Authorization: `Basic ${Buffer.from(`${agent.clientId}:${agent.clientSecret}`).toString('base64')}`,
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: API_AUDIENCE }),
  });
  if (!answer.ok) throw new Error(`the provider gave no token: ${answer.status}`);
  return ((await answer.json()) as { access_token: string }).access_token;
}

/** Waits for the line that says so; what the server logs after it is read and forgotten, but for its errors. */
async function serving(server: ChildProcess): Promise<void> {
  server.stderr?.pipe(process.stderr, { end: false });
  if (server.stdout === null) throw new Error('the server has no output');
  const lines = createInterface({ input: server.stdout });
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      const { level, msg } = JSON.parse(line) as { level: number; msg?: string };
      if (msg === 'serving') resolve();
      if (level >= 50) process.stderr.write(`${line}\n`);
    });
  });
  const gone = once(server, 'exit').then(([code]) => {
    throw new Error(`the server ended before it served: ${String(code)}`);
  });
  await Promise.race([ready, gone]);
  gone.catch(() => undefined);
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, 'exit');
  server.kill('SIGTERM');
  await exit;
}

async function peakMemory(server: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${server.pid ?? 0}/status`, 'utf8');
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error('the kernel does not tell the peak memory of the server');
  return Number(kibibytes) * 1024;
}

/** Clock ticks of Linux: 100 a second in what /proc tells, on every architecture that Node runs on. */
const TICK = 10;

/** Of a process itself, in milliseconds, and of its children that have ended. */
async function cpuOf(pid: number): Promise<{ parent: number; own: number; ended: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // proc_pid_stat(5), counted from behind the name, which may hold anything: 4 ppid, 14 utime, 15 stime, 16 cutime, 17 cstime.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const ticks = (from: number): number => ((fields[from] ?? 0) + (fields[from + 1] ?? 0)) * TICK;
  return { parent: fields[1] ?? 0, own: ticks(11), ended: ticks(13) };
}

/** Of the processes of Postgres, those of connections that were closed included. */
async function cpuOfPostgres(postmaster: number): Promise<number> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  // One that ends meanwhile is counted by its parent.
  const all = await Promise.all(processes.map((pid) => cpuOf(Number(pid)).catch(() => null)));
  const { own, ended } = await cpuOf(postmaster);
  return all.reduce((sum, cpu) => (cpu?.parent === postmaster ? sum + cpu.own : sum), own + ended);
}

/** The server does not say which port it took when told to take any, so it is told one that was free a moment ago. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
