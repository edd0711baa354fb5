import { canonicalJson, type JsonValue } from '../kernel/crypto/canonical-json.js';
import { IntegrityError } from '../kernel/crypto/integrity-error.js';
import type { Tx } from '../kernel/db/database.js';
import type { AuditService, ListedEvent } from './audit.service.js';
import type { Action, Leaf, ObjectKind } from './event.js';

/** What a row says by the name of each of its fields. An instant is held to the minute: of old events the row was written a moment before. */
export type Says = Readonly<Record<string, JsonValue | Date>>;

/** A row of an object; `key` tells it from others of that object. */
export interface Row {
  readonly id: string;
  readonly key: string;
  readonly says: Says;
}

/** A row that there has to be, with what is known of what it says. `key` null: nobody can tell any more which rows of the object there have to be. */
export interface DueRow extends Omit<Row, 'key'> {
  readonly key: string | null;
}

/** Rows of a table that follow from something else: from the events about them, or from other rows. */
export interface Account {
  readonly table: string;
  /** What the rows are of. */
  readonly kind: ObjectKind;
  /** Objects after one, in their order, of which there are rows or have to be; without those of which it is known that all is as it has to be. */
  readonly page: (tx: Tx, after: string | null) => Promise<ObjectPage>;
  readonly rows: (tx: Tx, ids: readonly string[]) => Promise<Row[]>;
  readonly due: (tx: Tx, ids: readonly string[]) => Promise<DueRow[]>;
}

export interface ObjectPage {
  readonly ids: readonly string[];
  /** After which the next page begins; null of the last one. */
  readonly next: string | null;
}

/** Ids of objects after one, in their order, of which there are rows or have to be. */
export type Ids = (tx: Tx, after: string | null, limit: number) => Promise<string[]>;

/** Rows that are compared page by page, each of one snapshot. */
export interface Comparison extends Pick<Account, 'table' | 'kind'> {
  /** Of the objects after one, in their order. */
  readonly page: (tx: Tx, after: string | null) => Promise<Compared>;
}

export interface Compared {
  readonly found: readonly Difference[];
  /** After which the next page begins; null of the last one. */
  readonly next: string | null;
}

/** An object whose rows are not what they follow from. */
export interface Difference {
  readonly id: string;
  /** Names columns and versions, and says nothing that stands in them. */
  readonly reason: string;
}

/** Objects that are read at once: an engagement of a year has some hundred events about it. */
const PAGE = 200;

/** Pages of so many. */
export const pagesOf =
  (ids: Ids, size = PAGE): Account['page'] =>
  async (tx, after) => {
    const found = await ids(tx, after, size);
    return { ids: found, next: found.length < size ? null : (found.at(-1) ?? null) };
  };

/** Of objects that cannot be read, as something that is said of them is damaged, each is a difference, and keeps no other from being compared. */
export const comparisonOf = ({ table, kind, ...account }: Account): Comparison => ({
  table,
  kind,
  async page(tx, after) {
    const { ids, next } = await account.page(tx, after);
    const compare = async (some: readonly string[]): Promise<Difference[]> => {
      try {
        return differences(await account.rows(tx, some), await account.due(tx, some));
      } catch (error) {
        if (!(error instanceof IntegrityError)) throw error;
        const [id, ...others] = some;
        if (id === undefined) throw error;
        if (others.length === 0) return [{ id, reason: 'what the events say of it cannot be read' }];
        const found: Difference[] = [];
        for (const one of some) found.push(...(await compare([one])));
        return found;
      }
    };
    const found: Difference[] = [];
    for (let from = 0; from < ids.length; from += PAGE) found.push(...(await compare(ids.slice(from, from + PAGE))));
    return { found, next };
  },
});

const PRECISION = 60_000;

