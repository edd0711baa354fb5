import type { Tx } from './database.js';

/**
 * Joins of the transaction's next statements are by hash, or again as Postgres likes. Tables that have grown since they were last analysed are taken for empty, and
 * then any index that begins with the organisation is as good as the right one: each of many rows would read all the others.
 */
export async function joinByHash(tx: Tx, byHash: boolean): Promise<void> {
  await tx.query(`select set_config('enable_nestloop', $1, true)`, [byHash ? 'off' : 'on']);
}
