import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RecordTypesService } from '../../src/records/types/record-types.service.js';
import { ownTypeExample } from '../../src/records/types/record-types.schema.js';
import { Database } from '../../src/kernel/db/database.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { Keeper } from '../support/keep.js';
import { Superuser } from '../support/tampering.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let approver: Caller;
beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
  officer = await clinic.member('compliance_officer');
  approver = await clinic.member('approver');
});
afterAll(() => world.stop());

const pathOf = (type: string, of: Clinic = clinic): string => `${of.path}/record-types/${encodeURIComponent(type)}`;
const own = (type: string, change: object = {}) => ({ ...ownTypeExample, type, ...change });
const define = (definition: { type: string }, ifMatch: string | null = null, caller: Caller = officer) => {
  const call = caller.put(pathOf(definition.type), { definition });
  return ifMatch === null ? call.set('If-None-Match', '*') : call.set('If-Match', ifMatch);
};
const tighten = (type: string, tightened: object, ifMatch: string | null = null) => {
  const call = officer.put(pathOf(type), { tightened });
  return ifMatch === null ? call.set('If-None-Match', '*') : call.set('If-Match', ifMatch);
};
const withTypes = <T>(
  work: (types: RecordTypesService, tx: Parameters<RecordTypesService['definition']>[0]) => Promise<T>,
) =>
  world.app
    .get(Database)
    .read(servicePrincipal('test', clinic.organizationId, 'test'), (tx) => work(world.app.get(RecordTypesService), tx));

describe('the types of the catalogue', () => {
  it('are all listed, in pages, each with what asks for it', async () => {
    const first = await officer.get(`${clinic.path}/record-types?limit=50`).expect(200);
    const second = await officer.get(`${clinic.path}/record-types?limit=50&cursor=${first.body.next}`).expect(200);
    const all = [...first.body.items, ...second.body.items] as {
      type: string;
      practices: string[];
      controls: string[];
    }[];
    expect(all.map(({ type }) => type)).toEqual(all.map(({ type }) => type).toSorted());
    expect(all.filter(({ type }) => !type.startsWith('org/'))).toHaveLength(96);
    expect(all.find(({ type }) => type === 'breach_register')?.controls).toContain('164.404(a)');
    expect(all.find(({ type }) => type === 'restore_test')?.practices).toEqual(['restore-testing']);
  });

  it('give the schema of their fields as it is, ready for a form', async () => {
    const { body, headers } = await officer.get(pathOf('restore_test')).expect(200);
    expect(headers['etag']).toBe('"0"');
    expect(body).toMatchObject({ section: 'contingency', origin: 'catalog', state: 'on', version: 0, goodForDays: 92 });
    expect(body.definition.fields.properties.measuredRtoMinutes).toMatchObject({
      type: 'integer',
      title: 'Time to restore',
    });
    expect(body.definition.fields.properties.objective['x-record']).toBe('recovery_objective');
    await officer.get(pathOf('no_such_type')).expect(404);
  });
});

