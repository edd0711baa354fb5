import { createHash } from 'node:crypto';
import pg from 'pg';
import type { Response } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROLE_PERMISSIONS } from '../../src/auth/roles.js';
import { API_AUDIENCE } from '../../src/development/provider.js';
import { Operations } from '../../src/kernel/http/operations.js';
import type { Operation } from '../../src/kernel/http/endpoint.js';
import { newId } from '../../src/kernel/ids.js';
import { ROLES, type Role } from '../../src/kernel/principal.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { absent, filled, heldBy, holdingsOf, NAMES, nothing, type Holdings } from '../support/holdings.js';
import { ask, requestOf } from '../support/requests.js';
import { fixture } from '../fixtures/reports/load.js';
import { kubeBench, policyReport, send } from './reports.js';

let world: World;
let first: Clinic;
let foreign: Clinic;
let theirs: Holdings;
let own: Holdings;
/** A principal of the foreign organisation in each role: what one may not ask for, another does. */
let principals: Record<Role, Caller>;
let operations: Operation[];
let admin: pg.Client;
const SECRET_NAME = 'secret-of-the-first';

beforeAll(async () => {
  world = await startApp({ environment: { WEBHOOK_PRIVATE_HOSTS: '127.0.0.1' } });
  admin = new pg.Client({ connectionString: world.database.urls.admin });
  await admin.connect();
  first = await startClinic(world);
  foreign = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
  operations = world.app.get(Operations, { strict: false }).all();
  theirs = await holdingsOf(world, admin, first, {
    officer: 'first-officer',
    approver: 'first-approver',
    auditor: 'first-engaged',
    name: SECRET_NAME,
  });
  own = await holdingsOf(world, admin, foreign, {
    officer: 'foreign-officer',
    approver: 'foreign-approver',
    auditor: 'foreign-engaged',
    name: 'of the foreign',
  });
  principals = {
    admin: foreign.admin,
    compliance_officer: await foreign.member('compliance_officer'),
    approver: await foreign.member('approver'),
    auditor: await foreign.member('auditor'),
    viewer: await foreign.member('viewer'),
    agent: foreign.agent,
    engaged_auditor: await world.as('foreign-engaged'),
  };
});
afterAll(async () => {
  await admin.end();
  await world.stop();
});

const isTenants = ({ path }: Operation): boolean => path.includes(':organizationId');

const call = (operation: Operation, caller: Caller, holdings: Holdings) =>
  ask(world, requestOf(operation, holdings, world.provider.issuer), caller);

/** Everybody of the foreign organisation who holds the permission that the operation asks for. */
const holders = ({ permission, path }: Operation): Caller[] =>
  ROLES.filter(
    (role) => permission === 'authenticated' || (ROLE_PERMISSIONS[role] as readonly string[]).includes(permission),
  )
    // Who was let in by an engagement is known on its routes alone.
    .filter((role) => role !== 'engaged_auditor' || path.includes('/:engagementId'))
    .map((role) => principals[role]);

/** One names a record type oneself, and a PUT makes it: If-Match finds none of the name. */
const NOT_THERE: Record<string, number> = { changeRecordType: 412 };

const said = ({ status, body }: { status: number; body: { type?: string; detail?: string } }) => [
  status,
  body.type,
  body.detail,
];

