import type { Status } from './status.js';

/**
 * How an organisation's status follows from those of its systems.
 *
 * In scope is every system that stores, processes or transmits PHI and was not retired at the instant asked for, as it was registered then. A system that
 * does nothing with PHI is left out and listed as left out. So the answer can be checked against the register, and nobody improves a posture by a
 * classification that does not show.
 *
 * A control or practice of the organisation is
 * - failing, if it is failing in any system: an attacker needs one;
 * - evidenced, only if it is evidenced in every system: a proof for one cluster says nothing of another;
 * - excepted, if it is excepted in some and evidenced in every other;
 * - missing, if it is missing in every system, or if no system is in scope: no evidence of nothing is no evidence;
 * - stale, if there is nothing but stale and missing: what evidence there was has aged everywhere;
 * - partial otherwise: some systems have fresh evidence and others less or none;
 * - not applicable, if it is that everywhere, which the catalogue alone decides.
 *
 * Two things hold however systems are added or lost: nothing becomes evidenced by a system that is less, and nothing hides a failure.
 *
 * Records that an organisation keeps once for all its systems (a risk analysis, an agreement) count within each of them.
 */
export function rollUp(statuses: readonly Status[]): Status {
  const isAll = (status: Status) => statuses.every((one) => one === status);
  if (statuses.length === 0) return 'missing';
  if (statuses.includes('failing')) return 'failing';
  for (const status of ['evidenced', 'missing', 'not_applicable'] as const) if (isAll(status)) return status;
  if (statuses.every((status) => status === 'evidenced' || status === 'excepted')) return 'excepted';
  return statuses.every((status) => status === 'stale' || status === 'missing') ? 'stale' : 'partial';
}
