import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MOVES, type Move } from '../../src/records/moves.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { defineOwnTypes } from '../support/record-types.js';
import { Superuser } from '../support/tampering.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let approver: Caller;
let owner: string;
let records: string;

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
  officer = await clinic.member('compliance_officer');
  approver = await clinic.member('approver');
  await defineOwnTypes(officer, clinic.path);
  records = `${clinic.path}/records`;
  const { body } = await clinic.admin.get(`${clinic.path}/members`).expect(200);
  owner = body.items.find(({ role }: { role: string }) => role === 'compliance_officer').id;
});
afterAll(() => world.stop());

let names = 0;
const supplier = (overrides: object = {}) => ({
  type: 'org/supplier',
  title: 'A supplier',
  ownerId: owner,
  effectiveFrom: '2026-01-01T00:00:00Z',
  fields: { name: `Supplier ${++names}` },
  ...overrides,
});

interface Shown {
  id: string;
  revision: number;
  version: number;
  [member: string]: unknown;
}

async function create(body: object = supplier()): Promise<Shown> {
  const { body: created } = await officer.post(records, body).expect(201);
  return created;
}

const revise = async (id: string): Promise<number> => (await officer.get(`${records}/${id}`).expect(200)).body.revision;

/** One move by whoever may make it, at the record's present revision. */
async function move(id: string, name: Exclude<Move, 'create'>, caller?: Caller, body: object = {}) {
  const etag = `"${await revise(id)}"`;
  const by = caller ?? (MOVES[name].permission === 'records:approve' ? approver : officer);
  const path = `${records}/${id}`;
  const sent = {
    revise: () => by.post(`${path}/versions`),
    end: () => by.post(`${path}/end`, { effectiveFrom: '2026-06-01T00:00:00Z', reason: 'It is over.', ...body }),
    edit: () => by.patch(path, { title: 'Another title', ...body }),
    submit: () => by.post(`${path}/submission`),
    recall: () => by.delete(`${path}/submission`),
    reject: () => by.post(`${path}/decision`, { decision: 'reject', reason: 'Not yet.', ...body }),
    approve: () => by.post(`${path}/decision`, { decision: 'approve' }),
    abandon: () => by.post(`${path}/abandonment`, { reason: 'Entered twice.', ...body }),
  }[name]();
  return sent.set('If-Match', etag);
}

async function moves(id: string, ...names: Exclude<Move, 'create'>[]): Promise<Shown> {
  let body: Shown | null = null;
  for (const name of names) {
    const answer = await move(id, name);
    expect([name, answer.status], JSON.stringify(answer.body)).toEqual([
      name,
      ['revise', 'end'].includes(name) ? 201 : 200,
    ]);
    body = answer.body;
  }
  if (body === null) throw new Error('no move');
  return body;
}

/** Ways into each state that a record can be in. */
const STATES: Readonly<Record<string, readonly Exclude<Move, 'create'>[]>> = {
  draft: [],
  submitted: ['submit'],
  approved: ['submit', 'approve'],
  'approved with a draft': ['submit', 'approve', 'revise'],
  'approved with a submission': ['submit', 'approve', 'revise', 'submit'],
  ended: ['submit', 'approve', 'end', 'submit', 'approve'],
  abandoned: ['abandon'],
};

