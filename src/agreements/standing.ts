import { earliest } from '../kernel/dates.js';
import type { EffectiveRecord, EndedRecord } from '../records/effective.js';
import { chainOf, type Chain } from './chain.js';
import { agreementOf, reviewOf, vendorOf, type AgreementFields, type VendorFields } from './fields.js';
import { endOf } from './rules.js';
import { coverOf, reachOf, uncovered, type Scope } from './scope.js';
import { FLOW_DOWN_TERMS, TERM_NAMES, type Term } from './terms.js';

/** All that is known of vendors at an instant. */
export interface AgreementsInput {
  vendors: readonly EffectiveRecord[];
  agreements: readonly EffectiveRecord[];
  /** Agreements and vendors that were ended; agreements whose time has run out are among `agreements`. */
  ended: readonly EndedRecord[];
  /** Versions of agreements that were in effect and are no more; those that went on and covered the same may be one (`runsOf`). */
  past: readonly EndedRecord[];
  /** By agreement: when it ends, where people have decided so already. */
  endings: ReadonlyMap<string, Date>;
  reviews: readonly EffectiveRecord[];
  returns: readonly EffectiveRecord[];
  /** Statements that something does not apply. */
  applicability: readonly EffectiveRecord[];
  /** Systems in scope, and what they are called. */
  systems: readonly { id: string; name: string }[];
  /** When each system was in scope, those that are no more too. */
  spans: readonly { id: string; name: string; from: Date; to: Date | null }[];
}

export interface AgreementStanding {
  record: EffectiveRecord;
  /** Null: it cannot be read, and counts for nothing. */
  fields: AgreementFields | null;
  inForce: boolean;
  /** When it ends, or ended: of itself, or by an end that is decided on. Null: an end that people have yet to record ends it. */
  endsAt: Date | null;
  /** Its time has run out, and it goes on by its own terms. */
  rolledOver: boolean;
  /** Terms that it has to contain and does not. */
  missing: readonly Term[];
  cover: Scope;
}

export interface VendorStanding {
  record: EffectiveRecord;
  /** Null: it cannot be read. Then it counts as one with ePHI. */
  fields: VendorFields | null;
  name: string;
  ephi: boolean;
  /** Whether an agreement is asked for. */
  needsAgreement: boolean;
  /** Works for another vendor. */
  isSubcontractor: boolean;
  chain: Chain;
  /** In effect: in force, run out, or unreadable. */
  agreements: readonly AgreementStanding[];
  inForce: readonly AgreementStanding[];
  /** Where it handles ePHI without an agreement that covers it. */
  uncovered: Scope;
  /** Of a subcontractor: why the agreement of the vendor above does not bind it. */
  unboundBy: 'no-vendor' | 'no-agreement' | 'no-term' | null;
  /** Of a subcontractor: when the first agreement of the vendor above ends; null: none does, of itself. */
  boundUntil: Date | null;
  /** The latest review of its safeguards that counts. */
  review: EffectiveRecord | null;
}

const isOver = ({ expiresAt }: EffectiveRecord, asOf: Date): boolean => expiresAt !== null && expiresAt <= asOf;

export function agreementStanding(
  record: EffectiveRecord,
  { endings }: Pick<AgreementsInput, 'endings'>,
  asOf: Date,
): AgreementStanding {
  const fields = agreementOf(record);
  if (fields === null) {
    return { record, fields, inForce: false, endsAt: null, rolledOver: false, missing: TERM_NAMES, cover: [] };
  }
  const endsAt = earliest([endOf(record, fields), endings.get(record.id) ?? null]);
  return {
    record,
    fields,
    inForce: endsAt === null || endsAt > asOf,
    endsAt,
    rolledOver: fields.renewal === 'automatic' && isOver(record, asOf),
    missing: missingOf(fields),
    cover: coverOf(record.systemIds, fields.namespaces),
  };
}

/** It is the same at every instant. */
const missing = new WeakMap<AgreementFields, readonly Term[]>();

