import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hydrateLinks } from '../../src/development/postgres-binaries.js';
import { startPostgres } from '../../src/development/postgres.js';

const HOLD = fileURLToPath(new URL('./hold-postgres.js', import.meta.url));
const isRoot = process.getuid?.() === 0;
const onLinux = process.platform === 'linux';

interface Held {
  program: ChildProcess;
  said: { pid: number; url: string; error?: string };
}

let directory: string;
let programs: ChildProcess[];
/** A data directory with a cluster on which nothing runs, before and after each test; to make one takes longer than most tests. */
let used: string;

beforeAll(async () => {
  used = await mkdtemp(join(tmpdir(), 'safeguard postgres '));
  await (await startPostgres({ dataDirectory: used, durable: false })).stop();
});

afterAll(() => rm(used, { recursive: true, force: true }));

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safeguard postgres '));
  programs = [];
});

afterEach(async () => {
  const alive = programs.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  // All at once: one that ends by itself while another is waited for would never be seen to end.
  const ends = alive.map((program) => once(program, 'exit'));
  for (const program of alive) program.kill('SIGKILL');
  await Promise.all(ends);
  for (const each of [used, directory]) {
    await expect.poll(() => postmastersOf(each), { timeout: 10_000 }).toEqual([]);
  }
  await rm(directory, { recursive: true, force: true });
});

