import { createHash } from 'node:crypto';
import pg from 'pg';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startClinic, type Caller, type Clinic } from '../support/app.js';
import { policyReport, send } from './reports.js';
import { prepareGround, type Ground, type RunningServer } from './server.js';
import { signIn } from './sign-in.js';

// Replicas share Postgres, the evidence directory and the key file, and nothing else (docs/scaling.md).

interface Scan {
  id: string;
  evidenceId: string;
  knownAt: string;
  duplicate: boolean;
}

let ground: Ground;
let replicas: [RunningServer, RunningServer];
let clinic: Clinic;
let officer: Caller;
let admin: pg.Client;
beforeAll(async () => {
  ground = await prepareGround();
  replicas = [await ground.serve(), await ground.serve()];
  clinic = await startClinic(ground.worldOf(replicas[0]));
  officer = await clinic.member('compliance_officer');
  admin = new pg.Client({ connectionString: ground.database.urls.admin });
  await admin.connect();
}, 120_000);
afterAll(async () => {
  await admin.end();
  await ground.stop();
});

const post = (replica: number, bytes: string, query: string, headers: Record<string, string> = {}) =>
  send<Scan>(replicas[replica % 2]!.url, officer, 'POST', `${clinic.systemPath}/scans?${query}`, {
    body: bytes,
    headers,
  });
const at = (day: number): string => `2026-01-${String(day).padStart(2, '0')}T00:00:00Z`;
const count = async (table: string): Promise<number> => {
  const { rows } = await admin.query<{ count: number }>(`select count(*)::int as count from ${table}`);
  return rows[0]!.count;
};

describe('are two replicas one service?', () => {
  it('one report to both at once, before either has a key for the organisation, is one scan', async () => {
    const report = policyReport([{ check: 'a', result: 'fail' }]);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, number) => post(number, report, `observedAt=${at(1)}`)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect([await count('scan'), await count('evidence'), await count('data_key'), await count('result')]).toEqual([
      1, 1, 1, 1,
    ]);
  });

  it('what one has kept, the other reads', async () => {
    const report = policyReport([{ check: 'kept', result: 'fail' }]);
    const { body } = await post(0, report, `observedAt=${at(2)}`);
    const path = `${clinic.path}/evidence/${body.evidenceId}/content`;
    const content = await send(replicas[1].url, officer, 'GET', path);
    const sha256 = (bytes: string | Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    expect(sha256(content.bytes)).toBe(sha256(report));
  });

  it('one Idempotency-Key at both at once is one request', async () => {
    const report = policyReport([{ check: 'once', result: 'fail' }]);
    const key = { 'Idempotency-Key': 'once-for-both' };
    const answers = await Promise.all([0, 1, 0, 1].map((replica) => post(replica, report, `observedAt=${at(3)}`, key)));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    const other = await post(1, policyReport([{ check: 'other', result: 'fail' }]), `observedAt=${at(3)}`, key);
    expect(other.status).toBe(409);
  });

  it('reports of one system to both at once are merged one after another, each in its place', async () => {
    const days = [11, 12, 13, 14, 15, 16, 17, 18];
    const answers = await Promise.all(
      days.map((day) =>
        post(
          day,
          policyReport([{ check: 'flips', result: day % 2 === 0 ? 'pass' : 'fail' }]),
          `targets=cluster/cluster&observedAt=${at(day)}`,
        ),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(days.map(() => 201));
    expect(new Set(answers.map(({ body }) => body.knownAt)).size).toBe(days.length);
    for (const day of days) {
      const path = `${clinic.systemPath}/results?check=flips&asOf=${at(day)}`;
      const { body } = await send<{ items: { status: string }[] }>(replicas[0].url, officer, 'GET', path);
      expect(body.items.map(({ status }) => status)).toEqual([day % 2 === 0 ? 'pass' : 'fail']);
    }
  });

  it('who is signed in at one is signed in at the other, and at neither when the session is gone', async () => {
    const { cookie } = await signIn(replicas[0].url, 'dev-admin');
    const me = (replica: RunningServer) => supertest(replica.url).get('/v1/me').set('Cookie', cookie);
    expect((await me(replicas[1])).status).toBe(200);
    await admin.query('delete from session');
    expect((await me(replicas[0])).status).toBe(401);
    expect((await me(replicas[1])).status).toBe(401);
  });

  it('who may no longer at one may no longer at the other, at once', async () => {
    const path = `${clinic.path}/members`;
    const { body } = await clinic.admin.get(path).expect(200);
    const items = body.items as { id: string; role: string }[];
    const { id } = items.find(({ role }) => role === 'compliance_officer')!;
    const read = () => send(replicas[1].url, officer, 'GET', clinic.systemPath);
    expect((await read()).status).toBe(200);
    const { headers } = await clinic.admin.get(`${path}/${id}`).expect(200);
    await clinic.admin.delete(`${path}/${id}`).set('If-Match', headers['etag'] ?? '');
    expect((await read()).status).toBe(404);
  });
});
