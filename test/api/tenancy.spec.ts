import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ROLE_PERMISSIONS } from '../../src/auth/roles.js';
import { API_AUDIENCE } from '../../src/development/provider.js';
import { Operations } from '../../src/kernel/http/operations.js';
import type { Operation } from '../../src/kernel/http/endpoint.js';
import { newId } from '../../src/kernel/ids.js';
import { ROLES, type Role } from '../../src/kernel/principal.js';
import { ownCheck } from '../support/checks.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { holdEvent, holdFact } from '../support/held.js';
import { Keeper } from '../support/keep.js';
import { ownType } from '../support/record-types.js';
import { kubeBench, policyReport, send } from './reports.js';

/** What one organisation has, by the path parameter that names it. */
interface Holdings {
  type: string;
  recordId: string;
  version: string;
  documentId: string;
  keyId: string;
  vendorId: string;
  analysisId: string;
  checkId: string;
  organizationId: string;
  systemId: string;
  memberId: string;
  agentId: string;
  evidenceId: string;
  scanId: string;
  series: string;
  factSeries: string;
  packageId: string;
}

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
  world = await startApp();
  admin = new pg.Client({ connectionString: world.database.urls.admin });
  await admin.connect();
  first = await startClinic(world);
  foreign = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
  operations = world.app.get(Operations, { strict: false }).all();
  theirs = await holdingsOf(first, 'first-officer', SECRET_NAME);
  own = await holdingsOf(foreign, 'foreign-officer', 'of the foreign');
  principals = {
    admin: foreign.admin,
    compliance_officer: await foreign.member('compliance_officer'),
    approver: await foreign.member('approver'),
    auditor: await foreign.member('auditor'),
    viewer: await foreign.member('viewer'),
    agent: foreign.agent,
  };
});
afterAll(async () => {
  await admin.end();
  await world.stop();
});

async function holdingsOf(clinic: Clinic, subject: string, name: string): Promise<Holdings> {
  const { body: member } = await clinic.admin
    .post(`${clinic.path}/members`, { issuer: world.provider.issuer, subject, name, role: 'compliance_officer' })
    .expect(201);
  const officer = await world.as(subject);
  const { body: agents } = await clinic.admin.get(`${clinic.path}/agents`).expect(200);
  const { body: scan } = await send<{ id: string; evidenceId: string }>(
    world.url,
    clinic.agent,
    'POST',
    `${clinic.systemPath}/scans?targets=cluster/cluster&observedAt=2026-01-01T00:00:00Z`,
    { body: policyReport([{ check: name, result: 'fail' }]) },
  );
  const { body: results } = await officer.get(`${clinic.systemPath}/results`).expect(200);
  const value = { provider: name, ready: true, reason: null };
  const factSeries = await holdFact(admin, clinic, { kind: 'secret-store', subject: name, value });
  await holdEvent(admin, clinic, { id: name, actor: name });
  const checkId = `org/${name.replaceAll(' ', '-')}`;
  await officer
    .put(`${clinic.path}/checks/${encodeURIComponent(checkId)}`, { definition: { ...ownCheck, id: checkId } })
    .set('If-None-Match', '*')
    .expect(200);
  const type = `org/${name.replaceAll(' ', '-')}`;
  await officer
    .put(`${clinic.path}/record-types/${encodeURIComponent(type)}`, {
      definition: { ...ownType('org/supplier'), type },
    })
    .set('If-None-Match', '*')
    .expect(200);
  const kept = await recordsOf(clinic, officer, name);
  const { body: requested } = await officer.post(`${clinic.path}/packages`, { scope: { systemId: null } }).expect(202);
  await vi.waitFor(
    async () => {
      const { body } = await officer.get(`${clinic.path}/packages/${requested.id}`).expect(200);
      expect(body.status).toBe('ready');
    },
    { timeout: 30_000, interval: 200 },
  );
  return {
    organizationId: clinic.organizationId,
    systemId: clinic.systemId,
    memberId: member.id,
    agentId: agents.items[0].id,
    evidenceId: scan.evidenceId,
    scanId: scan.id,
    series: results.items[0].series,
    factSeries,
    packageId: requested.id,
    checkId,
    type,
    ...kept,
  };
}