describe('is there anything of another organisation?', () => {
  it('each operation is one of those that are tried here', () => {
    for (const operation of operations.filter(isTenants)) {
      expect(() => filled(operation.path, theirs), operation.id).not.toThrow();
      expect(holders(operation), operation.id).not.toEqual([]);
      if (operation.body === undefined) continue;
      expect(requestOf(operation, own, world.provider.issuer).body, operation.id).not.toBeNull();
    }
    expect(operations.filter(isTenants).length).toBeGreaterThan(80);
  });

  it('in its own path: no, and the answer is that of an organisation that does not exist', async () => {
    for (const operation of operations.filter(isTenants)) {
      for (const role of ROLES) {
        // 403 would tell that the organisation is there: nobody gets it, whatever the role at home.
        const answer = await call(operation, principals[role], theirs);
        expect([operation.id, role, answer.status]).toEqual([operation.id, role, 404]);
        expect(said(answer), operation.id).toEqual(said(await call(operation, principals[role], nothing())));
      }
    }
  });

  it('by its ids in one’s own path: no, and the answer is that of an id that nobody has', async () => {
    for (const operation of operations.filter(isTenants)) {
      for (const name of heldBy(operation.path).filter((held) => held !== 'organizationId')) {
        // Each id alone is foreign, the others are one's own.
        const mixed = { ...own, [name]: theirs[name] };
        const unknown = { ...own, [name]: absent(name) };
        // A series is named after its content, so both organisations have one of the name: what is shown is one's own.
        if (name === 'series' && theirs.series === own.series) continue;
        for (const caller of holders(operation)) {
          const answer = await call(operation, caller, mixed);
          expect([operation.id, name, answer.status]).toEqual([operation.id, name, NOT_THERE[operation.id] ?? 404]);
          expect(said(answer), operation.id).toEqual(said(await call(operation, caller, unknown)));
        }
      }
    }
  });

  it('by its ids in a body: no', async () => {
    const trust = operations.find(({ id }) => id === 'trustAgent')!;
    const planted = await call(trust, foreign.admin, { ...own, systemId: theirs.systemId });
    expect([planted.status, planted.body]).toEqual([400, expect.objectContaining({ pointer: '/systemId' })]);
    const absent = await call(trust, foreign.admin, { ...own, systemId: newId() });
    expect(said(planted)).toEqual(said(absent));
    const dryRun = operations.find(({ id }) => id === 'tryOrganizationCheck')!;
    const tried = await call(dryRun, principals.compliance_officer, { ...own, systemId: theirs.systemId });
    expect(tried.status).toBe(404);
    expect(said(tried)).toEqual(said(await call(dryRun, principals.compliance_officer, { ...own, systemId: newId() })));
    const asked = (systemId: string) =>
      principals.compliance_officer.post(`${foreign.path}/packages`, { scope: { systemId } });
    const package1 = await asked(theirs.systemId);
    const package2 = await asked(newId());
    expect([400, 404]).toContain(package1.status);
    expect(said(package1)).toEqual(said(package2));
  });

  it('by its ids in the body or query of a record, an analysis, a list: no', async () => {
    const { compliance_officer: officer } = principals;
    const begin = (body: object) => officer.post(`${foreign.path}/records`, body);
    const effectiveFrom = '2026-01-01T00:00:00Z';
    const record = { type: 'vendor', title: 'planted', ownerId: own.memberId, effectiveFrom };
    const analysis = { title: 'planted', ownerId: own.memberId, effectiveFrom };
    const start = (body: object) => officer.post(`${foreign.path}/risk-analyses`, body);
    const refused: Record<string, (of: Holdings) => PromiseLike<Response>> = {
      'a record of its member': ({ memberId }) => begin({ ...record, ownerId: memberId }),
      'a record of its system': ({ systemId }) => begin({ ...record, systemIds: [systemId] }),
      'a record of its type': ({ recordType }) => begin({ ...record, type: recordType }),
      'an edit to its member': ({ memberId }) =>
        officer.patch(`${foreign.path}/records/${own.recordId}`, { ownerId: memberId }).set('If-Match', own.recordTag),
      'an analysis of its member': ({ memberId }) => start({ ...analysis, ownerId: memberId }),
      'a comparison with its own': ({ analysisId }) =>
        officer.get(`${foreign.path}/risk-analyses/${own.analysisId}/comparison?with=${analysisId}`),
      'an export of its type': ({ recordType }) =>
        officer.get(`${foreign.path}/exports/records?type=${encodeURIComponent(recordType)}`),
      'keys of its system': ({ systemId }) => officer.get(`${foreign.path}/keys?system=${systemId}`),
      'a submission that names its vendor': async ({ vendorId }) => {
        const fields = { name: 'planted', role: 'subcontractor', ephi: true, services: 'Archive', parent: vendorId };
        const { body } = await begin({ ...record, fields }).expect(201);
        return officer.post(`${foreign.path}/records/${body.id}/submission`).set('If-Match', '"1"');
      },
    };
    for (const [what, asked] of Object.entries(refused)) {
      const [answer, unknown] = [await asked(theirs), await asked(nothing())];
      expect([what, Math.floor(answer.status / 100)]).toEqual([what, 4]);
      expect([what, ...said(answer)]).toEqual([what, ...said(unknown)]);
      // Of one's own it is done: nothing else was in the way.
      expect([what, Math.floor((await asked(own)).status / 100)]).toEqual([what, 2]);
    }
    // One's own is not in effect either.
    const after = (id: string) => start({ ...analysis, fromPrevious: id });
    expect(said(await after(theirs.analysisId).expect(404))).toEqual(said(await after(newId()).expect(404)));
  });

  it('in any answer of one’s own organisation, or of none: no', async () => {
    const marks = [...NAMES.map((name) => theirs[name]).filter((id) => !Object.values(own).includes(id)), SECRET_NAME];
    for (const operation of operations) {
      if (operation.method !== 'GET' || operation.permission === 'public') continue;
      // Parts of the catalogue are everybody's.
      if (!isTenants(operation) && operation.path.includes(':')) continue;
      for (const caller of isTenants(operation) ? holders(operation) : Object.values(principals)) {
        const { status, bytes } = await call(operation, caller, own);
        expect([operation.id, status]).toEqual([operation.id, 200]);
        for (const mark of marks) expect(bytes.includes(mark), `${operation.id} ${mark}`).toBe(false);
      }
    }
  });

  it('through a filter, a digest, a cursor: no', async () => {
    const officer = principals.compliance_officer;
    const digest = createHash('sha256')
      .update(policyReport([{ check: SECRET_NAME, result: 'fail' }]))
      .digest('hex');
    const mine = await world.as('first-officer');
    expect((await mine.get(`${first.path}/evidence?sha256=${digest}`).expect(200)).body.items).toHaveLength(1);
    const cursor = (id: string) => Buffer.from(JSON.stringify([id])).toString('base64url');
    for (const path of [
      `/evidence?sha256=${digest}`,
      `/audit-events?objectId=${theirs.systemId}`,
      `/audit-events?actorId=${theirs.memberId}`,
      `/agents?systemId=${theirs.systemId}`,
      `/records?owner=${theirs.memberId}`,
      `/records?system=${theirs.systemId}`,
      `/records?key=${SECRET_NAME}`,
      `/records?linkedTo=record:${theirs.vendorId}`,
      `/work?owner=${theirs.memberId}`,
    ]) {
      const { body } = await officer.get(foreign.path + path).expect(200);
      expect(body.items, path).toEqual([]);
    }
    const { body } = await officer
      .get(`${foreign.path}/evidence?cursor=${cursor('ffffffff-ffff-7fff-bfff-ffffffffffff')}`)
      .expect(200);
    const { body: all } = await mine.get(`${first.path}/evidence?limit=500`).expect(200);
    const foreigners = new Set((all.items as { id: string }[]).map(({ id }) => id));
    expect([...foreigners]).toEqual(expect.arrayContaining([theirs.evidenceId, theirs.documentId]));
    const shown = (body.items as { id: string }[]).map(({ id }) => id);
    expect(shown).toContain(own.evidenceId);
    expect(shown.filter((id) => foreigners.has(id))).toEqual([]);
  });

  it('by another spelling of its id: no', async () => {
    const mine = await world.as('first-officer');
    await mine.get(first.path).expect(200);
    for (const spelling of [
      theirs.organizationId.toUpperCase(),
      `{${theirs.organizationId}}`,
      theirs.organizationId.replaceAll('-', ''),
      `urn:uuid:${theirs.organizationId}`,
      `${own.organizationId}%2f..%2f${theirs.organizationId}`,
      '00000000-0000-0000-0000-000000000000',
    ]) {
      for (const caller of [mine, foreign.admin]) {
        const { status } = await send(world.url, caller, 'GET', `/v1/organizations/${spelling}`);
        expect([400, 404], spelling).toContain(status);
      }
    }
  });

  it('under an Idempotency-Key of another: no', async () => {
    const key = 'the-same-key-in-both';
    const mine = await world.as('first-officer');
    const asked = (clinic: Clinic, caller: Caller) =>
      caller
        .post(`${clinic.path}/systems`, { name: 'same', environment: 'staging', phi: 'none' })
        .set('Idempotency-Key', key)
        .expect(201);
    const one = await asked(first, mine);
    const other = await asked(foreign, principals.compliance_officer);
    expect(other.body.id).not.toBe(one.body.id);
  });

  it('nothing of the first was changed by all of it', async () => {
    const { body: organization } = await first.admin.get(first.path).expect(200);
    expect(organization).toMatchObject({ name: 'Lakeside Clinic', version: 1 });
    const { body: system } = await first.admin.get(first.systemPath).expect(200);
    expect(system).toMatchObject({ version: 1, retiredAt: null });
    const { body: members } = await first.admin.get(`${first.path}/members`).expect(200);
    expect(members.items).toHaveLength(3);
    const { body: agents } = await first.admin.get(`${first.path}/agents`).expect(200);
    expect(agents.items).toMatchObject([{ id: theirs.agentId, revokedAt: null }]);
    const mine = await world.as('first-officer');
    const version = async (path: string) => (await mine.get(`${first.path}/${path}`).expect(200)).headers['etag'];
    expect(await version(`records/${theirs.recordId}`)).toBe(theirs.recordTag);
    expect(await version(`records/${theirs.analysisId}`)).toBe('"1"');
    expect(await version(`record-types/${encodeURIComponent(theirs.recordType)}`)).toBe('"1"');
    expect((await mine.get(`${first.path}/webhooks`).expect(200)).body.items).toMatchObject([
      { id: theirs.webhookId, state: 'on', version: 1 },
    ]);
    expect((await mine.get(`${first.path}/imports`).expect(200)).body.items).toMatchObject([
      { id: theirs.importId, status: 'applied' },
    ]);
    const { body: records } = await mine.get(`${first.path}/records?limit=500`).expect(200);
    const { recordId, keyId, vendorId, analysisId } = theirs;
    const kept = (records.items as { id: string; type: string }[]).filter(({ type }) => type !== 'training_record');
    expect(kept.map(({ id }) => id).sort()).toEqual([recordId, keyId, vendorId, analysisId].sort());
    const { body: events } = await first.admin.get(`${first.path}/audit-events?limit=500`).expect(200);
    const foreigners = new Set((events.items as { actor: { id: string } }[]).map(({ actor }) => actor.id));
    expect(foreigners.has(own.memberId)).toBe(false);
    expect(foreigners.has(own.agentId)).toBe(false);
  });

  it('and what it was refused of the first is done of its own', async () => {
    // A dry run asks for a snapshot.
    await foreign.agent
      .post(`${foreign.systemPath}/scans`)
      .set('Content-Type', 'application/x-ndjson')
      .send(fixture('cluster-snapshot/clinic.ndjson').toString('utf8'))
      .expect(201);
    for (const operation of operations.filter(isTenants)) {
      if (operation.method === 'GET' || heldBy(operation.path).length > 1) continue;
      const [caller] = holders(operation);
      const { status } = await call(operation, caller!, own);
      expect(status, operation.id).toBeLessThan(300);
    }
  });
});

