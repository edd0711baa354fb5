import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startClinic, type Caller, type Clinic } from '../support/app.js';
import { ownCheck } from '../support/checks.js';
import { fixture } from '../fixtures/reports/load.js';
import { holdingMerges } from '../support/merges.js';
import { prepareGround, type Ground, type RunningServer } from './server.js';

interface ScanSeen {
  id: string;
  cause: { replaces: string } | null;
  toolVersion: string;
}

let ground: Ground;
let server: RunningServer;
let admin: pg.Client;
let clinic: Clinic;
let officer: Caller;
/** A system that nothing of is judged anew. */
let otherPath: string;
beforeAll(async () => {
  ground = await prepareGround();
  admin = new pg.Client({ connectionString: ground.database.urls.admin });
  await admin.connect();
  server = await ground.serve();
  const world = ground.worldOf(server);
  clinic = await startClinic(world);
  officer = await clinic.member('compliance_officer');
  await officer
    .put(`${clinic.path}/checks/${encodeURIComponent(ownCheck.id)}`, { definition: ownCheck })
    .set('If-None-Match', '*')
    .expect(200);
  otherPath = (await clinic.system()).path;
  for (const path of [clinic.systemPath, otherPath]) {
    await officer
      .post(`${path}/scans`)
      .set('Content-Type', 'application/x-ndjson')
      .send(fixture('cluster-snapshot/clinic.ndjson').toString('utf8'))
      .expect(201);
  }
}, 60_000);
afterAll(async () => {
  await admin.end();
  await ground.stop();
});

/** What a server that has just begun sees, through a caller of its own. */
const scansOf = async (running: RunningServer, path = clinic.systemPath): Promise<ScanSeen[]> => {
  const caller = await ground.worldOf(running).as('dev-compliance-officer');
  const { body } = await caller.get(`${path}/scans?format=cluster-snapshot`).expect(200);
  return (body.items as ScanSeen[]).sort((a, b) => (a.id < b.id ? -1 : 1));
};
const WAIT = { timeout: 40_000, interval: 300 };
const untilThereAre = (running: RunningServer, count: number): Promise<ScanSeen[]> =>
  vi.waitFor(async () => {
    const found = await scansOf(running);
    expect(found).toHaveLength(count);
    return found;
  }, WAIT);
/** Whatever servers have been asked for has been done. */
const untilNothingIsAsked = () =>
  vi.waitFor(async () => {
    const { rows } = await admin.query(`select from queue.job where name = 'reevaluation' and state < 'completed'`);
    expect(rows).toEqual([]);
  }, WAIT);

/** As if another version of the program had judged what the system's last snapshot has. */
const judgedByAnother = () =>
  admin.query(`update snapshot set rules = '\\x00', program = '\\x00' where system_id = $1`, [clinic.systemId]);

it('is a snapshot that another version has judged judged anew after an upgrade, once, by however many servers', async () => {
  await judgedByAnother();
  await server.kill('SIGTERM');
  const [one, two] = await Promise.all([ground.serve(), ground.serve()]);
  const [posted, anew] = await untilThereAre(one, 2);
  expect(anew?.cause).toMatchObject({ kind: 'rules', replaces: posted?.id });
  await untilNothingIsAsked();
  expect(await scansOf(two)).toHaveLength(2);
  await two.kill('SIGTERM');
  server = one;
}, 120_000);

it('does a start judge anew what another version has judged, and nothing else?', async () => {
  const before = await scansOf(server);
  const other = await scansOf(server, otherPath);
  expect(other).toHaveLength(1);
  await judgedByAnother();
  await server.kill('SIGTERM');
  server = await ground.serve();
  await untilThereAre(server, before.length + 1);
  await untilNothingIsAsked();
  expect(await scansOf(server, otherPath)).toEqual(other);
}, 120_000);

it.each([
  ['is asked to judge', `queue.job where name = 'reevaluation'`],
  ['judges', `queue.job where name = 'reevaluation' and state = 'active'`],
  [
    'has judged, and begins to write',
    `pg_stat_activity where datname = current_database() and wait_event = 'advisory'`,
  ],
])(
  'does one that is killed as soon as it %s leave nothing by halves, and the next do it?',
  async (_when, moment) => {
    const before = await scansOf(server);
    await server.kill('SIGTERM');
    await judgedByAnother();
    // Held, no job that judges it ends.
    await holdingMerges(admin, clinic, async () => {
      // A job that a round before has left would stand for one of this.
      await admin.query(`delete from queue.job where name = 'reevaluation'`);
      const killed = await ground.serve();
      await vi.waitFor(async () => expect((await admin.query(`select from ${moment} limit 1`)).rowCount).toBe(1), {
        timeout: 40_000,
        interval: 2,
      });
      await killed.kill('SIGKILL');
    });
    server = await ground.serve();
    const after = await untilThereAre(server, before.length + 1);
    expect(after.at(-1)?.cause).toMatchObject({ replaces: before.at(-1)?.id });
    const { rows } = await admin.query<{ scan: string; halves: string }>(
      `select (select scan_id from snapshot where system_id = $1) as scan, (select count(*) from scan where status = 'queued') as halves`,
      [clinic.systemId],
    );
    expect(rows).toEqual([{ scan: after.at(-1)?.id, halves: '0' }]);
  },
  120_000,
);
