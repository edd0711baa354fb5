import { generateKeyPairSync } from 'node:crypto';
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../src/kernel/db/database.js';
import { servicePrincipal, type Principal } from '../../src/kernel/principal.js';
import { founder, OrganizationService } from '../../src/organizations/organization.service.js';
import { SystemService } from '../../src/organizations/system.service.js';
import { startApp, type Caller, type World } from '../support/app.js';

let world: World;
let admin: Caller;

beforeAll(async () => {
  world = await startApp();
  admin = await world.as('dev-admin');
});
afterAll(() => world.stop());

interface Made {
  id: string;
  path: string;
}

async function organization(name = 'Lakeside Clinic', caller = admin): Promise<Made> {
  const { body } = await caller.post('/v1/organizations', { name }).expect(201);
  return { id: body.id, path: `/v1/organizations/${body.id}` };
}

const system = { name: 'emr-production', environment: 'production', phi: 'stores', phiNamespaces: ['emr', 'billing'] };
const clusterTrust = {
  name: 'scanner',
  kind: 'kubernetes',
  issuer: 'https://cluster.example.org',
  audience: 'safeguard',
  subjectPattern: 'system:serviceaccount:security:scanner',
};
const person = (subject: string, role: string) => ({ issuer: world.provider.issuer, subject, name: subject, role });

async function actions(path: string): Promise<string[]> {
  const { body } = await admin.get(`${path}/audit-events`).expect(200);
  return body.items.map((event: { action: string }) => event.action);
}

/** The status of a call, and whether it came on the connection of the call before it. */
function onOneConnection(agent: Agent, method: string, path: string, headers: Record<string, string> = {}) {
  const { promise, resolve, reject } = Promise.withResolvers<[status: number | undefined, isReused: boolean]>();
  const call = request(`${world.url}${path}`, {
    agent,
    method,
    headers: { authorization: `Bearer ${admin.token}`, ...headers },
  });
  call.on('error', reject);
  call.on('response', (response) => {
    response.resume().on('end', () => resolve([response.statusCode, call.reusedSocket]));
  });
  call.end();
  return promise;
}

