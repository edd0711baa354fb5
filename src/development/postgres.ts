import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, open, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';
import pg from 'pg';
import { postgresBinaries } from './postgres-binaries.js';
import { clearEarlierServer, identityFor, initialiseCluster, spawnGuarded } from './postgres-process.js';
import { createDatabase, prepareRoles, ROLE_NAMES, type DatabaseRole } from './roles.js';

export interface PostgresOptions {
  /** Holds `cluster/`, `credentials.json` (0600), `postgres.log` and `lock`. Created when missing. */
  dataDirectory: string;
  /** False gives up durability for speed: for tests, whose data nobody wants after a crash. */
  durable: boolean;
  /** Of 127.0.0.1; one that is free when it is not said. */
  port?: number;
  /** Settings of the server over those made here, by their names in PostgreSQL's documentation. */
  settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  /** The process id of the postmaster. */
  readonly pid: number;
  readonly port: number;
  readonly logFile: string;
  /** A connection URL with password, on 127.0.0.1. */
  readonly url: (database: string, role: DatabaseRole) => string;
  /** Settles when the server has ended, whoever ended it. A program that did not call `stop` should end too. */
  readonly exited: Promise<void>;
  /** Fast shutdown: open transactions roll back, what was committed is on disk. May be called twice. */
  readonly stop: () => Promise<void>;
}

/** The database that every embedded server holds. */
export const DATABASE = 'safeguard';

/** Recovery after a crash replays at most `max_wal_size` (1 GB): minutes on a slow disk. Milliseconds. */
const START_PATIENCE = 180_000;
const STOP_PATIENCE = 30_000;

/**
 * Starts a real Postgres 18 on 127.0.0.1, with the roles `safeguard_owner`, `safeguard_app`, `safeguard_server` and the
 * database `safeguard`. It ends with this process, also when that is killed. A data directory belongs to one living process:
 * a second one is refused, and what a dead one left behind is put in order.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const binaries = await postgresBinaries();
  const directory = resolve(options.dataDirectory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const unlock = lock(directory);
  try {
    const cluster = join(directory, 'cluster');
    const fresh = !(await exists(cluster));
    const passwords = await credentials(join(directory, 'credentials.json'), fresh);
    const identity = await identityFor(cluster);
    if (fresh) {
      await initialiseCluster(binaries.initdb, cluster, identity, {
        password: passwords.admin,
        durable: options.durable,
      });
    }
    await clearEarlierServer(cluster, STOP_PATIENCE);

    const logFile = join(directory, 'postgres.log');
    const launch = async (port: number) =>
      spawnGuarded([binaries.postgres, '-D', cluster, ...settings(port, options)], identity, logFile);
    const server = await launchUntilReady(launch, cluster, logFile, options.port);
    const url = (database: string, role: DatabaseRole) =>
      `postgres://${ROLE_NAMES[role]}:${passwords[role]}@127.0.0.1:${server.port}/${encodeURIComponent(database)}`;
    const exited = ended(server.child);
    const stop = async () => {
      await stopServer(server.child, server.pid);
      unlock();
    };
    try {
      await prepare(url('postgres', 'admin'), passwords);
    } catch (error) {
      await stop();
      throw error;
    }
    return { pid: server.pid, port: server.port, logFile, url, exited, stop };
  } catch (error) {
    unlock();
    throw error;
  }
}

/**
 * Takes the data directory for this process. Node offers no file lock, SQLite does: an exclusive transaction on an empty database holds
 * an advisory lock of the kernel, which ends with the process however it dies; so there is nothing stale to judge and no race in judging.
 */
function lock(directory: string): () => void {
  const holder = new DatabaseSync(join(directory, 'lock'), { timeout: 0 });
  try {
    holder.exec('pragma journal_mode = memory; begin exclusive');
  } catch (error) {
    holder.close();
    if ((error as { errcode?: number }).errcode !== 5 /* SQLITE_BUSY */) throw error;
    throw new Error(
      `The data directory ${directory} is in use by another running process. Stop that one, or choose another directory.`,
      { cause: error },
    );
  }
  return () => {
    if (holder.isOpen) holder.close();
  };
}