describe('does a record live by the table of moves?', () => {
  const MADE = Object.keys(MOVES).filter((name) => name !== 'create') as Exclude<Move, 'create'>[];

  it.each(Object.keys(STATES))(
    '%s: each move is made where the table says so, and refused elsewhere',
    async (state) => {
      const allowed: string[] = [];
      for (const name of MADE) {
        const { id } = await create();
        if (STATES[state]?.length !== 0) await moves(id, ...(STATES[state] ?? []));
        const before = await officer.get(`${records}/${id}`).expect(200);
        const open = before.body.versions.find((one: { state: string }) => ['draft', 'submitted'].includes(one.state));
        const from = open?.state ?? 'none';
        const rule = MOVES[name];
        const may =
          (rule.from as readonly string[]).includes(from) &&
          (!rule.afterApproved ||
            before.body.versions.some(
              (one: { state: string }) =>
                ['approved', 'withdrawn', 'superseded'].includes(one.state) && state !== 'abandoned',
            ));
        const answer = await move(id, name);
        expect([name, answer.status < 300], JSON.stringify(answer.body)).toEqual([name, may]);
        if (may) allowed.push(name);
        else {
          expect([answer.status, answer.body.type]).toEqual([409, '/problems/move-refused']);
          const { body } = await officer.get(`${records}/${id}`).expect(200);
          expect(body).toEqual(before.body);
        }
      }
      expect(allowed).toEqual(
        {
          draft: ['edit', 'submit', 'abandon'],
          submitted: ['recall', 'reject', 'approve', 'abandon'],
          approved: ['revise', 'end'],
          'approved with a draft': ['edit', 'submit', 'abandon'],
          'approved with a submission': ['recall', 'reject', 'approve', 'abandon'],
          ended: ['revise', 'end'],
          abandoned: [],
        }[state],
      );
    },
  );

  it('versions follow one another: drafted, approved, superseded, ended', async () => {
    const { id } = await create(supplier({ fields: { name: 'Northern Labs' } }));
    await moves(id, 'submit', 'approve', 'revise');
    await move(id, 'edit', officer, { title: 'Northern Labs Inc.', effectiveFrom: '2026-03-01T00:00:00+02:00' });
    const second = await moves(id, 'submit', 'approve');
    expect(second).toMatchObject({
      version: 2,
      state: 'approved',
      title: 'Northern Labs Inc.',
      naturalKey: 'Northern Labs',
      effectiveFrom: '2026-02-28T22:00:00.000Z',
      versions: [
        { version: 1, state: 'superseded' },
        { version: 2, state: 'approved' },
      ],
    });
    await moves(id, 'end', 'submit');
    await move(id, 'approve');
    const { body: ended, headers } = await officer.get(`${records}/${id}`).expect(200);
    expect(ended).toMatchObject({ version: 3, kind: 'end', reason: 'It is over.', inEffect: false });
    expect(ended.versions.map(({ state }: { state: string }) => state)).toEqual([
      'superseded',
      'withdrawn',
      'approved',
    ]);
    expect(headers['etag']).toBe(`"${ended.revision}"`);
    // As it was, and as it was known: the end is known only now.
    const known = new Date(Date.parse(ended.versions[1].decidedAt)).toISOString();
    for (const [asOf, version, inEffect] of [
      ['2025-12-31T00:00:00Z', 1, false],
      ['2026-02-01T00:00:00Z', 1, true],
      ['2026-02-01T00:00:00Z', 2, false],
      ['2026-04-01T00:00:00Z', 2, true],
      ['2026-07-01T00:00:00Z', 2, false],
    ] as const) {
      const { body } = await officer.get(`${records}/${id}/versions/${version}?asOf=${asOf}`).expect(200);
      expect([asOf, version, body.inEffect]).toEqual([asOf, version, inEffect]);
    }
    const then = await officer
      .get(`${records}/${id}/versions/2?asOf=2026-07-01T00:00:00Z&knownAt=${known}`)
      .expect(200);
    expect(then.body.inEffect).toBe(true);
    const listed = async (query: string) =>
      (await officer.get(`${records}?key=Northern%20Labs&${query}`).expect(200)).body.items.map(
        ({ version }: Shown) => version,
      );
    expect(await listed('asOf=2026-02-01T00:00:00Z')).toEqual([1]);
    expect(await listed('asOf=2026-04-01T00:00:00Z')).toEqual([2]);
    expect(await listed('asOf=2026-07-01T00:00:00Z')).toEqual([]);
    expect(await listed(`asOf=2026-07-01T00:00:00Z&knownAt=${known}`)).toEqual([2]);
    expect(await listed('state=approved')).toEqual([]);
    expect(await listed('state=withdrawn')).toEqual([3]);
    const { body: life } = await officer.get(`${records}/${id}/moves`).expect(200);
    expect(life.items.map((one: { version: number; move: string }) => `${one.version} ${one.move}`)).toEqual([
      ...['1 create', '1 submit', '1 approve', '2 revise', '2 edit', '2 submit', '2 approve'],
      ...['3 end', '3 submit', '3 approve'],
    ]);
  });

  it('the database refuses what the table does not say, whoever asks', async () => {
    const { id } = await create();
    await moves(id, 'submit', 'approve', 'revise', 'submit');
    const server = new pg.Client({ connectionString: world.database.urls.server });
    await server.connect();
    const tried = async (sql: string): Promise<string> => {
      await server.query('begin');
      try {
        await server.query(`select set_config('app.organization_id', $1, true)`, [clinic.organizationId]);
        const { rowCount } = await server.query(sql.replaceAll('$id', `'${id}'`));
        return `done ${rowCount}`;
      } catch (error) {
        return String((error as { code?: unknown }).code);
      } finally {
        await server.query('rollback');
      }
    };
    const change = (version: number, set: string) =>
      `update record_version set ${set} where record_id = $id and version = ${version}`;
    try {
      // 23001: refused by the trigger; 23514: by the constraint of two people; 42501: never granted.
      for (const [sql, code] of [
        [change(1, `state = 'draft', decided_at = null`), '23001'],
        [change(1, `title = 'another'`), '23001'],
        [change(1, `fields = '{"name": "another"}'`), '23001'],
        [change(1, `effective_from = now()`), '23001'],
        [change(1, `hands = '{}'`), '23001'],
        [change(1, `disposed_at = now()`), '23001'],
        [
          change(1, `disposed_at = now(), title = '', fields = '{}', natural_key = '', effective_from = now()`),
          '23001',
        ],
        [change(1, `disposed_at = now(), title = '', fields = '{}', natural_key = ''`), 'done 1'],
        [change(2, `fields = '{"name": "another"}'`), '23001'],
        [change(2, `links = '[{"kind": "practice"}]'`), '23001'],
        [change(2, `hands = '{}'`), '23001'],
        [change(2, `reason = 'another'`), '23001'],
        [change(2, `state = 'approved', decided_at = now(), decided_by = 'x', decided_person = hands[1]`), '23514'],
        [change(2, `state = 'approved', decided_at = now(), decided_by = 'x'`), '23514'],
        [change(2, `state = 'approved', decided_person = gen_random_uuid()`), '23514'],
        [
          change(2, `state = 'approved', decided_at = now(), decided_by = 'x', decided_person = gen_random_uuid()`),
          'done 1',
        ],
        [change(2, `state = 'draft', submitted_at = null, submitted_by = null`), 'done 1'],
        ['delete from record_version where record_id = $id', '42501'],
        [`update record_move set move = 'edit' where record_id = $id`, '42501'],
        [`update record_move set reason = 'another' where record_id = $id`, '23001'],
        // Of a record that was not disposed of.
        [`update record_move set reason = null where record_id = $id`, '23001'],
        [`update record set type = 'other' where id = $id`, '42501'],
        [
          `insert into record_version select (jsonb_populate_record(v, '{"version": 9, "state": "approved"}')).* from record_version v where record_id = $id and version = 1`,
          '23001',
        ],
      ] as const) {
        expect([sql, await tried(sql)]).toEqual([sql, code]);
      }
    } finally {
      await server.end();
    }
  });
});