describe('an answer without content', () => {
  it('is one answer: does the connection carry the next call, and is no failure logged?', async () => {
    const { path } = await organization();
    const { body: added } = await admin.post(`${path}/members`, person('dev-viewer', 'viewer')).expect(201);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const from = world.logs.length;
    const calls: [number | undefined, boolean][] = [];
    for (const [method, at, headers] of [
      ['GET', path, { 'if-none-match': '"1"' }],
      ['GET', path],
      ['DELETE', `${path}/members/${added.id}`],
      ['GET', path],
    ] as const) {
      calls.push(await onOneConnection(agent, method, at, headers));
      // What is sent or cut after the answer comes by then.
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    agent.destroy();
    expect(calls).toEqual([
      [304, false],
      [200, true],
      [204, true],
      [200, true],
    ]);
    expect(world.logs.slice(from).filter((line) => line.includes('request failed'))).toEqual([]);
  });
});

describe('organisations', () => {
  it('are created by first admins, who become their admin, and each change is audited', async () => {
    const { id, path } = await organization();
    const read = await admin.get(path).expect(200);
    expect(read.body).toMatchObject({
      id,
      name: 'Lakeside Clinic',
      settings: {
        freshness: {},
        recordFreshness: {},
        owners: {},
        overlays: [],
        phiLabels: [
          { key: 'safeguard.dev/phi', values: ['true'] },
          { key: 'data-classification', values: ['phi', 'ephi'] },
        ],
      },
      version: 1,
    });
    expect(read.headers['etag']).toBe('"1"');
    const { body: members } = await admin.get(`${path}/members`).expect(200);
    expect(members.items).toMatchObject([{ subject: 'dev-admin', role: 'admin', name: 'First admin' }]);
    expect(await actions(path)).toEqual(['member.added', 'organization.created']);
    const auditor = await world.as('dev-auditor');
    await auditor.post('/v1/organizations', { name: 'Mine' }).expect(403);
  });

  it('are created once under one Idempotency-Key, and another request under it is refused', async () => {
    const send = (name: string) => admin.post('/v1/organizations', { name }).set('Idempotency-Key', 'onboarding-1');
    const [first, second] = await Promise.all([send('Once'), send('Once')]);
    expect(first.status).toBe(201);
    expect(second.body).toEqual(first.body);
    await send('Twice').expect(409);
    const other = await (
      await world.as('other-admin')
    )
      .post('/v1/organizations', { name: 'Once' })
      .set('Idempotency-Key', 'onboarding-1')
      .expect(201);
    expect(other.body.id).not.toBe(first.body.id);
  });

  it('are listed page by page to their members, and to nobody else', async () => {
    const other = await world.as('other-admin');
    const foreign = await organization('Elsewhere', other);
    await organization('Page one');
    const { body: first, headers } = await admin.get('/v1/organizations?limit=1').expect(200);
    expect(first.items).toHaveLength(1);
    expect(headers['link']).toContain('rel="next"');
    const ids: string[] = [];
    let next = '';
    do {
      const { body } = await admin.get(`/v1/organizations?limit=2${next === '' ? '' : `&cursor=${next}`}`).expect(200);
      ids.push(...body.items.map((one: { id: string }) => one.id));
      next = body.next ?? '';
    } while (next !== '');
    expect(ids).toEqual([...new Set(ids)].toSorted());
    expect(ids).not.toContain(foreign.id);
    await admin.get(foreign.path).expect(404);
    await admin.patch(foreign.path, { name: 'Taken' }).set('If-Match', '"1"').expect(404);
  });

  it('are changed by a merge patch against the version that was read', async () => {
    const { path } = await organization();
    const change = {
      settings: { freshness: { 'audit-policy-coverage': 30, 'restore-testing': 8 }, overlays: ['nprm-2025'] },
    };
    await admin.patch(path, change).expect(428);
    await admin.patch(path, change).set('If-Match', '"7"').expect(412);
    const { body } = await admin.patch(path, change).set('If-Match', '"1"').expect(200);
    expect(body).toMatchObject({ name: 'Lakeside Clinic', version: 2, settings: change.settings });
    const again = await admin
      .patch(path, { settings: { freshness: { 'restore-testing': null } } })
      .set('If-Match', '"2"')
      .expect(200);
    expect(again.body.settings).toMatchObject({ freshness: { 'audit-policy-coverage': 30 }, overlays: ['nprm-2025'] });
    for (const days of [0, 3661, 1.5, '30']) {
      await admin
        .patch(path, { settings: { freshness: { 'audit-policy-coverage': days } } })
        .set('If-Match', '"3"')
        .expect(400);
    }
    // The posture is judged beside one overlay.
    await admin
      .patch(path, { settings: { overlays: ['nprm-2025', 'another'] } })
      .set('If-Match', '"3"')
      .expect(400);
    for (const wrong of [
      { key: 'a b', values: ['x'] },
      { key: 'phi', values: [] },
      { key: 'phi', values: ['yes!'] },
    ]) {
      await admin
        .patch(path, { settings: { phiLabels: [wrong] } })
        .set('If-Match', '"3"')
        .expect(400);
    }
    const attempts = await Promise.all(
      ['A', 'B', 'C'].map((name) => admin.patch(path, { name }).set('If-Match', '"3"')),
    );
    expect(attempts.map(({ status }) => status).toSorted()).toEqual([200, 412, 412]);
    const steps = ['a', 'b', 'c', 'd', 'e'];
    const words = ['f', 'g', 'h', 'i', 'j'];
    const level = [...Array(5)].map(() => ['low', 'low', 'moderate', 'high', 'critical']);
    for (const wrong of [
      { recordFreshness: { restore_test: 30 } },
      { owners: { 'restore-testing': 'Ada Quill' } },
      { riskMatrix: { likelihood: ['a'], impact: ['b'], level: [['low']] } },
      { riskMatrix: { likelihood: steps, impact: steps, level: [...level.slice(1), ['low']] } },
    ]) {
      await admin.patch(path, { settings: wrong }).set('If-Match', '"4"').expect(400);
    }
    const phiLabels = [{ key: 'clinic.example/data', values: ['phi', ''.padEnd(63, 'x')] }];
    const labelled = await admin.patch(path, { settings: { phiLabels } }).set('If-Match', '"4"').expect(200);
    expect(labelled.body.settings).toMatchObject({ overlays: ['nprm-2025'], phiLabels });
    const own = {
      recordFreshness: { 'restore-testing/restore_test': 31, 'training/org/phishing': 90 },
      owners: { 'restore-testing': '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a02' },
      riskMatrix: { likelihood: steps, impact: words, level },
    };
    const { body: set } = await admin.patch(path, { settings: own }).set('If-Match', '"5"').expect(200);
    expect(set.settings).toMatchObject({ ...own, phiLabels });
    const taken = { recordFreshness: { 'training/org/phishing': null }, owners: { 'restore-testing': null } };
    const { body: left } = await admin.patch(path, { settings: taken }).set('If-Match', '"6"').expect(200);
    expect(left.settings).toMatchObject({
      recordFreshness: { 'restore-testing/restore_test': 31 },
      owners: {},
      riskMatrix: own.riskMatrix,
    });
    expect(left.settings.recordFreshness).not.toHaveProperty('training/org/phishing');
  });
});

describe('members', () => {
  it('are added, changed and removed, and read also afterwards', async () => {
    const { path } = await organization();
    const { body: added } = await admin.post(`${path}/members`, person('dev-auditor', 'auditor')).expect(201);
    await admin.post(`${path}/members`, person('dev-auditor', 'viewer')).expect(409);
    const member = `${path}/members/${added.id}`;
    const auditor = await world.as('dev-auditor');
    await auditor.get(path).expect(200);
    await auditor.post(`${path}/members`, person('dev-viewer', 'admin')).expect(403);
    const { body: changed } = await admin.patch(member, { role: 'viewer' }).set('If-Match', '"1"').expect(200);
    expect(changed).toMatchObject({ role: 'viewer', version: 2 });
    await auditor.get(`${path}/members`).expect(403);
    await admin.delete(member).expect(204);
    await admin.delete(member).expect(204);
    await auditor.get(path).expect(404);
    expect((await admin.get(member).expect(200)).body.removedAt).not.toBeNull();
    const { body: now } = await admin.get(`${path}/members`).expect(200);
    expect(now.items).toHaveLength(1);
    const { body: ever } = await admin.get(`${path}/members?includeRemoved=true`).expect(200);
    expect(ever.items).toHaveLength(2);
    await admin.post(`${path}/members`, person('dev-auditor', 'auditor')).expect(201);
    expect((await actions(path)).slice(0, 4)).toEqual([
      'member.added',
      'member.removed',
      'member.changed',
      'member.added',
    ]);
  });

  it('come from an issuer at which people sign in', async () => {
    const { path } = await organization();
    const { body } = await admin
      .post(`${path}/members`, { ...person('x', 'viewer'), issuer: 'https://login.elsewhere.example' })
      .expect(422);
    expect(body.type).toBe('/problems/trust-issuer-refused');
  });

  it('always have an admin among them, also when two admins remove each other at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { path } = await organization();
      const { body: mine } = await admin.get(`${path}/members`).expect(200);
      const first = `${path}/members/${mine.items[0].id}`;
      expect((await admin.delete(first).expect(409)).body.type).toBe('/problems/last-admin');
      await admin.patch(first, { role: 'viewer' }).set('If-Match', '"1"').expect(409);
      const { body: added } = await admin.post(`${path}/members`, person('other-admin', 'admin')).expect(201);
      const other = await world.as('other-admin');
      const answers = await Promise.all([
        admin.delete(`${path}/members/${added.id}`),
        other.patch(first, { role: 'viewer' }).set('If-Match', '"1"'),
      ]);
      expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
      const left = await Promise.all([
        admin.get(`${path}/members?role=admin`),
        other.get(`${path}/members?role=admin`),
      ]);
      const seen = left.find(({ status }) => status === 200);
      expect(seen?.body.items).toHaveLength(1);
    }
  });

  it('do not change their own role', async () => {
    const { path } = await organization();
    await admin.post(`${path}/members`, person('other-admin', 'admin')).expect(201);
    const { body: mine } = await admin.get(`${path}/members?role=admin`).expect(200);
    const me = mine.items.find((one: { subject: string }) => one.subject === 'dev-admin');
    const own = `${path}/members/${me.id}`;
    await admin.patch(own, { role: 'compliance_officer' }).set('If-Match', '"1"').expect(403);
    await admin.patch(own, { name: 'Ada' }).set('If-Match', '"1"').expect(200);
  });
});