describe('does an agent see more than its system?', () => {
  let elsewhere: { systemId: string; scanId: string };
  beforeAll(async () => {
    const { body: system } = await foreign.admin
      .post(`${foreign.path}/systems`, { name: 'elsewhere', environment: 'production', phi: 'stores' })
      .expect(201);
    const { body: scan } = await send<{ id: string }>(
      world.url,
      principals.compliance_officer,
      'POST',
      `${foreign.path}/systems/${system.id}/scans?targets=node/one&observedAt=2026-01-01T00:00:00Z`,
      { body: kubeBench({ '1.2.1': 'FAIL' }) },
    );
    elsewhere = { systemId: system.id, scanId: scan.id };
  });

  it('another system of its organisation does not exist for it', async () => {
    const perSystem = operations.filter((operation) => operation.path.includes(':systemId'));
    for (const operation of perSystem) {
      const may = (ROLE_PERMISSIONS.agent as readonly string[]).includes(operation.permission);
      const answer = await call(operation, foreign.agent, { ...own, ...elsewhere });
      // What an agent may nowhere do is refused as such: it tells nothing of the system.
      expect([operation.id, answer.status]).toEqual([operation.id, may ? 404 : 403]);
      expect(said(answer), operation.id).toEqual(
        said(await call(operation, foreign.agent, { ...own, systemId: newId(), scanId: newId() })),
      );
    }
  });

  it('a scan of another system is not found under its own', async () => {
    await foreign.agent.get(`${foreign.systemPath}/scans/${elsewhere.scanId}`).expect(404);
    await foreign.agent.get(`${foreign.systemPath}/scans/${own.scanId}`).expect(200);
  });

  it('lists show its own', async () => {
    const { body } = await foreign.agent.get(`${foreign.path}/systems?limit=500&includeRetired=true`).expect(200);
    expect((body.items as { id: string }[]).map(({ id }) => id)).toEqual([own.systemId]);
  });
});