describe('do two people stand behind what is in effect?', () => {
  it('nobody approves what they wrote or submitted, be it in another role', async () => {
    const { id } = await create();
    await moves(id, 'submit');
    const members = await clinic.admin.get(`${clinic.path}/members`).expect(200);
    const me = members.body.items.find((one: { subject: string }) => one.subject === 'dev-compliance-officer');
    const setRole = async (role: string) => {
      const { headers } = await clinic.admin.get(`${clinic.path}/members/${me.id}`).expect(200);
      await clinic.admin
        .patch(`${clinic.path}/members/${me.id}`, { role })
        .set('If-Match', headers['etag'] ?? '')
        .expect(200);
    };
    expect((await move(id, 'approve', officer)).status).toBe(403);
    await setRole('approver');
    try {
      for (const name of ['approve', 'reject'] as const) {
        const refused = await move(id, name, await world.as('dev-compliance-officer'));
        expect([refused.status, refused.body.type]).toEqual([403, '/problems/own-approval']);
      }
    } finally {
      await setRole('compliance_officer');
    }
    expect((await move(id, 'approve', clinic.agent)).status).toBe(403);
    expect((await move(id, 'approve', clinic.admin)).status).toBe(403);
    expect((await move(id, 'approve')).status).toBe(200);
  });

  it('who only edited a draft is one of its hands, and who gave it back is not', async () => {
    const { id } = await create();
    await moves(id, 'submit', 'reject', 'edit', 'submit');
    expect((await move(id, 'approve')).status).toBe(200);
  });

  it('of two decisions at once one is made', async () => {
    const { id } = await create();
    const { revision } = await moves(id, 'submit');
    const answers = await Promise.all(
      [1, 2, 3].map(() =>
        approver.post(`${records}/${id}/decision`, { decision: 'approve' }).set('If-Match', `"${revision}"`),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
    const { body } = await officer.get(`${records}/${id}/moves`).expect(200);
    expect(body.items.filter((one: { move: string }) => one.move === 'approve')).toHaveLength(1);
  });

  it('each move is an audit event with the digest of what was moved', async () => {
    const { id } = await create();
    await moves(id, 'submit', 'reject', 'edit', 'submit', 'recall', 'submit', 'approve', 'end', 'abandon');
    const { body } = await approver.get(`${clinic.path}/audit-events?objectId=${id}`).expect(200);
    const events = body.items as { action: string; object: { version: number; sha256: string }; leaf: string }[];
    expect(events.map(({ action }) => action).reverse()).toEqual(
      [
        'created',
        'submitted',
        'rejected',
        'edited',
        'submitted',
        'recalled',
        'submitted',
        'approved',
        'revised',
        'abandoned',
      ].map((past) => `record.${past}`),
    );
    for (const { object, leaf } of events) {
      expect(object.sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(leaf).not.toContain('supplier');
      expect(leaf).not.toContain('Not yet');
    }
  });
});

describe('is a record what its type asks for?', () => {
  const refused = async (body: object): Promise<[status: number, type: string, pointer: string]> => {
    const answer = await officer.post(records, body);
    if (answer.status !== 201) return [answer.status, answer.body.type, answer.body.pointer];
    const sent = await move(answer.body.id, 'submit');
    return [sent.status, sent.body.type, sent.body.pointer];
  };

  it('what has not its shape, its place or its references is refused, by its place', async () => {
    const foreign = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a99';
    const target = await create(
      supplier({ type: 'org/target', systemIds: [clinic.systemId], fields: { scope: 'emr' } }),
    );
    const { id: other } = await create();
    const restore = (fields: object, more: object = {}) =>
      supplier({
        type: 'org/restore',
        systemIds: [clinic.systemId],
        fields: {
          startedAt: '2026-01-01T08:00:00Z',
          completedAt: '2026-01-01T09:00:00Z',
          result: 'passed',
          target: target.id,
          ...fields,
        },
        ...more,
      });
    const tomorrow = new Date(Date.now() + 24 * 3_600_000).toISOString();
    for (const [body, status, type, pointer] of [
      [supplier({ type: 'org/unknown' }), 422, 'record-type-refused', '/type'],
      [supplier({ ownerId: foreign }), 422, 'record-refused', '/ownerId'],
      [supplier({ systemIds: [foreign] }), 422, 'record-refused', '/systemIds/0'],
      [supplier({ systemIds: [clinic.systemId] }), 422, 'record-refused', '/systemIds'],
      [supplier({ effectiveFrom: '2026-01-01T00:00:00' }), 400, 'invalid-request', '/effectiveFrom'],
      [supplier({ title: 'a\nb' }), 400, 'invalid-request', '/title'],
      [supplier({ fields: { name: 'a\0b' } }), 400, 'invalid-request', '/fields'],
      [supplier({ fields: { name: 'x'.repeat(300_000) } }), 400, 'invalid-request', '/fields'],
      [supplier({ fields: {} }), 422, 'record-refused', '/fields/name'],
      [supplier({ fields: { name: ' ' } }), 422, 'record-refused', '/fields/name'],
      [supplier({ fields: { name: 'x', extra: 1 } }), 422, 'record-refused', '/fields'],
      [supplier({ fields: { name: 'x1', control: '164.999' } }), 422, 'record-refused', '/fields/control'],
      [supplier({ links: [{ kind: 'record', target: foreign }] }), 422, 'record-refused', '/links/0'],
      [supplier({ links: [{ kind: 'practice', target: 'no-such-practice' }] }), 422, 'record-refused', '/links/0'],
      [supplier({ links: [{ kind: 'evidence', target: foreign }] }), 422, 'record-refused', '/links/0'],
      [supplier({ links: [{ kind: 'namespace', target: `${foreign}/emr` }] }), 422, 'record-refused', '/links/0'],
      [restore({ completedAt: '2026-01-01T07:59:59Z' }), 422, 'record-refused', '/fields/completedAt'],
      [restore({ completedAt: '2026-01-01T09:59:59+02:00' }), 422, 'record-refused', '/fields/completedAt'],
      [restore({ completedAt: '2026-01-01T09:59:59' }), 422, 'record-refused', '/fields/completedAt'],
      [restore({ completedAt: tomorrow }), 422, 'record-refused', '/fields/completedAt'],
      [restore({ target: other }), 422, 'record-refused', '/fields/target'],
      [restore({ target: foreign }), 422, 'record-refused', '/fields/target'],
      [restore({}, { systemIds: [] }), 422, 'record-refused', '/systemIds'],
      [restore({}), 422, 'record-refused', '/documents'],
    ] as const) {
      expect([body, ...(await refused(body))]).toEqual([body, status, `/problems/${type}`, pointer]);
    }
  });

  it('a record that ends before it begins is refused; on its last day it stands', async () => {
    const { id } = await create();
    await moves(id, 'submit', 'approve');
    const contract = (endsOn: string) => supplier({ type: 'org/contract', fields: { supplier: id, endsOn } });
    expect(await refused(contract('2025-12-31'))).toEqual([422, '/problems/record-refused', '/fields/endsOn']);
    const { body } = await officer.post(records, contract('2026-01-01')).expect(201);
    expect(await moves(body.id, 'submit', 'approve')).toMatchObject({
      expiresAt: '2026-01-02T00:00:00.000Z',
      links: [{ kind: 'record', target: id, note: 'supplier' }],
    });
    const linked = await officer.get(`${records}?linkedTo=record:${id}`).expect(200);
    expect(linked.body.items).toMatchObject([{ id: body.id }]);
    const expiring = await officer.get(`${records}?type=org/contract&expiringBefore=2026-01-03T00:00:00Z`).expect(200);
    expect(expiring.body.items).toMatchObject([{ id: body.id }]);
  });

  it('one record has a key, and keeps it', async () => {
    const first = await create(supplier({ fields: { name: 'Caf\u00e9 Labs' } }));
    await moves(first.id, 'submit', 'approve', 'revise');
    const second = await create(supplier({ fields: { name: 'Cafe\u0301 Labs ' } }));
    const taken = await move(second.id, 'submit');
    expect([taken.status, taken.body.type]).toEqual([409, '/problems/conflict']);
    await move(first.id, 'edit', officer, { fields: { name: 'Another' } });
    const renamed = await move(first.id, 'submit');
    expect([renamed.status, renamed.body.type]).toEqual([422, '/problems/record-refused']);
  });

  it('a key that never was anything is free again', async () => {
    const first = await create(supplier({ fields: { name: 'Misfiled Labs' } }));
    await moves(first.id, 'submit', 'abandon');
    const second = await create(supplier({ fields: { name: 'Misfiled Labs' } }));
    expect(await moves(second.id, 'submit', 'approve')).toMatchObject({ naturalKey: 'Misfiled Labs' });
    // Of one that was approved it stays, whatever becomes of a next version.
    await moves(second.id, 'revise', 'submit', 'abandon');
    const third = await create(supplier({ fields: { name: 'Misfiled Labs' } }));
    expect((await move(third.id, 'submit')).status).toBe(409);
  });

  it('many at once with one key: one of them', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => create(supplier({ fields: { name: 'Race Labs' } }))));
    const answers = await Promise.all(all.map(({ id }) => move(id, 'submit')));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
  });
});

