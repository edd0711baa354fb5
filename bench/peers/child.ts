import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setInterval } from 'node:timers/promises';
import { peakMemoryOf } from '../process.js';

/** A peer that is not to be had here, or that did not do what it was asked for: said in its figure, and the others go on. */
export class PeerFailure extends Error {}

export interface ChildOptions {
  environment?: Readonly<Record<string, string>>;
  directory: string;
  minutes: number;
}

export interface ChildOutcome {
  stdout: string;
  milliseconds: number;
  /** Of the process itself, in bytes. */
  peakMemory: number;
}

/** How often its memory is looked at, in milliseconds: the kernel keeps the peak, but only while the process is there. */
const LOOK = 200;

/** What is shown of a failure. */
const TAIL = 400;

/**
 * Runs a program to its end. What phones home and heeds the settings of a proxy (`OFFLINE`) meets a closed port.
 */
export async function runChild(
  command: string,
  args: readonly string[],
  { environment = {}, directory, minutes }: ChildOptions,
): Promise<ChildOutcome> {
  const start = performance.now();
  const child = spawn(command, args, {
    cwd: directory,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.timeout(minutes * 60_000),
    killSignal: 'SIGKILL',
  });
  // A bench that is interrupted leaves nothing running.
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  const output = { stdout: '', all: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text;
    output.all = `${output.all}${text}`.slice(-TAIL);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.all = `${output.all}${text}`.slice(-TAIL)));
  const failed = once(child, 'error').then(([error]) => {
    throw new PeerFailure(`${command} ${args[0] ?? ''}: ${error instanceof Error ? error.message : String(error)}`);
  });
  failed.catch(() => undefined);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const done = new AbortController();
  const memory = watch(child.pid ?? 0, done.signal);
  try {
    const [code] = await Promise.race([ended, failed]);
    if (code !== 0)
      throw new PeerFailure(`${command} ${args[0] ?? ''} ended with ${code ?? 'a signal'}: ${output.all.trim()}`);
    return { stdout: output.stdout, milliseconds: performance.now() - start, peakMemory: await stopped(memory, done) };
  } finally {
    process.off('exit', kill);
    await stopped(memory, done);
  }
}

async function watch(pid: number, signal: AbortSignal): Promise<number> {
  let peak = 0;
  try {
    for await (const _ of setInterval(LOOK, null, { signal })) peak = await peakMemoryOf(pid).catch(() => peak);
  } catch {
    // Aborted: the process has ended.
  }
  return peak;
}

function stopped(memory: Promise<number>, done: AbortController): Promise<number> {
  done.abort();
  return memory;
}

/** What a program of a peer printed, in JSON. */
export function printed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new PeerFailure(`what it printed is no JSON: ${text.slice(-TAIL).trim()}`);
  }
}

/** A loopback port where nobody listens. */
const NOWHERE = 'http://127.0.0.1:9';

/** For peers that are running, not for those that are being installed. */
export const OFFLINE = { HTTP_PROXY: NOWHERE, HTTPS_PROXY: NOWHERE, http_proxy: NOWHERE, https_proxy: NOWHERE };
