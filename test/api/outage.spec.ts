import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Database, type WriteTx } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { System } from '../../src/organizations/system.entity.js';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';
import { policyReport, send } from './reports.js';

let world: World;
let clinic: Clinic;

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
});

afterAll(() => world.stop());

async function asAdmin(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const admin = new pg.Client({ connectionString: world.database.urls.admin.replace(/\/[^/]*$/, '/postgres') });
  await admin.connect();
  try {
    return (await admin.query<Record<string, unknown>>(sql, values)).rows;
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

it('is every connection to the database watched, so that one to a machine that vanished ends?', async (context) => {
  context.skip(process.platform !== 'linux', 'only Linux tells which timers a connection has');
  await clinic.admin.get(clinic.systemPath).expect(200);
  await (await world.as(null)).get('/login').expect(302);
  // The queue's were ended too, and it looks again within two seconds.
  await vi.waitFor(
    async () => {
      const ours = await asAdmin(
        `select client_port as port, application_name as name from pg_stat_activity where datname = $1 and usename = 'safeguard_server'`,
        [world.database.name],
      );
      // The program's own, the queue's, and those of the sessions, which have no name.
      expect(new Set(ours.map(({ name }) => String(name).replace(/:.*/, '')))).toEqual(
        new Set(['safeguard', 'pgboss', '']),
      );
      const timers = new Map(
        readFileSync('/proc/net/tcp', 'utf8')
          .split('\n')
          .map((line) => /^ *\d+: [0-9A-F]+:([0-9A-F]+) [0-9A-F:]+ 01 [0-9A-F:]+ (\d\d):/.exec(line) ?? [])
          .map(([, port = '', timer]) => [parseInt(port, 16), timer]),
      );
      // proc(5): 02 is the timer of keep-alive probes.
      expect(ours.map(({ port }) => timers.get(port as number))).toEqual(ours.map(() => '02'));
    },
    { timeout: 10_000, interval: 100 },
  );
});

describe('is a transaction that the database ended in its midst one that may be tried again?', () => {
  const write = (work: (tx: WriteTx) => Promise<unknown>) =>
    world.app.get(Database).write(servicePrincipal('test', clinic.organizationId, newId()), work);
  const asked = (tx: WriteTx) => tx.query('select 1');
  const mapped = (tx: WriteTx) => tx.manager.find(System);

  /** Ends the transaction's connection while it does nothing, and is back when that is known here. */
  async function lose(tx: WriteTx, end: (pid: number) => Promise<unknown>): Promise<void> {
    const [row] = await tx.query<{ pid: number }>('select pg_backend_pid() as pid');
    const { pid } = row!;
    const lost = once(await tx.client(), 'error');
    await end(pid);
    await lost;
  }

  it.each([
    ['a query', asked],
    ['a question of the mapper', mapped],
    ['nothing more', () => Promise.resolve()],
  ])('by its administrator, before %s', async (_name, next) => {
    const lost = write(async (tx) => {
      tx.withoutAudit('changes nothing');
      await lose(tx, (pid) => asAdmin('select pg_terminate_backend($1)', [pid]));
      await next(tx);
    });
    await expect(lost).rejects.toMatchObject({ code: 'unavailable', status: 503 });
  });

  it('because it did nothing for too long', async () => {
    const lost = write(async (tx) => {
      await tx.query(`set local idle_in_transaction_session_timeout = '10ms'`);
      await lose(tx, () => Promise.resolve());
      await asked(tx);
    });
    await expect(lost).rejects.toMatchObject({ code: 'unavailable', status: 503 });
  });

  it('because a statement took too long', async () => {
    const late = write(async (tx) => {
      await tx.query(`set local statement_timeout = '10ms'`);
      await tx.query('select pg_sleep(60)');
    });
    await expect(late).rejects.toMatchObject({ code: 'unavailable', status: 503 });
  });

  it('and is a fault of what was asked still none?', async () => {
    await expect(write((tx) => tx.query('select 1 / 0'))).rejects.toMatchObject({ code: '22012' });
  });
});

it('does a database whose clock is days behind refuse reports, and say why?', async () => {
  const officer = await clinic.member('compliance_officer');
  const { name } = world.database;
  const inside = new pg.Client({ connectionString: world.database.urls.admin });
  await inside.connect();
  const report = policyReport([{ check: 'a', result: 'fail' }]);
  const post = () =>
    send<{ type: string; detail: string }>(world.url, officer, 'POST', `${clinic.systemPath}/scans?observedAt=${NOW}`, {
      body: report,
    });
  const NOW = new Date().toISOString();
  const PATIENT = { timeout: 20_000, interval: 100 };
  /** Connections of before know another clock. */
  const anew = () =>
    inside.query(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and usename = 'safeguard_server'`,
    );
  try {
    await inside.query('create schema behind; grant usage on schema behind to public');
    await inside.query(
      `create function behind.clock_timestamp() returns timestamptz language sql volatile as $$ select pg_catalog.clock_timestamp() - interval '3 days' $$`,
    );
    await inside.query(`alter database ${name} set search_path = behind, pg_catalog, public`);
    await anew();
    await vi.waitFor(async () => {
      const { status, body } = await post();
      expect([status, body.type]).toEqual([503, '/problems/unavailable']);
      expect(body.detail).toContain('clock');
    }, PATIENT);
    const { rows } = await inside.query('select from scan');
    expect(rows).toEqual([]);
  } finally {
    await inside.query(`alter database ${name} reset search_path`);
    await inside.query('drop schema behind cascade');
    await anew();
    await inside.end();
  }
  await vi.waitFor(async () => expect((await post()).status).toBe(201), PATIENT);
});