function missingOf(fields: AgreementFields): readonly Term[] {
  let found = missing.get(fields);
  if (found === undefined) {
    const held = new Set(fields.terms.filter(({ clause }) => clause.trim() !== '').map(({ term }) => term));
    missing.set(fields, (found = TERM_NAMES.filter((term) => !held.has(term))));
  }
  return found;
}

export const nameOf = ({ id, naturalKey }: EffectiveRecord): string => (naturalKey === '' ? id : naturalKey);

export const vendorOfAgreement = (record: EffectiveRecord): string =>
  agreementOf(record)?.vendor ?? record.subject ?? '';

/** By its definition a business associate handles PHI, be it on paper alone (45 CFR 160.103); its contract is asked for whatever the form (164.502(e), 164.504(e)). */
const isAssociate = ({ role }: VendorFields): boolean => role === 'business_associate' || role === 'subcontractor';

/** How each vendor stands, in the order in which they came. */
export function standingsOf(input: AgreementsInput, asOf: Date): VendorStanding[] {
  const vendors = new Map(input.vendors.map((record) => [record.id, vendorOf(record)]));
  const agreements = Map.groupBy(
    input.agreements.map((record) => agreementStanding(record, input, asOf)),
    ({ record }) => vendorOfAgreement(record),
  );
  const inForceOf = (id: string) => (agreements.get(id) ?? []).filter(({ inForce }) => inForce);
  const reviews = latestReviews(input.reviews, asOf);
  const parentOf = (id: string): string | null | undefined => {
    const vendor = vendors.get(id);
    return vendor === undefined || vendor === null ? undefined : (vendor.parent ?? null);
  };
  const systems = input.systems.map(({ id }) => id);

  return input.vendors.map((record) => {
    const fields = vendors.get(record.id) ?? null;
    const inForce = inForceOf(record.id);
    const parent = fields?.parent ?? null;
    const namespaces = record.links.filter(({ kind }) => kind === 'namespace').map(({ target }) => target);
    return {
      record,
      fields,
      name: nameOf(record),
      ephi: fields === null || fields.ephi,
      needsAgreement: fields === null || fields.ephi || isAssociate(fields),
      isSubcontractor: parent !== null,
      chain: chainOf(record.id, parentOf),
      agreements: agreements.get(record.id) ?? [],
      inForce,
      uncovered: uncovered(
        reachOf(record.systemIds, namespaces),
        inForce.flatMap(({ cover }) => cover),
        systems,
      ),
      unboundBy: parent === null ? null : unboundBy(parent, vendors, inForceOf(parent)),
      boundUntil: parent === null ? null : earliest(inForceOf(parent).map(({ endsAt }) => endsAt)),
      review: reviews.get(record.id) ?? null,
    };
  });
}

/** A vendor may only pass ePHI on if its own agreement obliges it to bind those that it passes it to (45 CFR 164.504(e)(2)(ii)(D), 164.314(a)(2)(i)(B)). */
function unboundBy(
  parent: string,
  vendors: ReadonlyMap<string, VendorFields | null>,
  inForce: readonly AgreementStanding[],
): VendorStanding['unboundBy'] {
  if ((vendors.get(parent) ?? null) === null) return 'no-vendor';
  if (inForce.length === 0) return 'no-agreement';
  return inForce.some(({ missing }) => FLOW_DOWN_TERMS.some((term) => missing.includes(term))) ? 'no-term' : null;
}

function latestReviews(reviews: readonly EffectiveRecord[], asOf: Date): Map<string, EffectiveRecord> {
  const latest = new Map<string, EffectiveRecord>();
  for (const review of reviews) {
    const vendor = reviewOf(review)?.vendor;
    // One that was made later has shown nothing yet.
    if (vendor === undefined || isOver(review, asOf) || review.goodFrom > asOf) continue;
    const before = latest.get(vendor);
    // Of two of one day the one that fails speaks.
    const isLater =
      before === undefined ||
      review.goodFrom > before.goodFrom ||
      (review.goodFrom.getTime() === before.goodFrom.getTime() && review.fails);
    if (isLater) latest.set(vendor, review);
  }
  return latest;
}
