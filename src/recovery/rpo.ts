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

/** A good backup: its data is of when it began, and can be restored until it is gone (null: it was not). */
export interface Kept {
  startedAt: Date;
  goneAt: Date | null;
}

/** Until when a backup holds a recovery point objective. */
export function heldBy({ startedAt, goneAt }: Kept, rpoMinutes: number): Date {
  const end = new Date(startedAt.getTime() + rpoMinutes * MINUTE_MS);
  return goneAt === null || goneAt > end ? end : goneAt;
}

/**
 * When in a period a recovery point objective was not held. It is held at an instant if there was a good backup that began less than the objective before. Those of
 * before the period count for its beginning, and so a period before the first known one is a breach.
 */
export function rpoBreaches(backups: readonly Kept[], rpoMinutes: number, { from, to }: Period): Breach[] {
  const breaches: Breach[] = [];
  // Until when it is held so far, and by which backup.
  let heldUntil = from.getTime();
  let lastBackupAt: Date | null = null;
  const close = (until: number): void => {
    if (until <= heldUntil) return;
    const minutes = Math.ceil((until - heldUntil) / MINUTE_MS);
    breaches.push({ from: new Date(heldUntil), to: new Date(until), minutes, lastBackupAt });
  };
  for (const backup of backups.toSorted((one, other) => one.startedAt.getTime() - other.startedAt.getTime())) {
    if (backup.startedAt > to) break;
    close(backup.startedAt.getTime());
    heldUntil = Math.max(heldUntil, heldBy(backup, rpoMinutes).getTime());
    lastBackupAt = backup.startedAt;
  }
  close(to.getTime());
  return breaches;
}