describe('does a secret come into a record?', () => {
  const SECRET = 'It is at postgres://emr:hunter2@db:5432/emr.';
  const faultOf = ({ status, body }: { status: number; body: { pointer?: string } }) => [status, body.pointer];

  it.each([
    ['end', ['submit', 'approve']],
    ['reject', ['submit']],
    ['abandon', []],
  ] as const)('not by the reason of «%s»', async (name, before) => {
    const { id } = await create();
    for (const one of before) await moves(id, one);
    expect(faultOf(await move(id, name, undefined, { reason: SECRET }))).toEqual([422, '/reason']);
    await moves(id, name);
  });

  it('one that was approved once is ended as it is, and the end is edited', async () => {
    const { id } = await create();
    await moves(id, 'submit', 'approve');
    const superuser = await Superuser.of(world);
    const edit = `update record_version set fields = fields || '{"name": "${SECRET}"}' where record_id = '${id}'`;
    await superuser.unguarded('record_version', edit);
    await superuser.end();
    await moves(id, 'end');
    const etag = `"${await revise(id)}"`;
    const edited = (body: object) => officer.patch(`${records}/${id}`, body).set('If-Match', etag);
    expect(faultOf(await edited({ reason: SECRET }))).toEqual([422, '/reason']);
    await edited({ effectiveFrom: '2026-07-01T00:00:00Z', reason: 'It is over, later.' }).expect(200);
    await moves(id, 'submit', 'approve');
    await moves(id, 'revise');
    expect(faultOf(await move(id, 'submit'))).toEqual([422, '/fields/name']);
  });
});