/** A draft with a document, a key and a vendor in effect, and a risk analysis that was begun. */
async function recordsOf(clinic: Clinic, officer: Caller, name: string) {
  // Of this organisation alone, as its officer is.
  const subject = `approver-of-${clinic.organizationId}`;
  await clinic.admin
    .post(`${clinic.path}/members`, { issuer: world.provider.issuer, subject, name, role: 'approver' })
    .expect(201);
  const keeper = await Keeper.of(clinic, officer, await world.as(subject));
  const policy = { name, kind: 'policy', reviewedOn: '2026-01-12' };
  const recordId = await keeper.draft({ type: 'policy', title: name, fields: policy, document: 'text' });
  const { body: draft } = await officer.get(`${clinic.path}/records/${recordId}`).expect(200);
  const key = {
    ...{ name, purpose: 'backup', custodian: keeper.owner, provider: 'aws-kms', keyId: name },
    ...{ createdOn: '2026-01-01', policyDays: 365, rotateAfterIncident: true },
  };
  const keyId = await keeper.keep({ type: 'key', title: name, fields: key, systemIds: [clinic.systemId] });
  const vendor = { name, role: 'business_associate', ephi: true, services: name };
  const vendorId = await keeper.keep({ type: 'vendor', title: name, fields: vendor });
  const analysis = { title: name, ownerId: keeper.owner, effectiveFrom: '2026-01-01T00:00:00Z' };
  const { body: begun } = await officer.post(`${clinic.path}/risk-analyses`, analysis).expect(201);
  return {
    recordId,
    version: '1',
    documentId: String(draft.documents[0].evidenceId),
    keyId,
    vendorId,
    analysisId: String(begun.analysis.id),
  };
}

