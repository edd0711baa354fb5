import { NOTICE_DAYS } from './judge.js';
import { openReturns, type OpenReturn } from './returns.js';
import { standingsOf, type AgreementsInput, type VendorStanding } from './standing.js';

/** What can be said of a vendor, the worst first. */
export const VENDOR_STATES = [
  'unreadable',
  'no-agreement',
  'not-covered',
  'terms-missing',
  'no-flow-down',
  'return-overdue',
  'review-inadequate',
  'ending',
  'return-due',
  'review-missing',
  'in-force',
  'not-needed',
] as const;
export type VendorState = (typeof VENDOR_STATES)[number];

/** A vendor with its agreements, as it stands at an instant. */
export interface VendorEntry extends VendorStanding {
  /** It is in effect no more, and has left something open. */
  hasEnded: boolean;
  returns: readonly OpenReturn[];
  /** All that is so of it, the worst first. */
  states: readonly VendorState[];
}

const NOTICE = Math.max(...NOTICE_DAYS) * 86_400_000;

export function registerOf(input: AgreementsInput, asOf: Date): VendorEntry[] {
  const returns = Map.groupBy(openReturns(input, asOf), ({ vendorId }) => vendorId);
  const present = new Set(input.vendors.map(({ id }) => id));
  const gone = input.ended.filter(({ type, id }) => type === 'vendor' && !present.has(id) && returns.has(id));
  const entry = (standing: VendorStanding, hasEnded: boolean): VendorEntry => {
    const open = returns.get(standing.record.id) ?? [];
    const states = new Set(statesOf(standing, hasEnded, open, asOf));
    return { ...standing, hasEnded, returns: open, states: VENDOR_STATES.filter((state) => states.has(state)) };
  };
  return [
    ...standingsOf(input, asOf).map((standing) => entry(standing, false)),
    ...standingsOf({ ...input, vendors: [...input.vendors, ...gone] }, asOf)
      .slice(input.vendors.length)
      .map((standing) => entry(standing, true)),
  ].sort((a, b) => (a.record.id < b.record.id ? -1 : 1));
}

function statesOf(standing: VendorStanding, hasEnded: boolean, open: readonly OpenReturn[], asOf: Date): VendorState[] {
  const { fields, needsAgreement, inForce, uncovered, unboundBy, chain, isSubcontractor, review } = standing;
  const states: VendorState[] = [];
  if (open.some(({ dueAt }) => dueAt <= asOf)) states.push('return-overdue');
  if (open.some(({ dueAt }) => dueAt > asOf)) states.push('return-due');
  if (hasEnded) return states;
  if (fields === null) states.push('unreadable');
  if (!needsAgreement) return [...states, 'not-needed'];
  if (inForce.length === 0) states.push('no-agreement');
  else {
    states.push('in-force');
    if (uncovered.length > 0) states.push('not-covered');
    if (inForce.some(({ missing }) => missing.length > 0)) states.push('terms-missing');
    const ends = (endsAt: Date | null) => endsAt !== null && endsAt.getTime() - asOf.getTime() <= NOTICE;
    if (inForce.some(({ endsAt }) => ends(endsAt))) states.push('ending');
  }
  if (isSubcontractor && (unboundBy !== null || chain.fault !== null || inForce.length === 0)) {
    states.push('no-flow-down');
  }
  if (!isSubcontractor && review === null) states.push('review-missing');
  if (review?.fails === true) states.push('review-inadequate');
  return states;
}

/** The vendors under one, each with how deep it lies: those that work for it, and those that work for these. */
export function subcontractorsOf(id: string, entries: readonly VendorEntry[]): { entry: VendorEntry; depth: number }[] {
  return entries
    .flatMap((entry) => {
      const depth = entry.chain.ids.indexOf(id) + 1;
      return depth === 0 || entry.record.id === id ? [] : [{ entry, depth }];
    })
    .sort((a, b) => a.depth - b.depth);
}
