import pg from 'pg';
import { expect, test } from 'vitest';
import { createTestDatabase } from '../support/postgres.js';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test('does every test file get a migrated database of its own, also when many ask at once?', async () => {
  const databases = await Promise.all([createTestDatabase(), createTestDatabase(), createTestDatabase()]);
  const [first, second] = databases;
  try {
    expect(new Set(databases.map(({ name }) => name)).size).toBe(3);
    await query(first.urls.owner, 'create table only_here ()');
    expect(await query(second.urls.owner, `select to_regclass('only_here') as found`)).toEqual([{ found: null }]);
    for (const { urls } of databases) {
      expect(await query(urls.owner, 'select count(*)::int > 0 as migrated from migration')).toEqual([
        { migrated: true },
      ]);
      expect(await query(urls.server, 'select current_user as who')).toEqual([{ who: 'safeguard_server' }]);
      expect(await query(urls.admin, 'select current_user as who')).toEqual([{ who: 'postgres' }]);
      await expect(query(urls.server, 'create table mine ()')).rejects.toThrow('permission denied');
    }
  } finally {
    await Promise.all(databases.map(({ drop }) => drop()));
  }
});

test('does dropping end a connection that somebody left open, and may one drop twice?', async () => {
  const database = await createTestDatabase();
  const left = new pg.Client({ connectionString: database.urls.server });
  const lost = new Promise((settle) => left.on('error', settle));
  await left.connect();
  await database.drop();
  await database.drop();
  expect(String(await lost)).toContain('terminat');
  await expect(query(database.urls.owner, 'select 1')).rejects.toThrow('does not exist');
});
