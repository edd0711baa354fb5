import { nameId } from '../kernel/ids.js';
import type { EffectiveFilter } from './effective.js';

/** The subject of a record as intervals keep it. */
export const subjectId = (type: string, subject: string): string => nameId('subject', type, subject);

/** Whether a filter asks for types and places alone: then the intervals tell. */
export const isOfPlaces = (filter: EffectiveFilter): boolean =>
  Object.keys(filter).every((key) => key === 'types' || key === 'systemId');

/** Of intervals `r`, with parameters from number `next` on. */
export function conditionsOf(filter: EffectiveFilter, next: number): { where: string; values: unknown[] } {
  const { types, systemId, keys, subjects, ids, linkedTo } = filter;
  const conditions: string[] = [];
  const values: unknown[] = [];
  const add = (condition: (...parameters: string[]) => string, ...added: unknown[]): void => {
    conditions.push(condition(...added.map((_, index) => `$${next + values.length + index}`)));
    values.push(...added);
  };
  add((list) => `r.type = any (${list}::text[])`, types);
  if (systemId !== undefined) add((id) => `r.system_id = ${id}::uuid`, systemId);
  if (ids !== undefined) add((list) => `r.record_id = any (${list}::uuid[])`, ids);
  if (subjects !== undefined) {
    const named = types.flatMap((type) => subjects.map((subject) => subjectId(type, subject)));
    add((list) => `r.subject = any (${list}::uuid[])`, named);
  }
  if (keys !== undefined) {
    add(
      (list) =>
        `r.record_id in (select k.id from record k where k.organization_id = $1 and k.natural_key = any (${list}::text[]))`,
      keys,
    );
  }
  if (linkedTo !== undefined) {
    add(
      (kind, target) =>
        `exists (select from record_link l where l.organization_id = $1 and l.record_id = r.record_id and l.version = r.version
                   and l.kind = ${kind} and l.target = ${target})`,
      linkedTo.kind,
      linkedTo.target,
    );
  }
  return { where: conditions.join(' and '), values };
}
