import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { Agent, request } from 'undici';

export interface LatencyTask {
  url: string;
  token: string;
  /** Set to 1 by the thread that waits for the answer. */
  stop: Int32Array;
}

const PERIOD = 10;

const { url, token, stop } = workerData as LatencyTask;
const http = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
const times: number[] = [];

async function ask(due: number): Promise<void> {
  const answer = await request(url, { dispatcher: http, headers: { Authorization: `Bearer ${token}` } });
  await answer.body.dump();
  if (answer.statusCode !== 200) throw new Error(`GET ${url}: ${answer.statusCode}`);
  times.push(performance.now() - due);
}

// The first one opens a connection, and fetches nothing that is to be measured.
await ask(performance.now());
times.length = 0;
const underWay: Promise<void>[] = [];
for (let due = performance.now(); Atomics.load(stop, 0) === 0; due += PERIOD) {
  await delay(Math.max(0, due - performance.now()));
  underWay.push(ask(due));
}
await Promise.all(underWay);
await http.close();
parentPort?.postMessage(times);
