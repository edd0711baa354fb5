import type { Obligation, TypeDefinition } from '../catalog/record-type.js';
import type { EffectiveRecord } from './effective.js';
import { instantOfField } from './extraction.js';

const DAY = 24 * 3_600_000;

/** What a record in effect makes due. */
export interface Due {
  /** The record that makes it due. */
  record: EffectiveRecord;
  /** The type of the record that is due. */
  type: string;
  /** The duty, in a sentence. */
  says: string;
  dueAt: Date;
  /** The record in effect that meets it; null while there is none. */
  metBy: string | null;
  /** It is not met, and the day is past. */
  isOverdue: boolean;
}

/**
 * What a record makes due of others, at an instant: a record of the type that its own type names, in effect and linked to it, within days of what one of its fields
 * says. Where that field says nothing the days count from its effect: nobody puts a duty off by leaving a date out. `others`: records in effect of the types that are due.
 */
export function dueOf(
  definition: TypeDefinition,
  record: EffectiveRecord,
  others: readonly EffectiveRecord[],
  asOf: Date,
): Due[] {
  return definition.obliges.flatMap((obligation): Due[] => {
    if (record.disposed || !applies(obligation, record)) return [];
    const from = instantOfField(record.fields[obligation.from]) ?? record.effectiveFrom;
    const dueAt = new Date(from.getTime() + obligation.within_days * DAY);
    const met = others.find((other) => meets(obligation, record, other));
    return [
      {
        record,
        type: obligation.type,
        says: obligation.says,
        dueAt,
        metBy: met?.id ?? null,
        isOverdue: met === undefined && dueAt < asOf,
      },
    ];
  });
}

const applies = ({ when }: Obligation, { fields }: EffectiveRecord): boolean =>
  Object.entries(when).every(([field, values]) => {
    const value = fields[field];
    return (typeof value === 'string' || typeof value === 'boolean') && values.includes(value);
  });

function meets(obligation: Obligation, record: EffectiveRecord, other: EffectiveRecord): boolean {
  if (other.type !== obligation.type || other.id === record.id) return false;
  if (obligation.linked) return other.links.some(({ kind, target }) => kind === 'record' && target === record.id);
  return other.effectiveFrom >= record.effectiveFrom;
}

/** Whether an obligation is judged in a system's part: where both records are of systems. Else in the organisation's. */
export const isOfSystems = (definition: TypeDefinition, due: TypeDefinition | undefined): boolean =>
  definition.place === 'system' && due?.place === 'system';
