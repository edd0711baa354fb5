import { PgBoss } from 'pg-boss';
import pg from 'pg';
import type { Logger } from 'pino';
import { KEEP_ALIVE } from './db/data-source.js';
import type { WriteTx } from './db/database.js';
import { reasonOf } from './http/outbound.js';

/** What is deferred. A job carries ids only: what it is about lies in the tenant's own tables, behind row-level security. */
export const QUEUES = [
  'scan',
  'package',
  'reevaluation',
  'posture',
  'import',
  'disposal',
  'notice',
  'delivery',
  'reconciliation',
] as const;
export type QueueName = (typeof QUEUES)[number];

/** Of these one job of a kind may wait, while another runs: it does all that the others would have done. */
const ONCE: ReadonlySet<string> = new Set(['posture', 'notice', 'reconciliation']);

/** Jobs that a replica has in hand at once. A delivery waits for the server of somebody else, and may hold one of the four threads in which names are looked up. */
const AT_ONCE: Partial<Record<QueueName, number>> = { delivery: 3 };
const USUALLY_AT_ONCE = 2;

export interface Job {
  organizationId: string;
  /** The system of a scan; empty for what is of the whole organisation. */
  systemId: string;
  id: string;
  /** Of the jobs of one line a replica has one in hand at a time; the system where none is named. */
  line?: string;
}

const SCHEMA = 'queue';

/** A worker that was killed is missed after this many seconds, and its job is taken up again. 10 is the least that pg-boss takes. */
const HEARTBEAT_SECONDS = 10;

/** A store or database that is away for hours ends no job: waits double from 2 s up to 10 minutes, 24 times. What fails this often, trying does not mend. */
const RETRIES = 24;
const RETRY_SECONDS = { retryDelay: 2, retryDelayMax: 600 };

/**
 * Who sends a job wakes the workers of its own server. What another server sent, and what waited for its time, is found by looking this often: each server looks for the
 * jobs of every queue, all day.
 */
const LOOK_SECONDS = 2;

/** From the first of several jobs that one would do to the moment that this one begins, in milliseconds: who approves ten records makes one posture anew, not ten. */
const GATHER = 500;

/** Milliseconds after which the same fault of the queue is logged again. */
const COMPLAIN_AGAIN = 10_000;

/** Where a job goes when its last try has failed, also by a worker that died. */
const deadOf = (queue: QueueName): string => `${queue}-dead`;

/** Makes the queue's own schema and lets the app use it; part of `migrate`, as the owner role. */
export async function installQueue(ownerUrl: string): Promise<void> {
  const boss = new PgBoss({ connectionString: ownerUrl, schema: SCHEMA, supervise: false, schedule: false, max: 2 });
  // pg-boss emits what its background queries meet; here the calls below tell.
  boss.on('error', () => undefined);
  await boss.start();
  try {
    for (const name of QUEUES) {
      const options = {
        retryLimit: RETRIES,
        retryBackoff: true,
        ...RETRY_SECONDS,
        heartbeatSeconds: HEARTBEAT_SECONDS,
        expireInSeconds: 6 * 3600,
      };
      for (const [queue, own] of [
        [deadOf(name), options],
        [name, { ...options, deadLetter: deadOf(name) }],
      ] as const) {
        const policy = ONCE.has(name) && queue === name ? 'short' : 'standard';
        if ((await boss.getQueue(queue)) === null) await boss.createQueue(queue, { ...own, policy });
        else await boss.updateQueue(queue, own);
      }
    }
  } finally {
    await boss.stop({ graceful: false });
  }
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  try {
    await owner.query(`grant usage on schema ${SCHEMA} to safeguard_app`);
    await owner.query(`grant select, insert, update, delete on all tables in schema ${SCHEMA} to safeguard_app`);
    await owner.query(`grant usage on all sequences in schema ${SCHEMA} to safeguard_app`);
    await owner.query(`grant execute on all functions in schema ${SCHEMA} to safeguard_app`);
  } finally {
    await owner.end();
  }
}

/** The one durable queue, in Postgres. */
export class Queue {
  private readonly boss: PgBoss;
  private readonly starting: Promise<void>[] = [];
  /** Ids of a queue's workers in this server. */
  private readonly workers = new Map<string, string[]>();
  private readonly gathering = new Map<string, NodeJS.Timeout>();
  private complained = { fault: '', at: 0 };

