import {
  QueryRunnerAlreadyReleasedError,
  type DataSource,
  type EntityManager,
  type EntityTarget,
  type ObjectLiteral,
  type QueryRunner,
} from 'typeorm';
import pg, { type PoolClient } from 'pg';
import type { Logger } from 'pino';
import type { Principal } from '../principal.js';
import { reasonOf } from '../http/outbound.js';
import { Refusal } from '../http/problem.js';
import { Answers } from './answers.js';
import { change, insertion, type Command, type NewRow, type Prepared } from './prepared.js';

/** Answers that a snapshot keeps: a question about one system wants a dozen of them. Whoever asks about a thousand systems, or of as many instants, keeps no more. */
const MAX_ANSWERS = 30;

/**
 * An open transaction that knows its principal. Row-level security shows it the rows of the principal's organisation and no others;
 * stores take it as first argument, so that a query without a context is a type error.
 */
export class Tx {
  private readonly answers = new Map<string, Promise<unknown>>();
  private turn: Promise<unknown> = Promise.resolve();

  /** Only `Database` makes one. */
  constructor(
    readonly manager: EntityManager,
    readonly principal: Principal,
    private readonly runner: QueryRunner,
    private readonly ending: (() => Promise<void>)[],
    readonly isSnapshot = false,
  ) {}

  /** The organisation whose rows are in sight. */
  get organizationId(): string {
    if (this.principal.organizationId === null) throw new Error('this transaction has no organisation');
    return this.principal.organizationId;
  }

  /** pg's own client, for COPY and for statements that TypeORM would only wrap. It serves others when the transaction is over: then it is no longer given. */
  async client(): Promise<PoolClient> {
    if (this.runner.isReleased) throw new QueryRunnerAlreadyReleasedError();
    return (await this.runner.connect()) as PoolClient;
  }

  /**
   * What several rooms ask in one question is read once: in a snapshot the same question has the same answer. In other transactions it is asked anew each time.
   * `question` says all that the answer depends on, beside what the transaction sees. Nobody changes what is answered: others are given it too.
   */
  once<T>(question: string, ask: () => Promise<T>): Promise<T> {
    if (!this.isSnapshot) return ask();
    const answer = (this.answers.get(question) as Promise<T> | undefined) ?? ask();
    // The one that was asked for last comes last, and the first goes.
    this.answers.delete(question);
    this.answers.set(question, answer);
    const [first] = this.answers.keys();
    if (this.answers.size > MAX_ANSWERS && first !== undefined) this.answers.delete(first);
    return answer;
  }

  /**
   * To be done when the transaction is over, however it ended, and before whoever waits for it is told: what needs a connection of its own, for one that waits for a second
   * while it holds a first keeps others from theirs. What it throws is logged, and told nobody else.
   */
  afterEnd(action: () => Promise<void>): void {
    this.ending.push(action);
  }

  /** The rows of any statement (with RETURNING for writes). */
  async query<Row extends object>(sql: string | Prepared, parameters: readonly unknown[] = []): Promise<Row[]> {
    return (await this.send<Row>(sql, parameters)).rows;
  }

  /** How many rows a statement touched. */
  async execute(sql: string | Prepared, parameters: readonly unknown[] = []): Promise<number> {
    return (await this.send(sql, parameters)).rowCount ?? 0;
  }

  private send<Row extends object>(
    sql: string | Prepared,
    parameters: readonly unknown[],
  ): Promise<pg.QueryResult<Row>> {
    const values = [...parameters];
    // A connection answers one statement at a time, and pg is to be given no second one meanwhile: two lines of questions take turns here.
    const answer = this.turn.then(async () => {
      const client = await this.client();
      if (typeof sql === 'string') return client.query<Row>(sql, values);
      return client.query<Row>({ name: sql.name, text: sql.text, values });
    });
    this.turn = answer.catch(() => undefined);
    return answer;
  }
}

/**
 * Two lines of questions of one transaction, whose statements take turns: while Postgres answers the one, the other goes on with what it was told. Both have ended when it is over, also where
 * one of them fails: nobody asks anything of a connection that others have by then.
 */
export async function besideEachOther<One, Other>(
  one: Promise<One>,
  other: Promise<Other>,
): Promise<readonly [One, Other]> {
  try {
    // What failed first is told: of the other line Postgres then says no more than that the transaction is aborted.
    return await Promise.all([one, other]);
  } finally {
    await Promise.allSettled([one, other]);
  }
}

/** A transaction that may write; it commits only with an audit event in it (promise 1 of the design). */
export class WriteTx extends Tx {
  private accounted = false;

  constructor(
    manager: EntityManager,
    principal: Principal,
    runner: QueryRunner,
    ending: (() => Promise<void>)[],
    private readonly after: (() => void)[],
  ) {
    super(manager, principal, runner, ending);
  }

  /** Called by the audit room when it has written the event, and by nothing else. */
  markAudited(): void {
    this.accounted = true;
  }

