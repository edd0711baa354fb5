import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { DATABASE, startPostgres, type EmbeddedPostgres } from '../../src/development/postgres.js';
import { migrate } from '../../src/kernel/db/migrate.js';
import type { TestDatabase } from './postgres.js';

/** A Postgres of one's own, durable, that may die and come back. */
export interface OwnPostgres {
  readonly database: TestDatabase;
  /** As when its machine or its container dies: nothing is shut down, nothing is written. */
  kill(): Promise<void>;
  /** On the same data directory and the same port: it recovers from its log. */
  start(): Promise<void>;
}

export async function startOwnPostgres(): Promise<OwnPostgres> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'safeguard-own-postgres-'));
  let running: EmbeddedPostgres | null = await startSomewhere(dataDirectory);
  const { port, url } = running;
  const urls = { admin: url(DATABASE, 'admin'), owner: url(DATABASE, 'owner'), server: url(DATABASE, 'server') };
  await migrate(urls.owner);
  const stop = async (): Promise<void> => {
    await running?.stop();
    running = null;
  };
  return {
    database: {
      name: DATABASE,
      urls,
      drop: async () => {
        await stop();
        await rm(dataDirectory, { recursive: true, force: true });
      },
    },
    kill: async () => {
      if (running !== null) process.kill(running.pid, 'SIGKILL');
      await running?.exited;
      await stop();
    },
    start: async () => {
      // Its processes see that their parent died when they next wait for something: while one lives, Postgres refuses to start.
      running = await vi.waitFor(() => startPostgres({ dataDirectory, durable: true, port }), {
        timeout: 20_000,
        interval: 100,
      });
    },
  };
}

/** On a port below those that systems give to whoever asks for any: nobody is given it while Postgres is away. */
async function startSomewhere(dataDirectory: string): Promise<EmbeddedPostgres> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startPostgres({ dataDirectory, durable: true, port: randomInt(20_000, 32_000) });
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}
