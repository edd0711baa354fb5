import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { pino } from 'pino';
import type { DataSource } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '../../test/support/postgres.js';
import { openDataSource } from './db/data-source.js';
import { Database, type WriteTx } from './db/database.js';
import { newId } from './ids.js';
import { servicePrincipal } from './principal.js';
import { Queue, type Job, type QueueName } from './queue.js';

let testDatabase: TestDatabase;
let source: DataSource;
let database: Database;
let queue: Queue;
let elsewhere: Queue;
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
  elsewhere = new Queue(testDatabase.urls.server, pino({ enabled: false }));
  await elsewhere.start();
  for (const other of ['import', 'disposal'] as const) {
    queue.work(
      other,
      ({ id }) => Promise.resolve(void done.push(id)),
      () => Promise.resolve(),
    );
  }
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
  await elsewhere.stop();
  await source.destroy();
  await testDatabase.drop();
});

const organizationId = newId();
interface How {
  queue?: QueueName;
  by?: Queue;
  more?: (tx: WriteTx) => void;
}
const send = (jobs: readonly Job[], { queue: name = 'scan', by = queue, more }: How = {}): Promise<void> =>
  database.write(servicePrincipal('test', organizationId, 'test'), async (tx) => {
    tx.withoutAudit('the queue alone');
    for (const job of jobs) await by.send(tx, name, job);
    more?.(tx);
  });
const jobsOf = (systemId: string, count: number): Job[] =>
  Array.from({ length: count }, () => ({ organizationId, systemId, id: newId() }));
const untilDone = async (jobs: readonly Job[]): Promise<void> => {
  await vi.waitFor(() => expect(done).toEqual(expect.arrayContaining(jobs.map(({ id }) => id))), {
    timeout: 30_000,
    interval: 5,
  });
};

it('are jobs of one line begun at once, one after the other, and nobody waits for the next look?', async () => {
  const jobs = jobsOf(newId(), 6);
  let [found, areDone] = [0, false];
  // What another server sends, each when the last is done, is found by looking: whoever looks for six has found as many of these.
  const looking = (async () => {
    for (; !areDone; found += 1) {
      const [job] = jobsOf(newId(), 1) as [Job];
      await send([job], { queue: found % 2 === 0 ? 'import' : 'disposal', by: elsewhere });
      await untilDone([job]);
    }
  })();
  await send(jobs);
  await untilDone(jobs);
  expect(most).toBe(1);
  for (const job of jobsOf(newId(), 6)) {
    await send([job]);
    await untilDone([job]);
  }
  expect(found).toBeLessThan(6);
  areDone = true;
  await looking;
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
  const failed = send(jobs, {
    more: () => {
      throw fault;
    },
  });
  await expect(failed).rejects.toBe(fault);
  const next = jobsOf(newId(), 1);
  await send(next);
  await untilDone(next);
  expect(done).not.toEqual(expect.arrayContaining([jobs[0]!.id]));
});
