import { hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { Agent, request } from 'undici';
import { DATABASE, startPostgres, type EmbeddedPostgres } from '../src/development/postgres.js';
import {
  API_AUDIENCE,
  providerVariables,
  startProvider,
  type DevelopmentProvider,
} from '../src/development/provider.js';
import { formatDigest } from '../src/kernel/http/content.js';
import { migrate } from '../src/kernel/db/migrate.js';
import { cpuOf, cpuOfPostgres, peakMemoryOf } from './process.js';
import type { WrittenReport } from './reports.js';
import { freePort, startServer, type Server } from './server.js';

export interface Bench {
  /** Of this run; removed with all that is in it. */
  directory: string;
  evidenceDirectory: string;
  url: string;
  provider: DevelopmentProvider;
  postgres: EmbeddedPostgres;
  /** A superuser's connection: sees all rows. */
  admin: pg.Client;
  organizationId: string;
  /** A fresh one: it lasts an hour. */
  adminToken(): Promise<string>;
  /** Peak resident memory of the server, its parser's threads included, in bytes. */
  peakMemory(): Promise<number>;
  /** CPU time that the server and Postgres have used so far, in milliseconds: says more than the clock on a machine that others use too. */
  cpu(): Promise<{ server: number; postgres: number }>;
  /** A system that nobody posts to yet; ends with its id. */
  registerSystem(name: string): Promise<string>;
  createSystem(name: string): Promise<BenchSystem>;
  /** The milliseconds that a question takes; fails unless it is answered with 200. */
  ask(path: string): Promise<number>;
  /** Waits until nothing is left to be done of what was posted (the program remembers postures by it); ends with the milliseconds. */
  settled(): Promise<number>;
  /** A new process in place of the server's, by another way to the database if one is given. */
  restart(databaseUrl?: string): Promise<void>;
  /** While neither server nor bench is connected to the database: for copying it. The server is started anew. */
  offline(work: (maintenance: pg.Client) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

export interface BenchSystem {
  id: string;
  /** `/v1/organizations/{id}/systems/{id}` */
  path: string;
  /**
   * Posts a report as an agent does; ends with its answer. One that does not say when it was made is declared to be of an instant and of the whole cluster.
   * Throws `Refused`.
   */
  post(report: WrittenReport | Buffer, observedAt?: Date): Promise<Posted>;
}

export interface Posted {
  scan: {
    id: string;
    duplicate: boolean;
    counts: { total: number; new: number; changed: number; unchanged: number; closed: number };
  };
  /** Milliseconds since the epoch, from the request's first byte to the last of its answer. */
  startedAt: number;
  endedAt: number;
  milliseconds: number;
}

export class Refused extends Error {
  constructor(
    readonly status: number,
    /** Seconds. */
    readonly retryAfter: number | null,
    text: string,
  ) {
    super(`the report was not taken: ${status} ${text}`);
  }
}

export interface BenchOptions {
  /** Where CPU profiles of the server go, when they are asked for. */
  profileDirectory?: string | undefined;
  /** Postgres logs each statement's time (a few dozen lines a report), from which stages are read. A bench that reads none is not to pay for it. */
  logStatements?: boolean;
  /** Clients of the provider; systems are given to them in turn. */
  agents?: number;
}

/** What an operator with reports of a gigabyte would set. */
const LARGEST_REPORT = 2 ** 30;

/**
 * What PostgreSQL's documentation (section 19.4.1) would have on a server of 4 GB. With the default, 128 MB, each report after the first dozen waits for the pages of
 * those before it to be written.
 */
const SETTINGS = { shared_buffers: '1GB' };

/** Milliseconds. */
const SETTLED_EVERY = 20;

/** A token of the provider's lasts an hour. Milliseconds. */
const TOKEN_LIFE = 30 * 60_000;

/**
 * The program as in production, in a process of its own, on a Postgres that syncs every commit and with a provider's real tokens, all of it in a temporary
 * directory.
 */
export async function startBench({
  profileDirectory,
  logStatements = false,
  agents = 1,
}: BenchOptions = {}): Promise<Bench> {
  const directory = await mkdtemp(join(tmpdir(), 'safeguard-bench-'));
  const undo: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  let stopped: Promise<void> | undefined;
  // One way down, however many ask for it: an interrupted bench fails meanwhile, and stops too.
  const stop = (): Promise<void> =>
    (stopped ??= (async () => {
      for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
    })());
  try {
    const postgres = await startPostgres({
      dataDirectory: join(directory, 'postgres'),
      durable: true,
      settings: SETTINGS,
    });
    undo.push(() => postgres.stop());
    await migrate(postgres.url(DATABASE, 'owner'));
    let admin = await connect(postgres.url(DATABASE, 'admin'));
    undo.push(() => admin.end());
    if (logStatements) await logTimes(admin);

    const port = await freePort();
    const publicUrl = `http://127.0.0.1:${port}`;
    const clientIds = Array.from({ length: agents }, (_, number) => `safeguard-agent-${number + 1}`);
    const provider = await startProvider({
      dataDirectory: join(directory, 'provider'),
      port: 0,
      browserRedirectUris: [`${publicUrl}/auth/callback`],
      agents: clientIds,
    });
    undo.push(() => provider.stop());

    const evidenceDirectory = join(directory, 'evidence');
    const start = (databaseUrl: string): Promise<Server> =>
      startServer(
        {
          NODE_ENV: 'development',
          DATABASE_URL: databaseUrl,
          PUBLIC_URL: publicUrl,
          HOST: '127.0.0.1',
          PORT: String(port),
          EVIDENCE_DIRECTORY: evidenceDirectory,
          KEY_FILE: join(directory, 'keys.json'),
          KEY_FILE_CREATE: 'true',
          SIGNING_KEY_DIRECTORY: join(directory, 'signing'),
          MAX_REPORT_BYTES: String(LARGEST_REPORT),
          MAX_UPLOAD_BYTES: String(LARGEST_REPORT),
          ...providerVariables(provider, ['dev-admin']),
          SESSION_SECRET: 'a secret of the benchmarks and of nobody else',
        },
        profileDirectory,
      );
    let server = await start(postgres.url(DATABASE, 'server'));
    undo.push(() => server.stop());

    const http = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
    undo.push(() => http.close());
    const adminToken = (): Promise<string> => provider.tokenFor('dev-admin');
    const create = async (path: string, body: object): Promise<{ id: string }> => {
      const answer = await request(publicUrl + path, {
        method: 'POST',
        dispatcher: http,
        headers: { Authorization: `Bearer ${await adminToken()}`, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 201) throw new Error(`POST ${path}: ${answer.statusCode} ${text}`);
      return JSON.parse(text) as { id: string };
    };
    const organization = await create('/v1/organizations', { name: 'Lakeside Clinic' });
    const organizationPath = `/v1/organizations/${organization.id}`;
    let systems = 0;

    const post = async (
      path: string,
      token: string,
      report: WrittenReport | Buffer,
      observedAt?: Date,
    ): Promise<Posted> => {
      const declared = observedAt && { observedAt: observedAt.toISOString(), targets: 'cluster/cluster' };
      const { bytes, contentEncoding, body, digest } = Buffer.isBuffer(report)
        ? {
            bytes: report.length,
            contentEncoding: null,
            body: report,
            digest: formatDigest({ 'sha-256': hash('sha256', report, 'buffer') }),
          }
        : { ...report, body: createReadStream(report.path, { highWaterMark: 2 ** 18 }) };
      const startedAt = performance.timeOrigin + performance.now();
      const answer = await request(`${publicUrl}${path}/scans?${new URLSearchParams(declared).toString()}`, {
        method: 'POST',
        dispatcher: http,
        headers: {
          Authorization: `Bearer ${token}`,
          'Content-Type': 'application/json',
          'Content-Length': String(bytes),
          // As the agent and the command line do, which know it before they post.
          'Content-Digest': digest,
          ...(contentEncoding === null ? {} : { 'Content-Encoding': contentEncoding }),
        },
        body,
      });
      const text = await answer.body.text();
      const endedAt = performance.timeOrigin + performance.now();
      if (answer.statusCode !== 201 && answer.statusCode !== 200) {
        const retryAfter = Number(answer.headers['retry-after']);
        throw new Refused(answer.statusCode, Number.isNaN(retryAfter) ? null : retryAfter, text);
      }
      return { scan: JSON.parse(text) as Posted['scan'], startedAt, endedAt, milliseconds: endedAt - startedAt };
    };
    const registerSystem = async (name: string): Promise<string> =>
      (
        await create(`${organizationPath}/systems`, {
          name,
          environment: 'production',
          phi: 'stores',
          phiNamespaces: [],
        })
      ).id;

    return {
      directory,
      evidenceDirectory,
      url: publicUrl,
      provider,
      postgres,
      get admin() {
        return admin;
      },
      organizationId: organization.id,
      adminToken,
      peakMemory: () => peakMemoryOf(server.pid),
      cpu: async () => ({ server: (await cpuOf(server.pid)).own, postgres: await cpuOfPostgres(postgres.pid) }),
      registerSystem,
      createSystem: async (name) => {
        const id = await registerSystem(name);
        const path = `${organizationPath}/systems/${id}`;
        const agent = clientIds[systems++ % clientIds.length] ?? '';
        await create(`${organizationPath}/agents`, {
          name: `scanner of ${name}`,
          systemId: id,
          kind: 'client_credentials',
          issuer: provider.issuer,
          audience: API_AUDIENCE,
          subjectPattern: agent,
        });
        const token = remembered(() => clientCredentials(provider, agent));
        return {
          id,
          path,
          post: async (report, observedAt) => post(path, await token(), report, observedAt),
        };
      },
      ask: async (path) => {
        // The provider is no part of what is measured.
        const authorization = `Bearer ${await adminToken()}`;
        const startedAt = performance.now();
        const answer = await request(publicUrl + path, { dispatcher: http, headers: { Authorization: authorization } });
        await answer.body.arrayBuffer();
        if (answer.statusCode !== 200) throw new Error(`GET ${path}: ${answer.statusCode}`);
        return performance.now() - startedAt;
      },
      settled: async () => {
        const startedAt = performance.now();
        for (;;) {
          const { rows } = await admin.query<{ left: boolean }>(
            `select exists (select from queue.job where state = 'active' or (state in ('created', 'retry') and start_after <= now())) as left`,
          );
          if (rows[0]?.left === false) return performance.now() - startedAt;
          await delay(SETTLED_EVERY);
        }
      },
      restart: async (databaseUrl = postgres.url(DATABASE, 'server')) => {
        await server.stop();
        server = await start(databaseUrl);
      },
      offline: async (work) => {
        await server.stop();
        await admin.end();
        const maintenance = await connect(postgres.url('postgres', 'admin'));
        try {
          await work(maintenance);
        } finally {
          await maintenance.end();
        }
        admin = await connect(postgres.url(DATABASE, 'admin'));
        server = await start(postgres.url(DATABASE, 'server'));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}

async function logTimes(admin: pg.Client): Promise<void> {
  await admin.query('alter system set log_min_duration_statement = 0');
  await admin.query('alter system set log_parameter_max_length = 0');
  // Milliseconds since the epoch, and the process.
  await admin.query(`alter system set log_line_prefix = '%n|%p|'`);
  await admin.query('select pg_reload_conf()');
}

/** As an agent gets it: the client credentials grant (RFC 6749 section 4.4) at the provider's token endpoint. */
async function clientCredentials(provider: DevelopmentProvider, agentId: string): Promise<string> {
  const agent = provider.clients.agents.find(({ clientId }) => clientId === agentId);
  if (agent === undefined) throw new Error(`the provider has no client ${agentId}`);
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

/** The provider is no part of what is measured: a token is got before its post begins, and used as long as it lasts. */
function remembered(get: () => Promise<string>): () => Promise<string> {
  let held = { token: '', until: 0 };
  return async () => {
    if (Date.now() >= held.until) held = { token: await get(), until: Date.now() + TOKEN_LIFE };
    return held.token;
  };
}
