import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import supertest from 'supertest';
import { providerVariables, startProvider, type DevelopmentProvider } from '../../src/development/provider.js';
import type { World } from '../support/app.js';
import { checkAnswer } from '../support/contract.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

const PROGRAM = fileURLToPath(new URL('../../src/bin/safeguard.js', import.meta.url));

/** A database, an evidence directory and a provider that outlive the servers on them. */
export interface Ground {
  database: TestDatabase;
  provider: DevelopmentProvider;
  evidenceDirectory: string;
  /** `safeguard serve`, in a process of its own that can be killed and measured. */
  serve(): Promise<RunningServer>;
  /** What of a World a clinic is started with. */
  worldOf(server: RunningServer): World;
  stop(): Promise<void>;
}

export interface RunningServer {
  url: string;
  child: ChildProcess;
  output: () => string;
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Most memory that it ever held, in bytes; null where the system does not tell. */
  peakMemory(): number | null;
}

/** `own`: a database that is not of the Postgres that all tests share. It is dropped at the end as theirs are. `environment`: further variables of the servers. */
export async function prepareGround(own?: TestDatabase, environment: NodeJS.ProcessEnv = {}): Promise<Ground> {
  const directory = await mkdtemp(join(tmpdir(), 'safeguard-server-'));
  const database = own ?? (await createTestDatabase());
  const provider = await startProvider({
    dataDirectory: join(directory, 'provider'),
    port: 0,
    browserRedirectUris: ['http://127.0.0.1:8080/auth/callback'],
    agents: ['safeguard-agent', 'other-agent'],
  });
  const evidenceDirectory = join(directory, 'evidence');
  const running = new Set<RunningServer>();

  const serve = async (): Promise<RunningServer> => {
    // The port is free now; should another take it first, the server says so and another is tried.
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      const child = spawn(process.execPath, [PROGRAM, 'serve'], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          PATH: process.env['PATH'],
          NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
          NODE_ENV: 'test',
          DATABASE_URL: database.urls.server,
          PUBLIC_URL: 'http://127.0.0.1:8080',
          HOST: '127.0.0.1',
          PORT: String(port),
          EVIDENCE_DIRECTORY: evidenceDirectory,
          KEY_FILE: join(directory, 'keys.json'),
          KEY_FILE_CREATE: 'true',
          SIGNING_KEY_DIRECTORY: join(directory, 'signing'),
          ...providerVariables(provider, ['dev-admin']),
          SESSION_SECRET: 'a secret of the tests and of nobody else',
          ...environment,
        },
      });
      let output = '';
      const serving = new Promise<void>((resolve) => {
        const read = (chunk: Buffer) => {
          output += chunk.toString('utf8');
          if (output.includes('"msg":"serving"')) resolve();
        };
        child.stdout.on('data', read);
        child.stderr.on('data', read);
      });
      const ended = once(child, 'exit');
      await Promise.race([serving, ended]);
      if (child.exitCode !== null) {
        if (attempt < 5 && output.includes('is taken')) continue;
        throw new Error(`the server did not start:\n${output}`);
      }
      const server: RunningServer = {
        url: `http://127.0.0.1:${port}`,
        child,
        output: () => output,
        kill: async (signal = 'SIGKILL') => {
          running.delete(server);
          if (child.exitCode === null && child.signalCode === null) child.kill(signal);
          await ended;
        },
        peakMemory: () => {
          if (process.platform !== 'linux') return null;
          const said = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
          return said === undefined ? null : Number(said) * 1024;
        },
      };
      running.add(server);
      return server;
    }
  };

  const worldOf = (server: RunningServer): World => {
    const request = (token: string | null, method: 'get' | 'post' | 'put' | 'patch' | 'delete', path: string) => {
      const test = supertest(server.url)[method](path).expect(checkAnswer);
      return token === null ? test : test.set('Authorization', `Bearer ${token}`);
    };
    const as: World['as'] = async (subject) => {
      const token = subject === null ? null : await provider.tokenFor(subject);
      return {
        token,
        get: (path) => request(token, 'get', path),
        post: (path, body) =>
          body === undefined ? request(token, 'post', path) : request(token, 'post', path).send(body),
        put: (path, body) => request(token, 'put', path).send(body ?? {}),
        patch: (path, body) => request(token, 'patch', path).send(body ?? {}),
        delete: (path) => request(token, 'delete', path),
      };
    };
    return { url: server.url, provider, database, evidenceDirectory, as } as unknown as World;
  };

  return {
    database,
    provider,
    evidenceDirectory,
    serve,
    worldOf,
    stop: async () => {
      for (const server of running) await server.kill();
      await provider.stop();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Paths of all files below a directory; none where there is no directory. */
export async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
