import type { Tx } from '../kernel/db/database.js';
import { joinByHash } from '../kernel/db/join-by-hash.js';
import type { Account, Row } from './account.js';
import type { Action } from './event.js';

/** Objects whose rows one statement compares. */
const PAGE = 10_000;

/** Rows of the organisation ($1), each with `id`, `key` and what it `says` (jsonb). `of`: what is true of a column where its row is of the objects that are asked for. */
type Statement = (of: (column: string) => string) => string;

/** The rows that there are, and those that there have to be. */
export interface Derivation {
  readonly rows: Statement;
  readonly due: Statement;
}

interface Derived extends Pick<Account, 'table' | 'kind'>, Derivation {
  /** The table that has the objects, by their ids: pages are as large as so many of them. */
  readonly objects: string;
  /** Where what has to be is also said by events: of which objects there are such. */
  readonly told?: readonly Action[];
}

/** Ids of objects that may be other than they have to be, of those between two. */
type Sift = (tx: Tx, after: string | null, last: string | null) => Promise<string[]>;

export const SIFTED = (column: string): string =>
  `($2::uuid is null or ${column} > $2) and ($3::uuid is null or ${column} <= $3)`;
/** The same of the objects of events. */
export const SIFTED_OBJECTS = `($2::uuid is null or object_id > $2::uuid::text) and ($3::uuid is null or object_id <= $3::uuid::text)`;
const NAMED = (column: string): string => `${column} = any ($2::uuid[])`;

/** Pages of a table's objects, of which the database itself tells those that have to be looked at: of most there is nothing to be said. */
export const sifted =
  (objects: string, sift: Sift): Account['page'] =>
  async (tx, after) => {
    const [end] = await tx.query<{ id: string }>(
      `select id from ${objects} where organization_id = $1 and ($2::uuid is null or id > $2) order by id offset ${PAGE - 1} limit 1`,
      [tx.organizationId, after],
    );
    const last = end?.id ?? null;
    await joinByHash(tx, true);
    const ids = await sift(tx, after, last);
    await joinByHash(tx, false);
    return { ids, next: last };
  };

/** The account of rows that follow from other rows, where both can be said by statements: what differs the database finds. */
export function derivedAccount({ table, kind, objects, rows, due, told = [] }: Derived): Account {
  const differing = `
    select id::text as id from (${rows(SIFTED)}) r full join (${due(SIFTED)}) d using (id, key) where r.says is distinct from d.says
    union select object_id from audit_event
    where organization_id = $1 and object_kind = $4 and action = any ($5) and ${SIFTED_OBJECTS}
    order by id`;
  const read = (statement: string) => (tx: Tx, ids: readonly string[]) =>
    tx.query<Row>(statement, [tx.organizationId, ids]);
  return {
    ...{ table, kind, rows: read(rows(NAMED)), due: read(due(NAMED)) },
    page: sifted(objects, async (tx, after, last) =>
      (await tx.query<{ id: string }>(differing, [tx.organizationId, after, last, kind, told])).map(({ id }) => id),
    ),
  };
}
