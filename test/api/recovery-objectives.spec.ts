import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Database } from '../../src/kernel/db/database.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import type { BackupView } from '../../src/recovery/recovery.schema.js';
import { RecoveryService } from '../../src/recovery/recovery.service.js';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';
import { keepersOf, type Keepers } from '../support/records.js';
import { send } from './reports.js';

const DAY = 24 * 3_600_000;
const NOW = Math.floor(Date.now() / DAY) * DAY;
const ago = (days: number, hours = 0): string => new Date(NOW - days * DAY + hours * 3_600_000).toISOString();

let world: World;
let clinic: Clinic;
let keepers: Keepers;
let objectiveId: string;

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
  keepers = await keepersOf(world, clinic);
  ({ id: objectiveId } = await keepers.keep({
    type: 'recovery_objective',
    effectiveFrom: ago(200),
    fields: { scope: 'emr', namespaces: ['emr'], rtoMinutes: 240, rpoMinutes: 1500, criticality: 'critical' },
  }));
  // Daily backups at one o'clock, which Velero forgets after five days; that of day 14 fails, and that of day 13 was never made.
  for (let day = 20; day >= 1; day--) {
    const kept = Array.from({ length: 5 }, (_, index) => day + index).filter((made) => made <= 20 && made !== 13);
    await post(
      kept.map((made) => backup(made, made === 14 ? 'PartiallyFailed' : 'Completed')),
      ago(day, 2),
    );
  }
});
afterAll(() => world.stop());

const backup = (day: number, phase: string) => ({
  apiVersion: 'velero.io/v1',
  kind: 'Backup',
  metadata: { name: `emr-${day}`, namespace: 'velero' },
  spec: { includedNamespaces: ['emr'], storageLocation: 'default' },
  status: { phase, startTimestamp: ago(day, 1), completionTimestamp: ago(day, 1.25) },
});
const location = (config: object) => ({
  apiVersion: 'velero.io/v1',
  kind: 'BackupStorageLocation',
  metadata: { name: 'default', namespace: 'velero' },
  spec: { provider: 'aws', objectStorage: { bucket: 'clinic-backups' }, config },
});

/** A listing of the cluster's objects: complete, so that what is no longer in it has ended. */
async function post(items: object[], observedAt: string): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: [...items, location({ serverSideEncryption: 'aws:kms' })] };
  const path = `${clinic.systemPath}/scans?observedAt=${observedAt}&targets=cluster/cluster`;
  const { status, bytes } = await send(world.url, clinic.agent, 'POST', path, { body: JSON.stringify(list) });
  expect(status, bytes.toString()).toBe(201);
}

const restoreTest = (completed: string, minutes: number, fields: Record<string, unknown> = {}) => ({
  type: 'restore_test',
  effectiveFrom: completed,
  document: 'log',
  fields: {
    objective: objectiveId,
    backup: 'emr-daily',
    startedAt: new Date(Date.parse(completed) - minutes * 60_000).toISOString(),
    completedAt: completed,
    result: 'passed',
    measuredRtoMinutes: minutes,
    measuredRpoMinutes: 1000,
    dataChecked: 'Row counts.',
    ...fields,
  },
});

async function recovery(query = '') {
  const { body } = await keepers.officer.get(`${clinic.systemPath}/recovery?${query}`).expect(200);
  return body;
}

async function said(practice: string, asOf?: string) {
  const principal = servicePrincipal('test', clinic.organizationId, 'test');
  const service = world.app.get(RecoveryService, { strict: false });
  return world.app.get(Database, { strict: false }).read(principal, async (tx) => {
    const now = await service.present(tx, clinic.systemId);
    const instant = { asOf: asOf === undefined ? now : new Date(asOf), knownAt: now };
    const all = await service.statements(tx, instant, clinic.systemId);
    return all.filter(({ about }) => 'practice' in about && about.practice === practice);
  });
}

describe('is the recovery point objective held over a period?', () => {
  it('but for when no good backup was young enough, of all that ever were', async () => {
    const { objectives, from, to } = await recovery(`from=${ago(19)}&to=${ago(5)}`);
    expect([from, to]).toEqual([ago(19), ago(5)]);
    expect(objectives).toMatchObject([
      {
        recordId: objectiveId,
        namespaces: ['emr'],
        rpo: {
          held: false,
          breaches: [
            { namespace: 'emr', from: ago(14, 2), to: ago(12, 1), minutes: 47 * 60, lastBackupAt: ago(15, 1) },
          ],
        },
        lastBackups: [{ namespace: 'emr', startedAt: ago(6, 1) }],
      },
    ]);
    const whole = await recovery(`from=${ago(11)}&to=${ago(5)}`);
    expect(whole.objectives[0].rpo).toEqual({ held: true, breaches: [] });
  });

  it('and as of then: what was not known yet was not there', async () => {
    const before = await recovery(`from=${ago(19)}&asOf=${ago(15, 12)}`);
    expect(before.objectives[0].rpo.held).toBe(true);
    expect((await recovery(`knownAt=${ago(30)}`)).objectives).toEqual([]);
  });

  it.each([
    ['to', () => `from=${ago(9)}&to=${ago(10)}&asOf=${ago(11)}`],
    ['from', () => `from=${ago(9)}&to=${ago(10)}`],
    ['from', () => `from=${ago(400)}&to=${ago(10)}`],
    ['asOf', () => `asOf=${ago(-10)}`],
  ])('is a period that cannot be refused by its %s?', async (name, query) => {
    const { body } = await keepers.officer.get(`${clinic.systemPath}/recovery?${query()}`).expect(400);
    expect(body.pointer).toBe(`query/${name}`);
  });
});

