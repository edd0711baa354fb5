import { Readable } from 'node:stream';
import { stringify } from 'csv-stringify/sync';
import { dayOf } from '../dates.js';
import { guarded } from './formula.js';
import { DAY, type Cell } from './table.js';

/** Rows as CSV (RFC 4180, UTF-8), formulas disarmed. Dates are RFC 3339 in UTC, null is an empty cell, a list is joined by blanks. */
export function csv<Row extends object>(columns: readonly (keyof Row & string)[], rows: readonly Row[]): Buffer {
  return csvRows(rows.map((row) => columns.map((column) => cellOf(row[column]))));
}

export const csvHeader = (columns: readonly string[]): Buffer => csvRows([columns]);

const csvRows = (rows: readonly (readonly string[])[]): Buffer =>
  Buffer.from(stringify([...rows], { record_delimiter: 'windows' }), 'utf8');

/** A table as CSV, as fast as it is read. `pages`: rows, some at a time. A day is written as such. */
export function csvOf(columns: readonly string[], pages: AsyncIterable<readonly (readonly Cell[])[]>): Readable {
  return Readable.from(csvPages(columns, pages), { objectMode: false });
}

async function* csvPages(
  columns: readonly string[],
  pages: AsyncIterable<readonly (readonly Cell[])[]>,
): AsyncGenerator<Buffer, void> {
  // A program that people open tables with takes a file without it for one in its country's old code page.
  yield Buffer.concat([Buffer.from('\uFEFF', 'utf8'), csvHeader(columns)]);
  for await (const rows of pages) {
    if (rows.length > 0)
      yield csvRows(rows.map((row) => row.map((cell) => (isDay(cell) ? dayOf(cell) : cellOf(cell)))));
  }
}

const isDay = (cell: Cell): cell is Date => cell instanceof Date && cell.getTime() % DAY === 0;

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return guarded(value.map(String).join(' '));
  if (typeof value === 'string') return guarded(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TypeError(`a ${typeof value} is no cell`);
}
