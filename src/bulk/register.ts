import type { TypeDefinition } from '../catalog/record-type.js';
import type { Cell } from '../kernel/tables/table.js';
import type { EffectiveRecord } from '../records/effective.js';
import { riskOf, type AnalysisMatrix } from '../risks/fields.js';
import { levelOf } from '../risks/matrix.js';
import { standingOf } from '../risks/standing.js';
import { columnsOf, type ColumnPlace, type RecordColumn } from './columns.js';

/**
 * The columns of a risk register as people have them (the templates after ISO/IEC 27005 and SP 800-30 agree in these), with the fields of the type `risk` that they
 * are. What is made of others has none.
 */
const REGISTER = [
  ['ID', 'number'],
  ['Asset', 'asset'],
  ['Flow', 'flow'],
  ['Threat', 'threat'],
  ['Vulnerability', 'vulnerability'],
  ['Existing controls', 'measures'],
  ['Likelihood', 'likelihood'],
  ['Impact', 'impact'],
  ['Risk level', 'level'],
  ['Treatment', 'treatment'],
  ['Action', 'plan'],
  ['Owner', 'treatmentOwner'],
  ['Due date', 'dueOn'],
  ['Done on', 'completedOn'],
  ['Status', 'status'],
  ['Residual likelihood', 'residualLikelihood'],
  ['Residual impact', 'residualImpact'],
] as const;

const MADE: Readonly<Record<'level' | 'status', string>> = {
  level: 'By the matrix of the analysis, of likelihood and impact; not read.',
  status: 'Open, Overdue, Done or Accepted, of treatment, due date and day of completion; not read.',
};

export function registerColumns(definition: TypeDefinition): RecordColumn[] {
  const own = new Map(
    columnsOf(definition).flatMap((column) => (column.place.kind === 'field' ? [[column.name, column] as const] : [])),
  );
  return REGISTER.flatMap(([name, field]): RecordColumn[] => {
    if (field === 'level' || field === 'status')
      return [{ name, title: '', note: MADE[field], place: { kind: field } }];
    const column = own.get(field);
    return column === undefined ? [] : [{ ...column, name, title: '' }];
  });
}

/** What is made of a risk for its row. */
export function registerCell(
  kind: Exclude<ColumnPlace['kind'], 'field'>,
  record: Pick<EffectiveRecord, 'type' | 'fields'>,
  matrix: AnalysisMatrix | undefined,
  asOf: Date,
): Cell {
  const risk = riskOf(record);
  if (risk === null) return null;
  if (kind === 'level') return levelOf(matrix, risk.likelihood, risk.impact);
  if (kind !== 'status') return null;
  return standingOf(risk, asOf);
}
