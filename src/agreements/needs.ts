import type { Catalog } from '../catalog/catalog.js';
import type { TightenedDays } from '../records/types/record-types.service.js';
import type { AgreementNeed, AgreementNeeds } from './findings.js';
import { TERM_NAMES, type Term } from './terms.js';

const isOfAgreements = (type: string): type is AgreementNeed['type'] => type === 'baa' || type === 'vendor_review';

/** The catalogue's word for a term is checked here: a term that nobody knows would be met by every agreement. */
function termOf(name: string | null): Term | null {
  if (name === null) return null;
  const term = TERM_NAMES.find((known) => known === name);
  if (term === undefined)
    throw new RangeError(`the catalogue asks for a term of agreements that is not known: ${name}`);
  return term;
}

/** What practices and items ask of agreements and reviews, and how old these may be: by the catalogue, and by what an organisation has set over it. */
export function needsOf(
  catalog: Catalog,
  recordFreshness: Readonly<Record<string, number>>,
  tightened: TightenedDays,
): AgreementNeeds {
  const asked = catalog.practices.flatMap(({ id }) =>
    Object.entries(catalog.freshnessOf(id, { records: recordFreshness }).records).map(([type, { maxAgeDays }]) => ({
      practice: id,
      type,
      days: tightened(type, maxAgeDays),
    })),
  );
  const limits = asked.flatMap(({ type, days }) => (type === 'applicability_statement' && days !== null ? [days] : []));
  return {
    needs: [
      ...asked.flatMap(({ practice, type, days }): AgreementNeed[] =>
        isOfAgreements(type) ? [{ about: { practice }, type, days, term: null }] : [],
      ),
      ...catalog.controls.flatMap(({ id, records }) =>
        records.flatMap(({ type, term, freshness }): AgreementNeed[] =>
          isOfAgreements(type)
            ? [{ about: { control: id }, type, days: tightened(type, freshness.maxAgeDays), term: termOf(term) }]
            : [],
        ),
      ),
    ],
    applicabilityDays: limits.length === 0 ? null : Math.min(...limits),
  };
}
