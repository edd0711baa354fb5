import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.js';
import { openDataSource } from './db/data-source.js';
import { Database, type WriteTx } from './db/database.js';
import { newId } from './ids.js';
import { servicePrincipal } from './principal.js';
import { Queue, type Job } from './queue.js';

let testDatabase: TestDatabase;
let source: DataSource;
let database: Database;
let queue: Queue;
const done: string[] = [];
let underWay = 0;
let most = 0;
/** How many there have to be under way before one ends. */
let together = 1;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  source = await openDataSource(testDatabase.urls.server, { max: 2, statementTimeout: 10_000 });
  database = new Database(source, pino({ enabled: false }));
  queue = new Queue(testDatabase.urls.server, pino({ enabled: false }));
  await queue.start();
  queue.work(
    'scan',
    async ({ id }) => {
      most = Math.max(most, (underWay += 1));
      await vi.waitFor(() => expect(most).toBeGreaterThanOrEqual(together), { timeout: 10_000, interval: 5 });
      underWay -= 1;
      done.push(id);
    },
    () => Promise.resolve(),
  );
});
afterAll(async () => {
  await queue.stop();
  await source.destroy();
  await testDatabase.drop();
});

const organizationId = newId();
const send = (jobs: readonly Job[], more: (tx: WriteTx) => void = () => undefined): Promise<void> =>
  database.write(servicePrincipal('test', organizationId, 'test'), async (tx) => {
    tx.withoutAudit('the queue alone');
    for (const job of jobs) await queue.send(tx, 'scan', job);
    more(tx);
  });
const jobsOf = (systemId: string, count: number): Job[] =>
  Array.from({ length: count }, () => ({ organizationId, systemId, id: newId() }));
const untilDone = async (jobs: readonly Job[]): Promise<number> => {
  const began = performance.now();
  await vi.waitFor(() => expect(done).toEqual(expect.arrayContaining(jobs.map(({ id }) => id))), {
    timeout: 30_000,
    interval: 5,
  });
  return performance.now() - began;
};

it('are jobs of one line begun at once, one after the other, and nobody waits for the next look?', async () => {
  // Whoever looks every two seconds for one of them at a time needs ten.
  const jobs = jobsOf(newId(), 6);
  await send(jobs);
  expect(await untilDone(jobs)).toBeLessThan(4_000);
  expect(most).toBe(1);
});

it('are those of several lines taken by several workers?', async () => {
  together = 2;
  const jobs = [...jobsOf(newId(), 4), ...jobsOf(newId(), 4)];
  await send(jobs);
  await untilDone(jobs);
  expect(most).toBe(2);
});

it('is nothing begun of what was rolled back?', async () => {
  const jobs = jobsOf(newId(), 2);
  const fault = new Error('no');
  const failed = send(jobs, () => {
    throw fault;
  });
  await expect(failed).rejects.toBe(fault);
  const next = jobsOf(newId(), 1);
  await send(next);
  await untilDone(next);
  expect(done).not.toEqual(expect.arrayContaining([jobs[0]!.id]));
});
