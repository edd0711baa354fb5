import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeysService } from '../../src/keys/keys.service.js';
import type { KeyView, RotationView } from '../../src/keys/keys.schema.js';
import { Database } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';
import { keepersOf, type Keepers } from '../support/records.js';
import { send } from './reports.js';

const DAY = 24 * 3_600_000;
/** The tests' present, to the day: sources may not speak of the future. */
const NOW = Math.floor(Date.now() / DAY) * DAY;
const ago = (days: number, hours = 0): string => new Date(NOW - days * DAY + hours * 3_600_000).toISOString();
const dayAgo = (days: number): string => ago(days).slice(0, 10);

let world: World;
let clinic: Clinic;
let keepers: Keepers;

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
  keepers = await keepersOf(world, clinic);
});
afterAll(() => world.stop());

const arn = (id: string) => `arn:aws:kms:eu-central-1:111122223333:key/${id}`;

const key = (name: string, keyId: string, fields: Record<string, unknown> = {}) => ({
  type: 'key',
  effectiveFrom: ago(300),
  fields: {
    name,
    purpose: 'volume',
    custodian: keepers.ownerId,
    provider: 'aws-kms',
    keyId,
    createdOn: dayAgo(300),
    policyDays: 365,
    rotateAfterIncident: true,
    ...fields,
  },
});
const rotation = (of: string, performedAt: string, fields: Record<string, unknown> = {}) => ({
  type: 'key_rotation_event',
  effectiveFrom: performedAt,
  fields: {
    key: of,
    toVersion: '2',
    requestedBy: 'M. Alvarez',
    performedBy: 'T. Nguyen',
    performedAt,
    reason: 'scheduled',
    reencryption: 'not_needed',
    ...fields,
  },
});

/** A report of the clinic's system, merged. */
async function post(document: unknown, observedAt: string, query = ''): Promise<void> {
  const path = `${clinic.systemPath}/scans?observedAt=${encodeURIComponent(observedAt)}${query}`;
  const { status, bytes } = await send(world.url, clinic.agent, 'POST', path, { body: JSON.stringify(document) });
  expect(status, bytes.toString()).toBe(201);
}

async function keys(query = ''): Promise<KeyView[]> {
  const { body } = await keepers.officer.get(`${clinic.path}/keys?${query}`).expect(200);
  return body.items;
}

async function one(name: string, query = ''): Promise<KeyView | undefined> {
  return (await keys(`limit=500&${query}`)).find((listed) => listed.name === name);
}

async function rotations(id: string, query = ''): Promise<RotationView[]> {
  const { body } = await keepers.officer.get(`${clinic.path}/keys/${id}/rotations?${query}`).expect(200);
  return body.items;
}

const faults = async (record: Parameters<Keepers['submit']>[0]) => {
  const { status, body } = await keepers.submit(record);
  return [
    status,
    status === 200 ? null : body.type?.split('/').at(-1),
    (body.faults ?? []).map(({ pointer }) => pointer),
  ];
};