  constructor(
    serverUrl: string,
    private readonly logger: Logger,
  ) {
    this.boss = new PgBoss({
      connectionString: serverUrl,
      schema: SCHEMA,
      migrate: false,
      createSchema: false,
      schedule: false,
      // The app's role owns nothing, so it cannot rebuild indexes; Postgres' own upkeep does.
      reindex: false,
      monitorVacuum: false,
      monitorIntervalSeconds: HEARTBEAT_SECONDS,
      superviseIntervalSeconds: HEARTBEAT_SECONDS,
      max: 4,
      ...KEEP_ALIVE,
    });
    this.boss.on('error', (error) => this.complain(error));
  }

  /** Of a database that is away, each of its workers tells twice a second. */
  private complain({ name, message }: Error): void {
    const fault = message.replace(/ \(Queue: .*/, '');
    const now = Date.now();
    if (fault === this.complained.fault && now - this.complained.at < COMPLAIN_AGAIN) return;
    this.complained = { fault, at: now };
    this.logger.error({ kind: name, message: fault }, 'queue');
  }

  async start(): Promise<void> {
    await this.boss.start();
  }

  /**
   * Enqueues in the caller's transaction: the job is there if and only if what it is about is. To a queue of which one job may wait, a job for the same
   * organisation and system is not sent twice: the one that waits is held until the transaction ends, so that whoever takes it sees what the transaction did.
   * `after`: not to be taken before so many seconds have passed; it does not stand in the way of one that may be taken at once.
   */
  async send(tx: WriteTx, queue: QueueName, job: Job, { after = 0 }: { after?: number } = {}): Promise<void> {
    const client = await tx.client();
    const db = { executeSql: (text: string, values?: unknown[]) => client.query(text, values) };
    const once = ONCE.has(queue);
    const singletonKey = `${job.organizationId}/${job.systemId}${after > 0 ? '/later' : ''}`;
    const line = job.line ?? job.systemId;
    const options = {
      db,
      startAfter: after,
      ...(once ? { singletonKey } : {}),
      ...(line === '' ? {} : { group: { id: line } }),
    };
    // A job that waits already may have been passed by, for this transaction held it.
    if (after === 0) tx.afterCommit(() => this.wake(queue));
    for (;;) {
      if ((await this.boss.send(queue, job, options)) !== null) return;
      if (!once) throw new Error(`the job was not taken by the queue ${queue}`);
      // Workers skip what is locked. One that took the job meanwhile leaves room for another.
      const waiting = await client.query(
        `select from ${SCHEMA}.job where name = $1 and singleton_key = $2 and state = 'created' for share`,
        [queue, singletonKey],
      );
      if (waiting.rowCount !== null && waiting.rowCount > 0) return;
    }
  }

  /**
   * `handle` must be safe to run twice: a worker that dies after its commit and before its acknowledgement is followed by another. `giveUp` ends, with a
   * reason, what no try could do.
   */
  work(queue: QueueName, handle: (job: Job) => Promise<void>, giveUp: (job: Job) => Promise<void>): void {
    this.take(queue, AT_ONCE[queue] ?? USUALLY_AT_ONCE, handle);
    this.take(deadOf(queue), 1, giveUp);
  }

  /** Not `localConcurrency`: of the workers that it makes one alone can be woken. */
  private take(queue: string, atOnce: number, handle: (job: Job) => Promise<void>): void {
    for (let worker = 0; worker < atOnce; worker += 1) this.starting.push(this.startWorker(queue, handle));
  }

  private async startWorker(queue: string, handle: (job: Job) => Promise<void>): Promise<void> {
    // Two scans of one system would wait for each other, and those of all other systems for both.
    const options = { pollingIntervalSeconds: LOOK_SECONDS, localGroupConcurrency: 1 };
    const worker = await this.boss.work<Job>(queue, options, async (jobs) => {
      for (const { data } of jobs) {
        try {
          await handle(data);
        } catch (error) {
          this.logger.error({ queue, id: data.id, reason: reasonOf(error) }, 'job failed');
          throw error;
        } finally {
          // Others may have come meanwhile, or waited because they are of the same line.
          this.wake(queue);
        }
      }
    });
    this.workers.set(queue, [...(this.workers.get(queue) ?? []), worker]);
  }

  private wake(queue: string): void {
    if (!ONCE.has(queue)) this.wakeAll(queue);
    else if (!this.gathering.has(queue)) {
      const gathered = (): void => {
        this.gathering.delete(queue);
        this.wakeAll(queue);
      };
      this.gathering.set(queue, setTimeout(gathered, GATHER).unref());
    }
  }

  private wakeAll(queue: string): void {
    for (const worker of this.workers.get(queue) ?? []) this.boss.notifyWorker(worker);
  }

  /** Finishes the jobs under way, up to 10 s; the others stay queued. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.starting);
    for (const timer of this.gathering.values()) clearTimeout(timer);
    await this.boss.stop({ graceful: true, timeout: 10_000 });
  }
}
