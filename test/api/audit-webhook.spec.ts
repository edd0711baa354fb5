import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { Cluster } from '../support/cluster.js';
import { checkAnswer } from '../support/contract.js';
import { policyReport, send } from './reports.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
const cluster = new Cluster();

beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer } = suite);
  await cluster.rotate('one');
  cluster.issuer = 'https://kubernetes.default.svc.cluster.local';
  return suite.stop;
});

const SUBJECT = 'system:serviceaccount:safeguard:audit-webhook';

interface Scan {
  id: string;
  status: string;
  evidenceId: string;
  format: string;
  observedAt: string;
  counts: { events?: { total: number; new: number } };
  notes: string[];
  duplicate: boolean;
}

/** A system that trusts the cluster's issuer with pinned keys, as one in a private network is trusted. */
async function system() {
  const { id, path } = await clinic.system();
  await clinic.admin
    .post(`${clinic.path}/agents`, {
      name: 'audit webhook',
      systemId: id,
      kind: 'kubernetes',
      issuer: cluster.issuer,
      jwks: { keys: [cluster.jwk] },
      audience: 'safeguard',
      subjectPattern: SUBJECT,
    })
    .expect(201);
  return {
    path,
    address: `${path}/kubernetes-audit-events`,
    events: async () =>
      (await officer.get(`${path}/events?limit=500`).expect(200)).body.items as { nativeId: string; at: string }[],
  };
}

interface Answered {
  status: number;
  headers: IncomingMessage['headers'];
  body: Scan & { type?: string; pointer?: string; scanId?: string };
}

/** As client-go of v1.34 writes it for the audit webhook, whose rest.Config names no user agent: seen on the wire. */
async function post(
  address: string,
  text: string,
  { query = '?timeout=30s', token = '', type = 'application/json', agent = new Agent() } = {},
): Promise<Answered> {
  const sent = request(world.url + address + query, {
    method: 'POST',
    agent,
    headers: {
      'User-Agent': 'Go-http-client/1.1',
      'Content-Length': Buffer.byteLength(text),
      Accept: 'application/json, */*',
      ...(token === 'none' ? {} : { Authorization: `Bearer ${token || (await cluster.token(SUBJECT))}` }),
      'Content-Type': type,
      'Accept-Encoding': 'gzip',
    },
  });
  sent.end(text);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Answered['body'];
  const status = answer.statusCode ?? 0;
  checkAnswer({
    request: { method: 'POST', url: world.url + address },
    status,
    headers: answer.headers,
    text: '',
    body,
  } as never);
  return { status, headers: answer.headers, body };
}

/** An item as the API server writes it: the list says kind and version, its items do not. */
const event = (number: number, change: object = {}) => ({
  level: 'Metadata',
  auditID: `0a1b2c3d-4e5f-4a6b-8c7d-${String(number).padStart(12, '0')}`,
  stage: 'ResponseComplete',
  requestURI: '/api/v1/namespaces/emr/secrets/portal-db',
  verb: 'get',
  user: {
    username: 'system:serviceaccount:ci:deployer',
    uid: '7d1c2b3a-0000-4000-8000-000000000001',
    groups: ['system:serviceaccounts', 'system:serviceaccounts:ci', 'system:authenticated'],
  },
  sourceIPs: ['10.0.3.17'],
  userAgent: 'kubectl/v1.34.1 (linux/amd64) kubernetes/93248f9',
  objectRef: { resource: 'secrets', namespace: 'emr', name: 'portal-db', apiVersion: 'v1' },
  responseStatus: { metadata: {}, code: 200 },
  requestReceivedTimestamp: new Date(Date.UTC(2026, 10, 20, 8, 0, number)).toISOString().replace('Z', '123Z'),
  stageTimestamp: new Date(Date.UTC(2026, 10, 20, 8, 0, number)).toISOString().replace('Z', '456Z'),
  annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
  ...change,
});
const batch = (...items: object[]): string =>
  `${JSON.stringify({ kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items })}\n`;

describe('what an API server posts', () => {
  it('is it evidence, and its security events, as of the newest of them?', async () => {
    const { path, address, events } = await system();
    const text = batch(
      event(1),
      event(2, { objectRef: { resource: 'pods', namespace: 'emr', name: 'portal' } }),
      event(3),
    );
    const { status, headers, body } = await post(address, text);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      status: 'stored',
      format: 'k8s-audit-events',
      observedAt: '2026-11-20T08:00:03.000Z',
      counts: { events: { total: 2, new: 2 } },
      duplicate: false,
    });
    expect((await events()).map(({ nativeId }) => nativeId)).toEqual([
      '0a1b2c3d-4e5f-4a6b-8c7d-000000000003/ResponseComplete',
      '0a1b2c3d-4e5f-4a6b-8c7d-000000000001/ResponseComplete',
    ]);
    await officer.get(headers['location'] ?? '').expect(200);
    const kept = await send(world.url, officer, 'GET', `${clinic.path}/evidence/${body.evidenceId}/content`);
    expect(kept.bytes.toString('utf8')).toBe(text);
    expect((await officer.get(`${path}/scans`).expect(200)).body.items).toHaveLength(1);
  });

  it('is the same batch again the same scan, and an event of two batches one event?', async () => {
    const { address, events } = await system();
    const first = await post(address, batch(event(1), event(2)));
    const again = await post(address, batch(event(1), event(2)));
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toMatchObject({ id: first.body.id, duplicate: true });
    const other = await post(address, batch(event(2), event(3)));
    expect(other.body.counts.events).toEqual({ total: 2, new: 1 });
    expect(await events()).toHaveLength(3);
  });

  it('are both at once the same scan, as after a time-out of the API server whose batch was being stored?', async () => {
    const { path, address, events } = await system();
    const text = batch(event(1));
    const answers = await Promise.all(Array.from({ length: 6 }, () => post(address, text)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 201]);
    expect(await events()).toHaveLength(1);
    expect((await officer.get(`${path}/scans`).expect(200)).body.items).toHaveLength(1);
  });

  it('are bodies of Secrets dropped before anything is kept?', async () => {
    const { address } = await system();
    const secret = {
      kind: 'Secret',
      apiVersion: 'v1',
      metadata: { name: 'portal-db' },
      data: { password: 'aHVudGVyMg==' },
    };
    const { body } = await post(address, batch(event(1, { level: 'RequestResponse', responseObject: secret })));
    expect(body.notes.join(' ')).toContain('dropped');
    const kept = await send(world.url, officer, 'GET', `${clinic.path}/evidence/${body.evidenceId}/content`);
    expect(kept.bytes.toString('utf8')).toContain('portal-db');
    expect(kept.bytes.toString('utf8')).not.toContain('aHVudGVyMg==');
  });
});

