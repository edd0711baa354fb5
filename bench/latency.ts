import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { quantile } from './figures.js';
import type { LatencyTask } from './latency.thread.js';

export interface Latency {
  requests: number;
  p50: number;
  p99: number;
  max: number;
}

/**
 * Sends a small request every 10 ms, from a thread of its own, and takes each time from when the request was due: a server that stands still is charged
 * for all the requests that came meanwhile. Milliseconds.
 */
export async function measureLatency(task: Omit<LatencyTask, 'stop'>, during: Promise<unknown>): Promise<Latency> {
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./latency.thread.js', import.meta.url), {
    workerData: { ...task, stop } satisfies LatencyTask,
  });
  const answer = once(worker, 'message') as Promise<[number[]]>;
  try {
    await during;
  } finally {
    Atomics.store(stop, 0, 1);
  }
  const [times] = await answer;
  return { requests: times.length, p50: quantile(times, 0.5), p99: quantile(times, 0.99), max: quantile(times, 1) };
}
