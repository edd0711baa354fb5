import type { TypeDefinition } from '../catalog/record-type.js';
import type { DocumentedRecord } from '../records/effective.js';
import type { Statement } from '../records/statement.js';
import type { Ask, Asks } from './asks.js';

/** Records in effect one of whose documents is no longer what was kept: whatever asks for them fails, for what they rest on can no longer be shown. */
export function lostStatements(
  records: readonly DocumentedRecord[],
  asks: Asks,
  types: ReadonlyMap<string, TypeDefinition>,
  asOf: Date,
): Statement[] {
  const askedBy = (record: DocumentedRecord, kind: 'practices' | 'controls'): string[] =>
    [...asks[kind]].flatMap(([id, list]) => (list.some((ask) => isAskedFor(record, ask)) ? [id] : []));
  return records.flatMap((record) => {
    const title = types.get(record.type)?.title ?? record.type;
    const said = {
      need: record.type,
      says: 'failing' as const,
      reason:
        `Failing: record \`${record.type}\` (${title}) rests on evidence whose stored bytes are no longer those that were kept: ` +
        `${record.evidenceIds.join(', ')}.`,
      records: [record.id],
      series: [],
      at: asOf,
      until: null,
    };
    return [
      ...askedBy(record, 'practices').map((practice): Statement => ({ about: { practice }, ...said })),
      ...askedBy(record, 'controls').map((control): Statement => ({ about: { control }, ...said })),
    ];
  });
}

const isAskedFor = ({ type, about }: DocumentedRecord, ask: Ask): boolean =>
  ask.type === type && (ask.limit.about === undefined || ask.limit.about.some((id) => about.includes(id)));
