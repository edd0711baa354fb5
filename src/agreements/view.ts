import type { VendorAgreementsView } from './agreements.schema.js';
import type { VendorEntry } from './register.js';
import type { AgreementStanding } from './standing.js';

/** A vendor with its agreements, as the API and packages tell of it. */
export function vendorView(entry: VendorEntry): VendorAgreementsView {
  const { record, fields, name, ephi, states, hasEnded, chain, agreements, uncovered, review, returns } = entry;
  return {
    vendorId: record.id,
    name,
    role: fields?.role ?? null,
    ephi,
    parentId: fields?.parent ?? null,
    states: [...states],
    ownerId: record.ownerId,
    hasEnded,
    chain: [...chain.ids],
    agreements: agreements.map(agreementView),
    uncovered: [...uncovered],
    review:
      review === null
        ? null
        : { recordId: review.id, verifiedAt: review.goodFrom.toISOString(), isAdequate: !review.fails },
    returns: returns.map(({ agreement, left, endedAt, dueAt }) => ({
      agreementId: agreement.id,
      parts: [...left],
      endedAt: endedAt.toISOString(),
      dueAt: dueAt.toISOString(),
    })),
  };
}

function agreementView(standing: AgreementStanding): VendorAgreementsView['agreements'][number] {
  const { record, fields, inForce, endsAt, rolledOver, missing, cover } = standing;
  return {
    recordId: record.id,
    version: record.version,
    title: record.title,
    ownerId: record.ownerId,
    isReadable: fields !== null,
    inForce,
    effectiveFrom: record.effectiveFrom.toISOString(),
    signedOn: fields?.signedOn ?? null,
    endsAt: endsAt?.toISOString() ?? null,
    hasRenewedItself: rolledOver,
    renewal: fields?.renewal ?? null,
    noticeDays: fields?.noticeDays ?? null,
    incidentNoticeHours: fields?.incidentNoticeHours ?? null,
    returnOrDestroy: fields?.returnOrDestroy ?? null,
    termsMissing: [...missing],
    covers: [...cover],
    dataClasses: fields?.dataClasses ?? [],
  };
}
