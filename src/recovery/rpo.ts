import { MINUTE_MS } from '../kernel/dates.js';

export interface Period {
  from: Date;
  to: Date;
}

/** A time in which a recovery point objective was not held: what was lost then would have been older than it allows. */
export interface Breach extends Period {
  minutes: number;
  /** Of when the data was that there was to restore; null: of no time that is known. */
  lastBackupAt: Date | null;
}

/**
 * When in a period a recovery point objective was not held. It is held at an instant if a backup began less than the objective before: its data is of then.
 * `starts`: when good backups began; those before the period count for its beginning, and so a period before the first known one is a breach.
 */
export function rpoBreaches(starts: readonly Date[], rpoMinutes: number, { from, to }: Period): Breach[] {
  const breaches: Breach[] = [];
  // Until when it is held so far, and by which backup.
  let heldUntil = from.getTime();
  let lastBackupAt: Date | null = null;
  const close = (until: number): void => {
    if (until <= heldUntil) return;
    const minutes = Math.ceil((until - heldUntil) / MINUTE_MS);
    breaches.push({ from: new Date(heldUntil), to: new Date(until), minutes, lastBackupAt });
  };
  for (const start of starts.toSorted((one, other) => one.getTime() - other.getTime())) {
    if (start > to) break;
    close(start.getTime());
    heldUntil = Math.max(heldUntil, start.getTime() + rpoMinutes * MINUTE_MS);
    lastBackupAt = start;
  }
  close(to.getTime());
  return breaches;
}
