import { Refusal } from '../kernel/http/problem.js';

/** Two people who edit at once: the second is told, and overwrites nothing. */
export function requireVersion(actual: number, ifMatch: number | null): void {
  if (actual !== ifMatch) {
    throw new Refusal('precondition-failed', 'It has changed since you read it. Read it again, and decide anew.', {
      pointer: 'header/If-Match',
    });
  }
}

/** For `withoutAudit`: a call that found nothing to do locked a row, which Postgres counts as writing. */
export const ONLY_LOCKED = 'a row was locked and nothing changed';
