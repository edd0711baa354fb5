import { beforeAll, describe, expect, it } from 'vitest';
import { startSuite, type Caller, type Clinic } from '../support/app.js';
import { ownCheck } from '../support/checks.js';
import { fixture } from '../fixtures/reports/load.js';

let clinic: Clinic;
let officer: Caller;
beforeAll(async () => {
  const suite = await startSuite();
  ({ clinic, officer } = suite);
  return suite.stop;
});

const pathOf = (id: string): string => `${clinic.path}/checks/${encodeURIComponent(id)}`;
const named = (id: string, change: object = {}) => ({ ...ownCheck, id, ...change });
const create = (definition: { id: string }, caller: Caller = officer) =>
  caller.put(pathOf(definition.id), { definition }).set('If-None-Match', '*');

describe('an organisation’s own check', () => {
  it('is made, read, changed, switched off, withdrawn and made again, and every version is kept and audited', async () => {
    const id = 'org/first';
    const made = await create(named(id)).expect(200);
    expect(made.body).toMatchObject({
      id,
      origin: 'organization',
      state: 'on',
      version: 1,
      practices: [ownCheck.practice],
      definition: named(id),
      reason: null,
    });
    expect(made.headers['etag']).toBe('"1"');
    expect((await officer.get(pathOf(id)).expect(200)).body).toEqual(made.body);
    const changed = await officer
      .put(pathOf(id), { definition: named(id, { severity: 'high' }) })
      .set('If-Match', '"1"')
      .expect(200);
    expect(changed.body).toMatchObject({ severity: 'high', version: 2 });
    const off = await officer
      .put(pathOf(id), { enabled: false, reason: 'The mesh does it.' })
      .set('If-Match', '"2"')
      .expect(200);
    expect(off.body).toMatchObject({ state: 'off', reason: 'The mesh does it.', severity: 'high', version: 3 });
    await officer.delete(pathOf(id)).expect(204);
    await officer.delete(pathOf(id)).expect(204);
    expect((await officer.get(pathOf(id)).expect(200)).body).toMatchObject({ state: 'withdrawn', version: 4 });
    expect((await officer.get(`${clinic.path}/checks`).expect(200)).body.items).not.toContainEqual(
      expect.objectContaining({ id }),
    );
    await officer
      .put(pathOf(id), { definition: named(id) })
      .set('If-Match', '"4"')
      .expect(200);

    const versions = await officer.get(`${pathOf(id)}/versions?limit=3`).expect(200);
    expect(versions.body.items).toMatchObject([
      { version: 5, state: 'on', definition: { severity: 'low' } },
      { version: 4, state: 'withdrawn', definition: null },
      { version: 3, state: 'off', definition: null, reason: 'The mesh does it.' },
    ]);
    const rest = await officer.get(`${pathOf(id)}/versions?limit=3&cursor=${versions.body.next}`).expect(200);
    expect(rest.body).toMatchObject({ items: [{ version: 2 }, { version: 1, state: 'on' }], next: null });

    const { body } = await officer.get(`${clinic.path}/audit-events?limit=100`).expect(200);
    const events = (body.items as { action: string; object: { kind: string; version: number }; details: object }[])
      .filter(({ object }) => object.kind === 'check')
      .map(({ action, object, details }) => [object.version, action, details] as const)
      .sort(([a], [b]) => a - b);
    expect(events.map(([version, action]) => [version, action])).toEqual([
      [1, 'check.changed'],
      [2, 'check.changed'],
      [3, 'check.changed'],
      [4, 'check.withdrawn'],
      [5, 'check.changed'],
    ]);
    expect(events[2]?.[2]).toEqual({ check: id, state: 'off', reason: 'The mesh does it.' });
  });

  it('is changed against the version that was read, and by one of two at once', async () => {
    const definition = named('org/raced');
    await officer.put(pathOf(definition.id), { definition }).expect(428);
    await officer.put(pathOf(definition.id), { definition }).set('If-Match', '"1"').expect(412);
    const firsts = await Promise.all([create(definition), create(definition), create(definition)]);
    expect(firsts.map(({ status }) => status).sort()).toEqual([200, 412, 412]);
    await create(definition).expect(412);
    await officer.put(pathOf(definition.id), { definition }).set('If-Match', '"7"').expect(412);
  });

  it('is withdrawn once by several at once, and none of them is told off', async () => {
    const definition = named('org/withdrawn-at-once');
    await create(definition).expect(200);
    const answers = await Promise.all(Array.from({ length: 6 }, () => officer.delete(pathOf(definition.id))));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 204));
    expect((await officer.get(pathOf(definition.id)).expect(200)).body).toMatchObject({ version: 2 });
  });

  it('is listed by id, in pages, by state and by practice', async () => {
    for (const letter of ['a', 'b', 'c']) await create(named(`org/listed-${letter}`)).expect(200);
    await officer.put(pathOf('org/listed-b'), { enabled: false, reason: 'x' }).set('If-Match', '"1"').expect(200);
    const ids: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const page = await officer
        .get(`${clinic.path}/checks?limit=2${next === '' ? '' : `&cursor=${encodeURIComponent(next)}`}`)
        .expect(200);
      ids.push(...(page.body.items as { id: string }[]).map(({ id }) => id));
      next = page.body.next as string | null;
    }
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(ids).toEqual(expect.arrayContaining(['org/listed-a', 'org/listed-b', 'org/listed-c']));
    const off = await officer.get(`${clinic.path}/checks?state=off`).expect(200);
    expect((off.body.items as { id: string }[]).map(({ id }) => id)).toContain('org/listed-b');
    const other = await officer.get(`${clinic.path}/checks?practice=etcd-backup&state=on`).expect(200);
    expect(other.body.items).not.toContainEqual(expect.objectContaining({ id: 'org/listed-a' }));
  });

  it.each<[string, object, string, object]>([
    ['does not parse', { pass: 'object.kind ==' }, '/definition/pass', { line: 1, column: expect.any(Number) }],
    ['names what is not there', { pass: 'nobody(object)' }, '/definition/pass', { line: 1 }],
    ['is no bool', { pass: '"yes"' }, '/definition/pass', {}],
    ['is of two lines, the second wrong', { pass: 'true &&\n  ) ' }, '/definition/pass', { line: 2 }],
    ['has a message that is wrong', { message: '{object.metadata.' }, '/definition/message', {}],
    ['is about a kind that is not there', { each: 'Unicorn' }, '/definition/each', {}],
    ['has another key', { colour: 'red' }, '/definition', {}],
    ['has no examples that fail', { examples: { pass: ownCheck.examples.pass } }, '/definition/examples/fail', {}],
    [
      'has an example that does not come out so',
      { examples: { pass: ownCheck.examples.fail, fail: ownCheck.examples.fail } },
      '/definition/examples/pass/0',
      {},
    ],
    ['supports a practice that is not there', { practice: 'no-such-practice' }, '/definition/practice', {}],
    ['is another than that of the path', { id: 'org/another' }, '/definition/id', {}],
    ['is larger than a check may be', { note: 'x'.repeat(4_000), examples: manyExamples() }, '/definition', {}],
    ['looks for what RE2 refuses', { pass: "object.metadata.name.matches('(?=a)')" }, '/definition/pass', { line: 1 }],
  ])('is not taken if it %s, and the place is told', async (_, change, pointer, place) => {
    const answer = await officer
      .put(pathOf('org/refused'), { definition: { ...named('org/refused'), ...change } })
      .set('If-None-Match', '*')
      .expect(422);
    expect(answer.body).toMatchObject({ type: '/problems/check-refused', ...place });
    expect((answer.body.pointer as string).startsWith(pointer)).toBe(true);
    await officer.get(pathOf('org/refused')).expect(404);
  });

  it('that goes on for ever is stopped, and the service answers meanwhile', async () => {
    const objects = Array.from({ length: 90 }, (_, index) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: `d-${index}`, namespace: 'emr' },
    }));
    const all = 'objects("Deployment")';
    const endless = named('org/endless', {
      pass: `${all}.all(a, ${all}.all(b, ${all}.all(c, ${all}.all(d, a.kind == b.kind))))`,
      examples: { pass: [{ name: 'many', objects }], fail: [{ name: 'many', objects }] },
    });
    const stopped = create(endless);
    const [answer] = await Promise.all([
      stopped,
      ...Array.from({ length: 5 }, () => clinic.admin.get(clinic.path).expect(200)),
    ]);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({
      type: '/problems/check-refused',
      pointer: expect.stringMatching(/^\/definition\/examples/),
    });
  }, 120_000);

  it('keeps its practices, for its results do', async () => {
    const definition = named('org/practices');
    await create(definition).expect(200);
    const answer = await officer
      .put(pathOf(definition.id), { definition: { ...definition, practice: 'etcd-backup' } })
      .set('If-Match', '"1"')
      .expect(422);
    expect(answer.body).toMatchObject({ pointer: '/definition/practice' });
    await officer.delete(pathOf(definition.id)).expect(204);
    await officer
      .put(pathOf(definition.id), { definition: { ...definition, practice: 'etcd-backup' } })
      .set('If-Match', '"2"')
      .expect(422);
  });

  it('is the business of compliance officers, to be seen by all members and by no agent', async () => {
    const auditor = await clinic.member('auditor');
    const viewer = await clinic.member('viewer');
    for (const caller of [clinic.admin, auditor, viewer]) {
      await caller.get(`${clinic.path}/checks`).expect(200);
      await create(named('org/not-mine'), caller).expect(403);
    }
    await clinic.agent.get(`${clinic.path}/checks`).expect(403);
    await officer.get(pathOf('no-such-check')).expect(404);
    await officer.delete(pathOf('no-such-check')).expect(404);
    await officer.put(pathOf('org/no-such'), { enabled: false, reason: 'x' }).set('If-None-Match', '*').expect(404);
    const wrong = await create(named('not-of-the-catalogue')).expect(422);
    expect(wrong.body).toMatchObject({ pointer: '/definition/id' });
  });
});

