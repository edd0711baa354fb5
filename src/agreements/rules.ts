import type { EffectiveFilter } from '../records/effective.js';
import type { Candidate, Neighbour, RecordFault, RecordRules } from '../records/rules.js';
import { bondFault, MAX_CHAIN, type Bond } from './chain.js';
import { agreementOf, returnOf, vendorOf, type AgreementFields } from './fields.js';
import { coverOf, overlaps } from './scope.js';

/** What the schemas of vendors, agreements and returns cannot say (catalog/record-types/agreements.yaml). */
export const agreementRules: RecordRules = {
  neighbours: ({ type, kind, fields }): EffectiveFilter[] => {
    if (kind === 'end') return [];
    if (type === 'vendor') return typeof fields['parent'] === 'string' ? [{ types: ['vendor'] }] : [];
    const { vendor, agreement } = fields;
    if (type === 'baa' && typeof vendor === 'string') return [{ types: ['baa'], subjects: [vendor] }];
    if (type === 'phi_return' && typeof agreement === 'string') return [{ types: ['baa'], ids: [agreement] }];
    return [];
  },

  faults: (candidate, neighbours, now): RecordFault[] => {
    // What ends makes nothing overlap, closes no circle, and is judged from then on by what is not there any more.
    if (candidate.kind === 'end') return [];
    if (candidate.type === 'vendor') return vendorFaults(candidate, neighbours);
    if (candidate.type === 'baa') return agreementFaults(candidate, neighbours, now);
    if (candidate.type === 'phi_return') return returnFaults(candidate, neighbours);
    return [];
  },
};

const unreadable = (type: string): RecordFault[] => [
  { pointer: '/fields', detail: `The fields are not those of a ${type}.` },
];

function vendorFaults(candidate: Candidate, neighbours: readonly Neighbour[]): RecordFault[] {
  const vendor = vendorOf(candidate);
  if (vendor === null) return unreadable('vendor');
  const pointer = '/fields/parent';
  if (vendor.parent === undefined) {
    if (vendor.role !== 'subcontractor') return [];
    return [{ pointer, detail: 'A subcontractor works for another vendor: name it.' }];
  }
  const bond = { vendorId: candidate.id, parentId: vendor.parent, from: candidate.effectiveFrom, to: null };
  const fault = bondFault(bond, neighbours.flatMap(bondOf));
  if (fault === 'cycle') return [{ pointer, detail: 'The vendor would be its own subcontractor.' }];
  if (fault === 'too-long') return [{ pointer, detail: `The chain is longer than ${MAX_CHAIN} vendors.` }];
  return [];
}

function bondOf(neighbour: Neighbour): Bond[] {
  const parentId = vendorOf(neighbour)?.parent;
  if (parentId === undefined) return [];
  return [{ vendorId: neighbour.id, parentId, from: neighbour.effectiveFrom, to: neighbour.effectiveTo }];
}

function agreementFaults(candidate: Candidate, neighbours: readonly Neighbour[], now: Date): RecordFault[] {
  const agreement = agreementOf(candidate);
  if (agreement === null) return unreadable('business associate agreement');
  return [
    ...termFaults(agreement),
    ...namespaceFaults(candidate, agreement),
    ...signatureFaults(candidate, agreement, now),
    ...overlapFaults(candidate, agreement, neighbours),
  ];
}

function termFaults({ terms }: AgreementFields): RecordFault[] {
  const seen = new Set<string>();
  return terms.flatMap(({ term, clause }, index) => {
    const faults: RecordFault[] = [];
    if (seen.has(term)) faults.push({ pointer: `/fields/terms/${index}/term`, detail: 'The term is there already.' });
    seen.add(term);
    if (clause.trim() === '') {
      faults.push({ pointer: `/fields/terms/${index}/clause`, detail: 'Say where in the document the term is.' });
    }
    return faults;
  });
}

const ID_BEFORE_SLASH = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\//i;

/** A namespace of a system that the agreement is not of, or of one by its name, would cover nothing, and look as if it did. */
function namespaceFaults({ systemIds }: Candidate, { namespaces }: AgreementFields): RecordFault[] {
  return namespaces.flatMap((namespace, index) => {
    const pointer = `/fields/namespaces/${index}`;
    if (namespace.includes('/') && !ID_BEFORE_SLASH.test(namespace)) {
      return [{ pointer, detail: 'What stands before the slash is the id of its system, and not its name.' }];
    }
    if (coverOf(systemIds, [namespace]).length > 0) return [];
    return [{ pointer, detail: 'The agreement is not of this system: see systemIds.' }];
  });
}

/** Nobody has promised anything before the day of the signature (45 CFR 164.308(b)(3): the contract documents the assurances); or it is said why it counts all the same. */
function signatureFaults(
  { effectiveFrom }: Candidate,
  { signedOn, signedLateWhy = '' }: AgreementFields,
  now: Date,
): RecordFault[] {
  const pointer = '/fields/signedOn';
  const signedAt = Date.parse(`${signedOn}T00:00:00Z`);
  if (signedAt > now.getTime()) return [{ pointer, detail: 'It lies in the future: what is not signed binds nobody.' }];
  if (signedAt <= effectiveFrom.getTime() || signedLateWhy.trim() !== '') return [];
  return [
    {
      pointer,
      detail: 'It was signed after the day from which it is to count: say why in signedLateWhy.',
    },
  ];
}

/** When an agreement ends of itself: one that renews itself does not. */
export const endOf = (
  { expiresAt }: { expiresAt: Date | null },
  { renewal }: Pick<AgreementFields, 'renewal'>,
): Date | null => (renewal === 'automatic' ? null : expiresAt);

/**
 * Two agreements of one vendor that cover the same at one time: which of them would bind? What is agreed anew is the next version of the agreement; or the first
 * one ends before the second begins.
 */
function overlapFaults(
  candidate: Candidate,
  agreement: AgreementFields,
  neighbours: readonly Neighbour[],
): RecordFault[] {
  const end = endOf(candidate, agreement)?.getTime() ?? Infinity;
  const cover = coverOf(candidate.systemIds, agreement.namespaces);
  const conflicts = neighbours.filter((neighbour) => {
    const other = agreementOf(neighbour);
    // What cannot be read covers, for all that is known, everything.
    const otherCover = other === null ? coverOf([], []) : coverOf(neighbour.systemIds, other.namespaces);
    const ends = [neighbour.effectiveTo, other === null ? null : endOf(neighbour, other)];
    const otherEnd = Math.min(...ends.map((at) => at?.getTime() ?? Infinity));
    return (
      candidate.effectiveFrom.getTime() < otherEnd &&
      neighbour.effectiveFrom.getTime() < end &&
      overlaps(cover, otherCover)
    );
  });
  if (conflicts.length === 0) return [];
  return [
    {
      pointer: '/effectiveFrom',
      detail: 'Another agreement of this vendor is in effect then and covers a part of the same.',
      extra: { conflictsWith: [...new Set(conflicts.map(({ id }) => id))] },
    },
  ];
}

function returnFaults(candidate: Candidate, neighbours: readonly Neighbour[]): RecordFault[] {
  const returned = returnOf(candidate);
  if (returned === null) return unreadable('return or destruction');
  const signed = neighbours
    .map((neighbour) => agreementOf(neighbour)?.signedOn)
    .filter((day) => day !== undefined)
    .sort()[0];
  if (signed === undefined || returned.completedOn >= signed) return [];
  return [{ pointer: '/fields/completedOn', detail: 'It lies before the agreement was signed.' }];
}
