import pg from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dataSourceOptions } from '../../src/kernel/db/data-source.js';
import { migrate } from '../../src/kernel/db/migrate.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { dumpSchema } from './schema-dump.js';

const POOL = { max: 2, statementTimeout: 60_000 };

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

/** What entities cannot say, each with the reason. Whatever else they and the migrated schema differ in is a fault. */
const UNSAYABLE: readonly RegExp[] = [
  // INCLUDE: TypeORM cannot declare it, and reads the included columns as key columns.
  /^(DROP INDEX "public"\."(result|fact)_open"|CREATE INDEX "(result|fact)_open" ON "(result|fact)" {2}\("organization_id", "system_id", "target_id", "source"\) WHERE observed_to is null and known_to is null)$/,
  /^(DROP INDEX "public"\."record_open"|CREATE INDEX "record_open" ON "record_interval" {2}\("organization_id", "type", "system_id", "subject"\) WHERE effective_to is null and known_to is null)$/,
  // Of an expression, the latest of several instants: TypeORM indexes columns only.
  /^DROP INDEX "public"\."result_told"$/,
  /^DROP INDEX "public"\."record_(past|told|known)"$/,
];

async function differences(entities?: DataSource['options']['entities']): Promise<string[]> {
  const options = dataSourceOptions(database.urls.owner, POOL);
  const source = await new DataSource({ ...options, ...(entities === undefined ? {} : { entities }) }).initialize();
  try {
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    return upQueries.map(({ query }) => query).filter((query) => !UNSAYABLE.some((known) => known.test(query)));
  } finally {
    await source.destroy();
  }
}

describe('do entities and migrations say the same?', () => {
  it('the schema that migrations make needs no change to fit the entities', async () => {
    expect(await differences()).toEqual([]);
  });

  it('a column that no migration makes is found', async () => {
    const owner = new pg.Client({ connectionString: database.urls.owner });
    await owner.connect();
    try {
      await owner.query('alter table scan drop column posted_by');
      expect(await differences()).toEqual([expect.stringContaining('posted_by')]);
      await owner.query('alter table scan add column posted_by text');
    } finally {
      await owner.end();
    }
  });

  it('each table has an entity, but for what others keep', async () => {
    const source = await new DataSource(dataSourceOptions(database.urls.owner, POOL)).initialize();
    try {
      const known = source.entityMetadatas.map(({ tableName }) => tableName);
      const tables = await source.query<{ name: string }[]>(
        `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') order by 1`,
      );
      // TypeORM's own record of what ran.
      expect(tables.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual(['migration']);
    } finally {
      await source.destroy();
    }
  });
});

describe('can every migration be undone?', () => {
  it('all down leaves nothing, and all up again gives the same schema', async () => {
    const fresh = await createTestDatabase();
    try {
      const before = await dumpSchema(fresh.urls.owner);
      expect(before['columns']?.length).toBeGreaterThan(100);
      expect(before['policies']?.length).toBeGreaterThan(10);
      const source = await new DataSource({ ...dataSourceOptions(fresh.urls.owner, POOL), entities: [] }).initialize();
      try {
        const ran = await source.query<object[]>('select from migration');
        for (let left = ran.length; left > 0; left--) await source.undoLastMigration({ transaction: 'each' });
      } finally {
        await source.destroy();
      }
      const empty = await dumpSchema(fresh.urls.owner);
      const left = Object.values(empty)
        .flat()
        .filter((line) => !/\bmigration(_|\b)/.test(line));
      expect(left).toEqual([]);
      await migrate(fresh.urls.owner);
      expect(await dumpSchema(fresh.urls.owner)).toEqual(before);
    } finally {
      await fresh.drop();
    }
  });

  it('migrating a migrated schema changes nothing', async () => {
    const before = await dumpSchema(database.urls.owner);
    expect(await migrate(database.urls.owner)).toEqual([]);
    expect(await dumpSchema(database.urls.owner)).toEqual(before);
  });

  it('ten servers that migrate at once do it once', async () => {
    const fresh = await createTestDatabase();
    try {
      const before = await dumpSchema(fresh.urls.owner);
      const owner = new pg.Client({ connectionString: fresh.urls.owner });
      await owner.connect();
      try {
        // One that no later migration changes.
        await owner.query(`drop function service_clock()`);
        await owner.query(`delete from migration where name like 'CreateServiceClock%'`);
      } finally {
        await owner.end();
      }
      const ran = await Promise.all(Array.from({ length: 10 }, () => migrate(fresh.urls.owner)));
      expect(ran.flat()).toEqual([expect.stringContaining('CreateServiceClock')]);
      expect(await dumpSchema(fresh.urls.owner)).toEqual(before);
    } finally {
      await fresh.drop();
    }
  });
});
