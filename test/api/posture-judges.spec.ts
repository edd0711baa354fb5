import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TERM_NAMES } from '../../src/agreements/terms.js';
import type { Posture } from '../../src/posture/posture.schema.js';
import { startApp, type Caller, type Clinic, type World } from '../support/app.js';
import { startKeeping, type Keeper } from '../support/keep.js';
import { trivy } from './reports.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let keeper: Keeper;

beforeAll(async () => {
  world = await startApp();
});
afterAll(() => world.stop());
beforeEach(async () => {
  ({ clinic, officer, keeper } = await startKeeping(world));
});

const posture = async (query: Record<string, string> = {}, path = clinic.systemPath): Promise<Posture> =>
  (await officer.get(`${path}/posture?${new URLSearchParams(query).toString()}`).expect(200)).body as Posture;
const control = (of: Posture, id: string) => of.controls.find((one) => one.id === id)!;
const practice = (of: Posture, id: string) => of.practices.find((one) => one.id === id)!;
const DAY = 86_400_000;
const from = (days: number) => new Date(Date.now() + days * DAY).toISOString();

const scan = (text: string, observedAt: string) =>
  clinic.agent
    .post(`${clinic.systemPath}/scans?observedAt=${observedAt}&targets=cluster/cluster`)
    .set('Content-Type', 'application/json')
    .send(text)
    .expect(201);

describe('do those who judge records move the posture?', () => {
  it('a vendor with ePHI and no agreement fails, in every system, and the agreement mends it from its day on', async () => {
    const vendor = await keeper.keep({
      type: 'vendor',
      fields: { name: 'Lakeside Imaging', role: 'business_associate', ephi: true, services: 'Image archive' },
    });
    for (const path of [clinic.path, clinic.systemPath]) {
      const found = control(await posture({}, path), '164.308(b)(1)');
      expect(found.status).toBe('failing');
      expect(found.reason).toContain('vendor-oversight-baa');
      expect(practice(await posture({}, path), 'vendor-oversight-baa').reason).toContain('Lakeside Imaging');
    }
    await keeper.keep({
      type: 'baa',
      fields: {
        vendor,
        signedOn: '2026-05-20',
        renewal: 'none',
        incidentNoticeHours: 24,
        returnOrDestroy: 'destroy',
        terms: TERM_NAMES.map((term) => ({ term, clause: '§ 4', page: 2 })),
      },
      effectiveFrom: '2026-06-01T00:00:00Z',
      document: 'agreement',
    });
    const of = async (asOf: string) => control(await posture({ asOf }, clinic.path), '164.504(e)(2)(ii)(B)').status;
    expect(await of('2026-05-31T23:59:59Z')).toBe('missing');
    expect(await of('2026-06-01T00:00:00Z')).toBe('evidenced');
  });

  it('a key whose interval has passed fails the rotation of keys in its system', async () => {
    await keeper.keep({
      type: 'key',
      fields: {
        name: 'etcd',
        purpose: 'etcd-kms',
        custodian: keeper.owner,
        provider: 'aws-kms',
        keyId: 'alias/etcd',
        createdOn: '2025-01-01',
        policyDays: 365,
        rotateAfterIncident: true,
      },
      systemIds: [clinic.systemId],
    });
    const rotation = practice(await posture(), 'encryption-key-rotation');
    expect(rotation.status).toBe('failing');
    expect(practice(await posture({}, clinic.path), 'encryption-key-rotation').status).toBe('failing');
  });
});

describe('do exceptions move the posture?', () => {
  const PRACTICE = 'default-deny-network-policy';
  const except = (checks: object[]) =>
    keeper.keep({
      type: 'exception',
      fields: { checks, reason: 'A migration is under way.', compensating: 'The mesh refuses it.', until: from(30) },
      systemIds: [clinic.systemId],
      effectiveFrom: from(-5),
      document: 'evidence',
    });

  it('what fails and was accepted is excepted, its results stay failing, and nothing else is', async () => {
    await scan(trivy('KSV038'), from(-7));
    expect(practice(await posture(), PRACTICE).status).toBe('failing');
    const { body } = await officer.get(`${clinic.systemPath}/results?status=fail`).expect(200);
    const { source, check } = body.items[0];
    await except([{ source, check }]);
    expect(practice(await posture(), PRACTICE)).toMatchObject({
      counts: { fail: 1 },
      reason: expect.stringContaining('An exception in effect accepts 1 failing result.'),
    });
    for (const path of [clinic.path, clinic.systemPath]) {
      const excepted = practice(await posture({}, path), PRACTICE);
      expect(excepted.status).toBe('excepted');
      expect(excepted.reason).toContain('accept');
      expect(practice(await posture({ asOf: from(-6) }, path), PRACTICE).status).toBe('failing');
    }
  });
});
