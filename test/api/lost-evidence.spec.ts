import { createHash } from 'node:crypto';
import { chmod, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import type { DataSource } from 'typeorm';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EvidenceService } from '../../src/evidence/evidence.service.js';
import { DATA_SOURCE } from '../../src/kernel/db/database.js';
import type { Posture } from '../../src/posture/posture.schema.js';
import { startClinic, startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { Keeper } from '../support/keep.js';
import { partsOf, programOf } from '../support/log.js';
import { kubeBench, send } from './reports.js';

let world: World;
let admin: pg.Client;
let clinic: Clinic;
let officer: Caller;
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, admin } = suite);
  return suite.stop;
});
// Each its own organisation: what is found in one must not speak in the next.
beforeEach(async () => {
  clinic = await startClinic(world);
  officer = await clinic.member('compliance_officer');
});

async function post(minute: number): Promise<string> {
  const { status, body } = await send<{ evidenceId: string }>(
    world.url,
    clinic.agent,
    'POST',
    `${clinic.systemPath}/scans?targets=node/cp-1&observedAt=${new Date(Date.now() - minute * 60_000).toISOString()}`,
    { body: kubeBench({ '1.2.1': 'PASS', '1.2.2': minute % 2 === 0 ? 'PASS' : 'WARN' }) },
  );
  expect(status).toBe(201);
  return body.evidenceId;
}

async function fileOf(evidenceId: string): Promise<string> {
  const { rows } = await admin.query<{ key: string }>('select storage_key as key from evidence where id = $1', [
    evidenceId,
  ]);
  return join(world.evidenceDirectory, rows[0]!.key);
}

/** As a failing disk or an intruder would: one bit of what is stored. */
async function damage(evidenceId: string): Promise<() => Promise<void>> {
  const file = await fileOf(evidenceId);
  const kept = await readFile(file);
  const changed = Buffer.from(kept);
  changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
  await chmod(file, 0o600);
  await writeFile(file, changed);
  return () => writeFile(file, kept);
}

/** Reads it to its end, or as far as it goes. */
const read = (evidenceId: string, caller = officer) =>
  send(world.url, caller, 'GET', `${clinic.path}/evidence/${evidenceId}/content`).catch(() => null);

const posture = async (path = clinic.systemPath, query = ''): Promise<Posture> =>
  (await officer.get(`${path}/posture${query}`).expect(200)).body as Posture;
/** The practices that the one report speaks for. */
const behind = (of: Posture, evidenceId: string) =>
  of.practices.filter(({ evidence }) => evidence.some((ref) => ref.evidenceId === evidenceId));
const practice = (of: Posture, id: string) => of.practices.find((one) => one.id === id)!;
const events = async (evidenceId: string): Promise<string[]> => {
  const { body } = await officer.get(`${clinic.path}/audit-events?objectId=${evidenceId}`).expect(200);
  return (body.items as { action: string }[]).map(({ action }) => action);
};