  /** For bookkeeping that changes nothing anybody is told (a queue's progress). The reason is for the reader of the code. */
  withoutAudit(_reason: string): void {
    this.accounted = true;
  }

  get audited(): boolean {
    return this.accounted;
  }

  /** To be done when others see what the transaction wrote, and not at all where it is rolled back. What it throws is logged. */
  afterCommit(action: () => void): void {
    this.after.push(action);
  }

  /** Adds rows, in their order, by one statement. */
  async insert(...rows: readonly NewRow[]): Promise<void> {
    await this.command(insertion(this.manager, rows));
  }

  /** Adds a row; false where its primary or a unique key is taken. Waits for a transaction that is about to take it. */
  async insertUnlessThere(row: NewRow): Promise<boolean> {
    return (await this.command(insertion(this.manager, [row], true))) === 1;
  }

  /** Changes the row with that whole primary key; false where there is none. */
  async update<Row extends ObjectLiteral>(
    entity: EntityTarget<Row>,
    key: Partial<Row>,
    changed: Partial<Row>,
  ): Promise<boolean> {
    return (await this.command(change(this.manager, entity, key, changed))) === 1;
  }

  private command({ statement, values }: Command): Promise<number> {
    return this.execute(statement, values);
  }
}

/** Makes a creating call happen once: the answer is kept under the caller's Idempotency-Key, in the transaction of the change itself. */
export interface Once {
  operation: string;
  key: string;
  /** Digest of what was asked: the same key with another request is refused. */
  fingerprint: string;
}

/** How long a key is remembered. Longer than any retry of an agent that was days without network. */
const REMEMBERED = '30 days';

/** The data source's token: it is an interface of TypeORM's own making, and only stores see it. */
export const DATA_SOURCE = Symbol('data source');

/**
 * Statements here are many and short, and Postgres takes some of them for long ones: to start workers for one, or to compile its plan, costs more than all that it does.
 * Said with each transaction, for a pooler hands connections on.
 */
const SHORT = `set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true)`;

export class Database {
  constructor(
    private readonly source: DataSource,
    private readonly logger: Logger,
    private readonly answers = new Answers(),
  ) {}

  /** Whether the database answers. Throws when it does not. */
  async ping(): Promise<void> {
    await this.source.query('select 1');
  }

  /** Reads. Postgres itself refuses a write here. */
  async read<T>(principal: Principal, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.run(principal, 'isolation level read committed', 'read only', (runner, ending) =>
      work(new Tx(runner.manager, principal, runner, ending)),
    );
  }

  /** Many questions of one instant: all of them see the same snapshot. */
  async readSnapshot<T>(principal: Principal, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.run(principal, 'isolation level repeatable read', 'read only', (runner, ending) =>
      work(new Tx(runner.manager, principal, runner, ending, true)),
    );
  }

  /** Writes: all of it or nothing, and nothing without an audit event. With `once`, `work`'s result is kept as JSON and given again to a retry. */
  async write<T>(principal: Principal, work: (tx: WriteTx) => Promise<T>, once: Once | null = null): Promise<T> {
    const after: (() => void)[] = [];
    const result = await this.run(principal, 'isolation level read committed', 'read write', async (runner, ending) => {
      const tx = new WriteTx(runner.manager, principal, runner, ending, after);
      if (once === null) {
        const result = await work(tx);
        await refuseUnaudited(tx);
        return result;
      }
      const { since, prior } = await claim(tx, once);
      const { operation, key, fingerprint } = once;
      const of = [tx.organizationId, principal.id, operation, key, fingerprint, since] as const;
      if (prior !== null) {
        const opened = this.answers.opened(of, prior.response);
        if (opened === null) throw conflict('What was answered under this Idempotency-Key can no longer be told.');
        return opened.answer as T;
      }
      const result = await work(tx);
      await tx.execute(
        `update idempotency_key set response = $4
         where organization_id = $1 and principal_id = $2 and operation = $3 and key = $5`,
        [tx.organizationId, principal.id, operation, this.answers.sealed(of, result), key],
      );
      await refuseUnaudited(tx);
      return result;
    });
    for (const action of after) await this.aside(action);
    return result;
  }