/** A program that starts Postgres and holds it, perhaps by way of another command. */
function hold(dataDirectory: string, prefix: readonly string[] = []): Promise<Held> {
  const [command, ...args] = [...prefix, process.execPath, HOLD, dataDirectory];
  return firstWords(spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
}

async function firstWords(program: ChildProcess): Promise<Held> {
  programs.push(program);
  return { program, said: JSON.parse(await nextLine(program)) as Held['said'] };
}

async function nextLine(program: ChildProcess): Promise<string> {
  const [line] = (await once(program.stdout!, 'data')) as [Buffer];
  return line.toString();
}

/** In a user namespace that maps every user to itself and in which no further one may be made. */
async function holdWithoutNamespaces(): Promise<Held | undefined> {
  const wait = 'echo unshared; read line; exec "$@"';
  const refuse = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"';
  const command = ['sh', '-c', wait, 'sh', 'sh', '-c', refuse, 'sh', process.execPath, HOLD, directory];
  const program = spawn('unshare', ['--user', ...command], { stdio: ['pipe', 'pipe', 'ignore'] });
  const unshared = await Promise.race([nextLine(program), once(program, 'exit')]);
  if (typeof unshared !== 'string') return undefined;
  for (const map of ['uid_map', 'gid_map']) await writeFile(`/proc/${program.pid ?? 0}/${map}`, '0 0 65536');
  program.stdin.write('\n');
  return firstWords(program);
}

/** The number in postmaster.pid, if that process lives. */
async function postmastersOf(dataDirectory: string): Promise<number[]> {
  const text = await readFile(join(dataDirectory, 'cluster/postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return Number.isInteger(pid) && alive(pid) ? [pid] : [];
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('the embedded Postgres', () => {
  test('does it start cold, with roles that own and bypass nothing they should not, and keep data for the next start?', async () => {
    const first = await startPostgres({ dataDirectory: directory, durable: true });
    try {
      const roles = await query(
        first.url('postgres', 'admin'),
        `select rolname, rolsuper, rolbypassrls, rolcanlogin from pg_roles where rolname like 'safeguard%' order by 1`,
      );
      expect(roles).toEqual([
        { rolname: 'safeguard_app', rolsuper: false, rolbypassrls: false, rolcanlogin: false },
        { rolname: 'safeguard_owner', rolsuper: false, rolbypassrls: false, rolcanlogin: true },
        { rolname: 'safeguard_server', rolsuper: false, rolbypassrls: false, rolcanlogin: true },
      ]);
      const [locale] = await query(
        first.url('safeguard', 'server'),
        `select datlocprovider as provider, datlocale as locale, current_setting('server_version_num')::int / 10000 as major,
           current_setting('fsync') as fsync from pg_database where datname = current_database()`,
      );
      expect(locale).toEqual({ provider: 'b', locale: 'C.UTF-8', major: 18, fsync: 'on' });
      await query(first.url('safeguard', 'owner'), 'create table kept (n int); insert into kept values (7)');
      await expect(query(first.url('safeguard', 'server'), 'create table mine ()')).rejects.toThrow(
        'permission denied',
      );
      await expect(query(first.url('safeguard', 'server'), 'select * from kept')).rejects.toThrow('permission denied');
      const stranger = first.url('safeguard', 'server').replace(/:[^:@/]+@/, ':wrong@');
      await expect(query(stranger, 'select 1')).rejects.toThrow('password authentication failed');
    } finally {
      await first.stop();
    }
    await first.stop();
    await first.exited;
    expect((await stat(join(directory, 'credentials.json'))).mode & 0o777).toBe(0o600);

    const second = await startPostgres({ dataDirectory: directory, durable: true });
    try {
      expect(await query(second.url('safeguard', 'owner'), 'select n from kept')).toEqual([{ n: 7 }]);
    } finally {
      await second.stop();
    }
  });

  test('is a second living program refused, without harm to the first?', async () => {
    const { said } = await hold(used);
    expect(said.error).toBeUndefined();
    await expect(startPostgres({ dataDirectory: used, durable: false })).rejects.toThrow(
      'in use by another running process',
    );
    const again = await hold(used);
    expect(again.said.error).toContain('in use by another running process');
    expect(await query(said.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('does exactly one of two win that start at the same moment?', async () => {
    const both = await Promise.all([hold(used), hold(used)]);
    expect(both.filter(({ said }) => said.error === undefined)).toHaveLength(1);
  });

  test('does kill -9 of the program end Postgres, and does the next one start?', async () => {
    const { program, said } = await hold(used);
    program.kill('SIGKILL');
    await once(program, 'exit');
    await expect.poll(() => alive(said.pid), { timeout: 10_000, interval: 20 }).toBe(false);
    // The shutdown was a clean one: it leaves no file, and the next start has nothing to recover.
    await expect(readFile(join(used, 'cluster/postmaster.pid'))).rejects.toThrow('ENOENT');
    const next = await startPostgres({ dataDirectory: used, durable: false });
    await next.stop();
  });

  test.runIf(onLinux)(
    'is a server whose program and guard were both killed taken down before the next start?',
    async () => {
      const { program, said } = await hold(used);
      const status = await readFile(`/proc/${said.pid}/status`, 'utf8');
      const guard = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1]);
      const helpers = await childrenOf(guard);
      for (const pid of [guard, ...helpers.filter((child) => child !== said.pid)]) process.kill(pid, 'SIGKILL');
      program.kill('SIGKILL');
      await once(program, 'exit');
      expect(alive(said.pid)).toBe(true);
      const next = await startPostgres({ dataDirectory: used, durable: false });
      try {
        expect(next.pid).not.toBe(said.pid);
        expect(await query(next.url('safeguard', 'server'), 'select 1 as one')).toEqual([{ one: 1 }]);
      } finally {
        await next.stop();
      }
    },
  );

  test('does a postmaster.pid with the number of nobody, or of a foreign program, stand in the way?', async () => {
    const file = join(used, 'cluster/postmaster.pid');
    const gone = spawnSync('/bin/true').pid;
    const foreign = spawn('/bin/sleep', ['60'], { stdio: 'ignore' });
    programs.push(foreign);
    for (const pid of [gone, foreign.pid]) {
      // As a crashed server left it: all lines, and ready.
      await writeFile(file, `${pid}\n${join(used, 'cluster')}\n1700000000\n5432\n\n127.0.0.1\n  1 2\nready   \n`);
      const next = await startPostgres({ dataDirectory: used, durable: false });
      expect(next.pid).not.toBe(pid);
      await next.stop();
    }
    expect(foreign.exitCode ?? foreign.signalCode).toBeNull();
  });

  test('is a beginning that was killed in the middle of making the cluster begun anew?', async () => {
    await mkdir(join(directory, 'cluster.new/base'), { recursive: true });
    await writeFile(join(directory, 'cluster.new/PG_VERSION'), '18\n');
    await (await startPostgres({ dataDirectory: directory, durable: false })).stop();
    expect((await readdir(directory)).sort()).toEqual(['cluster', 'credentials.json', 'lock', 'postgres.log']);
  });

  test('does a server that cannot start say why?', async () => {
    const file = join(used, 'cluster/postgresql.conf');
    const good = await readFile(file);
    await writeFile(file, 'work_mem = plenty\n');
    try {
      await expect(startPostgres({ dataDirectory: used, durable: false })).rejects.toThrow(/did not start.*work_mem/s);
    } finally {
      await writeFile(file, good);
    }
  });

  test.runIf(onLinux && isRoot)('does it run for an ordinary user?', async () => {
    chownSync(directory, 65534, 65534);
    const { said } = await hold(directory, ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']);
    expect(said.error).toBeUndefined();
    expect((await stat(`/proc/${said.pid}`)).uid).toBe(65534);
    expect(await query(said.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test.runIf(onLinux && isRoot)(
    'does root do without user namespaces, which some containers refuse, as nobody?',
    async (context) => {
      const held = await holdWithoutNamespaces();
      if (held === undefined) return context.skip('this machine lets root make no user namespace to try it in');
      expect(held.said.error).toBeUndefined();
      expect((await stat(join(directory, 'cluster'))).uid).toBe(65534);
      expect((await stat(`/proc/${held.said.pid}`)).uid).toBe(65534);
      expect(await query(held.said.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    },
  );

  test('are missing links made once by many, and is a failure to make them told clearly?', async () => {
    const root = join(directory, 'package');
    await mkdir(join(root, 'native/lib'), { recursive: true });
    await writeFile(join(root, 'native/lib/libx.so.1.2'), 'x');
    const links = [{ source: 'native/lib/libx.so.1.2', target: 'native/lib/libx.so.1' }];
    await writeFile(join(root, 'native/pg-symlinks.json'), JSON.stringify(links));
    await Promise.all(Array.from({ length: 8 }, () => hydrateLinks(root)));
    expect(readlinkSync(join(root, 'native/lib/libx.so.1'))).toBe('libx.so.1.2');

    // Any refusal of the file system, root's too: here the directory is not there.
    await rm(join(root, 'native/lib'), { recursive: true });
    await expect(hydrateLinks(root)).rejects.toThrow('as the owner of node_modules');
  });
});

async function childrenOf(parent: number): Promise<number[]> {
  const text = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8');
  return text.trim().split(/\s+/).filter(Boolean).map(Number);
}
