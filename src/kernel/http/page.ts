import { z } from 'zod';
import { instant } from './instant.js';
import { Refusal } from './problem.js';
import { tableQuery } from './table.js';

export const MAX_PAGE = 500;

/** Query parameters every list takes. */
export const pageQuery = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_PAGE)
    .default(50)
    .meta({ description: `How many items at most (1 to ${MAX_PAGE}).`, examples: [50] }),
  cursor: z.string().max(500).optional().meta({
    description:
      'Where the next page starts: the `next` of the page before. Opaque; keep the other parameters the same.',
  }),
  ...tableQuery,
};

/** A page of items; `next` is the cursor of the following page, null on the last one. The same link is in the `Link` header (RFC 8288). */
export const pageOf = <Item extends z.ZodType>(item: Item, id: string) =>
  z
    .object({
      items: z.array(item),
      next: z.string().nullable().meta({ description: 'Cursor of the next page; null on the last one.' }),
    })
    .meta({ id, description: 'One page of a list.', examples: [{ items: item.meta()?.examples ?? [], next: null }] });

export interface Page<Item> {
  items: Item[];
  next: string | null;
}

/** A cursor is the sort key of the last item: stable while rows are added, and no count or offset is ever paid for. */
export const encodeCursor = (key: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url');

const CURSOR_PARTS = {
  uuid: z.uuid(),
  text: z.string().max(5_000),
  time: instant,
  number: z.number(),
} as const;
type CursorPart = keyof typeof CURSOR_PARTS;
type CursorKey<Parts extends readonly CursorPart[]> = {
  [Index in keyof Parts]: Parts[Index] extends 'number' ? number : string;
};

/** The sort key inside a cursor, each part checked to be of its kind; null on the first page. */
export function decodeCursor<const Parts extends readonly CursorPart[]>(
  cursor: string | undefined,
  parts: Parts,
): CursorKey<Parts> | null {
  if (cursor === undefined) return null;
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    if (
      Array.isArray(key) &&
      key.length === parts.length &&
      parts.every((part, index) => CURSOR_PARTS[part].safeParse(key[index]).success)
    ) {
      return key as CursorKey<Parts>;
    }
  } catch {
    // told below
  }
  throw new Refusal('invalid-request', 'The cursor is not one that this list gave.', { pointer: 'query/cursor' });
}

/** Cuts rows that were asked for with `limit + 1` into a page. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  item: (row: Row) => Item,
  key: (row: Row) => readonly (string | number)[],
): Page<Item> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(item),
    next: rows.length > limit && last !== undefined ? encodeCursor(key(last)) : null,
  };
}
