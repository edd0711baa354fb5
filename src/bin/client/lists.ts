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
