import { dayOf } from '../kernel/dates.js';
import type { RiskFields } from './fields.js';

/** How far the treatment of a risk is, in the words of registers. */
export type RiskStanding = 'Open' | 'Overdue' | 'Done' | 'Accepted';

export function standingOf(risk: RiskFields, asOf: Date): RiskStanding {
  if (risk.completedOn !== undefined) return 'Done';
  if (risk.treatment === 'accept') return 'Accepted';
  // It is due on that day to its end.
  return risk.dueOn !== undefined && risk.dueOn < dayOf(asOf) ? 'Overdue' : 'Open';
}