describe('constants of a check of the catalogue', () => {
  const id = 'image-from-approved-registry';
  const registries = ['registry.example.org/ehr'];
  const set = (params: object, at = id) => officer.put(pathOf(at), { params }).set('If-None-Match', '*');

  it('are set without its text: what else it says stays the catalogue’s?', async () => {
    const before = (await officer.get(pathOf(id)).expect(200)).body;
    expect(before).toMatchObject({ state: 'on', version: 0, definition: { params: { registries: [] } } });
    const { body } = await set({ registries }).expect(200);
    expect(body).toEqual({
      ...before,
      state: 'overridden',
      version: 1,
      changedAt: expect.any(String),
      changedBy: expect.any(String),
      definition: { ...before.definition, params: { ...before.definition.params, registries } },
    });
    expect((await officer.get(pathOf(id)).expect(200)).body).toEqual(body);
    const versions = await officer.get(`${pathOf(id)}/versions`).expect(200);
    expect(versions.body.items).toMatchObject([
      { version: 1, state: 'overridden', definition: { params: { registries } } },
    ]);
    await officer.delete(pathOf(id)).expect(204);
    expect((await officer.get(pathOf(id)).expect(200)).body.definition).toEqual(before.definition);
  });

  it.each<[string, string, object, number, string]>([
    ['names none that it has', id, { registrys: registries }, 422, '/params/registrys'],
    ['is of another type', id, { registries: 'registry.example.org/ehr' }, 422, '/params/registries'],
    ['is of a check that is the organisation’s', 'org/first', { limit: 1 }, 422, '/params'],
  ])('is one not taken that %s?', async (_, check, params, status, pointer) => {
    const answer = await officer.put(pathOf(check), { params }).set('If-Match', '"9"').expect(status);
    expect(answer.body).toMatchObject({ type: '/problems/check-refused', pointer });
  });

  it('are there none, or of no check, told?', async () => {
    await set({}).expect(400);
    await set({ registries }, 'no-such-check').expect(404);
  });
});

