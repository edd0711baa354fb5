import { stringify } from 'csv-stringify/sync';
import type { ZodType } from 'zod';
import type { Client, Query } from './http.js';
import { bold, print, terminalWidth } from './terminal.js';
import { table } from './text.js';

/** All pages of a list. */
export async function allOf<Item>(
  client: Client,
  schema: ZodType<{ items: Item[]; next?: string | null | undefined }>,
  at: string,
  query: Query,
): Promise<{ items: Item[]; raws: unknown[] }> {
  const items: Item[] = [];
  const raws: unknown[] = [];
  let cursor: string | undefined;
  do {
    const { value, raw } = await client.read(schema, {
      method: 'GET',
      path: at,
      query: { ...query, cursor, limit: '500' },
    });
    items.push(...value.items);
    raws.push(...(raw as { items: unknown[] }).items);
    cursor = value.next ?? undefined;
  } while (cursor !== undefined);
  return { items, raws };
}

export function printRows(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const [first = '', ...lines] = table([head, ...rows], terminalWidth());
  print(bold(first));
  for (const line of lines) print(line);
}

/** How a list is printed where it is not asked for as JSON. */
export const listFormats = ['text', 'csv'] as const;
export type ListFormat = (typeof listFormats)[number];

/** Items as the server gave them, as CSV (RFC 4180, UTF-8): a list has a semicolon between its entries, an object is JSON, and no cell is taken for a formula. */
export function printCsv(columns: readonly string[], items: readonly unknown[]): void {
  const rows = (items as Record<string, unknown>[]).map((item) => columns.map((column) => cellOf(item[column])));
  process.stdout.write(stringify([[...columns], ...rows], { record_delimiter: 'windows', escape_formulas: true }));
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(cellOf).join('; ');
  if (typeof value === 'object') return JSON.stringify(value);
  return typeof value === 'string' ? value : JSON.stringify(value);
}
