import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Scanner } from '../bin/agent-options.js';
import { withoutSettings } from '../bin/client/environment.js';

/** What a scanner is told of what it is to look at. */
export interface Told {
  /** Where the report goes, for one that does not print it. */
  file: string;
  /** The cluster, as the agent was told of it; null: that of the pod, or what kubectl would take. */
  kubeconfig: string | null;
  context: string | null;
  /** Of Kubernetes (`1.34`), for one that could only guess it; null where it finds that out itself. */
  kubeVersion: string | null;
  /** The folder with the benchmarks of kube-bench; null: it looks where it is run. */
  benchmarks: string | null;
}

/** How a scanner is run and its report is posted. */
interface Run {
  args: (told: Told) => readonly string[];
  printsReport: boolean;
  /** Whether its report says when it was made; else it is as of when the run began. */
  saysWhen: boolean;
  format: string;
  targets: (nodeName: string | undefined) => string[];
}

const option = (name: string, value: string | null): string[] => (value === null ? [] : [name, value]);

/**
 * What each is told. None of them is filtered: what a filter leaves out would look like what was mended. Each looks at the cluster that the agent looks at: the report of
 * another would be taken for this one's.
 * https://aquasecurity.github.io/kube-bench, https://trivy.dev, https://kubescape.io
 */
export const RUNS: Readonly<Record<Scanner, Run>> = {
  'kube-bench': {
    // It knows no kubeconfig but by `kubectl`. Without a cluster that it can ask it takes Kubernetes for 1.18, and judges by a benchmark of that time.
    args: ({ kubeVersion, benchmarks }) => [
      ...['run', '--json'],
      ...option('--version', kubeVersion),
      ...option('--config-dir', benchmarks),
    ],
    printsReport: true,
    saysWhen: false,
    format: 'kube-bench',
    // Its report does not name the node.
    targets: (nodeName) => (nodeName === undefined ? [] : [`node/${nodeName}`]),
  },
  trivy: {
    // Without the node collector it creates nothing in the cluster.
    args: ({ kubeconfig, context }) => [
      ...['k8s', '--report', 'all', '--format', 'json', '--disable-node-collector', '--quiet'],
      ...option('--kubeconfig', kubeconfig),
      ...(context === null ? [] : [context]),
    ],
    printsReport: true,
    saysWhen: false,
    format: 'trivy-k8s',
    targets: () => ['cluster/cluster'],
  },
  kubescape: {
    // Nothing is sent to its makers. What it prints is mixed with what it says, and a file gets `.json` behind its name if it lacks it.
    args: ({ file, kubeconfig, context }) => [
      ...['scan', '--format', 'json', '--format-version', 'v2', '--output', file, '--keep-local'],
      ...option('--kubeconfig', kubeconfig),
      ...option('--kube-context', context),
    ],
    printsReport: false,
    saysWhen: true,
    format: 'kubescape',
    targets: () => [],
  },
};

/** Where its image and its packages put them. Without, kube-bench looks for `cfg` in the folder that it is run in, and finds nothing. */
const BENCHMARKS = ['/opt/kube-bench/cfg', '/etc/kube-bench/cfg'];

export async function benchmarksOf(places: readonly string[] = BENCHMARKS): Promise<string | null> {
  for (const place of places) if ((await sizeOf(join(place, 'config.yaml'))) > 0) return place;
  return null;
}

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
  told: Told,
  { limit, signal, longest = LONGEST }: { limit: number; signal: AbortSignal; longest?: number },
): Promise<void> {
  // A group of its own, so that what it started ends with it. What it says beside its report may quote anything, and is not kept.
  const { args, printsReport } = RUNS[scanner];
  const { file } = told;
  const child = spawn(scanner, args(told), {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
    env: withoutSettings(),
  });
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
