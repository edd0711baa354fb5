import type { Catalog } from '../catalog/catalog.js';
import type { Statement } from '../records/statement.js';
import type { TightenedDays } from '../records/types/record-types.service.js';

/** A record of the risks' types that a practice or an item asks for. */
export interface RiskNeed {
  about: Statement['about'];
  type: 'risk_analysis' | 'risk_management_plan' | 'evaluation';
  /** How old it may be; null: as old as it is. */
  days: number | null;
}

const isOfRisks = (type: string): type is RiskNeed['type'] =>
  type === 'risk_analysis' || type === 'risk_management_plan' || type === 'evaluation';

/** What practices and items ask of analyses, plans and evaluations, and how old these may be: by the catalogue, and by what an organisation has set over it. */
export function needsOf(
  catalog: Catalog,
  recordFreshness: Readonly<Record<string, number>>,
  tightened: TightenedDays,
): RiskNeed[] {
  return [
    ...catalog.practices.flatMap(({ id }) =>
      Object.entries(catalog.freshnessOf(id, { records: recordFreshness }).records).flatMap(
        ([type, { maxAgeDays }]): RiskNeed[] =>
          isOfRisks(type) ? [{ about: { practice: id }, type, days: tightened(type, maxAgeDays) }] : [],
      ),
    ),
    ...catalog.controls.flatMap(({ id, records }) =>
      records.flatMap(({ type, freshness }): RiskNeed[] =>
        isOfRisks(type) ? [{ about: { control: id }, type, days: tightened(type, freshness.maxAgeDays) }] : [],
      ),
    ),
  ];
}
