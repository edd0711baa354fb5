import { createHash } from 'node:crypto';
import { Controller, Get, Module } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import supertest from 'supertest';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Endpoint, operation, type Operation } from '../../src/kernel/http/endpoint.js';
import { HttpModule } from '../../src/kernel/http/http.module.js';
import { Operations } from '../../src/kernel/http/operations.js';
import { Database } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { PERMISSIONS, servicePrincipal } from '../../src/kernel/principal.js';
import { NoticesService } from '../../src/notices/notices.service.js';
import { ROLE_PERMISSIONS } from '../../src/auth/roles.js';
import { API_AUDIENCE } from '../../src/development/provider.js';
import { ownCheck } from '../support/checks.js';
import { startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { defineOwnTypes, ownType } from '../support/record-types.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let approver: Caller;
let operations: Operation[];
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer } = suite);
  approver = await clinic.member('approver');
  await defineOwnTypes(officer, clinic.path);
  operations = world.app.get(Operations, { strict: false }).all();
  return suite.stop;
});

/** What anybody may call without a token: all of it. */
const PUBLIC = [
  'GET /',
  'GET /.well-known/safeguard',
  'GET /auth/callback',
  'GET /docs/assets/:name',
  'GET /health/live',
  'GET /health/ready',
  'GET /login',
  'GET /openapi.yaml',
  'GET /problems/:code',
  'GET /v1/formats/safeguard/schema',
  'POST /logout',
];

interface Layer {
  route?: { path: string; methods: Record<string, boolean> };
}