describe('systems', () => {
  it('are created, changed, found and retired, under a name that no other in use has', async () => {
    const { path } = await organization();
    const { body: made, headers } = await admin.post(`${path}/systems`, system).expect(201);
    expect(made).toMatchObject({ ...system, phiNamespaces: ['billing', 'emr'], version: 1, retiredAt: null });
    expect(headers['location']).toBe(`${path}/systems/${made.id}`);
    await admin.post(`${path}/systems`, system).expect(409);
    const { body: second } = await admin.post(`${path}/systems`, { ...system, name: 'staging' }).expect(201);
    await admin.patch(`${path}/systems/${second.id}`, { name: system.name }).set('If-Match', '"1"').expect(409);
    await admin
      .patch(`${path}/systems/${made.id}`, { phi: 'none', phiNamespaces: [] })
      .set('If-Match', '"1"')
      .expect(200);
    const { body: found } = await admin.get(`${path}/systems?name=emr-production&environment=production`).expect(200);
    expect(found.items).toMatchObject([{ id: made.id, phi: 'none', version: 2 }]);
    await admin.get(`${path}/systems?name=%00`).expect(400);
    const { body: retired } = await admin.post(`${path}/systems/${made.id}/retire`).expect(200);
    expect(retired.version).toBe(3);
    expect((await admin.post(`${path}/systems/${made.id}/retire`).expect(200)).body).toEqual(retired);
    await admin.patch(`${path}/systems/${made.id}`, { phi: 'none' }).set('If-Match', '"3"').expect(409);
    expect((await admin.get(`${path}/systems`).expect(200)).body.items).toHaveLength(1);
    expect((await admin.get(`${path}/systems?includeRetired=true`).expect(200)).body.items).toHaveLength(2);
    await admin.post(`${path}/systems`, system).expect(201);
  });

  it('of another organisation do not exist', async () => {
    const mine = await organization();
    const theirs = await organization('Elsewhere', await world.as('other-admin'));
    const { body } = await admin.post(`${mine.path}/systems`, system).expect(201);
    const other = await world.as('other-admin');
    await other.get(`${mine.path}/systems/${body.id}`).expect(404);
    await other.get(`${theirs.path}/systems/${body.id}`).expect(404);
    await other.post(`${theirs.path}/systems/${body.id}/retire`).expect(404);
  });
});