export function differences(rows: readonly Row[], due: readonly DueRow[]): Difference[] {
  const rowsOf = Map.groupBy(rows, ({ id }) => id);
  const dueOf = Map.groupBy(due, ({ id }) => id);
  return [...new Set([...rowsOf.keys(), ...dueOf.keys()])].sort().flatMap((id) => {
    const found = new Map((rowsOf.get(id) ?? []).map((row) => [row.key, row.says]));
    const known = dueOf.get(id) ?? [];
    const reasons = known.flatMap(({ key, says }) => {
      if (key === null) return [];
      const row = found.get(key);
      return row === undefined ? [`${named(key)} is gone`] : fieldsOf(key, row, says);
    });
    const isWhole = known.every(({ key }) => key !== null);
    const added = isWhole ? [...found.keys()].filter((key) => known.every((one) => one.key !== key)) : [];
    const all = [...reasons, ...added.map((key) => `nothing says that there is ${named(key)}`)];
    return all.length === 0 ? [] : [{ id, reason: all.slice(0, MAX_REASONS).join('; ') }];
  });
}
const MAX_REASONS = 10;

const named = (key: string): string => (key === '' ? 'the row' : `row ${key}`);

/** Of what a row has to say, that of which it says something else. */
export const others = (row: Says, due: Says): string[] =>
  Object.keys(due).filter((name) => !isAlike(row[name] ?? null, due[name] ?? null));

function fieldsOf(key: string, row: Says, due: Says): string[] {
  const other = others(row, due);
  return other.length === 0 ? [] : [`${named(key)} has another ${other.join(', ')}`];
}

function isAlike(one: JsonValue | Date, other: JsonValue | Date): boolean {
  if (one instanceof Date && other instanceof Date) return Math.abs(one.getTime() - other.getTime()) <= PRECISION;
  if (one instanceof Date || other instanceof Date) return false;
  return canonicalJson(one) === canonicalJson(other);
}

/** One of the events about an object, with what it says that the object was from then on. */
export interface Told {
  readonly eventId: string;
  readonly version: number;
  readonly action: Action;
  readonly at: Date;
  readonly by: string;
  readonly byKind: Leaf['actor']['kind'];
  readonly sha256: string | null;
  readonly size: number | null;
  /** Whether it never had details. */
  readonly isBare: boolean;
  /** Null where its details were erased, or it has none. */
  readonly after: Readonly<Record<string, JsonValue>> | null;
}

interface EventAccount {
  table: string;
  kind: ObjectKind;
  actions: readonly Action[];
  ids: Ids;
  rows: Account['rows'];
  /** Objects of a page, where there may be much of each. */
  size?: number;
  /** Of the events about one object, in their order: of two about one version the first alone, as whoever changes a row can add another. */
  due: (told: readonly Told[], id: string) => Omit<DueRow, 'id'>[];
}

/** The account of rows that events tell of. */
export const accountOf = (audit: AuditService, { actions, ids, size, due, ...of }: EventAccount): Account => ({
  ...of,
  page: pagesOf(async (tx, after, limit) => {
    const told = await audit.findObjects(tx, of.kind, actions, after, limit);
    return [...new Set([...told, ...(await ids(tx, after, limit))])].sort().slice(0, limit);
  }, size),
  async due(tx, objectIds) {
    const events = await audit.findAbout(tx, of.kind, actions, objectIds);
    return [...Map.groupBy(events, ({ leaf }) => leaf.object.id)].flatMap(([id, about]) =>
      due(firstOfEach(about.map(toldBy)), id).map((row) => ({ id, ...row })),
    );
  },
});

/** Those of no version are all kept. */
const firstOfEach = (told: readonly Told[]): Told[] =>
  told
    .filter(({ version }, at) => version === 0 || told.findIndex((other) => other.version === version) === at)
    .sort((a, b) => a.version - b.version);

function toldBy({ leaf, details }: ListedEvent): Told {
  const after = isObject(details) && isObject(details['after']) ? details['after'] : details;
  return {
    eventId: leaf.id,
    version: leaf.object.version ?? 0,
    action: leaf.action,
    at: new Date(leaf.time),
    by: leaf.actor.id,
    byKind: leaf.actor.kind,
    sha256: leaf.object.sha256 ?? null,
    size: leaf.object.size ?? null,
    isBare: leaf.details_sha256 === null,
    after: isObject(after) ? after : null,
  };
}

const isObject = (value: JsonValue | undefined): value is Record<string, JsonValue> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What all of them together say last: an event tells what it changes, and one whose details are gone leaves nothing known of what was before. */
export const lastSaid = (told: readonly Told[]): Record<string, JsonValue> =>
  told.reduce<Record<string, JsonValue>>((said, { after }) => (after === null ? {} : { ...said, ...after }), {});
