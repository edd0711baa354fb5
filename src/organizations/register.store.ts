import { Injectable } from '@nestjs/common';
import type { Tx, WriteTx } from '../kernel/db/database.js';
import { awaitTurns, takeTurn } from '../kernel/db/turns.js';

const turnOf = (tx: Tx): string => `register/${tx.organizationId}`;

/** When versions of an organisation's systems and settings count: of two replicas whose clocks differ neither dates one before what was asked of already. */
@Injectable()
export class RegisterStore {
  /**
   * Versions of an organisation are written one after another, each with a later instant than any before it (milliseconds, the resolution of the API). Held until the transaction
   * ends.
   */
  async lock(tx: WriteTx): Promise<Date> {
    await takeTurn(tx, turnOf(tx));
    const [row] = await tx.query<{ known: Date }>(
      `select greatest(date_trunc('milliseconds', service_clock()), max(recorded_at) + interval '1 millisecond') as known from (
         select recorded_at from system_version where organization_id = $1
         union all
         select recorded_at from organization_version where organization_id = $1
       ) r`,
      [tx.organizationId],
    );
    if (row === undefined) throw new Error('no instant');
    return row.known;
  }

  /** Waits for versions that are being written. */
  awaitWritten(tx: Tx, knownAt: Date): Promise<void> {
    return awaitTurns(tx, [turnOf(tx)], knownAt, 'A system or the settings are being changed');
  }
}