describe('one key told by hand and by three answers of AWS KMS', () => {
  const ID = newId();
  let recordId: string;

  beforeAll(async () => {
    ({ id: recordId } = await keepers.keep(key('volumes', arn(ID), { policyDays: 100 })));
    await keepers.keep(rotation(recordId, ago(150, 10), { toVersion: 'm1' }));
    await keepers.keep(rotation(recordId, ago(50, 10), { fromVersion: 'm1', toVersion: 'm2' }));
    const answers = [
      {
        KeyMetadata: {
          KeyId: ID,
          Arn: arn(ID),
          Enabled: true,
          KeyState: 'Enabled',
          KeyManager: 'CUSTOMER',
          CreationDate: ago(290),
        },
      },
      { KeyId: arn(ID), KeyRotationEnabled: true },
      { Rotations: [50, 150].map((days) => ({ KeyId: arn(ID), RotationDate: ago(days, 2) })), Truncated: false },
    ];
    await post(answers, ago(40));
  });

  it('is it one key, ok, with each rotation once?', async () => {
    expect((await keys('limit=500')).filter(({ keyId }) => keyId === arn(ID))).toHaveLength(1);
    expect(await one('volumes')).toMatchObject({
      recordId,
      state: 'ok',
      lastRotatedAt: ago(50, 2),
      dueAt: ago(-50, 2),
      rotatesItself: true,
      createdAt: ago(300),
      sources: ['aws-kms/describe-key', 'aws-kms/get-key-rotation-status', 'aws-kms/list-key-rotations'],
    });
    const history = await rotations(recordId);
    expect(history.map(({ at, version, tellings }) => [at, version, tellings.map(({ kind }) => kind).sort()])).toEqual([
      [ago(50, 2), 'm2', ['fact', 'record']],
      [ago(150, 2), 'm1', ['fact', 'record']],
    ]);
    expect(history[0]).toMatchObject({ fromVersion: 'm1', performedBy: 'T. Nguyen', counts: true });
  });

  it('is it as it was at any past instant, and as it was known then?', async () => {
    expect(await one('volumes', `asOf=${ago(60)}`)).toMatchObject({
      state: 'ok',
      lastRotatedAt: ago(150, 10),
      sources: [],
    });
    expect((await one('volumes', `asOf=${ago(60)}`))?.dueAt).toBe(ago(50, 10));
    expect(await one('volumes', `asOf=${ago(160)}`)).toMatchObject({ state: 'never_rotated', lastRotatedAt: null });
    expect(await one('volumes', `asOf=${ago(301)}`)).toBeUndefined();
    expect(await one('volumes', `knownAt=${ago(1)}`)).toBeUndefined();
    expect(await rotations(recordId, `asOf=${ago(60)}`)).toHaveLength(1);
    await keepers.officer.get(`${clinic.path}/keys/${recordId}/rotations?asOf=${ago(301)}`).expect(404);
  });

  it('are keys found by state, purpose and system, page by page?', async () => {
    await keepers.keep(key('late', newId(), { policyDays: 30, purpose: 'backup' }));
    const named = async (query: string) => (await keys(query)).map(({ name }) => name);
    expect(await named('state=never_rotated')).toEqual(['late']);
    expect(await named('state=ok')).toContain('volumes');
    expect(await named('purpose=backup')).toEqual(['late']);
    expect(await named(`system=${clinic.systemId}&purpose=volume`)).toContain('volumes');
    const all = (await keys('limit=500')).map(({ id }) => id);
    const seen: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await keepers.officer.get(`${clinic.path}/keys?limit=1${cursor}`).expect(200);
      seen.push(...body.items.map(({ id }: KeyView) => id));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(seen).toEqual(all);
  });
});

describe('what else is a state of a key?', () => {
  it('a key that only a report has seen is unrecorded', async () => {
    const id = newId();
    await post({ KeyMetadata: { KeyId: id, Arn: arn(id), Enabled: true, KeyManager: 'CUSTOMER' } }, ago(3));
    expect((await keys('state=unrecorded')).map(({ keyId }) => keyId)).toEqual([arn(id)]);
    await keepers.keep(key('found', id));
    expect(await keys('state=unrecorded')).toEqual([]);
  });

  it('one that is linked to an incident is due, then not rotated after it', async () => {
    const { id } = await keepers.keep(key('leaked', newId()));
    const incident = await keepers.keep({
      type: 'incident_record',
      effectiveFrom: ago(40),
      fields: {
        number: 'I-2026-7',
        what: 'A token in a public repository.',
        discoveredAt: ago(40),
        criticality: 'high',
        breachSuspected: false,
        keys: [id],
        outcome: 'Open.',
      },
    });
    expect(await one('leaked', `asOf=${ago(20)}`)).toMatchObject({ state: 'ok', dueAt: ago(10) });
    expect(await one('leaked')).toMatchObject({
      state: 'not_rotated_after_incident',
      findings: [{ records: [incident.id], reason: expect.stringContaining('I-2026-7') }],
    });
    const fields = { reason: 'incident', incident: incident.id, reencryption: 'pending' };
    const rotated = await keepers.keep(rotation(id, ago(5), fields));
    expect(await one('leaked')).toMatchObject({ state: 'reencryption_pending' });
    const done = { startedAt: ago(4), completedAt: ago(3), what: 'All', why: 'key_changed', objects: 5, remaining: 0 };
    await keepers.keep({
      type: 'reencryption_record',
      effectiveFrom: ago(3),
      fields: { ...done, result: 'complete' },
      links: [{ kind: 'record', target: rotated.id, note: '' }],
    });
    expect(await one('leaked')).toMatchObject({ state: 'ok', lastRotatedAt: ago(5) });
  });

  it('one that who asked for it rotated', async () => {
    const { id } = await keepers.keep(key('alone', newId()));
    await keepers.keep(rotation(id, ago(5), { performedBy: 'M. Alvarez' }));
    expect(await one('alone')).toMatchObject({ state: 'rotated_by_requester' });
  });
});

