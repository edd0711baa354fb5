import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import type { Statement } from '../records/statement.js';
import type { Accepted } from './needs.js';

/** A room that judges records of its types, with facts where there are any (agreements, keys, recovery, risks). */
export interface Judge {
  /** `place`: a system, or null: the organisation. Of a system it reads that system's own records and facts alone. */
  statements(tx: Tx, instant: Instant, place: string | null): Promise<Statement[]>;
}

/** The room that knows what people have accepted (exceptions). */
export interface Acceptances {
  inEffect(tx: Tx, instant: Instant, place: string | null): Promise<Accepted>;
}

/** Whom the posture asks beside results and records. What nobody judges is missing, and what nobody accepts is not accepted. */
export abstract class Judges {
  abstract readonly judges: readonly Judge[];
  abstract readonly acceptances: Acceptances | null;
}
