import { randomUUID } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { setting } from './environment.js';
import { exitCode, Failure } from './failure.js';

const loginSchema = z.object({
  issuer: z.string(),
  clientId: z.string(),
  /** Resource indicator (RFC 8707) of the server. */
  audience: z.string(),
  accessToken: z.string(),
  refreshToken: z.string().nullable(),
  /** Milliseconds since 1970 (UTC); null when the provider did not say. */
  expiresAt: z.number().nullable(),
});
export type Login = z.infer<typeof loginSchema>;

const fileSchema = z.object({
  version: z.literal(1),
  /** The server of the last login: what `--server` defaults to. */
  current: z.string().nullable(),
  /** By server address: a token is sent to the server that it was asked for and to no other. */
  servers: z.record(z.string(), loginSchema),
});
type Credentials = z.infer<typeof fileSchema>;

/** A lock older than this was left by a process that died: longer than a refresh may take. */
const staleLock = 60_000;

/** $XDG_CONFIG_HOME/safeguard/credentials.json */
export function credentialsFile(): string {
  return join(setting('XDG_CONFIG_HOME') ?? join(homedir(), '.config'), 'safeguard', 'credentials.json');
}

export function serverKey(server: URL): string {
  return server.href.replace(/\/+$/, '');
}

export async function storedLogin(server: URL): Promise<Login | null> {
  return (await load()).servers[serverKey(server)] ?? null;
}

export async function lastServer(): Promise<string | null> {
  return (await load()).current;
}

/**
 * Changes one server's login. One process at a time: a provider that rotates refresh tokens takes a token used twice
 * for a stolen one and ends the whole login. `change` gets the login as it stands once the lock is held; null deletes.
 * With `current` its server becomes the one of the last login: for a login, not for a refresh.
 */
export async function changeLogin(
  server: URL,
  change: (login: Login | null) => Promise<Login | null>,
  options: { current?: boolean } = {},
): Promise<Login | null> {
  const file = credentialsFile();
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const release = await lock(`${file}.lock`);
  try {
    const key = serverKey(server);
    const { servers, current } = await load();
    const before = servers[key] ?? null;
    const after = await change(before);
    if (after === before) return after;
    const others = Object.fromEntries(Object.entries(servers).filter(([name]) => name !== key));
    const kept: Credentials =
      after === null
        ? { version: 1, current: current === key ? null : current, servers: others }
        : { version: 1, current: options.current ? key : current, servers: { ...others, [key]: after } };
    const draft = `${file}.${randomUUID()}`;
    try {
      await writeFile(draft, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600, flag: 'wx', flush: true });
      await rename(draft, file);
    } finally {
      await rm(draft, { force: true });
    }
    return after;
  } finally {
    await release();
  }
}

async function load(): Promise<Credentials> {
  const file = credentialsFile();
  let text: string;
  try {
    const { mode } = await stat(file);
    if ((mode & 0o077) !== 0 && process.platform !== 'win32') {
      throw new Failure(exitCode.refused, `${file} can be read by others`, `chmod 600 ${file}, and log in anew`);
    }
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return { version: 1, current: null, servers: {} };
    throw error;
  }
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch {
    // The parser's message would quote the file, tokens and all.
    throw new Failure(exitCode.refused, `${file} is damaged`, 'delete it and log in anew');
  }
}

async function lock(file: string): Promise<() => Promise<void>> {
  const until = Date.now() + 2 * staleLock;
  for (;;) {
    const own = await create(file);
    if (own !== null) return () => removeOnly(file, own);
    const there = await stat(file, { bigint: true }).catch(() => null);
    if (there !== null && Date.now() - Number(there.mtimeMs) > staleLock) await breakLock(file, identity(there));
    if (Date.now() > until)
      throw new Failure(
        exitCode.refused,
        'another safeguard process holds the credentials',
        `if none runs, delete ${file}`,
      );
    await wait(50);
  }
}

/** Which file it is, among all that come and go by the same name. */
function identity({ ino, mtimeNs }: BigIntStats): string {
  return `${ino}-${mtimeNs}`;
}

/** Makes an empty file and says which it is; null when there is one. */
async function create(file: string): Promise<string | null> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      return identity(await handle.stat({ bigint: true }));
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return null;
    throw error;
  }
}

async function removeOnly(file: string, which: string): Promise<void> {
  const there = await stat(file, { bigint: true }).catch(() => null);
  if (there !== null && identity(there) === which) await rm(file, { force: true });
}

/**
 * Deletes the lock of a process that died. Of all who saw it one at a time may, and looks again first: whoever comes
 * late finds another lock there, the new one of the first, and leaves it. (A rename of the lock could not look first.)
 */
async function breakLock(file: string, which: string): Promise<void> {
  const right = `${file}.${which}`;
  if ((await create(right)) === null) return;
  try {
    await removeOnly(file, which);
  } finally {
    await rm(right, { force: true });
  }
}
