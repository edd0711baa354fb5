import { hash } from 'node:crypto';
import type { EntityManager, EntityMetadata, EntityTarget, ObjectLiteral } from 'typeorm';

/**
 * A statement that each connection sends again and again: Postgres parses it once for each of them (PREPARE of PostgreSQL's documentation), and only its name and
 * its values travel. For statements whose plan is the same whatever there is in the tables: a row added, a row found by its whole key, the few versions of what an
 * organisation has set up. A plan that was kept from when a table was small is a bad one when it has grown, and one for all values is bad where they are unlike: of the
 * records of an organisation most are of one place. Questions of results, facts and records are planned each time.
 */
export class Prepared {
  readonly name: string;

  constructor(readonly text: string) {
    this.name = hash('sha256', text, 'base64url');
  }
}

const MADE = new Map<string, Prepared>();

/** The statement of that text. For texts of which the program has only so many: values are no part of them. */
export function prepared(text: string): Prepared {
  let statement = MADE.get(text);
  if (statement === undefined) MADE.set(text, (statement = new Prepared(text)));
  return statement;
}

/** A statement with its values. */
export interface Command {
  statement: Prepared;
  values: unknown[];
}

type Column = EntityMetadata['columns'][number];

/** One row of an entity, which is whole: no column is left to a default. */
export interface NewRow<Row extends ObjectLiteral = ObjectLiteral> {
  entity: EntityTarget<Row>;
  row: Row;
}

/** By the text of the statement without its numbers: each is made once, where TypeORM's builder would put it together anew for each row. */
const STATEMENTS = new Map<string, Prepared>();

/**
 * Adds rows of different entities by one statement, in their order. `unlessThere`: adds nothing of a single row whose primary or unique key is taken, waiting for a
 * transaction that is about to take it.
 */
export function insertion(manager: EntityManager, rows: readonly NewRow[], unlessThere = false): Command {
  const values: unknown[] = [];
  const metadata = rows.map(({ entity }) => manager.dataSource.getMetadata(entity));
  for (const [number, of] of metadata.entries()) {
    for (const column of of.columns) values.push(valueOf(manager, column, rows[number]?.row ?? {}));
  }
  const statement = made(`insert ${metadata.map(({ tableName }) => tableName).join(' ')} ${unlessThere}`, () => {
    let parameters = 0;
    const inserts = metadata.map(({ tableName, columns }) => {
      const names = columns.map(({ databaseName }) => databaseName).join(', ');
      const places = columns.map(() => `$${++parameters}`).join(', ');
      return `insert into ${tableName} (${names}) values (${places})${unlessThere ? ' on conflict do nothing' : ''}`;
    });
    const last = inserts.pop() ?? '';
    // All of them end together, and references are looked up then.
    return inserts.length === 0 ? last : `with ${inserts.map((text, at) => `i${at} as (${text})`).join(', ')} ${last}`;
  });
  return { statement, values };
}

/** Changes columns of the row with that whole primary key. */
export function change<Row extends ObjectLiteral>(
  manager: EntityManager,
  entity: EntityTarget<Row>,
  key: Partial<Row>,
  changed: Partial<Row>,
): Command {
  const { tableName, primaryColumns, columns } = manager.dataSource.getMetadata(entity);
  const set = columns.filter(({ propertyName }) => Object.hasOwn(changed, propertyName));
  const values = [
    ...set.map((column) => valueOf(manager, column, changed)),
    ...primaryColumns.map((column) => valueOf(manager, column, key)),
  ];
  const statement = made(`update ${tableName} ${set.map(({ databaseName }) => databaseName).join(' ')}`, () => {
    const equations = [...set, ...primaryColumns].map(({ databaseName }, at) => `${databaseName} = $${at + 1}`);
    return `update ${tableName} set ${equations.slice(0, set.length).join(', ')} where ${equations.slice(set.length).join(' and ')}`;
  });
  return { statement, values };
}

function made(name: string, make: () => string): Prepared {
  let statement = STATEMENTS.get(name);
  if (statement === undefined) STATEMENTS.set(name, (statement = new Prepared(make())));
  return statement;
}

function valueOf(manager: EntityManager, column: Column, row: ObjectLiteral): unknown {
  const value = row[column.propertyName] as unknown;
  if (value === undefined) throw new Error(`${column.entityMetadata.tableName}.${column.databaseName} has no value`);
  return manager.dataSource.driver.preparePersistentValue(value, column) as unknown;
}
