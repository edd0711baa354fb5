import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';

/**
 * By what a fault was found: `here`, by the log's own rows, which are not what the log has signed; `outside`, by what is kept of it there. Each is over when the same look
 * finds nothing: what is outside may agree while a row here does not.
 */
export type FoundBy = 'here' | 'outside';

/** Of which log no head is signed, and why. */
export interface Fault {
  origin: string;
  foundBy: FoundBy;
  reason: string;
  since: Date;
}

/** Of no organisation, so that one look tells whether an operator is needed. */
@Injectable()
export class LogFaultsStore {
  /** Of a generation of logs; of those, where origins are named. */
  async of(tx: Tx, generation: number, origins: readonly string[] | null = null): Promise<Fault[]> {
    return tx.query<Fault>(
      `select origin, found_by as "foundBy", reason, since from log_fault
       where generation = $1 and ($2::text[] is null or origin = any ($2)) order by origin, found_by`,
      [generation, origins],
    );
  }

  /** What was said first, and since when, stays. */
  async add(tx: WriteTx, generation: number, { origin, foundBy, reason }: Omit<Fault, 'since'>): Promise<void> {
    await tx.execute(
      `insert into log_fault (generation, origin, found_by, reason, since) values ($1, $2, $3, $4, service_clock())
       on conflict (generation, origin, found_by) do nothing`,
      [generation, origin, foundBy, reason],
    );
  }

  /** One that was found by then; whether it was. */
  async clear(
    tx: WriteTx,
    generation: number,
    { origin, foundBy }: Pick<Fault, 'origin' | 'foundBy'>,
    by: Date,
  ): Promise<boolean> {
    const cleared = await tx.execute(
      'delete from log_fault where generation = $1 and origin = $2 and found_by = $3 and since <= $4',
      [generation, origin, foundBy, by],
    );
    return cleared > 0;
  }

  /** The present, by the clock that faults are dated by. */
  async present(tx: Tx): Promise<Date> {
    const [row] = await tx.query<{ at: Date }>('select service_clock() as at');
    if (row === undefined) throw new Error('no instant');
    return row.at;
  }
}
