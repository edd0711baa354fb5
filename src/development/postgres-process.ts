import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmod, chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The user `nobody` of Linux: owns nothing, which is what Postgres wants of the user it runs as. */
const NOBODY = 65534;
const NAMESPACE = ['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, '--'];

/** Nothing of the caller's environment reaches Postgres: a PGPORT or PGDATA of the developer's own database would lead it astray. */
const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' };

/** How Postgres is run, which refuses to be root: a command that goes before its own, or the user to become. */
export interface Identity {
  prefix: readonly string[];
  user?: { uid: number; gid: number };
}

/**
 * An ordinary user runs Postgres as itself. For root there are three ways, the first that fits:
 * a cluster that another user owns is run as that user; a user namespace in which root looks like `nobody` leaves every file with
 * root and works below directories that only root may enter; where user namespaces are refused (some containers) `nobody` itself,
 * which must be able to reach the binaries and the data directory.
 */
export async function identityFor(cluster: string): Promise<Identity> {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const owner = await stat(cluster).catch(() => undefined);
  if (owner !== undefined && owner.uid !== 0) return { prefix: [], user: { uid: owner.uid, gid: owner.gid } };
  try {
    await run('unshare', [...NAMESPACE.slice(1), 'true'], { env: ENVIRONMENT });
    return { prefix: NAMESPACE };
  } catch {
    return { prefix: [], user: { uid: NOBODY, gid: NOBODY } };
  }
}

/**
 * Makes a new cluster: first beside its place and then renamed, so that what bears the name is whole even when the program is killed
 * in the middle. Collation and character types are Postgres' own C.UTF-8, which no update of the C library changes.
 */
export async function initialiseCluster(
  initdb: string,
  cluster: string,
  identity: Identity,
  options: { password: string; durable: boolean },
): Promise<void> {
  const draft = `${cluster}.new`;
  const passwordFile = `${cluster}.password`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  try {
    await rm(passwordFile, { force: true });
    await writeFile(passwordFile, options.password, { mode: 0o600, flag: 'wx' });
    if (identity.user) {
      await chown(draft, identity.user.uid, identity.user.gid);
      await chown(passwordFile, identity.user.uid, identity.user.gid);
      // The user has to pass through our directory; the files in it stay closed to it.
      await chmod(join(cluster, '..'), 0o711);
    }
    const [command = initdb, ...args] = [
      ...identity.prefix,
      initdb,
      `--pgdata=${draft}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      // Small segments: 15 MB less to write for a cluster that may live for a second.
      ...(options.durable ? [] : ['--no-sync', '--wal-segsize=1']),
    ];
    await run(command, args, { env: ENVIRONMENT, cwd: '/', ...identity.user });
    await rename(draft, cluster);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    const { stderr, message } = error as Error & { stderr?: string };
    const reach = identity.user
      ? ` It runs as user ${identity.user.uid}, who must be able to reach ${initdb} and ${cluster}.`
      : '';
    throw new Error(`The embedded Postgres could not make its data directory.${reach}\n${stderr?.trim() ?? message}`, {
      cause: error,
    });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/**
 * Holds the server by a pipe (descriptor 3). When the pipe closes, because we closed it or because we died by whatever signal, the
 * guard asks for a fast shutdown, again and again, since the first may come before Postgres listens to signals. Signals that a
 * terminal or a supervisor sends to everybody do not reach past us: the database outlives the requests that are being finished.
 */
const GUARD = `
trap '' HUP INT TERM
"$@" 3<&- &
server=$!
(read -r line <&3; while kill -INT "$server" 2>/dev/null; do sleep 1; done) &
guard=$!
exec 3<&-
wait "$server"
code=$?
kill -9 "$guard" 2>/dev/null
exit "$code"
`;

/** Starts Postgres below its guard, in a session of its own. Ends when descriptor 3 of the child is destroyed. */
export async function spawnGuarded(command: readonly string[], identity: Identity, log: string): Promise<ChildProcess> {
  const output = await open(log, 'a', 0o600);
  try {
    return spawn('/bin/sh', ['-c', GUARD, 'safeguard-postgres-guard', ...identity.prefix, ...command], {
      cwd: '/',
      env: ENVIRONMENT,
      detached: true,
      stdio: ['ignore', output.fd, output.fd, 'pipe'],
      ...identity.user,
    });
  } finally {
    await output.close();
  }
}

/**
 * Deals with the postmaster.pid of an earlier run. The caller holds the lock of the data directory, so no living program of ours
 * owns the server that the file names.
 * A server that still runs on this data directory (its program and its guard were killed) is asked to shut down and waited for.
 * A file whose number now belongs to a zombie or to some other program is removed, because Postgres would refuse to start over it.
 * A number that belongs to nobody is left to Postgres, which then also makes sure that no backend of the old server lives.
 */
export async function clearEarlierServer(cluster: string, patience: number): Promise<void> {
  const file = join(cluster, 'postmaster.pid');
  const pid = await readPid(file);
  if (pid === undefined) return;
  switch (await whois(pid, cluster)) {
    case 'nobody':
      return;
    case 'other':
      await rm(file, { force: true });
      return;
    case 'unknown':
      throw new Error(
        `${file} names process ${pid}, of which it cannot be told whether it is a Postgres on this data directory. ` +
          'Stop that process, or remove the file when it is something else.',
      );
    case 'ours':
  }
  try {
    process.kill(pid, 'SIGINT');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') {
      throw new Error(`A Postgres of another user (process ${pid}) runs on ${cluster}. Stop it first.`, {
        cause: error,
      });
    }
  }
  for (const end = Date.now() + patience; Date.now() < end;) {
    await delay(20);
    if ((await whois(pid, cluster)) === 'ours') continue;
    // It removed its file, or died and left it.
    await clearEarlierServer(cluster, patience);
    return;
  }
  throw new Error(`An earlier Postgres (process ${pid}) still runs on ${cluster} and does not stop. Stop it first.`);
}

/** The first line of postmaster.pid; nothing when there is no such file or no number in it. */
async function readPid(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const pid = Math.abs(Number.parseInt(text, 10));
  // Of a file that a full disk left empty nothing can be learnt; Postgres says so itself.
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}

type Owner = 'nobody' | 'ours' | 'other' | 'unknown';

async function whois(pid: number, cluster: string): Promise<Owner> {
  return process.platform === 'linux' ? whoisLinux(pid, cluster) : whoisElsewhere(pid, cluster);
}

/** A postmaster works in its data directory: the same directory (device and inode), by whatever path it was started. */
async function whoisLinux(pid: number, cluster: string): Promise<Owner> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (status === undefined) return 'nobody';
  // "pid (name) state …": the name may hold spaces and parentheses, the state follows the last one.
  const name = status.slice(status.indexOf('(') + 1, status.lastIndexOf(')'));
  const state = status.charAt(status.lastIndexOf(')') + 2);
  if (state === 'Z' || state === 'X' || name !== 'postgres') return 'other';
  try {
    const [theirs, here] = await Promise.all([stat(`/proc/${pid}/cwd`), stat(cluster)]);
    return theirs.dev === here.dev && theirs.ino === here.ino ? 'ours' : 'other';
  } catch {
    // Closed to us, so of another user, or gone meanwhile. Postgres serves only a directory that its own user owns.
    const [process, here] = await Promise.all([stat(`/proc/${pid}`).catch(() => undefined), stat(cluster)]);
    if (process === undefined) return 'nobody';
    return process.uid === here.uid ? 'unknown' : 'other';
  }
}

async function whoisElsewhere(pid: number, cluster: string): Promise<Owner> {
  const shown = await run('ps', ['-o', 'stat=,command=', '-p', String(pid)], { env: ENVIRONMENT }).catch(
    () => undefined,
  );
  const line = shown?.stdout.trim();
  if (!line) return 'nobody';
  if (line.startsWith('Z') || !line.includes('postgres')) return 'other';
  return line.includes(cluster) ? 'ours' : 'unknown';
}