describe('is what is told of an instant so, and final?', () => {
  it('what was approved by the database’s clock is in effect, though the program’s is behind', async () => {
    const { id } = await create();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 600_000 });
    try {
      [officer, approver] = [await world.as('dev-compliance-officer'), await world.as('dev-approver')];
      expect(await moves(id, 'submit', 'approve')).toMatchObject({ inEffect: true });
      const { body } = await officer.get(`${records}/${id}?asOf=2026-03-01T00:00:00Z`).expect(200);
      expect(body.inEffect).toBe(true);
    } finally {
      vi.useRealTimers();
      [officer, approver] = [await world.as('dev-compliance-officer'), await world.as('dev-approver')];
    }
  });

  it('a question of what was known waits for the decision that is being made', async () => {
    const { id } = await create();
    await moves(id, 'submit', 'approve');
    const decider = new pg.Client({ connectionString: world.database.urls.server });
    await decider.connect();
    try {
      await decider.query('begin');
      await decider.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
        `records/${clinic.organizationId}`,
      ]);
      const known = new Date().toISOString();
      for (const path of [`/${id}?knownAt=${known}`, `/${id}/versions/1?knownAt=${known}`, `?knownAt=${known}`]) {
        let answered = false;
        const asked = officer.get(`${records}${path}`).then((answer) => ((answered = true), answer));
        await new Promise((resolve) => setTimeout(resolve, 500));
        expect([path, answered]).toEqual([path, false]);
        await decider.query('rollback');
        expect((await asked).status).toBe(200);
        await decider.query('begin');
        await decider.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
          `records/${clinic.organizationId}`,
        ]);
      }
    } finally {
      await decider.end();
    }
  });

  it('a state and an instant are not asked for at once', async () => {
    for (const query of ['asOf=2026-03-01T00:00:00Z', 'knownAt=2026-03-01T00:00:00Z']) {
      const { body } = await officer.get(`${records}?state=draft&${query}`).expect(400);
      expect([body.type, body.pointer]).toEqual(['/problems/invalid-request', 'query/state']);
    }
  });
});

