import { createHash, randomUUID } from 'node:crypto';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dataSourceOptions } from '../../src/kernel/db/data-source.js';
import { migrate } from '../../src/kernel/db/migrate.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

let database: TestDatabase;
let admin: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  admin = new pg.Client({ connectionString: database.urls.admin });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await database.drop();
});

async function undoLog(): Promise<void> {
  const options = dataSourceOptions(database.urls.owner, { max: 2, statementTimeout: 60_000 });
  const source = await new DataSource({ ...options, entities: [] }).initialize();
  try {
    const ran = await source.query<{ name: string }[]>('select name from migration order by id desc');
    const undone = ran.findIndex(({ name }) => name.startsWith('CreateLog')) + 1;
    expect(undone).toBeGreaterThan(0);
    for (let left = undone; left > 0; left -= 1) await source.undoLastMigration({ transaction: 'each' });
  } finally {
    await source.destroy();
  }
}

async function write(organization: string, leaf: string): Promise<string> {
  const id = randomUUID();
  await admin.query(
    `insert into audit_event (organization_id, id, created_at, action, actor_kind, actor_id, object_kind, object_id, outcome, request_id, leaf)
     values ($1, $2, now(), 'system.changed', 'user', '', 'system', '', 'success', '', $3)`,
    [organization, id, Buffer.from(leaf)],
  );
  return id;
}

it('does each event of before there was a log wait for its place, and each that a server of before still writes?', async () => {
  await undoLog();
  const written = new Map<string, string>();
  const [one, other] = [randomUUID(), randomUUID()];
  for (const organization of [one, other]) {
    for (const leaf of ['{"n":1}', '{"n":2}']) written.set(await write(organization, leaf), leaf);
  }
  await migrate(database.urls.owner);
  // As one of the version before does, which knows nothing of a queue.
  written.set(await write(one, '{"n":3}'), '{"n":3}');
  const { rows } = await admin.query<{ id: string; hash: Buffer }>(
    'select event_id as id, leaf_hash as hash from audit_queue',
  );
  expect(rows).toHaveLength(written.size);
  for (const { id, hash } of rows) {
    const leaf = Buffer.concat([Buffer.of(0), Buffer.from(written.get(id) ?? '')]);
    expect(hash).toEqual(createHash('sha256').update(leaf).digest());
  }
});
