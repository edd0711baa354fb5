import type { Catalog } from '../catalog/catalog.js';
import type { AgreementNeed, AgreementNeeds } from './judge.js';
import { TERMS } from './terms.js';

const isOfAgreements = (type: string): type is AgreementNeed['type'] => type === 'baa' || type === 'vendor_review';

/** Items that ask for agreements as a whole and have no practice of their own: assurances, written down, meeting 164.504(e), one level down too. */
const WHOLE_CONTROLS = ['164.502(e)(1)', '164.502(e)(2)', '164.504(e)(1)', '164.504(e)(5)'];

/** What practices and items ask of agreements and reviews, and how old these may be: by the catalogue, and by what an organisation has set over it. */
export function needsOf(catalog: Catalog, recordFreshness: Readonly<Record<string, number>>): AgreementNeeds {
  const asked = catalog.practices.flatMap(({ id }) =>
    Object.entries(catalog.freshnessOf(id, { records: recordFreshness }).records).map(([type, { maxAgeDays }]) => ({
      practice: id,
      type,
      days: maxAgeDays,
    })),
  );
  const limits = asked.flatMap(({ type, days }) => (type === 'applicability_statement' && days !== null ? [days] : []));
  return {
    needs: [
      ...asked.flatMap(({ practice, type, days }): AgreementNeed[] =>
        isOfAgreements(type) ? [{ about: { practice }, type, days, term: null }] : [],
      ),
      ...WHOLE_CONTROLS.map((control): AgreementNeed => ({ about: { control }, type: 'baa', days: null, term: null })),
      ...TERMS.map(({ term, control }): AgreementNeed => ({ about: { control }, type: 'baa', days: null, term })),
    ],
    applicabilityDays: limits.length === 0 ? null : Math.min(...limits),
  };
}
