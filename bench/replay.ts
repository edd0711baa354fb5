import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Transaction } from './recorder.js';
import { connect } from './system.js';

/** All that the product sent for one scan. */
export type RecordedScan = Transaction[];

/** So many bare connections. Each has sent one of these scans, as those of the product have: what a connection does for the first time costs more. */
export async function openBare(
  url: string,
  connections: number,
  warmUp: readonly RecordedScan[],
): Promise<pg.Client[]> {
  if (warmUp.length < connections) throw new Error(`${connections} connections, and ${warmUp.length} scans for them`);
  const clients = await Promise.all(Array.from({ length: connections }, () => connect(url)));
  await Promise.all(clients.map((client, number) => sendScan(client, warmUp[number] ?? [])));
  return clients;
}

/**
 * Sends recorded scans again, as they are, by bare connections: those of one agent in their order, those of different agents as connections come free.
 * Returns the milliseconds of each scan, from when its agent was ready for it (as one that posts it would count) to its last answer, and of the whole.
 */
export async function replay(
  clients: readonly pg.Client[],
  agents: readonly (readonly RecordedScan[])[],
): Promise<{ milliseconds: number; each: number[] }> {
  const start = performance.now();
  const ready = agents.filter(({ length }) => length > 0).map((scans) => ({ scans, done: 0, since: start }));
  const each: number[] = [];
  const work = async (client: pg.Client): Promise<void> => {
    for (let agent = ready.shift(); agent !== undefined; agent = ready.shift()) {
      await sendScan(client, agent.scans[agent.done] ?? []);
      const now = performance.now();
      each.push(now - agent.since);
      agent.since = now;
      agent.done += 1;
      if (agent.done < agent.scans.length) ready.push(agent);
    }
  };
  await Promise.all(clients.map(work));
  return { milliseconds: performance.now() - start, each };
}

async function sendScan(client: pg.Client, scan: RecordedScan): Promise<void> {
  for (const transaction of scan) await send(client, transaction);
}

async function send(client: pg.Client, transaction: Transaction): Promise<void> {
  for (const { text, name, values, copied } of transaction) {
    if (copied !== null) await pipeline(Readable.from(copied, { objectMode: false }), client.query(copyFrom(text)));
    else if (name !== '') await client.query({ name, text, values });
    else await (values.length === 0 ? client.query(text) : client.query(text, values));
  }
}