async function credentials(file: string, fresh: boolean): Promise<Record<DatabaseRole, string>> {
  if (await exists(file)) return JSON.parse(await readFile(file, 'utf8')) as Record<DatabaseRole, string>;
  if (!fresh) throw new Error(`${file} is missing: without it nobody can log in to the database beside it.`);
  const secret = () => randomBytes(24).toString('base64url');
  const made = { admin: secret(), owner: secret(), server: secret() };
  await writeFile(`${file}.new`, JSON.stringify(made), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return made;
}

function settings(port: number, { durable, settings: more = {} }: PostgresOptions): string[] {
  const values: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    // Compiling a plan costs more than the small databases of development gain by it.
    jit: 'off',
    ...(durable
      ? {}
      : {
          fsync: 'off',
          synchronous_commit: 'off',
          full_page_writes: 'off',
          wal_level: 'minimal',
          max_wal_senders: 0,
          max_wal_size: '1GB',
          shared_buffers: '64MB',
          // Every test file brings its own pools.
          max_connections: 200,
        }),
    ...more,
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

interface Launched {
  child: ChildProcess;
  pid: number;
  port: number;
}

/** Between the probe of a free port and Postgres taking it, somebody else may: then with another port. */
async function launchUntilReady(
  launch: (port: number) => Promise<ChildProcess>,
  cluster: string,
  logFile: string,
  wanted: number | undefined,
): Promise<Launched> {
  for (let attempt = 1; ; attempt += 1) {
    const port = wanted ?? (await freePort());
    const before = await stat(logFile).then(
      (found) => found.size,
      () => 0,
    );
    const pidFile = join(cluster, 'postmaster.pid');
    const stale = await readFile(pidFile, 'utf8').catch(() => '');
    const child = await launch(port);
    const pid = await ready(child, pidFile, stale);
    if (pid !== undefined) return { child, pid, port };
    await stopServer(child, undefined);
    const said = await tail(logFile, before);
    if (wanted === undefined && attempt < 5 && said.includes('could not bind')) continue;
    throw new Error(`The embedded Postgres did not start (log: ${logFile}):\n${said.trim()}`);
  }
}

/** Waits until a new postmaster.pid says so: line 1 the process, line 8 the state. Nothing when the server ended before. */
async function ready(child: ChildProcess, file: string, stale: string): Promise<number | undefined> {
  const exit = ended(child).then(() => 'ended' as const);
  for (const end = Date.now() + START_PATIENCE; Date.now() < end;) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const lines = text.split('\n');
    if (text !== stale && lines[7]?.trim() === 'ready') return Number(lines[0]);
    if ((await Promise.race([exit, delay(10)])) === 'ended') return undefined;
  }
  return undefined;
}

async function prepare(adminUrl: string, passwords: Record<DatabaseRole, string>): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await prepareRoles(admin, passwords);
    const { rowCount } = await admin.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await createDatabase(admin, DATABASE);
  } finally {
    await admin.end();
  }
}

async function stopServer(child: ChildProcess, pid: number | undefined): Promise<void> {
  const exit = ended(child).then(() => 'ended' as const);
  const patience = new AbortController();
  // The same way by which it ends when we die: the guard sees its pipe close.
  child.stdio[3]?.destroy();
  if ((await Promise.race([exit, delay(STOP_PATIENCE, 'late', { signal: patience.signal })])) === 'late') {
    // Immediate shutdown: nothing committed is lost, the next start recovers from the log.
    if (pid === undefined) child.kill('SIGKILL');
    else process.kill(pid, 'SIGQUIT');
    await exit;
  }
  patience.abort();
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve();
  return new Promise((settle) => child.once('exit', () => settle()));
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** What the log gained since, at most its last 4 KiB. */
async function tail(file: string, since: number): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const from = Math.max(since, size - 4096);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4096), 0, size - from, from);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