describe('does access end at once?', () => {
  it('of a removed member, and the change of a role too', async () => {
    const { body: member } = await foreign.admin
      .post(`${foreign.path}/members`, {
        issuer: world.provider.issuer,
        subject: 'leaver',
        name: 'Leaver',
        role: 'auditor',
      })
      .expect(201);
    const leaver = await world.as('leaver');
    await leaver.get(`${foreign.path}/evidence`).expect(200);
    const { headers } = await foreign.admin
      .patch(`${foreign.path}/members/${member.id}`, { role: 'viewer' })
      .set('If-Match', '"1"')
      .expect(200);
    expect(headers['etag']).toBe('"2"');
    await leaver.get(`${foreign.path}/evidence`).expect(403);
    await leaver.get(foreign.path).expect(200);
    await foreign.admin.delete(`${foreign.path}/members/${member.id}`).expect(204);
    await leaver.get(foreign.path).expect(404);
    await leaver.get(`${foreign.path}/evidence`).expect(404);
    expect((await leaver.get('/v1/organizations').expect(200)).body.items).toEqual([]);
    expect((await leaver.get('/v1/me').expect(200)).body.organizations).toEqual([]);
  });

  it('of a download that is under way no more, of the next at once', async () => {
    const { body: member } = await foreign.admin
      .post(`${foreign.path}/members`, {
        issuer: world.provider.issuer,
        subject: 'reader',
        name: 'Reader',
        role: 'auditor',
      })
      .expect(201);
    const reader = await world.as('reader');
    const path = `${foreign.path}/evidence/${own.evidenceId}/content`;
    const { headers } = await reader.get(path).expect(200);
    await foreign.admin.delete(`${foreign.path}/members/${member.id}`).expect(204);
    // Knowing the tag is no access.
    await reader.get(path).set('If-None-Match', String(headers['etag'])).expect(404);
    await reader.get(path).set('Range', 'bytes=0-1').expect(404);
  });

  it('of a revoked agent, and of the agents of a retired system', async () => {
    const { body: system } = await foreign.admin
      .post(`${foreign.path}/systems`, { name: 'short-lived', environment: 'staging', phi: 'none' })
      .expect(201);
    const trust = (systemId: string) =>
      foreign.admin
        .post(`${foreign.path}/agents`, {
          name: 'second',
          systemId,
          kind: 'client_credentials',
          issuer: world.provider.issuer,
          audience: API_AUDIENCE,
          subjectPattern: 'safeguard-agent',
        })
        .expect(201);
    // An agent of the first organisation is one of the foreign, as long as this trusts it.
    await first.agent.get(foreign.systemPath).expect(404);
    const { body: trusted } = await trust(own.systemId);
    await trust(system.id);
    await first.agent.get(foreign.systemPath).expect(200);
    await first.agent.get(`${foreign.path}/systems/${system.id}`).expect(200);
    await foreign.admin.delete(`${foreign.path}/agents/${trusted.id}`).expect(204);
    await first.agent.get(foreign.systemPath).expect(404);
    await first.agent.get(`${foreign.path}/systems/${system.id}`).expect(200);
    await foreign.admin.post(`${foreign.path}/systems/${system.id}/retire`).expect(200);
    await first.agent.get(`${foreign.path}/systems/${system.id}`).expect(404);
    const { status } = await send(
      world.url,
      first.agent,
      'POST',
      `${foreign.path}/systems/${system.id}/scans?targets=node/one&observedAt=2026-01-01T00:00:00Z`,
      { body: kubeBench({ '1.2.1': 'PASS' }) },
    );
    expect(status).toBe(404);
    // At home nothing has changed.
    await first.agent.get(first.systemPath).expect(200);
  });
});