describe('trusted agents', () => {
  it('see their own system alone, until they are revoked or it is retired', async () => {
    const { path } = await organization();
    const { body: own } = await admin.post(`${path}/systems`, system).expect(201);
    const { body: other } = await admin.post(`${path}/systems`, { ...system, name: 'other' }).expect(201);
    const trust = {
      name: 'scanner',
      systemId: own.id,
      kind: 'client_credentials',
      issuer: world.provider.issuer,
      audience: 'urn:safeguard:api',
      subjectPattern: 'safeguard-agent',
    };
    const { body: trusted } = await admin.post(`${path}/agents`, trust).expect(201);
    const agent = await world.as('safeguard-agent');
    expect((await agent.get(`${path}/systems`).expect(200)).body.items).toMatchObject([{ id: own.id }]);
    await agent.get(`${path}/systems/${other.id}`).expect(404);
    await agent.get(path).expect(403);
    await (await world.as('other-agent')).get(`${path}/systems`).expect(404);
    await admin.delete(`${path}/agents/${trusted.id}`).expect(204);
    await agent.get(`${path}/systems`).expect(404);
    expect((await admin.get(`${path}/agents`).expect(200)).body.items).toEqual([]);
    expect((await admin.get(`${path}/agents/${trusted.id}`).expect(200)).body.revokedAt).not.toBeNull();

    await admin.post(`${path}/agents`, trust).expect(201);
    await agent.get(`${path}/systems`).expect(200);
    await admin.post(`${path}/systems/${own.id}/retire`).expect(200);
    await agent.get(`${path}/systems`).expect(404);
    await admin.post(`${path}/agents`, trust).expect(400);
  });

  it('are not trusted twice, so that who revokes one has revoked it', async () => {
    const { path } = await organization();
    const { body: own } = await admin.post(`${path}/systems`, system).expect(201);
    const { body: other } = await admin.post(`${path}/systems`, { ...system, name: 'other' }).expect(201);
    const key = (kid: string) => {
      const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      return { ...publicKey.export({ format: 'jwk' }), kid };
    };
    const [one, two] = [key('one'), key('two')];
    const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
    const trust = {
      ...clusterTrust,
      systemId: own.id,
      jwks: { keys: [one, two] },
    };
    // At once, too: of two requests one waits for the other.
    const both = await Promise.all([1, 2].map(() => admin.post(`${path}/agents`, trust)));
    expect(both.map(({ status }) => status).sort()).toEqual([201, 409]);
    const { body: first } = both.find(({ status }) => status === 201)!;
    expect(both.find(({ status }) => status === 409)!.body).toMatchObject({ agentId: first.id });
    for (const same of [{ name: 'another name' }, { jwks: { keys: [two, one] } }, { signingKeys: [] }]) {
      const { body } = await admin.post(`${path}/agents`, { ...trust, ...same }).expect(409);
      expect(body).toMatchObject({ agentId: first.id, detail: expect.stringContaining(first.id) });
    }
    const others = [
      ...[{ systemId: other.id }, { audience: 'other' }, { issuer: 'https://other.example.org' }],
      ...[{ subjectPattern: 'system:serviceaccount:security:*' }, { jwks: { keys: [one] } }, { jwks: undefined }],
      { signingKeys: [pem] },
    ];
    for (const change of others) await admin.post(`${path}/agents`, { ...trust, ...change }).expect(201);
    await admin.post(`${path}/agents`, { ...trust, signingKeys: [pem] }).expect(409);
    await admin.delete(`${path}/agents/${first.id}`).expect(204);
    await admin.post(`${path}/agents`, trust).expect(201);
  });

  it('are refused where the trust would be too wide or could not be kept', async () => {
    const { path } = await organization();
    const { body: own } = await admin.post(`${path}/systems`, system).expect(201);
    const trust = {
      ...clusterTrust,
      systemId: own.id,
    };
    const refused: [object, number][] = [
      [{ subjectPattern: 'system:serviceaccount:*:*' }, 400],
      [{ subjectPattern: '.*' }, 400],
      [{ issuer: 'https://user:secret@cluster.example.org' }, 422],
      [{ issuer: 'https://cluster.example.org/?a' }, 422],
      [{ issuer: world.provider.issuer, jwks: { keys: [{ kty: 'RSA', n: 'A'.repeat(342), e: 'AQAB' }] } }, 422],
      [{ jwks: { keys: [{ kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }] } }, 400],
      [{ jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }, 400],
      [{ systemId: '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03' }, 400],
    ];
    for (const [change, status] of refused) {
      await admin.post(`${path}/agents`, { ...trust, ...change }).expect(status);
    }
    await admin.post(`${path}/agents`, trust).expect(201);
  });
});