const NAMES = [
  'type',
  'recordId',
  'version',
  'documentId',
  'keyId',
  'vendorId',
  'analysisId',
  'organizationId',
  'systemId',
  'memberId',
  'agentId',
  'evidenceId',
  'scanId',
  'series',
  'factSeries',
  'packageId',
  'checkId',
] as const;
/** Keys, vendors and analyses are records, and documents evidence. */
const PARTS: readonly [path: RegExp, name: string, holding: (typeof NAMES)[number]][] = [
  [/\/keys\//, 'recordId', 'keyId'],
  [/\/vendors\//, 'recordId', 'vendorId'],
  [/\/risk-analyses\//, 'recordId', 'analysisId'],
  [/\/documents\//, 'evidenceId', 'documentId'],
];
const holdingOf = (path: string, name: string): string =>
  PARTS.find(([of, parameter]) => of.test(path) && parameter === name)?.[2] ?? name;
const parametersOf = (path: string): string[] =>
  [...path.matchAll(/:([A-Za-z]+)/g)].map(([, name]) => holdingOf(path, name ?? ''));
const isTenants = ({ path }: Operation): boolean => path.includes(':organizationId');
const filled = (path: string, holdings: Holdings): string =>
  path.replaceAll(/:([A-Za-z]+)/g, (_, parameter: string) => {
    const name = holdingOf(path, parameter);
    if (!NAMES.includes(name as never)) throw new Error(`nobody says what ${name} of ${path} names`);
    return encodeURIComponent(holdings[name as keyof Holdings]);
  });

const TEXT = 'planted';

/** What makes each writing operation a good request, so that nothing but the tenant stands in its way. */
const BODIES: Record<string, object | string> = {
  changeOrganization: { name: 'taken over' },
  addMember: { issuer: '', subject: 'intruder', name: 'Intruder', role: 'admin' },
  changeMember: { role: 'viewer' },
  createSystem: { name: 'planted', environment: 'production', phi: 'none' },
  changeSystem: { name: 'taken over' },
  trustAgent: {
    name: 'planted',
    kind: 'client_credentials',
    issuer: '',
    audience: API_AUDIENCE,
    subjectPattern: 'intruder',
  },
  changeOrganizationCheck: { enabled: false, reason: 'taken over' },
  tryOrganizationCheck: { definition: ownCheck },
  requestPackage: { scope: { systemId: null } },
  changeRecordType: { tightened: { goodForDays: 30 } },
  createRecord: {
    type: 'policy',
    title: 'planted',
    ownerId: newId(),
    effectiveFrom: '2026-01-01T00:00:00Z',
    fields: {},
  },
  editRecord: { title: 'taken over' },
  abandonRecord: { reason: 'taken over' },
  decideRecord: { decision: 'approve' },
  endRecord: { effectiveFrom: '2026-01-01T00:00:00Z', reason: 'taken over' },
  addDocument: TEXT,
  startRiskAnalysis: { title: 'planted', ownerId: newId(), effectiveFrom: '2026-01-01T00:00:00Z' },
  postScan: kubeBench({ '1.2.1': 'PASS' }),
  postKubernetesAuditEvents: JSON.stringify({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', items: [] }),
};

const QUERIES: Record<string, string> = {
  postScan: '?targets=node/one&observedAt=2026-01-01T00:00:00Z',
  addDocument: '?role=text&name=planted.txt',
  removeDocument: '?role=text',
  traceCheck: '?tool=kube-bench&check=cis-1.12/1.2.1',
};

const HEADERS: Record<string, Record<string, string>> = {
  addDocument: {
    'Content-Type': 'text/plain',
    'Content-Digest': `sha-256=:${createHash('sha256').update(TEXT).digest('base64')}:`,
  },
};

/** What names a thing says nothing of whether another has one of the name, and may be refused otherwise than what is looked up by its id. */
const REFUSED: Record<string, number> = { changeRecordType: 422 };

function call({ id, method, path, edits }: Operation, caller: Caller, holdings: Holdings) {
  const given = BODIES[id];
  const body =
    typeof given === 'object'
      ? JSON.stringify({
          ...given,
          ...('issuer' in given ? { issuer: world.provider.issuer } : {}),
          ...(id === 'trustAgent' || id === 'tryOrganizationCheck' ? { systemId: holdings.systemId } : {}),
        })
      : given;
  return send<{ type?: string; detail?: string; items?: unknown[] }>(
    world.url,
    caller,
    method,
    filled(path, holdings) + (QUERIES[id] ?? ''),
    {
      ...(body === undefined ? {} : { body }),
      // A draft to which a document was added is at its second revision.
      headers: {
        ...HEADERS[id],
        ...(edits === true ? { 'If-Match': path.includes('/documents') ? '"2"' : '"1"' } : {}),
      },
    },
  );
}

/** Everybody of the foreign organisation who holds the permission that the operation asks for. */
const holders = ({ permission }: Operation): Caller[] =>
  ROLES.filter(
    (role) => permission === 'authenticated' || (ROLE_PERMISSIONS[role] as readonly string[]).includes(permission),
  ).map((role) => principals[role]);

const absentOf = (name: string): string => (name === 'type' ? `org/${newId()}` : name === 'version' ? '1' : newId());
const nothing = (): Holdings => Object.fromEntries(NAMES.map((name) => [name, absentOf(name)])) as unknown as Holdings;

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
      if (operation.method !== 'GET' && operation.body !== undefined) expect(BODIES).toHaveProperty(operation.id);
    }
    expect(operations.filter(isTenants).length).toBeGreaterThan(25);
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
      const names = parametersOf(operation.path).filter((name) => name !== 'organizationId');
      for (const name of names) {
        // Each id alone is foreign, the others are one's own.
        const mixed = { ...own, [name]: theirs[name as keyof Holdings] };
        const absent = { ...own, [name]: absentOf(name) };
        // A series is named after its content, so both organisations have one of the name: what is shown is one's own. Versions are numbers.
        if (theirs[name as keyof Holdings] === own[name as keyof Holdings]) continue;
        for (const caller of holders(operation)) {
          const answer = await call(operation, caller, mixed);
          expect([operation.id, name, answer.status]).toEqual([operation.id, name, REFUSED[operation.id] ?? 404]);
          expect(said(answer), operation.id).toEqual(said(await call(operation, caller, absent)));
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
    expect([package1.status, package1.body.type, package1.body.detail]).toEqual([
      package2.status,
      package2.body.type,
      package2.body.detail,
    ]);
  });

  it('in any answer of one’s own organisation, or of none: no', async () => {
    const marks = [...NAMES.map((name) => theirs[name]).filter((id) => !Object.values(own).includes(id)), SECRET_NAME];
    for (const operation of operations) {
      if (operation.method !== 'GET' || operation.permission === 'public') continue;
      const names = parametersOf(operation.path);
      if (names.some((name) => !NAMES.includes(name as never))) continue;
      for (const caller of isTenants(operation) ? holders(operation) : Object.values(principals)) {
        const query = operation.id === 'compareRiskAnalyses' ? `?with=${own.analysisId}` : QUERIES[operation.id];
        const path = filled(operation.path, own) + (query ?? '');
        const { status, bytes } = await send(world.url, caller, 'GET', path);
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
    ]) {
      const { body } = await officer.get(foreign.path + path).expect(200);
      expect(body.items, path).toEqual([]);
    }
    const { body } = await officer
      .get(`${foreign.path}/evidence?cursor=${cursor('ffffffff-ffff-7fff-bfff-ffffffffffff')}`)
      .expect(200);
    expect((body.items as { id: string }[]).map(({ id }) => id)).toEqual([own.documentId, own.evidenceId]);
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
    const { body: events } = await first.admin.get(`${first.path}/audit-events?limit=500`).expect(200);
    const foreigners = new Set((events.items as { actor: { id: string } }[]).map(({ actor }) => actor.id));
    expect(foreigners.has(own.memberId)).toBe(false);
    expect(foreigners.has(own.agentId)).toBe(false);
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