describe('is every route guarded?', () => {
  it('the server has the routes of the operations and no others', () => {
    const { router } = world.app.getHttpAdapter().getInstance() as unknown as { router: { stack: Layer[] } };
    const routes = router.stack.flatMap(({ route }) =>
      route === undefined ? [] : Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${route.path}`),
    );
    expect(routes.sort()).toEqual(operations.map(({ method, path }) => `${method} ${path}`).sort());
  });

  it('public operations are these and no others', () => {
    const found = operations.filter(({ permission }) => permission === 'public');
    expect(found.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(PUBLIC);
  });

  it('each permission that is asked for is known, and given to some role', () => {
    const given = new Set<string>(Object.values(ROLE_PERMISSIONS).flat());
    for (const { id, permission } of operations) {
      if (permission === 'public' || permission === 'authenticated') continue;
      expect(PERMISSIONS, id).toContain(permission);
      // Creating organisations is the deployment's to give, not an organisation's.
      if (permission !== 'organizations:create') expect([...given], id).toContain(permission);
    }
  });

  it('what names an organisation asks for a permission there', () => {
    const loose = operations.filter(
      ({ path, permission }) => path.includes(':organizationId') && ['public', 'authenticated'].includes(permission),
    );
    expect(loose).toEqual([]);
  });

  it('without a token, and with a broken one, each of the others answers 401 and nothing else', async () => {
    for (const { id, method, path, permission } of operations) {
      if (permission === 'public') continue;
      const url = path.replaceAll(/[:*][A-Za-z]+/g, newId());
      for (const authorization of [undefined, 'Bearer e30.e30.e30', 'Basic YTpi', 'Bearer ']) {
        const request = supertest(world.url)[method.toLowerCase() as 'get'](url);
        const answer = await (authorization === undefined ? request : request.set('Authorization', authorization));
        expect([answer.status, answer.body.type], `${id} ${authorization}`).toEqual([401, '/problems/unauthenticated']);
        expect(answer.headers['www-authenticate'], id).toBe('Bearer');
      }
    }
  });

  it('a request that dawdles has an end', () => {
    const { headersTimeout, requestTimeout } = world.app.getHttpServer();
    // Milliseconds; 0 would be for ever.
    expect(headersTimeout).toBeGreaterThan(0);
    expect(headersTimeout).toBeLessThanOrEqual(60_000);
    // The largest report that is taken by default, over a line of 2 Mbit/s: Node's own five minutes would cut it off. Silence is cut off within a minute (content.spec.ts).
    expect(requestTimeout).toBe(3_600_000);
  });

  it('a route without @Endpoint stops the start', async () => {
    @Controller()
    class Planted {
      @Get('/planted')
      planted() {
        return 'anybody';
      }
    }
    @Module({ imports: [HttpModule], controllers: [Planted] })
    class PlantedModule {}
    const app = await NestFactory.create(PlantedModule, { logger: false, abortOnError: false });
    await expect(app.init()).rejects.toThrow('Planted.planted is a route without @Endpoint');
    await app.close();
  });

  it('two operations of one id stop the start', async () => {
    const one = operation({
      id: 'same',
      method: 'GET',
      path: '/one',
      tag: 'Planted',
      summary: 'One',
      description: 'One.',
      permission: 'public',
      answers: { 200: { description: 'One.' } },
    });
    @Controller()
    class Planted {
      @Endpoint(one)
      first() {}
      @Endpoint({ ...one, path: '/two' })
      second() {}
    }
    @Module({ imports: [HttpModule], controllers: [Planted] })
    class PlantedModule {}
    const app = await NestFactory.create(PlantedModule, { logger: false, abortOnError: false });
    await expect(app.init()).rejects.toThrow('two operations are called same');
    await app.close();
  });

  it('an endpoint that no guard has judged is not run', async () => {
    let ran = false;
    @Controller()
    class Planted {
      @Endpoint({
        id: 'planted',
        method: 'GET',
        path: '/planted',
        tag: 'Planted',
        summary: 'Planted',
        description: 'Planted.',
        permission: 'systems:read',
        answers: { 200: { description: 'Done.' } },
      })
      planted() {
        ran = true;
      }
    }
    @Module({
      imports: [HttpModule],
      controllers: [Planted],
      providers: [{ provide: APP_GUARD, useValue: { canActivate: () => true } }],
    })
    class PlantedModule {}
    const app = await NestFactory.create<NestExpressApplication>(PlantedModule, { logger: false, abortOnError: false });
    await app.init();
    try {
      await supertest(app.getHttpServer()).get('/planted').expect(500);
      expect(ran).toBe(false);
    } finally {
      await app.close();
    }
  });
});

const REPORT = JSON.stringify([
  {
    id: '1',
    version: 'cis-1.12',
    text: 'Control plane',
    node_type: 'master',
    tests: [
      { section: '1.2', desc: 'API', results: [{ test_number: '1.2.1', test_desc: 'x', status: 'FAIL', type: '' }] },
    ],
  },
]);

const AUDIT_EVENTS = {
  kind: 'EventList',
  apiVersion: 'audit.k8s.io/v1',
  items: [
    {
      auditID: '0a1b2c3d-4e5f-4a6b-8c7d-9e8f7a6b5c4d',
      stage: 'ResponseComplete',
      verb: 'get',
      objectRef: { resource: 'secrets', namespace: 'emr', name: 'portal-db' },
      stageTimestamp: '2026-01-01T00:00:00.000000Z',
    },
  ],
};

const postReport = () =>
  clinic.agent
    .post(`${clinic.systemPath}/scans?targets=node/cp-1&observedAt=2026-01-01T00:00:00Z`)
    .set('Content-Type', 'application/json')
    .send(REPORT);

interface Event {
  action: string;
  requestId: string;
  actor: { kind: string; id: string };
  object: { kind: string; id: string };
}

const events = async (requestId: string): Promise<Event[]> => {
  const { body } = await officer.get(`${clinic.path}/audit-events?limit=500`).expect(200);
  return (body.items as Event[]).filter((event) => event.requestId === requestId);
};

const requestIdOf = ({ headers }: { headers: Record<string, unknown> }): string => String(headers['x-request-id']);

let serial = 0;
const newSystem = async () => {
  serial += 1;
  const answer = await clinic.admin
    .post(`${clinic.path}/systems`, { name: `system ${serial}`, environment: 'staging', phi: 'none' })
    .expect(201);
  return answer;
};
const newAgent = () => {
  serial += 1;
  return clinic.admin
    .post(`${clinic.path}/agents`, {
      name: 'another',
      systemId: clinic.systemId,
      kind: 'client_credentials',
      issuer: world.provider.issuer,
      audience: API_AUDIENCE,
      subjectPattern: `somebody-else-${serial}`,
    })
    .expect(201);
};
/** Nobody is there; what is sent waits. */
const WEBHOOK = { url: 'https://hooks.example.com/', events: ['record.submitted'] };
const newWebhook = () => officer.post(`${clinic.path}/webhooks`, WEBHOOK).expect(201);
const newMember = () => {
  serial += 1;
  return clinic.admin
    .post(`${clinic.path}/members`, {
      issuer: world.provider.issuer,
      subject: `person-${serial}`,
      name: 'Somebody',
      role: 'viewer',
    })
    .expect(201);
};

const changeCheck = (id: string) =>
  officer
    .put(`${clinic.path}/checks/${encodeURIComponent(id)}`, { definition: { ...ownCheck, id } })
    .set('If-None-Match', '*')
    .expect(200);

/** A record that has gone through moves, and how to make the next one. */
async function keptRecord(...moves: readonly ('submit' | 'approve')[]) {
  const { body: members } = await clinic.admin.get(`${clinic.path}/members`).expect(200);
  const owner = members.items.find(({ role }: { role: string }) => role === 'compliance_officer').id;
  serial += 1;
  const { body: created } = await officer.post(`${clinic.path}/records`, recordOf(owner, serial)).expect(201);
  const path = `${clinic.path}/records/${created.id}`;
  let revision: number = created.revision;
  const at = async (made: supertest.Test, status = 200) => {
    const answer = await made.set('If-Match', `"${revision}"`).expect(status);
    revision += 1;
    return answer;
  };
  for (const move of moves) {
    await at(
      move === 'submit'
        ? officer.post(`${path}/submission`)
        : approver.post(`${path}/decision`, { decision: 'approve' }),
    );
  }
  return { path, at, owner };
}
async function newAnalysis() {
  const { owner } = await keptRecord();
  const analysis = { title: 'Risk analysis', ownerId: owner, effectiveFrom: '2026-01-01T00:00:00Z' };
  return officer.post(`${clinic.path}/risk-analyses`, analysis).expect(201);
}
const recordOf = (ownerId: string, number: number) => ({
  type: 'org/supplier',
  title: 'Lakeside Imaging',
  ownerId,
  effectiveFrom: '2026-01-01T00:00:00Z',
  fields: { name: `Lakeside Imaging ${number}` },
});

const addText = (path: string, text: string) =>
  officer
    .post(`${path}/documents?role=letter&name=letter.txt`)
    .set('Content-Type', 'text/plain')
    .set('Content-Digest', `sha-256=:${createHash('sha256').update(text).digest('base64')}:`)
    .send(text);

const defineType = (type: string) =>
  officer
    .put(`${clinic.path}/record-types/${encodeURIComponent(type)}`, {
      definition: { ...ownType('org/supplier'), type },
    })
    .set('If-None-Match', '*')
    .expect(200);

/** A table as it is imported. */
const sendTable = (path: string, table: string, caller: Caller) =>
  caller
    .post(path)
    .set('Content-Type', 'text/csv')
    .set('Content-Digest', `sha-256=:${createHash('sha256').update(table).digest('base64')}:`)
    .send(table)
    .expect(202);

/** On all there is, of somebody of its own. */
async function newEngagement() {
  serial += 1;
  const subject = `engaged-${serial}`;
  const answer = await clinic.admin
    .post(`${clinic.path}/engagements`, {
      name: 'Audit',
      issuer: world.provider.issuer,
      subject,
      scope: { systemIds: null },
      periodFrom: '2025-01-01T00:00:00Z',
      periodTo: '2099-01-01T00:00:00Z',
      endsAt: new Date(Date.now() + 3_600_000).toISOString(),
    })
    .expect(201);
  return { answer, path: `${clinic.path}/engagements/${answer.body.id}`, auditor: await world.as(subject) };
}
async function newRequest() {
  const { path, auditor } = await newEngagement();
  const answer = await auditor.post(`${path}/requests`, { title: 'The policy' }).expect(201);
  return { answer, auditor, path: `${path}/requests/${answer.body.id}` };
}
const answered = (path: string) =>
  officer.post(`${path}/answer`, { comment: 'Here.' }).set('If-Match', '"1"').expect(200);

/** Each operation that changes something, done once; the events that it must leave. Reads of evidence and packages are events too. */
const RECORDED: Record<string, { actions: string[]; act: () => Promise<{ headers: Record<string, unknown> }> }> = {
  createOrganization: {
    actions: ['member.added', 'organization.created'],
    act: async () => {
      const answer = await clinic.admin.post('/v1/organizations', { name: 'Hilltop Clinic' }).expect(201);
      // In the log of the new organisation, which its founder reads.
      const { body } = await clinic.admin.get(`/v1/organizations/${answer.body.id}/audit-events`).expect(200);
      const own = (body.items as Event[]).filter((event) => event.requestId === requestIdOf(answer));
      expect(own.map(({ action }) => action).sort()).toEqual(['member.added', 'organization.created']);
      return answer;
    },
  },
  changeOrganization: {
    actions: ['organization.changed'],
    act: async () => {
      const { headers } = await clinic.admin.get(clinic.path).expect(200);
      return clinic.admin
        .patch(clinic.path, { name: 'Lakeside Hospital' })
        .set('If-Match', String(headers['etag']))
        .expect(200);
    },
  },
  addMember: { actions: ['member.added'], act: newMember },
  changeMember: {
    actions: ['member.changed'],
    act: async () => {
      const { body } = await newMember();
      return clinic.admin
        .patch(`${clinic.path}/members/${body.id}`, { role: 'auditor' })
        .set('If-Match', '"1"')
        .expect(200);
    },
  },
  removeMember: {
    actions: ['member.removed'],
    act: async () => {
      const { body } = await newMember();
      return clinic.admin.delete(`${clinic.path}/members/${body.id}`).expect(204);
    },
  },
  createSystem: { actions: ['system.created'], act: newSystem },
  changeSystem: {
    actions: ['system.changed'],
    act: async () => {
      const { body } = await newSystem();
      return clinic.admin
        .patch(`${clinic.path}/systems/${body.id}`, { phi: 'stores' })
        .set('If-Match', '"1"')
        .expect(200);
    },
  },
  retireSystem: {
    actions: ['system.retired'],
    act: async () => {
      const { body } = await newSystem();
      return clinic.admin.post(`${clinic.path}/systems/${body.id}/retire`).expect(200);
    },
  },
  trustAgent: { actions: ['agent.trusted'], act: newAgent },
  revokeAgent: {
    actions: ['agent.revoked'],
    act: async () => {
      const { body } = await newAgent();
      return clinic.admin.delete(`${clinic.path}/agents/${body.id}`).expect(204);
    },
  },
  postScan: { actions: ['evidence.received', 'scan.stored'], act: () => postReport().expect(201) },
  postKubernetesAuditEvents: {
    actions: ['evidence.received', 'scan.stored'],
    act: () => clinic.agent.post(`${clinic.systemPath}/kubernetes-audit-events?timeout=30s`, AUDIT_EVENTS).expect(201),
  },
  changeOrganizationCheck: { actions: ['check.changed'], act: () => changeCheck('org/one') },
  withdrawOrganizationCheck: {
    actions: ['check.withdrawn'],
    act: async () => {
      await changeCheck('org/another');
      return officer.delete(`${clinic.path}/checks/org%2Fanother`).expect(204);
    },
  },
  createRecord: {
    actions: ['record.created'],
    act: async () => {
      const { owner } = await keptRecord();
      return officer.post(`${clinic.path}/records`, recordOf(owner, ++serial)).expect(201);
    },
  },
  startRiskAnalysis: { actions: ['record.created'], act: newAnalysis },
  freezePosture: {
    actions: ['document.added', 'evidence.received', 'posture.frozen'],
    act: async () => {
      const { body } = await newAnalysis();
      const { id, revision } = body.analysis;
      return officer.post(`${clinic.path}/risk-analyses/${id}/posture`).set('If-Match', `"${revision}"`).expect(200);
    },
  },
  editRecord: {
    actions: ['record.edited'],
    act: async () => {
      const { at, path } = await keptRecord();
      return at(officer.patch(path, { title: 'Another' }));
    },
  },
  submitRecord: {
    actions: ['record.submitted'],
    act: async () => {
      const { at, path } = await keptRecord();
      return at(officer.post(`${path}/submission`));
    },
  },
  recallRecord: {
    actions: ['record.recalled'],
    act: async () => {
      const { at, path } = await keptRecord('submit');
      return at(officer.delete(`${path}/submission`));
    },
  },
  abandonRecord: {
    actions: ['record.abandoned'],
    act: async () => {
      const { at, path } = await keptRecord('submit');
      return at(officer.post(`${path}/abandonment`, { reason: 'Entered twice.' }));
    },
  },
  decideRecord: {
    actions: ['record.approved'],
    act: async () => {
      const { at, path } = await keptRecord('submit');
      return at(approver.post(`${path}/decision`, { decision: 'approve' }));
    },
  },
  reviseRecord: {
    actions: ['record.revised'],
    act: async () => {
      const { at, path } = await keptRecord('submit', 'approve');
      return at(officer.post(`${path}/versions`), 201);
    },
  },
  endRecord: {
    actions: ['record.revised'],
    act: async () => {
      const { at, path } = await keptRecord('submit', 'approve');
      return at(officer.post(`${path}/end`, { effectiveFrom: '2026-06-01T00:00:00Z', reason: 'It is over.' }), 201);
    },
  },
  addDocument: {
    actions: ['document.added', 'evidence.received'],
    act: async () => {
      const { at, path } = await keptRecord();
      return at(addText(path, `text ${++serial}`), 201);
    },
  },
  removeDocument: {
    actions: ['document.removed'],
    act: async () => {
      const { at, path } = await keptRecord();
      const { body } = await at(addText(path, 'a text'), 201);
      return at(officer.delete(`${path}/documents/${body.documents[0].evidenceId}?role=letter`));
    },
  },
  changeRecordType: {
    actions: ['record_type.changed'],
    act: () => defineType('org/one'),
  },
  withdrawRecordType: {
    actions: ['record_type.withdrawn'],
    act: async () => {
      await defineType('org/another');
      return officer.delete(`${clinic.path}/record-types/org%2Fanother`).expect(204);
    },
  },
  createWebhook: { actions: ['webhook.changed'], act: newWebhook },
  changeWebhook: {
    actions: ['webhook.changed'],
    act: async () => {
      const { body } = await newWebhook();
      return officer
        .put(`${clinic.path}/webhooks/${body.id}`, { ...WEBHOOK, state: 'off' })
        .set('If-Match', '"1"')
        .expect(200);
    },
  },
  rotateWebhookSecret: {
    actions: ['webhook.changed'],
    act: async () => {
      const { body } = await newWebhook();
      return officer.post(`${clinic.path}/webhooks/${body.id}/secret`).set('If-Match', '"1"').expect(200);
    },
  },
  removeWebhook: {
    actions: ['webhook.removed'],
    act: async () => {
      const { body } = await newWebhook();
      return officer.delete(`${clinic.path}/webhooks/${body.id}`).expect(204);
    },
  },
  redeliver: {
    actions: ['webhook.redelivered'],
    act: async () => {
      const { body } = await newWebhook();
      const id = newId();
      const principal = servicePrincipal('notices', clinic.organizationId, newId());
      await world.app.get(Database).write(principal, async (tx) => {
        tx.withoutAudit('a test tells');
        const notice = { id, type: 'import.finished', subject: 'imports/1', at: new Date(), data: {} } as const;
        await world.app.get(NoticesService, { strict: false }).tell(tx, [notice]);
      });
      return officer.post(`${clinic.path}/webhooks/${body.id}/deliveries/${id}/redelivery`).expect(202);
    },
  },
  importRecords: {
    actions: ['evidence.received', 'import.received'],
    act: () => sendTable(`${clinic.path}/imports?type=org%2Fsupplier`, 'name,effectiveFrom\nA,2026-01-01\n', officer),
  },
  importRiskRegister: {
    actions: ['evidence.received', 'import.received'],
    act: async () => {
      const { body } = await newAnalysis();
      return sendTable(`${clinic.path}/risk-analyses/${body.analysis.id}/register`, 'ID,Asset\nR-1,A\n', officer);
    },
  },
  decideImport: {
    actions: ['import.approved', 'record.approved'],
    act: async () => {
      const table = 'name,effectiveFrom\nA supplier that is imported,2026-01-01\n';
      const { body } = await sendTable(`${clinic.path}/imports?type=org%2Fsupplier`, table, officer);
      const path = `${clinic.path}/imports/${body.id}`;
      await vi.waitUntil(async () => (await officer.get(path).expect(200)).body.status === 'applied', {
        timeout: 20_000,
      });
      return approver.post(`${path}/decision`, { decision: 'approve' }).expect(200);
    },
  },
  createEngagement: { actions: ['engagement.created'], act: async () => (await newEngagement()).answer },
  changeEngagement: {
    actions: ['engagement.changed'],
    act: async () => {
      const { path } = await newEngagement();
      return clinic.admin.patch(path, { name: 'Another' }).set('If-Match', '"1"').expect(200);
    },
  },
  revokeEngagement: {
    actions: ['engagement.revoked'],
    act: async () => clinic.admin.delete((await newEngagement()).path).expect(204),
  },
  shareEngagementPackage: {
    actions: ['engagement.package_shared'],
    act: async () => {
      const { path } = await newEngagement();
      const { body } = await officer.post(`${clinic.path}/packages`, { scope: { systemId: null } }).expect(202);
      const built = `${clinic.path}/packages/${body.id}`;
      await vi.waitUntil(async () => (await officer.get(built).expect(200)).body.status === 'ready', {
        timeout: 20_000,
      });
      return officer.post(`${path}/packages`, { packageId: body.id }).expect(204);
    },
  },
  openEvidenceRequest: { actions: ['evidence_request.opened'], act: async () => (await newRequest()).answer },
  answerEvidenceRequest: {
    actions: ['evidence_request.answered'],
    act: async () => answered((await newRequest()).path),
  },
  decideEvidenceRequest: {
    actions: ['evidence_request.accepted'],
    act: async () => {
      const { path, auditor } = await newRequest();
      await answered(path);
      return auditor.post(`${path}/decision`, { decision: 'accept' }).set('If-Match', '"2"').expect(200);
    },
  },
  commentEvidenceRequest: {
    actions: ['evidence_request.commented'],
    act: async () => officer.post(`${(await newRequest()).path}/comments`, { comment: 'By Friday.' }).expect(201),
  },
  requestPackage: {
    actions: ['package.requested'],
    act: () => officer.post(`${clinic.path}/packages`, { scope: { systemId: null } }).expect(202),
  },
  cancelPackage: {
    actions: ['package.cancelled'],
    act: async () => {
      const { body } = await officer.post(`${clinic.path}/packages`, { scope: { systemId: null } }).expect(202);
      return officer.post(`${clinic.path}/packages/${body.id}/cancellation`).expect(200);
    },
  },
};

/** Changes nothing of any organisation. */
const UNRECORDED = {
  logout: 'ends a browser session, which belongs to no organisation',
  tryOrganizationCheck: 'judges, and keeps nothing',
};

describe('does every change leave an audit event?', () => {
  it('each operation that is no GET is done here once', () => {
    const changing = operations.filter(({ method }) => method !== 'GET').map(({ id }) => id);
    expect(changing.sort()).toEqual([...Object.keys(RECORDED), ...Object.keys(UNRECORDED)].sort());
  });

  it.each(Object.entries(RECORDED))('%s does', async (id, { actions, act }) => {
    const answer = await act();
    if (id === 'createOrganization') return;
    const recorded = await events(requestIdOf(answer));
    expect(recorded.map(({ action }) => action).sort()).toEqual(actions);
    for (const { actor } of recorded) {
      expect(actor.kind).toBe(id.startsWith('post') ? 'agent' : 'user');
      expect(actor.id).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('a refused report leaves one too, as a failure', async () => {
    const answer = await clinic.agent
      .post(`${clinic.systemPath}/scans`)
      .set('Content-Type', 'application/json')
      .send('{"nothing": "known"}')
      .expect(422);
    expect((await events(requestIdOf(answer))).map(({ action }) => action).sort()).toEqual([
      'evidence.received',
      'scan.refused',
    ]);
  });

  it('each read of evidence does, also of a part, and also when the reader has it already', async () => {
    const { body } = await officer.get(`${clinic.path}/evidence`).expect(200);
    const path = `${clinic.path}/evidence/${body.items[0].id}/content`;
    const whole = await officer.get(path).expect(200);
    const part = await officer.get(path).set('Range', 'bytes=0-1').expect(206);
    const none = await officer.get(path).set('If-None-Match', String(whole.headers['etag'])).expect(304);
    for (const answer of [whole, part, none]) {
      expect(await events(requestIdOf(answer))).toMatchObject([{ action: 'evidence.read' }]);
    }
  });

  it('a refused change leaves none', async () => {
    const answer = await clinic.admin.patch(clinic.path, { name: 'Nobody’s' }).set('If-Match', '"999"').expect(412);
    expect(await events(requestIdOf(answer))).toEqual([]);
  });
});

describe('does the kernel refuse a change without an event?', () => {
  const someone = () => servicePrincipal('planted', clinic.organizationId, newId());
  const target = `insert into target (organization_id, system_id, id, kind, name) values ($1, $2, $3, 'node', 'planted')`;
  const planted = async () =>
    world.app.get(Database).read(someone(), (tx) => tx.query(`select from target where name = 'planted'`));

  it('a planted one is rolled back', async () => {
    const write = world.app
      .get(Database)
      .write(someone(), (tx) => tx.query(target, [tx.organizationId, clinic.systemId, newId()]));
    await expect(write).rejects.toThrow('recorded no audit event');
    expect(await planted()).toEqual([]);
  });

  it('also under an Idempotency-Key', async () => {
    const write = world.app
      .get(Database)
      .write(someone(), (tx) => tx.query(target, [tx.organizationId, clinic.systemId, newId()]), {
        operation: 'planted',
        key: 'planted',
        fingerprint: 'planted',
      });
    await expect(write).rejects.toThrow('recorded no audit event');
    expect(await planted()).toEqual([]);
    const keys = await world.app
      .get(Database)
      .read(someone(), (tx) => tx.query(`select from idempotency_key where operation = 'planted'`));
    expect(keys).toEqual([]);
  });

  it('a reading transaction changes nothing', async () => {
    const write = world.app
      .get(Database)
      .read(someone(), (tx) => tx.query(target, [tx.organizationId, clinic.systemId, newId()]));
    // 25006: read_only_sql_transaction.
    await expect(write).rejects.toMatchObject({ code: '25006' });
  });

  it('and cannot make itself a writing one', async () => {
    const write = world.app.get(Database).read(someone(), async (tx) => {
      await tx.query(`select set_config('transaction_read_only', 'off', true)`);
    });
    await expect(write).rejects.toMatchObject({ code: '25001' });
  });
});
