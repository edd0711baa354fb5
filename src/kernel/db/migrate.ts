import pg from 'pg';
import { DataSource } from 'typeorm';
import { installQueue } from '../queue.js';
import { dataSourceOptions } from './data-source.js';

/** Any number, the same for every starting process: TypeORM itself takes no lock, and two processes would race (docs/decisions). */
const MIGRATION_LOCK = 7_236_417;

/**
 * Brings the schema up to date as the owner role. Processes that start together wait for each other.
 * The role `safeguard_app` must exist (deploy/ creates it; so does the embedded Postgres): the server's login role is a member of it.
 * Returns the names of the migrations that ran.
 */
export async function migrate(ownerUrl: string): Promise<string[]> {
  const guard = new pg.Client({ connectionString: ownerUrl, application_name: 'safeguard-migrate' });
  await guard.connect();
  try {
    await guard.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const role = await guard.query("select 1 from pg_roles where rolname = 'safeguard_app'");
    if (role.rowCount === 0) {
      throw new Error(
        'The database has no role «safeguard_app». Create it and make the server a member:\n' +
          '  create role safeguard_app nologin;\n  grant safeguard_app to <the role of DATABASE_URL>;',
      );
    }
    const options = dataSourceOptions(ownerUrl, { max: 2, statementTimeout: 0 });
    const source = await new DataSource({ ...options, entities: [] }).initialize();
    try {
      const ran = await source.runMigrations({ transaction: 'each' });
      await guard.query('grant select on migration to safeguard_app');
      await installQueue(ownerUrl);
      return ran.map((migration) => migration.name);
    } finally {
      await source.destroy();
    }
  } finally {
    await guard.end();
  }
}
