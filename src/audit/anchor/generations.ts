import type { Database } from '../../kernel/db/database.js';
import { LogFaultsStore, type Fault } from '../log-faults.store.js';
import { anchorPrincipal } from './anchor-guard.js';
import { AnchorStore } from './anchor.store.js';

/**
 * Begins new logs, under origins with the next number, where the head of one of the present ones is refused: what was signed before can then not be contradicted any more.
 * Each begins with the last head of the one before, and takes over its events (log.sequencer.ts). Null where nothing is refused, unless the operator says that the database
 * was `restored`: where no head is kept outside, nothing else tells.
 */
export async function beginGeneration(
  database: Database,
  { restored }: { restored: boolean },
): Promise<{ number: number; faults: Fault[] } | null> {
  const store = new AnchorStore();
  return database.write(anchorPrincipal(), async (tx) => {
    tx.withoutAudit('of no organisation; the row, which nobody changes, and the first leaf of each new log tell of it');
    const generation = await store.generation(tx);
    const faults = await new LogFaultsStore().of(tx, generation);
    if (faults.length === 0 && !restored) return null;
    await store.startGeneration(tx, generation + 1);
    return { number: generation + 1, faults };
  });
}
