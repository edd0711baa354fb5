import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Scanner } from '../bin/agent-options.js';

/** How a scanner is run and its report is posted. */
interface Run {
  /** `file`: where the report goes, for one that does not print it. */
  args: (file: string) => readonly string[];
  printsReport: boolean;
  format: string;
  targets: (nodeName: string | undefined) => string[];
}

/**
 * What each is told. None of them is filtered: what a filter leaves out would look like what was mended.
 * https://aquasecurity.github.io/kube-bench, https://trivy.dev, https://kubescape.io
 */
export const RUNS: Readonly<Record<Scanner, Run>> = {
  'kube-bench': {
    args: () => ['run', '--json'],
    printsReport: true,
    format: 'kube-bench',
    // Its report does not name the node.
    targets: (nodeName) => (nodeName === undefined ? [] : [`node/${nodeName}`]),
  },
  trivy: {
    // Without the node collector it creates nothing in the cluster.
    args: () => ['k8s', '--report', 'all', '--format', 'json', '--disable-node-collector', '--quiet'],
    printsReport: true,
    format: 'trivy-k8s',
    targets: () => ['cluster/cluster'],
  },
  kubescape: {
    // Nothing is sent to its makers. What it prints is mixed with what it says, and a file gets `.json` behind its name if it lacks it.
    args: (file) => ['scan', '--format', 'json', '--format-version', 'v2', '--output', file, '--keep-local'],
    printsReport: false,
    format: 'kubescape',
    targets: () => [],
  },
};

/** An image scan of a large cluster takes an hour; twice that is one that hangs. */
const LONGEST = 2 * 3_600_000;

export class ScannerFault extends Error {}

/** Not on the PATH. */
export class NoScanner extends ScannerFault {}

/**
 * Runs a scanner and writes what it prints to a file. Throws ScannerFault, and leaves nothing: a report of a scanner that failed is no report. `limit`: bytes.
 */
export async function runScanner(
  scanner: Scanner,
  file: string,
  { limit, signal, longest = LONGEST }: { limit: number; signal: AbortSignal; longest?: number },
): Promise<void> {
  // A group of its own, so that what it started ends with it. What it says beside its report may quote anything, and is not kept.
  const { args, printsReport } = RUNS[scanner];
  const child = spawn(scanner, args(file), { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  const kill = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  };
  const ended = new Promise<{ code: number | null; error: NodeJS.ErrnoException | null }>((resolve) => {
    child.on('error', (error) => resolve({ code: null, error }));
    child.on('close', (code) => resolve({ code, error: null }));
  });
  const ends = AbortSignal.any([signal, AbortSignal.timeout(longest)]);
  ends.addEventListener('abort', kill, { once: true });
  let printed = 0;
  try {
    await pipeline(
      child.stdout,
      async function* bounded(source: Readable) {
        for await (const chunk of source as AsyncIterable<Buffer>) {
          printed += chunk.length;
          if (printed > limit) {
            kill();
            return;
          }
          yield chunk;
        }
      },
      createWriteStream(printsReport ? file : '/dev/null', { mode: 0o600, flags: printsReport ? 'wx' : 'w' }),
    ).catch(() => undefined);
    const { code, error } = await ended;
    signal.throwIfAborted();
    if (error?.code === 'ENOENT') throw new NoScanner('is not on the PATH');
    if (ends.aborted) throw new ScannerFault('took too long');
    const size = Math.max(await sizeOf(file), printed);
    if (size > limit) throw new ScannerFault(`wrote more than ${limit} bytes`);
    if (code !== 0) throw new ScannerFault(`ended with ${code ?? error?.code ?? 'a signal'}`);
    if ((await sizeOf(file)) === 0) throw new ScannerFault('wrote nothing');
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    ends.removeEventListener('abort', kill);
    kill();
  }
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => ({ size: 0 }))).size;
}
