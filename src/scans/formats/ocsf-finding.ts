import type { Severity } from '../report.js';
import { isList } from '../text/lazy-list.js';
import type { Draft } from './draft.js';
import { field, fieldsIn, fieldsOf, firstOf, instant, instantOfMillis, isFields, type Fields } from './fields.js';

/*
 * Findings of the Open Cybersecurity Schema Framework (category 2), whoever writes them.
 */

/** Whether the first finding of the document is such a one. Total. */
export function detectFindings(document: unknown, isSuch: (classUid: number, finding: Fields) => boolean): boolean {
  const first = isList(document) ? firstOf(document) : document;
  if (!isFields(first)) return false;
  const classUid = field(first, 'class_uid');
  return typeof classUid === 'number' && isFields(field(first, 'metadata')) && isSuch(classUid, first);
}

/** Every finding of the document: one object, a list, or one object per line. What cannot be read may have been of any target. */
export function eachFinding(draft: Draft, document: unknown, read: (finding: Fields) => void): void {
  if (isList(document)) draft.rows(document, '', null, read);
  else draft.attempt('', null, () => read(fieldsOf(document)));
}

/** Name of the product that wrote a finding, as far as it says it. */
export function productOf(finding: Fields): Fields {
  return fieldsIn(fieldsIn(finding, 'metadata'), 'product');
}

/**
 * A time that is written as `name_dt` (RFC 3339; without a zone it says nothing) or as a number since 1970: of milliseconds, as the schema has it, or of seconds, as
 * Prowler writes it. Milliseconds of less than 1e11 would be of before 1973.
 */
export function timeIn(fields: Fields, name: string): string | null {
  const written = instant(field(fields, `${name}_dt`));
  if (written !== null) return written;
  const since = field(fields, name);
  if (typeof since !== 'number') return instant(since);
  return instantOfMillis(since < 1e11 ? since * 1_000 : since);
}

const SEVERITIES: readonly Severity[] = ['unknown', 'info', 'low', 'medium', 'high', 'critical', 'critical'];

/** By its number: 1 informational … 5 critical, 6 fatal. */
export function severityOf(fields: Fields): Severity {
  const id = field(fields, 'severity_id');
  return (typeof id === 'number' ? SEVERITIES[id] : undefined) ?? 'unknown';
}