describe('which rotations and keys are refused?', () => {
  it('a rotation before the key was there: by its record, and by its provider', async () => {
    const keyId = newId();
    const { id } = await keepers.keep(key('young', keyId));
    expect(await faults(rotation(id, ago(301)))).toEqual([422, 'record-refused', ['/fields/performedAt']]);
    const metadata = { KeyId: keyId, Arn: arn(keyId), Enabled: true, KeyManager: 'CUSTOMER', CreationDate: ago(200) };
    await post({ KeyMetadata: metadata }, ago(2));
    expect(await faults(rotation(id, ago(250)))).toEqual([422, 'record-refused', ['/fields/performedAt']]);
    expect(await faults(rotation(id, ago(150)))).toEqual([200, null, []]);
  });

  it('one in the future, one to the same version, one that is asked for later', async () => {
    const { id } = await keepers.keep(key('odd', newId()));
    expect(await faults(rotation(id, ago(-2)))).toEqual([422, 'record-refused', ['/fields/performedAt']]);
    expect(await faults(rotation(id, ago(2), { fromVersion: '2' }))).toEqual([
      422,
      'record-refused',
      ['/fields/toVersion'],
    ]);
    const [, , pointers] = await faults(rotation(id, ago(2), { requestedAt: ago(1) }));
    expect(pointers).toEqual(['/fields/performedAt']);
  });

  it('one that does not go on from the version before, or is there already', async () => {
    const { id } = await keepers.keep(key('chain', newId()));
    await keepers.keep(rotation(id, ago(20), { fromVersion: '1', toVersion: '2' }));
    expect(await faults(rotation(id, ago(10), { fromVersion: '1', toVersion: '3' }))).toEqual([
      422,
      'record-refused',
      ['/fields/fromVersion'],
    ]);
    expect(await faults(rotation(id, ago(10), { toVersion: 'v2' }))).toEqual([
      422,
      'record-refused',
      ['/fields/toVersion'],
    ]);
    expect(await faults(rotation(id, ago(10), { fromVersion: '2', toVersion: '3' }))).toEqual([200, null, []]);
  });

  it('a second record of one key, also when both are approved at once', async () => {
    const id = newId();
    const [one, two] = [await keepers.submit(key('first', id)), await keepers.submit(key('second', arn(id)))];
    expect([one.status, two.status]).toEqual([200, 200]);
    const decide = async (recordId: string) => {
      const { body } = await keepers.officer.get(`${clinic.path}/records/${recordId}`).expect(200);
      return keepers.approver
        .post(`${clinic.path}/records/${recordId}/decision`, { decision: 'approve' })
        .set('If-Match', `"${body.revision}"`);
    };
    const answers = await Promise.all([decide(one.id), decide(two.id)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
    expect(await faults(key('third', id))).toEqual([422, 'record-refused', ['/fields/keyId']]);
  });
});

describe('what do keys say of practices?', () => {
  const statements = async (organizationId: string, place: string | null) => {
    const principal = servicePrincipal('test', organizationId, 'test');
    const service = world.app.get(KeysService, { strict: false });
    return world.app.get(Database, { strict: false }).read(principal, async (tx) => {
      const now = await service.present(tx, null);
      return service.statements(tx, { asOf: now, knownAt: now }, place);
    });
  };

  it('of a system alone, and only of what is known of it', async () => {
    expect(await statements(clinic.organizationId, null)).toEqual([]);
    const said = await statements(clinic.organizationId, clinic.systemId);
    expect(said).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({
          about: { practice: 'encryption-key-rotation' },
          need: 'key_rotation_event',
          says: 'failing',
        }),
      ]),
    );
    const { body: other } = await clinic.admin
      .post(`${clinic.path}/systems`, { name: 'other', environment: 'production', phi: 'stores' })
      .expect(201);
    expect(await statements(clinic.organizationId, other.id)).toEqual([]);
  });

  it('by the days that the organisation has set', async () => {
    const { body: system } = await clinic.admin
      .post(`${clinic.path}/systems`, { name: 'limits', environment: 'production', phi: 'stores' })
      .expect(201);
    await keepers.keep({ ...key('limited', newId()), systemIds: [system.id] });
    const rotation = async () =>
      (await statements(clinic.organizationId, system.id)).filter(({ need }) => need === 'key_rotation_event');
    // That it is soon due, if it is, is met as well.
    expect(new Set((await rotation()).map(({ says }) => says))).toEqual(new Set(['met']));
    const { body } = await clinic.admin.get(clinic.path).expect(200);
    await keepers.officer
      .patch(clinic.path, { settings: { recordFreshness: { 'encryption-key-rotation/key_rotation_event': 30 } } })
      .set('If-Match', `"${body.version}"`)
      .expect(200);
    expect(await rotation()).toMatchObject([{ says: 'stale' }]);
  });
});