describe('a dry run', () => {
  const run = (definition: object, systemId = clinic.systemId) =>
    officer.post(`${clinic.path}/checks/dry-run`, { systemId, definition });

  it('says that there is no snapshot', async () => {
    const answer = await run(named('org/tried')).expect(409);
    expect(answer.body).toMatchObject({ pointer: '/systemId' });
    await run(named('org/tried'), '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03').expect(404);
  });

  it('says what a check would say of the latest snapshot, and keeps nothing', async () => {
    await clinic.agent
      .post(`${clinic.systemPath}/scans`)
      .set('Content-Type', 'application/x-ndjson')
      .send(fixture('cluster-snapshot/clinic.ndjson').toString('utf8'))
      .expect(201);
    const listed = async () =>
      (await officer.get(`${clinic.systemPath}/results?limit=500`).expect(200)).body.items as object[];
    const before = await listed();
    const { body } = await run(named('org/tried')).expect(200);
    expect(body).toMatchObject({
      snapshot: { observedAt: '2026-06-01T08:00:00.000Z' },
      counts: { pass: 0, fail: 1, error: 0 },
      complete: true,
      results: [
        { resource: 'emr/Deployment/portal', namespace: 'emr', status: 'fail', message: 'portal has no owner.' },
      ],
    });
    expect(await listed()).toEqual(before);
    await officer.get(pathOf('org/tried')).expect(404);
    expect(
      (await officer.get(`${clinic.systemPath}/scans?format=cluster-snapshot`).expect(200)).body.items,
    ).toHaveLength(1);
  });

  it('says what a check of the catalogue would say with other constants', async () => {
    const trial = (params: object) =>
      officer.post(`${clinic.path}/checks/dry-run`, {
        systemId: clinic.systemId,
        checkId: 'image-from-approved-registry',
        params,
      });
    const none = (await trial({ registries: [] }).expect(200)).body.counts;
    const some = (await trial({ registries: ['registry.example/clinic'] }).expect(200)).body.counts;
    expect(none.manual).toBeGreaterThan(0);
    expect(some).toMatchObject({ manual: 0, fail: 0, pass: none.manual });
    const wrong = await trial({ registries: 1 }).expect(422);
    expect(wrong.body).toMatchObject({ pointer: '/params/registries' });
  });

  it('says that something is missing that the check reads', async () => {
    const definition = named('org/roles', {
      each: 'Role',
      pass: "object.metadata.name == 'a'",
      message: 'x',
      examples: {
        pass: [{ name: 'a', objects: [role('a')] }],
        fail: [{ name: 'b', objects: [role('b')] }],
      },
    });
    const { body } = await run(definition).expect(200);
    expect(body).toMatchObject({ complete: false, counts: { pass: 0, error: 1 } });
    expect(body.results[0].message).toContain('refused');
  });

  it('is of what could be kept: of practices that are there, under the id that they have', async () => {
    const unknown = await run(named('org/tried', { practice: 'no-such-practice' })).expect(422);
    expect(unknown.body).toMatchObject({ type: '/problems/check-refused', pointer: '/definition/practice' });
    const foreign = await run(named('not-of-the-catalogue')).expect(422);
    expect(foreign.body).toMatchObject({ pointer: '/definition/id' });
  });

  it('leaves nothing in the log, for nothing is changed', async () => {
    const count = async () =>
      ((await officer.get(`${clinic.path}/audit-events?limit=500`).expect(200)).body.items as object[]).length;
    const before = await count();
    await run(named('org/tried')).expect(200);
    expect(await count()).toBe(before);
  });

  it('is of checks that compile and whose examples come out so', async () => {
    const answer = await run(named('org/tried', { pass: 'object.' })).expect(422);
    expect(answer.body).toMatchObject({ type: '/problems/check-refused', pointer: '/definition/pass' });
  });
});

/** Far more than any check needs to show what it means. */
function manyExamples(): object {
  const objects = (labels: object) =>
    Array.from({ length: 100 }, (_, index) => ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: `d-${index}`, namespace: 'emr', labels, annotations: { of: 'x'.repeat(1_000) } },
    }));
  return { pass: [{ name: 'a', objects: objects({ owner: 'a' }) }], fail: [{ name: 'b', objects: objects({}) }] };
}

const role = (name: string): object => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'Role',
  metadata: { name, namespace: 'emr' },
  rules: [],
});
