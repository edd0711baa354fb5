import { Refusal } from '../http/problem.js';
import type { Tx, WriteTx } from './database.js';

/*
 * What becomes known has an order where those who write it take turns, and give it an instant of the database's clock while they have theirs: once that clock has passed an instant, and
 * whoever had a turn then has ended, all that was known at it is there to be read.
 */

/** Milliseconds that a question waits. */
const PATIENCE = 10_000;

/** lock_timeout or statement_timeout (PostgreSQL, appendix A: 55P03, 57014). */
const isImpatience = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === '55P03' || error.code === '57014');

/** Waits for the turn of that name, and has it until the transaction ends. */
export async function takeTurn(tx: WriteTx, name: string): Promise<void> {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [name]);
}

/**
 * Waits until the database's clock has passed the instant, so that what comes then is known later; and for those who have a turn of these names, whose instant may be in the past
 * already. A little only: whoever asks holds a connection.
 * @param unfinished what the refusal says that is under way
 */
export async function awaitTurns(tx: Tx, names: readonly string[], knownAt: Date, unfinished: string): Promise<void> {
  try {
    await tx.query(`select set_config('lock_timeout', $1, true), set_config('statement_timeout', $1, true)`, [
      `${PATIENCE}ms`,
    ]);
    await tx.query(
      `select pg_sleep(greatest(0, extract(epoch from $1::timestamptz - service_clock()) + 0.001)::double precision)`,
      [knownAt],
    );
    await tx.query(`select pg_advisory_xact_lock_shared(hashtextextended(name, 0)) from unnest($1::text[]) as name`, [
      names,
    ]);
  } catch (error) {
    if (!isImpatience(error)) throw error;
    throw new Refusal('unavailable', `${unfinished}; what is known at that instant is not final yet.`, {
      headers: { 'Retry-After': '5' },
    });
  }
}