describe('who sees keys?', () => {
  it('nobody of another organisation, and nobody without the permission', async () => {
    const { id } = await keepers.keep(key('private', newId()));
    const other = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    const theirs = await other.member('auditor');
    expect((await theirs.get(`${other.path}/keys`).expect(200)).body.items).toEqual([]);
    await theirs.get(`${other.path}/keys/${id}/rotations`).expect(404);
    await theirs.get(`${other.path}/keys?system=${clinic.systemId}`).expect(404);
    await theirs.get(`${clinic.path}/keys`).expect(404);
    await (await clinic.member('viewer')).get(`${clinic.path}/keys`).expect(403);
    await clinic.agent.get(`${clinic.path}/keys`).expect(403);
    await clinic.admin.get(`${clinic.path}/keys`).expect(403);
  });
});

describe('what is refused of keys and rotations?', () => {
  it('key material, at the door and without a word of it', async () => {
    const { officer, ownerId } = keepers;
    const pem = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA';
    const draft = { title: 'A key', ownerId, systemIds: [clinic.systemId], links: [], ...key('leaked', pem) };
    const { body, text } = await officer.post(`${clinic.path}/records`, draft).expect(422);
    expect(body).toMatchObject({ faults: [{ pointer: '/fields/keyId' }] });
    expect(text).not.toContain('PRIVATE KEY');
    const { body: kept } = await officer.get(`${clinic.path}/records?type=key&state=draft`).expect(200);
    expect(JSON.stringify(kept)).not.toContain('leaked');
  });

  it('a rotation that the next one does not go on from', async () => {
    const { id } = await keepers.keep(key('in order', arn(newId())));
    await keepers.keep(rotation(id, ago(50), { fromVersion: '1', toVersion: '2' }));
    const refused = await keepers.submit(rotation(id, ago(60), { fromVersion: '7', toVersion: '8' }));
    expect(refused).toMatchObject({ status: 422, body: { faults: [{ pointer: '/fields/toVersion' }] } });
    expect((await keepers.submit(rotation(id, ago(60), { fromVersion: '0', toVersion: '1' }))).status).toBe(200);
  });
});