describe('a tightened type', () => {
  it('asks for more, in a version that is kept, and is as the catalogue has it once that is withdrawn', async () => {
    const { body } = await tighten('tls_scan', { goodForDays: 14, required: ['lowest'], documentsLeast: 2 }).expect(
      200,
    );
    expect(body).toMatchObject({ state: 'tightened', version: 1, goodForDays: 14, tightened: { goodForDays: 14 } });
    expect(body.definition.documents.least).toBe(2);
    const inForce = await withTypes((types, tx) => types.definition(tx, 'tls_scan'));
    expect(inForce?.version).toMatch(/^\d{4}\.\d+\.\d+\+org\/1$/);
    await officer.delete(pathOf('tls_scan')).expect(204);
    expect((await officer.get(pathOf('tls_scan')).expect(200)).body).toMatchObject({
      state: 'on',
      version: 2,
      goodForDays: 31,
    });
    const versions = await officer.get(`${pathOf('tls_scan')}/versions`).expect(200);
    expect(versions.body.items).toMatchObject([
      { version: 2, state: 'withdrawn', tightened: null, definition: null },
      { version: 1, state: 'defined', tightened: { goodForDays: 14, documentsLeast: 2 }, definition: null },
    ]);
  });

  it('checks records by what it asks for', async () => {
    await tighten('log_gap_report', { required: ['gaps'] }).expect(200);
    await tighten('restore_test', { required: ['dataChecked'] }).expect(200);
    const found = await withTypes((types, tx) => types.definition(tx, 'restore_test'));
    const { dataChecked: _, ...without } = found!.definition.example.fields;
    expect(found!.schema.safeParse(found!.definition.example.fields).success).toBe(true);
    expect(found!.schema.safeParse(without).success).toBe(false);
  });

  it('is known as it was known', async () => {
    const before = new Date();
    await tighten('mfa_report', { goodForDays: 7 }).expect(200);
    const days = (knownAt: Date) =>
      withTypes(
        async (types, tx) => (await types.definitions(tx, knownAt)).get('mfa_report')?.definition.good_for.days,
      );
    expect(await days(before)).toBe(31);
    expect(await days(new Date())).toBe(7);
  });

  it.each([
    ['more days', 'tls_scan', { goodForDays: 32 }, '/tightened/goodForDays'],
    ['fewer documents', 'tls_scan', { documentsLeast: 0 }, '/tightened/documentsLeast'],
    ['a field that is not there', 'tls_scan', { required: ['lowest', 'colour'] }, '/tightened/required/1'],
    ['a type that is not there', 'no_such_type', { goodForDays: 1 }, ''],
  ])('is refused where it is looser or means nothing: %s', async (_, type, tightened, pointer) => {
    const { body } = await tighten(type, tightened, type === 'tls_scan' ? '"2"' : null).expect(422);
    expect(body).toMatchObject({ type: '/problems/record-type-refused', pointer });
  });

  it('takes days where the catalogue has none: an event that speaks for good is made to age', async () => {
    const { body } = await tighten('clearance_record', { goodForDays: 730 }).expect(200);
    expect(body.goodForDays).toBe(730);
  });
});

