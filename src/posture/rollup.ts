import { STATUSES, type Status, type StatusCounts } from './status.js';

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
export function rollUp(systems: StatusCounts): Status {
  const all = STATUSES.filter((status) => systems[status] > 0);
  const isOnly = (...statuses: readonly Status[]) => all.every((status) => statuses.includes(status));
  const [only, another] = all;
  if (only === undefined) return 'missing';
  if (all.includes('failing')) return 'failing';
  if (another === undefined) return only;
  if (isOnly('evidenced', 'excepted')) return 'excepted';
  return isOnly('stale', 'missing') ? 'stale' : 'partial';
}
