import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startClinic, type Caller, type Clinic } from '../support/app.js';
import { ownCheck } from '../support/checks.js';
import { fixture } from '../fixtures/reports/load.js';
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
  await clinic.agent
    .post(`${clinic.systemPath}/scans`)
    .set('Content-Type', 'application/x-ndjson')
    .send(fixture('cluster-snapshot/clinic.ndjson').toString('utf8'))
    .expect(201);
}, 60_000);
afterAll(async () => {
  await admin.end();
  await ground.stop();
});

/** What a server that has just begun sees, through a caller of its own. */
const scansOf = async (running: RunningServer): Promise<ScanSeen[]> => {
  const caller = await ground.worldOf(running).as('dev-compliance-officer');
  const { body } = await caller.get(`${clinic.systemPath}/scans?format=cluster-snapshot`).expect(200);
  return (body.items as ScanSeen[]).sort((a, b) => (a.id < b.id ? -1 : 1));
};
const untilThereAre = (running: RunningServer, count: number): Promise<ScanSeen[]> =>
  vi.waitFor(
    async () => {
      const found = await scansOf(running);
      expect(found).toHaveLength(count);
      return found;
    },
    { timeout: 40_000, interval: 300 },
  );

/** As if another version of the program had judged it. */
const judgedByAnother = () => admin.query(`update snapshot set rules = '\\x00', program = '\\x00'`);

it('is a snapshot that another version has judged judged anew after an upgrade, once, by however many servers', async () => {
  await judgedByAnother();
  await server.kill('SIGTERM');
  const [one, other] = await Promise.all([ground.serve(), ground.serve()]);
  const [posted, anew] = await untilThereAre(one, 2);
  expect(anew?.cause).toMatchObject({ kind: 'rules', replaces: posted?.id });
  // Whatever the other has been asked for has been done by then.
  await vi.waitFor(
    async () => {
      const { rows } = await admin.query(`select from queue.job where name = 'reevaluation' and state < 'completed'`);
      expect(rows).toEqual([]);
    },
    { timeout: 40_000, interval: 300 },
  );
  expect(await scansOf(other)).toHaveLength(2);
  await other.kill('SIGTERM');
  server = one;
}, 120_000);

it('does one that is killed while it judges leave nothing by halves, and its job to the next?', async () => {
  for (let round = 0; round < 3; round++) {
    const before = await scansOf(server);
    await judgedByAnother();
    await server.kill('SIGTERM');
    const killed = await ground.serve();
    // Somewhere between the job's begin and its end.
    await new Promise((resolve) => setTimeout(resolve, 350 * (round + 1)));
    await killed.kill('SIGKILL');
    server = await ground.serve();
    const after = await untilThereAre(server, before.length + 1);
    expect(after.at(-1)?.cause).toMatchObject({ replaces: before.at(-1)?.id });
    const { rows } = await admin.query<{ scan: string; halves: string }>(
      `select (select scan_id from snapshot) as scan, (select count(*) from scan where status = 'queued') as halves`,
    );
    expect(rows).toEqual([{ scan: after.at(-1)?.id, halves: '0' }]);
  }
}, 180_000);

it('does a start that finds nothing judged otherwise judge nothing?', async () => {
  const before = await scansOf(server);
  await server.kill('SIGTERM');
  server = await ground.serve();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(await scansOf(server)).toEqual(before);
}, 60_000);