describe('a type of the organisation’s own', () => {
  it('is made, changed, withdrawn and made again; every version is kept and audited', async () => {
    const type = 'org/first';
    const made = await define(own(type)).expect(200);
    expect(made.body).toMatchObject({ type, origin: 'organization', state: 'on', version: 1, section: null });
    expect(made.headers['etag']).toBe('"1"');
    await define(own(type, { title: 'Another' }), '"1"').expect(200);
    expect((await withTypes((types, tx) => types.definition(tx, type)))?.version).toBe('org/2');
    await officer.delete(pathOf(type)).expect(204);
    await officer.delete(pathOf(type)).expect(204);
    expect(await withTypes((types, tx) => types.definition(tx, type))).toBeNull();
    expect((await officer.get(pathOf(type)).expect(200)).body).toMatchObject({
      state: 'withdrawn',
      version: 3,
      title: 'Another',
    });
    await define(own(type), '"3"').expect(200);
    expect((await withTypes((types, tx) => types.definition(tx, type)))?.version).toBe('org/4');
    const events = await officer.get(`${clinic.path}/audit-events?limit=500`).expect(200);
    const actions = (events.body.items as { action: string; details: { type?: string } | null }[])
      .filter(({ action, details }) => action.startsWith('record_type.') && details?.type === type)
      .map(({ action }) => action);
    expect(actions.toSorted()).toEqual([
      'record_type.changed',
      'record_type.changed',
      'record_type.changed',
      'record_type.withdrawn',
    ]);
  });

  it.each([
    ['a name of the catalogue', { type: 'restore_test' }, '/definition'],
    ['rules in code', { rules: 'keys' }, '/definition/rules'],
    ['what a machine says', { met_by: { facts: ['backup'] } }, '/definition/met_by'],
    [
      'a pattern',
      {
        fields: {
          ...ownTypeExample.fields,
          properties: { measure: { type: 'string', maxLength: 5, title: 'M', pattern: '(a+)+$' } },
        },
      },
      '/definition/fields/properties/measure',
    ],
    ['a key that is no field', { key: 'nothing' }, '/definition/key'],
    [
      'an example that does not fit',
      { example: { ...ownTypeExample.example, fields: {} } },
      '/definition/example/fields/measure',
    ],
    ['a member that nobody reads', { colour: 'red' }, '/definition'],
  ])('is refused with the place: %s', async (_, change, pointer) => {
    const { body } = await define(own('org/refused', change) as { type: string }).expect(422);
    expect(body).toMatchObject({
      type: '/problems/record-type-refused',
      pointer: expect.stringContaining(pointer) as string,
    });
  });

  it('is one that an older program has stored, without what types have got since, still judged by and worked with', async () => {
    const [type, due] = ['org/stored', 'org/stored-answer'];
    await define(own(due)).expect(200);
    const view = { type: 'string', enum: ['sound', 'unsound'], title: 'View' };
    const { fields: shape, example } = ownTypeExample;
    await define(
      own(type, {
        fields: { ...shape, properties: { ...shape.properties, view } },
        example: { ...example, fields: { ...example.fields, view: 'sound' } },
        holds: [{ when: { view: ['sound'] }, present: ['measure'], says: 'It says of what.' }],
        obliges: [
          {
            when: { view: ['sound'] },
            type: due,
            within_days: 30,
            from: 'givenOn',
            linked: false,
            says: 'It is answered.',
          },
        ],
      }),
    ).expect(200);
    const of = `organization_id = '${clinic.organizationId}' and type in ('${type}', '${due}')`;
    const admin = await Superuser.of(world);
    await admin.unguarded(
      'record_type_version',
      `update record_type_version set definition = jsonb_set(jsonb_set(definition - 'none' - 'counted_in',
         '{holds}', (select coalesce(jsonb_agg(h - 'absent' - 'differ' - 'present'), '[]') from jsonb_array_elements(definition->'holds') h)),
         '{obliges}', (select coalesce(jsonb_agg(o - 'or_earlier'), '[]') from jsonb_array_elements(definition->'obliges') o)) where ${of}`,
    );
    await admin.end();
    const keeper = await Keeper.of(clinic, officer, approver);
    for (const one of [due, type]) {
      await keeper.keep({ type: one, fields: { ...example.fields, view: 'sound' }, document: 'opinion' });
    }
    for (const path of ['posture', 'work', 'record-types?limit=500']) {
      await officer.get(`${clinic.path}/${path}`).expect(200);
    }
    await define(own(type, { title: 'Another' }), '"1"').expect(200);
  });

  it('keeps how its records are told apart', async () => {
    await define(own('org/kept', { key: 'measure' })).expect(200);
    const { body } = await define(own('org/kept'), '"1"').expect(422);
    expect(body.pointer).toBe('/definition/key');
  });

  it('is changed by one of two at once', async () => {
    await define(own('org/raced')).expect(200);
    const answers = await Promise.all(['One', 'Two'].map((title) => define(own('org/raced', { title }), '"1"')));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412]);
    await officer.put(pathOf('org/raced'), { definition: own('org/raced') }).expect(428);
  });
});

describe('who may', () => {
  it('read and not write, or neither', async () => {
    const viewer = await clinic.member('viewer');
    await approver.get(`${clinic.path}/record-types`).expect(200);
    await define(own('org/theirs'), null, approver).expect(403);
    for (const caller of [viewer, clinic.admin, clinic.agent])
      await caller.get(`${clinic.path}/record-types`).expect(403);
  });

  it('nobody of another organisation, and a type of one is not of the other', async () => {
    const other = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    await define(own('org/secret')).expect(200);
    await officer.get(`${other.path}/record-types`).expect(404);
    const theirs = await other.member('auditor');
    await theirs.get(pathOf('org/secret', other)).expect(404);
  });
});
