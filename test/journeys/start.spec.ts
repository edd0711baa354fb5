import { execFile, spawnSync } from 'node:child_process';
import { createHash, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, realpath, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseEnv, promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { PROVIDER_USERS } from '../../src/development/provider-users.js';
import { browse } from '../cli/browser.js';
import { directory, start, type Started } from '../cli/support.js';

// What `npm start` runs, as a newcomer meets it: its story, the README's lines, and every way in which it ends.

/** Three folders above the compiled file. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const run = promisify(execFile);

it('may the command be run that the README’s lines call, however often it was built?', async () => {
  const { bin } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { bin: Record<string, string> };
  for (const path of Object.values(bin)) expect((await stat(join(ROOT, path))).mode & 0o111).toBe(0o111);
});

it('does the start tell its story, take the README’s report, outlive kill -9 and end without a trace?', async () => {
  const data = await mkdtemp(join(tmpdir(), 'safeguard-start-'));
  // After a failure Postgres may still be writing its last there.
  onTestFinished(() => rm(data, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }));
  const port = await freePair();
  const server = `http://127.0.0.1:${port}`;
  const serve = () => start(['serve'], { PORT: String(port), SAFEGUARD_DATA_DIRECTORY: data });

  const first = serve();
  const told = await story(first);
  for (const { subject } of PROVIDER_USERS) expect(told).toContain(`    ${subject} `);
  const demo = parseEnv(await readFile(join(data, 'demo.env'), 'utf8')) as Record<string, string>;
  expect(demo).toMatchObject({ SERVER: server, TOKEN_ENDPOINT: `http://127.0.0.1:${port + 1}/token` });
  expect(told).toContain(`client ${demo['AGENT']!}; `);
  expect((await stat(join(data, 'demo.env'))).mode & 0o777).toBe(0o600);
  expect(told).not.toContain(demo['AGENT_SECRET']!);

  const outside = { Authorization: `Bearer ${await logIn(server, 'dev-outside-auditor')}` };
  expect(await (await fetch(`${server}/v1/me`, { headers: outside })).json()).toMatchObject({ organizations: [] });
  const officer = await logIn(server, 'dev-compliance-officer');
  const ask = (path: string) => fetch(path, { headers: { Authorization: `Bearer ${officer}` } });
  // What the story names answers: the contract to anybody, the reference to who is known, the login by way of the provider.
  for (const path of ['/docs', '/openapi.yaml', '/login']) expect(told).toMatch(new RegExp(`${server}${path}\\b`));
  expect((await fetch(`${server}/openapi.yaml`)).status).toBe(200);
  expect((await ask(`${server}/docs`)).status).toBe(200);
  const toProvider = (await fetch(`${server}/login`, { redirect: 'manual' })).headers.get('location');
  expect(toProvider).toContain(`http://127.0.0.1:${port + 1}/`);

  const organization = `${server}/v1/organizations/${demo['ORGANIZATION']!}`;
  const statuses = async (query = '') => {
    const { practices } = (await (await ask(`${organization}/posture${query}`)).json()) as Posture;
    return practices.map(({ id, status }) => `${id} ${status}`);
  };
  const asOfLastWeek = `?asOf=${demo['LAST_WEEK']!}`;
  const lastWeek = await statuses(asOfLastWeek);
  expect(lastWeek).toContain('api-audit-logging failing');
  expect(await statuses()).toContain('api-audit-logging evidenced');

  const [, content, sha256] = /^First audit package {2}(\S+)\n.*sha256 ([0-9a-f]{64})$/m.exec(told) ?? [];
  expect(content?.startsWith(organization)).toBe(true);
  const zip = Buffer.from(await (await ask(content!)).arrayBuffer());
  expect(createHash('sha256').update(zip).digest('hex')).toBe(sha256);

  const scan = await postAsTheReadmeSays(data);

  first.kill('SIGKILL');
  expect((await first.finished).signal).toBe('SIGKILL');

  const second = serve();
  const again = await story(second);
  expect(again).not.toContain('Filling the server');
  expect(again).toContain(content);
  // Nothing that was answered is lost, and nobody is logged out.
  expect(await statuses(asOfLastWeek)).toEqual(lastWeek);
  if (scan !== null) {
    const kept = await ask(`${organization}/systems/${demo['SYSTEM']!}/scans/${scan.id}`);
    expect(await kept.json()).toMatchObject({ id: scan.id, counts: scan.counts });
  }

  const beside = await serve().finished;
  expect(beside.code).not.toBe(0);
  expect(beside.stderr).toContain(`The data directory ${join(data, 'postgres')} is in use by another running process.`);

  expect(await postgresOn(data)).not.toEqual([]);
  second.kill('SIGTERM');
  expect(await second.finished).toMatchObject({ code: 0, signal: null });
  expect(await postgresOn(data)).toEqual([]);

  const stranger = await listenOn(port);
  onTestFinished(() => void stranger.close());
  const third = await serve().finished;
  expect(third.code).toBe(1);
  expect(third.stderr).toBe(
    `Port ${port} on 127.0.0.1 is taken by another program. Stop it, or choose another: PORT=8081.\n`,
  );
  expect(await postgresOn(data)).toEqual([]);
}, 240_000);

interface Posture {
  practices: { id: string; status: string }[];
}

interface Scan {
  id: string;
  counts: { new: number; total: number };
}

/** What it has printed once it says its last line. */
async function story(program: Started): Promise<string> {
  const { input, 0: last } = await program.wrote(/^Begin anew .*\n|^The demo could not be completed.*\n/m);
  expect(last).toContain('Begin anew');
  return input;
}

/** The access token that `safeguard login` leaves behind when that user is picked at the provider. */
async function logIn(server: string, user: string): Promise<string> {
  const home = await directory();
  const login = start(['login', '--server', server], { XDG_CONFIG_HOME: home, SAFEGUARD_TOKEN: '' });
  const [, address] = await login.wrote(/or open (\S+)/);
  await browse(address!, { user });
  expect(await login.finished).toMatchObject({ code: 0 });
  const kept = JSON.parse(await readFile(join(home, 'safeguard/credentials.json'), 'utf8')) as {
    servers: Record<string, { accessToken: string }>;
  };
  return kept.servers[server]!.accessToken;
}

/** Runs the agent's lines of the README as they stand there; null where the machine lacks a tool that they use. */
async function postAsTheReadmeSays(data: string): Promise<Scan | null> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const [, lines] = /```sh\n(\. \.data\/demo\.env\n[^`]*)```/.exec(readme) ?? [];
  expect(lines).toBeDefined();
  const missing = ['bash', 'curl', 'openssl', 'base64', 'sed'].filter(
    (tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0,
  );
  if (missing.length > 0) {
    console.warn(`SKIPPED: the README's lines for an agent, because this machine has no ${missing.join(', no ')}.`);
    return null;
  }
  const { stdout } = await run('bash', ['-e', '-c', lines!.replaceAll('.data/', `${data}/`)], { cwd: ROOT });
  const scan = JSON.parse(stdout) as Scan;
  expect(scan).toMatchObject({ status: 'stored', format: 'kube-bench', duplicate: false });
  expect(scan.counts.new).toBeGreaterThan(0);
  expect(scan.counts.new).toBe(scan.counts.total);
  return scan;
}

/** Processes of a Postgres on the data directory: they all work in it. Elsewhere than on Linux, the one that its file names. */
async function postgresOn(data: string): Promise<string[]> {
  const cluster = join(await realpath(data), 'postgres/cluster');
  if (process.platform !== 'linux') {
    const named = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
    return named === '' ? [] : [named.split('\n')[0]!];
  }
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(processes.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return processes.filter((_pid, index) => places[index] === cluster);
}

/**
 * A port that is free together with the next one. Below those that systems hand out by themselves (from 32768 on Linux, 49152 on macOS), so that no other
 * test gets it between two starts.
 */
async function freePair(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 16_000) * 2;
    const held: Server[] = [];
    try {
      for (const each of [port, port + 1]) held.push(await listenOn(each));
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    } finally {
      await Promise.all(held.map((server) => once(server.close(), 'close')));
    }
  }
}

async function listenOn(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}
