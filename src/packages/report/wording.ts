import { dayOf } from '../../kernel/dates.js';
import type { Block, Column, Table, TableCell } from './model.js';
import { shortened } from './visible.js';

/** Characters of a cell: a row is never as high as a page. The whole is in the files of the package. */
const CELL = 600;

export const cell = (text: string): string => shortened(text, CELL);

export const dayText = (value: Date | string | null | undefined): string =>
  value === null || value === undefined ? '' : value instanceof Date ? dayOf(value) : value.slice(0, 10);

export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

export const text = (words: string): Block => ({ kind: 'text', text: words });

export const columns = (...given: readonly (readonly [name: string, width: number])[]): Column[] =>
  given.map(([name, width]) => ({ name, width }));

/** A table, or in its place what it means that it has no rows. */
export function tableOr(
  none: string,
  { caption, columns: of, rows, rest = null }: Omit<Table, 'kind' | 'rest'> & { rest?: string | null },
): Block {
  if (rows.length === 0) return text(none);
  const cells = rows.map((row) => row.map((one): TableCell => (typeof one === 'string' ? cell(one) : one)));
  return { kind: 'table', caption, columns: of, rows: cells, rest };
}

/** What a table leaves out; null: nothing. */
export const restOf = (shown: number, total: number, path: string): string | null =>
  shown === total ? null : `The gravest ${shown} of ${total}. All are in ${path}.`;

/** How many of all have what the gravest have: where all that are held do, others may. */
export const ofAll = (count: number, { items, total }: { items: readonly unknown[]; total: number }): string =>
  `${count === items.length && count < total ? 'at least ' : ''}${count} of ${total}`;
