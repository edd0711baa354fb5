import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../src/kernel/clock.js';
import { Database } from '../../src/kernel/db/database.js';
import { SystemService } from '../../src/organizations/system.service.js';
import type { Caller, Clinic, World } from '../support/app.js';
import { programOf } from '../support/log.js';
import { heldBuilds, startPackages, type PackagesRoom } from '../support/packages.js';
import { verify } from '../support/tampering.js';

// What replicas write meanwhile, each by its own clock, while a package is made.

let world: World;
let admin: pg.Client;
let clinic: Clinic;
let officer: Caller;
let packages: PackagesRoom;
let directory: string;
beforeAll(async () => {
  const suite = await startPackages();
  ({ world, admin, clinic, officer, room: packages } = suite);
  directory = await mkdtemp(join(tmpdir(), 'safeguard-clocks-'));
  return suite.stop;
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => rm(directory, { recursive: true, force: true }));

/** The systems that a package is about, and what verification finds wrong. */
const told = async (id: string) => {
  const { status } = await packages.settled(id);
  const file = join(directory, `${id}.zip`);
  await writeFile(file, await packages.bytes(id));
  const { index, fault } = await verify(file);
  return { status, systems: index?.scope.systems.map(({ name }) => name).sort(), fault };
};

/** Whoever has a turn is waited for. */
const oneWaits = () =>
  vi.waitFor(async () => {
    const { rows } = await admin.query<{ waiting: number }>(
      `select count(*)::int as waiting from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'advisory'`,
    );
    expect(rows[0]!.waiting).toBe(1);
  });

const systemNamed = (name: string) => ({
  name,
  environment: 'production' as const,
  phi: 'stores' as const,
  phiNamespaces: [],
});

describe('a system that is registered while a package is made', () => {
  it('by a replica that is seconds behind: is it of later than the package, which is blamed for nothing?', async () => {
    const { release, reached } = heldBuilds(world);
    const { id } = await packages.request();
    await reached;
    vi.spyOn(world.app.get(Clock), 'now').mockImplementation(() => new Date(Date.now() - 5_000));
    await clinic.admin.post(`${clinic.path}/systems`, systemNamed('behind')).expect(201);
    release();
    expect(await told(id)).toEqual({ status: 'ready', systems: ['emr-production'], fault: null });
  });

  it('and committed after it was asked for: is it waited for, and listed?', async () => {
    const systems = world.app.get(SystemService, { strict: false });
    const [registered, gate] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const registering = world.app.get(Database, { strict: false }).write(programOf(clinic), async (tx) => {
      await systems.create(tx, systemNamed('slow'));
      registered.resolve(undefined);
      await gate.promise;
    });
    await registered.promise;
    const { id } = await packages.request();
    await oneWaits();
    gate.resolve(undefined);
    await registering;
    expect(await told(id)).toEqual({ status: 'ready', systems: ['behind', 'emr-production', 'slow'], fault: null });
  });
});

it.each([
  ['the posture', () => `${clinic.path}/posture`],
  ['agreements', () => `${clinic.path}/agreements`],
  ['keys', () => `${clinic.path}/keys`],
  ['the recovery of a system', () => `${clinic.systemPath}/recovery`],
])('is a question of %s as known answered after a change of systems or settings under way?', async (_, path) => {
  const [locked, gate] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const name = `register/${clinic.organizationId}`;
  const database = world.app.get(Database, { strict: false });
  const holding = database.write(programOf(clinic), async (tx) => {
    tx.withoutAudit('a lock alone is no change');
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [name]);
    locked.resolve(undefined);
    await gate.promise;
  });
  await locked.promise;
  const done: string[] = [];
  const asked = officer
    .get(`${path()}?knownAt=${new Date().toISOString()}`)
    .then(({ status }) => done.push(`answered ${status}`));
  await oneWaits();
  done.push('let go on');
  gate.resolve(undefined);
  await Promise.all([asked, holding]);
  expect(done).toEqual(['let go on', 'answered 200']);
});

it('is a system changed while a report of it is merged, and a question waits for that?', async () => {
  const [locked, gate] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const database = world.app.get(Database, { strict: false });
  // As a merge that has found new targets.
  const merging = database.write(programOf(clinic), async (tx) => {
    tx.withoutAudit('locks alone are no change');
    await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
      `merge/${clinic.organizationId}/${clinic.systemId}`,
    ]);
    await tx.query('select from system where organization_id = $1 and id = $2 for key share', [
      clinic.organizationId,
      clinic.systemId,
    ]);
    locked.resolve(undefined);
    await gate.promise;
  });
  await locked.promise;
  const done: string[] = [];
  const asked = officer
    .get(`${clinic.path}/posture?knownAt=${new Date().toISOString()}`)
    .then(({ status }) => done.push(`answered ${status}`));
  await oneWaits();
  const { body, headers } = await clinic.admin.get(clinic.systemPath).expect(200);
  const { status } = await clinic.admin
    .patch(clinic.systemPath, { phiNamespaces: [...(body.phiNamespaces as string[]), 'lab'] })
    .set('If-Match', headers['etag']!);
  done.push(`changed ${status}`);
  gate.resolve(undefined);
  await Promise.all([asked, merging]);
  expect(done).toEqual(['changed 200', 'answered 200']);
});
