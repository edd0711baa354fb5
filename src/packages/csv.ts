import { stringify } from 'csv-stringify/sync';

/**
 * What a spreadsheet would take for a formula, by OWASP's list («CSV Injection»): a cell that begins with = + - @, or their full-width forms, also after blanks
 * that an import may drop; or with a tab, carriage return or line feed. Scanners quote names that anybody in a cluster may have chosen.
 */
const FORMULA = /^(?:\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|[\t\r\n])/u;

/** OWASP's remedy: an apostrophe before it. The exact text stays in the evidence itself. */
const guarded = (cell: string): string => (FORMULA.test(cell) ? `'${cell}` : cell);

/** Rows as CSV (RFC 4180, UTF-8), formulas disarmed. Dates are RFC 3339 in UTC, null is an empty cell, a list is joined by blanks. */
export function csv<Row extends object>(columns: readonly (keyof Row & string)[], rows: readonly Row[]): Buffer {
  const cells = rows.map((row) => columns.map((column) => cellOf(row[column])));
  return Buffer.from(stringify(cells, { record_delimiter: 'windows' }), 'utf8');
}

export const csvHeader = (columns: readonly string[]): Buffer =>
  Buffer.from(stringify([columns], { record_delimiter: 'windows' }), 'utf8');

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return guarded(value.map(String).join(' '));
  if (typeof value === 'string') return guarded(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TypeError(`a ${typeof value} is no cell`);
}