  private async run<T>(
    principal: Principal,
    mode: 'isolation level read committed' | 'isolation level repeatable read',
    access: 'read only' | 'read write',
    work: (runner: QueryRunner, ending: (() => Promise<void>)[]) => Promise<T>,
  ): Promise<T> {
    const runner = this.source.createQueryRunner();
    const ending: (() => Promise<void>)[] = [];
    try {
      const client = (await runner.connect()) as PoolClient;
      try {
        // Begun and ended here and not by the query runner, which is told of it: one message, for a transaction begins with every request. So the texts are literals,
        // quoted by the driver.
        (runner as { isTransactionActive: boolean }).isTransactionActive = true;
        await client.query(
          `start transaction ${mode}, ${access};
           select set_config('app.organization_id', ${pg.escapeLiteral(principal.organizationId ?? '')}, true),
             set_config('app.issuer', ${pg.escapeLiteral(principal.issuer)}, true),
             set_config('app.subject', ${pg.escapeLiteral(principal.subject)}, true),
             ${SHORT}`,
        );
        const result = await work(runner, ending);
        await commit(client);
        return result;
      } catch (error) {
        // A connection that broke cannot roll back; Postgres has done it, and the first error is the one that tells.
        await client.query('rollback').catch(() => undefined);
        throw error;
      }
    } catch (error) {
      if (!isConnectionFault(error)) throw error;
      throw new Refusal(
        'unavailable',
        'The database does not answer, not in time, or not to two at once. Try again; with an Idempotency-Key that is harmless.',
        {
          headers: { 'Retry-After': '5' },
        },
      );
    } finally {
      await this.aside(() => runner.release());
      for (const action of ending) await this.aside(action);
    }
  }

  /** Does what comes when the transaction has ended: whoever waits for it is told how, whatever becomes of this, and this is done whatever became of what came before it. */
  private async aside(action: () => unknown): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.logger.error({ reason: reasonOf(error) }, 'what comes after a transaction failed');
    }
  }
}

/** Where a statement had failed, Postgres answers COMMIT by ROLLBACK and no error. Whoever caught that of the statement: nobody is told that all was done. */
async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('commit');
  if (command !== 'COMMIT') throw new Error('a statement of the transaction had failed: nothing of it was kept');
}

async function refuseUnaudited(tx: WriteTx): Promise<void> {
  if (tx.audited) return;
  const [row] = await tx.query<{ wrote: boolean }>('select pg_current_xact_id_if_assigned() is not null as wrote');
  if (row?.wrote === true) throw new Error('a transaction changed rows and recorded no audit event');
}

const conflict = (detail: string): Refusal =>
  new Refusal('idempotency-conflict', detail, { pointer: 'header/Idempotency-Key' });

/** Takes the key, waiting for a transaction that holds it; or finds the answer that was given under it. It is remembered from `since`, in seconds since 1970. */
async function claim(tx: WriteTx, once: Once): Promise<{ since: string; prior: { response: unknown } | null }> {
  const [mine] = await tx.query<{ since: string }>(
    `insert into idempotency_key (organization_id, principal_id, operation, key, fingerprint, created_at)
     values ($1, $2, $3, $4, $5, now())
     on conflict (organization_id, principal_id, operation, key) do update
       set fingerprint = excluded.fingerprint, response = null, created_at = excluded.created_at
       where idempotency_key.created_at < now() - interval '${REMEMBERED}'
     returning extract(epoch from created_at)::text as since`,
    [tx.organizationId, tx.principal.id, once.operation, once.key, once.fingerprint],
  );
  if (mine !== undefined) return { since: mine.since, prior: null };
  const [prior] = await tx.query<{ fingerprint: string; response: unknown; since: string }>(
    `select fingerprint, response, extract(epoch from created_at)::text as since from idempotency_key
     where organization_id = $1 and principal_id = $2 and operation = $3 and key = $4`,
    [tx.organizationId, tx.principal.id, once.operation, once.key],
  );
  if (prior === undefined || prior.fingerprint !== once.fingerprint) {
    throw conflict('Use a new Idempotency-Key for a new request.');
  }
  return { since: prior.since, prior };
}

/** Takes from keys that count no more what was answered under them; a day later, for whoever began while they did. */
export async function forgetAnswers(tx: WriteTx): Promise<void> {
  await tx.execute(
    `update idempotency_key set response = null
     where organization_id = $1 and created_at < now() - interval '${REMEMBERED}' - interval '1 day' and response is not null`,
    [tx.organizationId],
  );
}

/** The constraint that a statement broke, if that is why it failed: errors are told apart by constraint name, not by code alone. */
export function brokenConstraint(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('constraint' in error)) return null;
  return typeof error.constraint === 'string' ? error.constraint : null;
}

/**
 * Of PostgreSQL's appendix A what is said by a server that is away, full, or has ended a statement or a transaction that took too long (classes 08, 53 and 57,
 * 25P03 and 25P04) or that another was in the way of (40001, 40P01); and what the system says of a server that is not to be reached.
 */
const AWAY_CODE =
  /^(08...|40001|40P01|53...|57014|57P0[1-35]|25P0[34]|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE)$/;

/** What the driver says of a connection that it did not get in time, or has lost. */
const AWAY_MESSAGE =
  /^(timeout (exceeded|expired)|Connection terminated|Client (has encountered a connection error|was closed) and is not queryable)/;

/** A fault of the connection, not of what was asked: the same again may succeed. */
function isConnectionFault(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // Lost between two statements: then it is no longer the transaction's.
  if (error instanceof QueryRunnerAlreadyReleasedError) return true;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return AWAY_CODE.test(code) || AWAY_MESSAGE.test(error.message);
}
