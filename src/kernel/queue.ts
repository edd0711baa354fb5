import { PgBoss } from 'pg-boss';
import pg from 'pg';
import type { Logger } from 'pino';
import { KEEP_ALIVE } from './db/data-source.js';
import type { WriteTx } from './db/database.js';

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
] as const;
export type QueueName = (typeof QUEUES)[number];

/** Of these one job of a kind may wait, while another runs: it does all that the others would have done. */
const ONCE: ReadonlySet<QueueName> = new Set(['posture', 'notice']);

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
  private readonly handlers: Promise<string>[] = [];
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
    this.take(deadOf(queue), USUALLY_AT_ONCE, giveUp);
  }

  private take(queue: string, localConcurrency: number, handle: (job: Job) => Promise<void>): void {
    // Two scans of one system would wait for each other, and those of all other systems for both.
    const options = { pollingIntervalSeconds: 0.5, localConcurrency, localGroupConcurrency: 1 };
    const worker = this.boss.work<Job>(queue, options, async (jobs) => {
      for (const { data } of jobs) {
        try {
          await handle(data);
        } catch (error) {
          const kind = error instanceof Error ? error.name : typeof error;
          this.logger.error({ queue, id: data.id, kind }, 'job failed');
          throw error;
        }
      }
    });
    this.handlers.push(worker);
  }

  /** Finishes the jobs under way, up to 10 s; the others stay queued. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.handlers);
    await this.boss.stop({ graceful: true, timeout: 10_000 });
  }
}
