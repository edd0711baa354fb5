import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';

let world: World;
let clinic: Clinic;

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
});

afterAll(() => world.stop());

async function asAdmin(sql: string): Promise<void> {
  const admin = new pg.Client({ connectionString: world.database.urls.admin.replace(/\/[^/]*$/, '/postgres') });
  await admin.connect();
  try {
    await admin.query(sql);
  } finally {
    await admin.end();
  }
}

it('does the service outlive a database that ends every connection, say 503 meanwhile, and come back?', async () => {
  // A session connection is idle in its pool, as after any visit of a browser.
  await (await world.as(null)).get('/login').expect(302);
  const end = `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${world.database.name}'`;
  await asAdmin(`alter database ${world.database.name} connection limit 0`);
  await asAdmin(end);
  const { body, headers } = await clinic.admin.get(clinic.systemPath).expect(503);
  expect(body.type).toBe('/problems/unavailable');
  expect(headers['retry-after']).toBeDefined();
  await (await world.as(null)).get('/health/ready').expect(503);
  await (await world.as(null)).get('/health/live').expect(200);
  await asAdmin(`alter database ${world.database.name} connection limit -1`);
  await clinic.admin.get(clinic.systemPath).expect(200);
  await (await world.as(null)).get('/health/ready').expect(200);
});
