import { beforeAll, describe, expect, it } from 'vitest';
import { startSuite, type Caller, type Clinic } from '../support/app.js';

let clinic: Clinic;
let officer: Caller;

beforeAll(async () => {
  const suite = await startSuite();
  ({ clinic, officer } = suite);
  return suite.stop;
});

const OUTSIDE = [
  '9999-12-31T23:59:59-14:00',
  '0000-01-01T00:00:00+14:00',
  '0001-01-01T00:00:00Z',
  '1969-12-31T23:59:59Z',
];

describe('does an instant that no calendar of ours holds', () => {
  it.each(OUTSIDE)('%s, said of a report, leave nothing and break no list?', async (instant) => {
    const { body } = await clinic.agent
      .post(`${clinic.systemPath}/scans?observedAt=${encodeURIComponent(instant)}`)
      .set('Content-Type', 'application/json')
      .send('{}')
      .expect(400);
    expect(body.pointer).toBe('query/observedAt');
    const scans = await officer.get(`${clinic.systemPath}/scans`).expect(200);
    expect(scans.body.items).toEqual([]);
  });

  it.each(OUTSIDE)('%s, asked for, get a 400 and no 500?', async (instant) => {
    const text = encodeURIComponent(instant);
    for (const path of [
      `${clinic.systemPath}/posture?asOf=${text}`,
      `${clinic.systemPath}/results?knownAt=${text}`,
      `${clinic.path}/audit-events?from=${text}`,
    ]) {
      await officer.get(path).expect(400);
    }
    await officer.post(`${clinic.path}/packages`, { scope: { systemId: null }, asOf: instant }).expect(400);
    await officer.get(`${clinic.path}/packages`).expect(200);
  });
});

it('does a body that is nested without end get a 400, with and without an Idempotency-Key?', async () => {
  const deep = `{"name":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
  for (const key of [null, 'a-key']) {
    const test = clinic.admin.post(`${clinic.path}/systems`).set('Content-Type', 'application/json');
    if (key !== null) test.set('Idempotency-Key', key);
    const { body } = await test.send(deep).expect(400);
    expect(body.type).toBe('/problems/malformed-json');
  }
});

it('is an answer kept by no cache, and an unchanged resource told by 304?', async () => {
  const { headers } = await clinic.admin.get(clinic.systemPath).expect(200);
  expect(headers['cache-control']).toBe('private, no-store');
  await clinic.admin.get(clinic.systemPath).set('If-None-Match', String(headers['etag'])).expect(304);
});