describe('what becomes of what rested on a report whose stored bytes have changed?', () => {
  it('is it failing from when that was found, of the system and of the organisation, and before that what it was?', async () => {
    const evidenceId = await post(10);
    const sound = await posture();
    const supported = behind(sound, evidenceId).map(({ id }) => id);
    expect(supported.length).toBeGreaterThan(0);
    expect(practice(sound, supported[0]!).status).toBe('partial');
    const before = new Date().toISOString();
    await damage(evidenceId);
    // Nobody has looked yet.
    expect(practice(await posture(), supported[0]!).status).toBe('partial');

    await read(evidenceId);
    const found = await posture();
    for (const id of supported) {
      expect(practice(found, id)).toMatchObject({ id, status: 'failing' });
      expect(practice(found, id).reason).toContain(evidenceId);
      expect(practice(await posture(clinic.path), id).status).toBe('failing');
    }
    expect(practice(await posture(clinic.systemPath, `?knownAt=${before}`), supported[0]!).status).toBe('partial');
    const { body } = await officer.get(`${clinic.path}/evidence/${evidenceId}`).expect(200);
    expect(body.fault).toMatchObject({ reason: expect.any(String), foundAt: expect.any(String) });
    // Found again it is no news.
    await read(evidenceId);
    expect((await events(evidenceId)).filter((action) => action === 'evidence.corrupt')).toHaveLength(1);
  });

  it('does it stand again when the bytes are back, and somebody has read all of them?', async () => {
    const evidenceId = await post(10);
    const restore = await damage(evidenceId);
    await Promise.all([read(evidenceId), read(evidenceId), read(evidenceId)]);
    const [lost] = behind(await posture(), evidenceId);
    expect(lost?.status).toBe('failing');
    await restore();
    expect(practice(await posture(), lost!.id).status).toBe('failing');
    const part = { headers: { Range: 'bytes=0-1' } };
    expect((await send(world.url, officer, 'GET', `${clinic.path}/evidence/${evidenceId}/content`, part)).status).toBe(
      206,
    );
    // A part proves nothing of the whole.
    expect(practice(await posture(), lost!.id).status).toBe('failing');
    expect((await read(evidenceId))?.status).toBe(200);
    expect(practice(await posture(), lost!.id).status).toBe('partial');
    const told = (await events(evidenceId)).filter((action) => /corrupt|restored/.test(action));
    expect(told).toEqual(['evidence.restored', 'evidence.corrupt']);
    expect((await officer.get(`${clinic.path}/evidence/${evidenceId}`).expect(200)).body.fault).toBeNull();
  });

  it('does a later report of the same take its place?', async () => {
    const evidenceId = await post(20);
    await damage(evidenceId);
    await read(evidenceId);
    const [lost] = behind(await posture(), evidenceId);
    expect(lost?.status).toBe('failing');
    await post(11);
    expect(practice(await posture(), lost!.id).status).toBe('partial');
  });

  it('is an object that is gone found too, also by whoever posts the same bytes again?', async () => {
    const evidenceId = await post(10);
    const file = await fileOf(evidenceId);
    await rename(file, `${file}-away`);
    const again = await send(
      world.url,
      clinic.agent,
      'POST',
      `${clinic.systemPath}/scans?targets=node/cp-1&observedAt=${new Date(Date.now() - 60_000).toISOString()}`,
      { body: kubeBench({ '1.2.1': 'PASS', '1.2.2': 'PASS' }) },
    );
    expect(again.status).toBe(500);
    expect(await events(evidenceId)).toContain('evidence.corrupt');
    expect(behind(await posture(), evidenceId).map(({ status }) => status)).toContain('failing');
  });

  it('is it recorded also where the transaction that finds it has the last connection?', async () => {
    const evidenceId = await post(10);
    const file = await fileOf(evidenceId);
    await rename(file, `${file}-away`);
    const source = world.app.get<DataSource>(DATA_SOURCE, { strict: false });
    const { poolSize = 0 } = source.options as { poolSize?: number };
    const others = Array.from({ length: poolSize - 1 }, () => source.createQueryRunner());
    await Promise.all(others.map((runner) => runner.connect()));
    const bytes = Buffer.from(kubeBench({ '1.2.1': 'PASS', '1.2.2': 'PASS' }));
    const { database } = partsOf(world);
    const found = database.read(programOf(clinic), (tx) =>
      world.app.get(EvidenceService, { strict: false }).findKept(tx, createHash('sha256').update(bytes).digest()),
    );
    await expect(found).rejects.toThrow('its object is gone');
    await Promise.all(others.map((runner) => runner.release()));
    expect(await events(evidenceId)).toContain('evidence.corrupt');
  });
});

describe('what becomes of what rested on a document whose stored bytes have changed?', () => {
  it('does whatever asks for its record fail, and say so?', async () => {
    const keeper = await Keeper.of(clinic, officer, await clinic.member('approver'));
    const id = await keeper.keep({
      type: 'appointment',
      fields: {
        person: 'M. Alvarez',
        duties: 'Keeps the risk analysis.',
        appointedOn: '2025-01-06',
        confirmedOn: new Date().toISOString().slice(0, 10),
      },
      document: 'appointment',
    });
    const { body: record } = await officer.get(`${clinic.path}/records/${id}`).expect(200);
    const evidenceId = record.documents[0].evidenceId as string;
    expect(practice(await posture(), 'security-official').status).toBe('evidenced');
    await damage(evidenceId);
    await read(evidenceId);
    for (const path of [clinic.systemPath, clinic.path]) {
      const { status, reason, needs } = practice(await posture(path), 'security-official');
      expect(status).toBe('failing');
      expect(reason).toContain(evidenceId);
      expect(needs).toMatchObject([{ type: 'appointment', state: 'failing', records: [id] }]);
    }
  });
});