describe('which backups were there?', () => {
  it('all that began in the period, also those that have expired, newest first and page by page', async () => {
    const seen: BackupView[] = [];
    for (let cursor = ''; ;) {
      const { body } = await keepers.officer.get(`${clinic.systemPath}/backups?limit=7${cursor}`).expect(200);
      seen.push(...body.items);
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    const days = Array.from({ length: 20 }, (_, index) => index + 1).filter((day) => day !== 13);
    expect(seen.map(({ startedAt }) => startedAt)).toEqual(days.map((day) => ago(day, 1)));
    expect(seen.find(({ startedAt }) => startedAt === ago(14, 1))).toMatchObject({
      succeeded: false,
      unusable: 'It failed, in whole or in part.',
    });
    const { body } = await keepers.officer.get(`${clinic.systemPath}/backups?from=${ago(3)}&to=${ago(2)}`).expect(200);
    expect(body.items).toHaveLength(1);
  });

  it('where are they kept: encrypted, immutable?', async () => {
    const storage = async () => (await recovery()).storage;
    expect(await storage()).toMatchObject([{ bucket: 'clinic-backups', encrypted: true, immutable: false }]);
    const fields = {
      lock: 'compliance',
      lockDays: 35,
      offSite: true,
      encryption: 'customer_key',
      checkedOn: ago(5).slice(0, 10),
    };
    const evidence = { type: 'immutability_evidence', effectiveFrom: ago(5), document: 'configuration' };
    await keepers.keep({ ...evidence, fields: { ...fields, store: 's3://another', lock: 'compliance' } });
    await keepers.keep({ ...evidence, fields: { ...fields, store: 's3://clinic-backups', lock: 'none' } });
    expect(await storage()).toMatchObject([{ immutable: false }]);
    await keepers.keep({ ...evidence, fields: { ...fields, store: 's3://clinic-backups/' } });
    expect(await storage()).toMatchObject([{ immutable: true }]);
    // As people last saw it.
    const at = async (asOf: string) => (await recovery(`asOf=${asOf}`)).storage;
    expect(await at(ago(5, 12))).toMatchObject([{ immutable: true }]);
    await keepers.keep({
      ...evidence,
      fields: { ...fields, store: 'clinic-backups', lock: 'none', checkedOn: ago(1).slice(0, 10) },
    });
    expect([await storage(), await at(ago(2))]).toMatchObject([[{ immutable: false }], [{ immutable: true }]]);
  });

  it('is a lock that was seen more than a month ago shown as one?', async () => {
    const fields = { store: 'clinic-backups', lock: 'worm', lockDays: 35, offSite: true, encryption: 'customer_key' };
    await keepers.keep({
      type: 'immutability_evidence',
      effectiveFrom: ago(50),
      document: 'configuration',
      fields: { ...fields, checkedOn: ago(50).slice(0, 10) },
    });
    expect((await recovery(`asOf=${ago(19)}`)).storage).toMatchObject([{ immutable: true }]);
    expect((await recovery(`asOf=${ago(18)}`)).storage).toMatchObject([{ immutable: false }]);
  });
});

describe('do restore tests meet the objective?', () => {
  it('one that took too long fails, until a later one does not', async () => {
    await keepers.keep(restoreTest(ago(30), 70));
    await keepers.keep(restoreTest(ago(10), 300));
    const shown = async () => (await recovery(`from=${ago(60)}`)).objectives[0].restoreTests;
    expect(await shown()).toMatchObject([
      { completedAt: ago(10), rtoMinutes: 300, missed: expect.stringContaining('300 minutes') },
      { completedAt: ago(30), rtoMinutes: 70, missed: null },
    ]);
    expect(await said('restore-testing', ago(20))).toMatchObject([{ says: 'met', need: 'restore_test' }]);
    expect(await said('restore-testing')).toMatchObject([{ says: 'failing', reason: expect.stringContaining('emr') }]);
    await keepers.keep(restoreTest(ago(2), 60));
    expect(await said('restore-testing')).toMatchObject([{ says: 'met' }]);
  });

  it('which are refused?', async () => {
    const faults = async (record: Parameters<Keepers['submit']>[0]) => {
      const { status, body } = await keepers.submit(record);
      return [status, (body.faults ?? []).map(({ pointer }) => pointer)];
    };
    expect(await faults(restoreTest(ago(2), 60, { startedAt: ago(1) }))).toEqual([422, ['/fields/completedAt']]);
    expect(await faults(restoreTest(ago(2), 60, { measuredRpoMinutes: undefined }))).toEqual([
      422,
      ['/fields/measuredRpoMinutes'],
    ]);
    expect(await faults(restoreTest(ago(-3), 60))).toEqual([422, ['/fields/completedAt']]);
    expect((await faults({ ...restoreTest(ago(2), 60), effectiveFrom: ago(2), document: undefined as never }))[0]).toBe(
      422,
    );
  });
});

describe('what does recovery say of practices?', () => {
  it('a broken RPO fails, and a held one meets, at each instant by itself', async () => {
    expect(await said('volume-database-backup', ago(15, 12))).toMatchObject([{ says: 'met', need: 'backup_report' }]);
    expect(await said('volume-database-backup', ago(13))).toMatchObject([
      { says: 'failing', reason: expect.stringContaining('emr') },
    ]);
    expect(await said('volume-database-backup', ago(11))).toMatchObject([{ says: 'met' }]);
  });

  it('exercises of the whole organisation, in its own part', async () => {
    const report = await keepers.keep({
      type: 'exercise_report',
      systemIds: [],
      effectiveFrom: ago(40),
      fields: {
        scenario: 'The region is lost.',
        kind: 'tabletop',
        heldOn: ago(40).slice(0, 10),
        participants: 5,
        result: 'findings',
        findings: [{ number: 'F-1', what: 'The contact list was old.', severity: 'low' }],
      },
    });
    const ofAll = async () => {
      const principal = servicePrincipal('test', clinic.organizationId, 'test');
      const service = world.app.get(RecoveryService, { strict: false });
      return world.app.get(Database, { strict: false }).read(principal, async (tx) => {
        const now = await service.present(tx, clinic.systemId);
        return service.statements(tx, { asOf: now, knownAt: now }, null);
      });
    };
    expect(await ofAll()).toMatchObject([{ says: 'failing', reason: expect.stringContaining('F-1') }]);
    expect(await said('disaster-exercises')).toEqual([]);
    await keepers.keep({
      type: 'corrective_action',
      systemIds: [],
      effectiveFrom: ago(20),
      fields: {
        what: 'Print the list.',
        finding: 'F-1',
        dueOn: ago(10).slice(0, 10),
        completedOn: ago(12).slice(0, 10),
      },
      links: [{ kind: 'record', target: report.id, note: '' }],
      document: 'evidence',
    });
    expect(await ofAll()).toMatchObject([{ says: 'met', need: 'exercise_report' }]);
  });
});

describe('who sees the recovery of a system?', () => {
  it('nobody of another organisation, and records only who may read them', async () => {
    const other = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    const theirs = await other.member('auditor');
    await theirs.get(`${other.path}/systems/${clinic.systemId}/recovery`).expect(404);
    await theirs.get(`${other.path}/systems/${clinic.systemId}/backups`).expect(404);
    const viewer = await clinic.member('viewer');
    await viewer.get(`${clinic.systemPath}/recovery`).expect(403);
    await viewer.get(`${clinic.systemPath}/backups`).expect(200);
  });
});

describe('is what was known at an instant final?', () => {
  it('a question that names the instant waits for the report that is being merged', async () => {
    const { officer } = keepers;
    const known = new Date().toISOString();
    const holder = new pg.Client({ connectionString: world.database.urls.admin });
    await holder.connect();
    try {
      const name = `merge/${clinic.organizationId}/${clinic.systemId}`;
      for (const path of [
        `${clinic.systemPath}/recovery`,
        `${clinic.systemPath}/backups`,
        `${clinic.path}/keys`,
        `${clinic.path}/keys?system=${clinic.systemId}`,
      ]) {
        await holder.query('select pg_advisory_lock(hashtextextended($1, 0))', [name]);
        const asked = officer
          .get(`${path}${path.includes('?') ? '&' : '?'}knownAt=${known}`)
          .then(({ status }) => status);
        await vi.waitFor(async () => {
          const { rows } = await holder.query<{ waiting: number }>(
            `select count(*)::int as waiting from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'advisory'`,
          );
          expect([path, rows[0]!.waiting]).toEqual([path, 1]);
        });
        await holder.query('select pg_advisory_unlock_all()');
        expect(await asked).toBe(200);
      }
    } finally {
      await holder.end();
    }
  });
});
