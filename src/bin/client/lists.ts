import type { ZodType } from 'zod';
import { exitCode, Failure } from './failure.js';
import type { Client, Query } from './http.js';
import { requireFree, save, type SaveOptions } from './save.js';
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

/** How a list is given where it is not asked for as JSON: printed, or as a table that the server makes. */
export const listFormats = ['text', 'csv', 'xlsx'] as const;

export interface ListOptions extends SaveOptions {
  format: (typeof listFormats)[number];
}

/** A list as its table, where that is what is asked for; false: it is to be printed. */
export async function savedTable(client: Client, at: string, query: Query, options: ListOptions): Promise<boolean> {
  const { format } = options;
  if (format === 'text') return false;
  const call = {
    method: 'GET',
    path: at,
    query: { ...query, table: format },
    headers: { accept: '*/*' },
    patience: 120_000,
  } as const;
  await save(client, call, options);
  return true;
}

/** Before anything is asked for: a list that is printed goes to no file. */
export async function requireSavable(options: ListOptions): Promise<void> {
  if (options.format === 'text' && options.output !== undefined) {
    throw new Failure(exitCode.usage, '--output is for a table', 'say --format csv or --format xlsx');
  }
  await requireFree(options);
}