describe('a burst', () => {
  it('is what is too much told to come back, and is everything there in the end, while others are served?', async () => {
    const { path, address, events } = await system();
    const other = await system();
    // More than may be under way of a system: as after an outage, when all that an API server still holds comes at once.
    const count = 100;
    const agent = new Agent({ keepAlive: true, maxSockets: count });
    const token = await cluster.token(SUBJECT);
    let refused = 0;
    const deliver = async (number: number): Promise<number> => {
      for (;;) {
        const { status, headers, body } = await post(address, batch(event(2 * number), event(2 * number + 1)), {
          agent,
          token,
        });
        if (status !== 429) return status;
        refused += 1;
        expect(body.type).toBe('/problems/too-many-requests');
        // client-go waits for whole seconds alone, and gives a batch 30 s with all its waits.
        expect(headers['retry-after']).toMatch(/^[1-9]$/);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    };
    const delivered = Promise.all(Array.from({ length: count }, (_, number) => deliver(number)));
    const beside = await send<{ status: string }>(
      world.url,
      officer,
      'POST',
      `${other.path}/scans?observedAt=2026-11-20T08:00:00Z`,
      { body: policyReport([{ check: 'a', result: 'fail' }]) },
    );
    expect(beside.status).toBe(201);
    expect(new Set(await delivered)).toEqual(new Set([201]));
    agent.destroy();
    expect(refused).toBeGreaterThan(0);
    expect(await events()).toHaveLength(2 * count);
    expect((await officer.get(`${path}/scans?limit=500`).expect(200)).body.items).toHaveLength(count);
  }, 60_000);
});

it('do connections that went silent leave the places of a system to others?', async () => {
  const { address } = await system();
  const token = await cluster.token(SUBJECT);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': 1_000, Authorization: `Bearer ${token}` };
  const silent = Array.from({ length: 4 }, () => {
    const sent = request(world.url + address, { method: 'POST', headers });
    sent.on('error', () => undefined);
    sent.write('{"kind":');
    return sent;
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  // Of the 30 seconds that an API server waits.
  const started = performance.now();
  expect((await post(address, batch(event(1)), { token })).status).toBe(201);
  expect(performance.now() - started).toBeLessThan(25_000);
  for (const sent of silent) sent.destroy();
}, 40_000);

describe('what else comes', () => {
  it.each([
    ['a report of a scanner', policyReport([{ check: 'a', result: 'pass' }])],
    ['a list that is cut', batch(event(1)).slice(0, -20)],
    ['a list of nothing', batch()],
    ['an event of tomorrow', batch(event(1, { stageTimestamp: '2999-01-01T00:00:00.000000Z' }))],
  ])('is %s refused, and counts for nothing?', async (_what, text) => {
    const { path, address, events } = await system();
    const { status, body } = await post(address, text);
    expect(status).toBe(422);
    const { body: scans } = await officer.get(`${path}/scans`).expect(200);
    expect(scans.items.map((scan: Scan) => [scan.id, scan.status])).toEqual([[body.scanId, 'refused']]);
    expect(await events()).toEqual([]);
    // An API server posts again whatever the answer was: its bytes are kept once.
    expect((await post(address, text)).body.evidenceId).toBe(body.evidenceId);
  });

  it('is one event that cannot be read told, and the others kept?', async () => {
    const { address, events } = await system();
    const { status, body } = await post(address, batch(event(1), event(2, { stage: 'Planned' })));
    expect([status, body.counts.events?.new]).toEqual([201, 1]);
    expect(await events()).toHaveLength(1);
  });

  it('is what API servers never send refused before it is read?', async () => {
    const { address } = await system();
    const text = batch(event(1));
    expect((await post(address, text, { query: '?targets=cluster/cluster' })).status).toBe(400);
    expect((await post(address, text, { query: '?timeout=soon' })).body.pointer).toBe('query/timeout');
    expect((await post(address, text, { type: 'application/vnd.kubernetes.protobuf' })).status).toBe(415);
    expect((await post(address, text, { query: '' })).status).toBe(201);
  });

  it('may nobody post but the agents of the system?', async () => {
    const { address } = await system();
    const text = batch(event(1));
    const at = Math.floor(Date.now() / 1000);
    const scanner = await cluster.token('system:serviceaccount:safeguard:scanner');
    for (const token of ['none', scanner, await cluster.token(SUBJECT, { exp: at - 120 })]) {
      expect((await post(address, text, { token })).status).toBe(401);
    }
    expect((await post(address, text, { token: clinic.agent.token ?? '' })).status).toBe(404);
    const { token } = await clinic.member('viewer');
    expect((await post(address, text, { token: token ?? '' })).status).toBe(403);
  });
});
