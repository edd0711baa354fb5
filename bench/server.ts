import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { SERVING_FLAGS } from '../src/kernel/memory.js';

const PROGRAM = fileURLToPath(new URL('../src/bin/safeguard.js', import.meta.url));

/** The program in a process of its own. */
export interface Server {
  pid: number;
  stop(): Promise<void>;
}

/** Starts it, and waits until it serves. Where a directory is named, its CPU profile lies there when it has ended. */
export async function startServer(
  environment: Readonly<Record<string, string>>,
  profileDirectory: string | undefined,
): Promise<Server> {
  const profile =
    profileDirectory === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`, '--cpu-prof-interval=1000'];
  const server = spawn(process.execPath, [...SERVING_FLAGS, ...profile, PROGRAM, 'serve'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    await serving(server);
  } catch (error) {
    await end(server);
    throw error;
  }
  return { pid: server.pid ?? 0, stop: () => end(server) };
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

/** The server does not say which port it took when told to take any, so it is told one that was free a moment ago. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