describe('is a record its organisation’s alone?', () => {
  it('ids of another organisation are not found, and not told of', async () => {
    const { id } = await create();
    const other = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    await other.admin
      .post(`${other.path}/members`, {
        issuer: world.provider.issuer,
        subject: 'dev-compliance-officer',
        name: 'O',
        role: 'compliance_officer',
      })
      .expect(201);
    await defineOwnTypes(officer, other.path);
    const foreign = `${other.path}/records`;
    const { body: members } = await other.admin.get(`${other.path}/members`).expect(200);
    const me = members.items.find(({ role }: { role: string }) => role === 'compliance_officer').id;
    for (const path of ['', '/versions', '/versions/1', '/moves']) {
      await officer.get(`${foreign}/${id}${path}`).expect(404);
    }
    await officer.post(`${foreign}/${id}/submission`).set('If-Match', '"1"').expect(404);
    await officer.patch(`${foreign}/${id}`, { title: 'Taken' }).set('If-Match', '"1"').expect(404);
    const { body: linking } = await officer
      .post(foreign, supplier({ ownerId: me, links: [{ kind: 'record', target: id }] }))
      .expect(201);
    const answer = await officer.post(`${foreign}/${linking.id}/submission`).set('If-Match', '"1"').expect(422);
    expect(answer.body.pointer).toBe('/links/0');
    await officer.post(foreign, supplier({ ownerId: owner })).expect(422);
    const { body: listed } = await officer.get(foreign).expect(200);
    expect(listed.items.map((one: Shown) => one.id)).toEqual([linking.id]);
    for (const caller of [clinic.admin, clinic.agent, await clinic.member('viewer')]) {
      await caller.get(`${records}/${id}`).expect(403);
      await caller.get(records).expect(403);
    }
  });

  it('a list goes page by page, and a creating call under one key creates once', async () => {
    const send = () => officer.post(records, supplier({ fields: { name: 'Once' } })).set('Idempotency-Key', 'once-1');
    const [first, second] = [await send(), await send()];
    expect(first.status).toBe(201);
    expect([second.status, second.body.id]).toEqual([201, first.body.id]);
    const seen: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const { body }: { body: { items: Shown[]; next: string | null } } = await officer
        .get(`${records}?limit=7${next === '' ? '' : `&cursor=${next}`}`)
        .expect(200);
      seen.push(...body.items.map(({ id }) => id));
      next = body.next;
    }
    expect(seen.length).toBeGreaterThan(20);
    expect(seen).toEqual([...new Set(seen)].sort());
  });
});