describe('the past', () => {
  it('sees systems and settings as they were, as far as they were known', async () => {
    const database = world.app.get(Database, { strict: false });
    const organizations = world.app.get(OrganizationService, { strict: false });
    const systems = world.app.get(SystemService, { strict: false });
    const everything = founder(
      { ...servicePrincipal('test', '', 'test'), issuer: 'issuer', subject: 'somebody' },
      null,
    );
    const { id, createdAt } = await database.write(everything, async (tx) => {
      await organizations.create(tx, 'Lakeside Clinic', 'Ada');
      return systems.create(tx, { name: 'emr', environment: 'production', phi: 'stores', phiNamespaces: [] });
    });
    await database.write(everything, (tx) =>
      organizations.change(tx, 1, { settings: { freshness: { 'audit-policy-coverage': 30 } } }),
    );
    const changed = await database.write(everything, (tx) => systems.change(tx, id, 1, { phi: 'none' }));
    const retired = await database.write(everything, (tx) => systems.retire(tx, id));
    const before = (instant: string): Date => new Date(Date.parse(instant) - 1);
    const [registered, other, gone] = [createdAt, changed.updatedAt, retired.updatedAt].map((at) => new Date(at)) as [
      Date,
      Date,
      Date,
    ];
    const [long, late] = [new Date('2026-01-01T00:00:00Z'), new Date(gone.getTime() + 86_400_000)];
    const seen = (asOf: Date, knownAt: Date, principal: Principal = everything) =>
      database.read(principal, async (tx) => {
        const inScope = await systems.systemsAsOf(tx, { asOf, knownAt });
        const { version } = await organizations.settingsAsOf(tx, { asOf, knownAt });
        return [inScope.map((one) => `${one.version} ${one.phi}`).join(), version];
      });
    expect(await seen(late, long)).toEqual(['', 0]);
    // Registered later, and known at the asking: a late report may tell of then.
    expect(await seen(long, late)).toEqual(['1 stores', 1]);
    expect(await seen(registered, late)).toEqual(['1 stores', 1]);
    expect(await seen(late, registered)).toEqual(['1 stores', 1]);
    expect(await seen(other, other)).toEqual(['2 none', 2]);
    expect(await seen(before(retired.updatedAt), late)).toEqual(['2 none', 2]);
    expect(await seen(late, before(retired.updatedAt))).toEqual(['2 none', 2]);
    expect(await seen(gone, gone)).toEqual(['', 2]);
    expect(await seen(late, late)).toEqual(['', 2]);
    const bound = { ...everything, systemIds: ['019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a03'] };
    expect(await seen(other, other, bound)).toEqual(['', 2]);
  });
});
