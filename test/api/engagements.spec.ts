import supertest from 'supertest';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { TokenOptions } from '../../src/development/provider.js';
import { Clock } from '../../src/kernel/clock.js';
import { Operations } from '../../src/kernel/http/operations.js';
import type { Caller, Clinic, World } from '../support/app.js';
import { soon, startAudited, type Audited } from '../support/engaged.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let world: World;
let clinic: Clinic;
let officer: Caller;
let inside: Audited['inside'];
let invitation: Audited['invitation'];
let engaged: Audited['engaged'];
beforeAll(async () => {
  const audited = await startAudited();
  ({ world, clinic, officer, inside, invitation, engaged } = audited);
  return audited.stop;
});

const bearing = async (subject: string, options: TokenOptions, path: string) =>
  supertest(world.url)
    .get(path)
    .set('Authorization', `Bearer ${await world.provider.tokenFor(subject, options)}`);

/** As if so many milliseconds had passed. */
async function after<T>(milliseconds: number, work: () => Promise<T>): Promise<T> {
  const clock = vi.spyOn(world.app.get(Clock), 'now').mockImplementation(() => new Date(Date.now() + milliseconds));
  try {
    return await work();
  } finally {
    clock.mockRestore();
  }
}

describe('who is let in by an engagement?', () => {
  it('its person, while it lasts: from its start to its end, by the clock and no job?', async () => {
    const { path, auditor } = await engaged({ startsAt: soon(5), endsAt: soon(20) });
    await auditor.get(path).expect(404);
    await after(10 * MINUTE, async () => {
      expect((await auditor.get(path).expect(200)).body.state).toBe('active');
      await auditor.get(`${path}/evidence`).expect(200);
    });
    await after(30 * MINUTE, async () => {
      await auditor.get(path).expect(404);
      await auditor.get(`${path}/evidence/${inside.evidenceId}/content`).expect(404);
      expect((await clinic.admin.get(path).expect(200)).body.state).toBe('ended');
    });
  });

  it('nobody after it was revoked, from the next request on?', async () => {
    const { path, auditor } = await engaged();
    await auditor.get(`${path}/evidence`).expect(200);
    await clinic.admin.delete(path).expect(204);
    await auditor.get(`${path}/evidence`).expect(404);
    await clinic.admin.delete(path).expect(204);
    await clinic.admin.patch(path, { name: 'Again' }).set('If-Match', '"2"').expect(409);
    const { body } = await clinic.admin.get(`${clinic.path}/engagements?limit=500`).expect(200);
    expect(body.items.map(({ id }: { id: string }) => id)).not.toContain(path.split('/').at(-1));
  });

  it('nobody without a second factor, and nobody else?', async () => {
    const asked = invitation();
    const { body } = await clinic.admin.post(`${clinic.path}/engagements`, asked).expect(201);
    const path = `${clinic.path}/engagements/${body.id}`;
    const weak = await bearing(asked.subject, { amr: ['pwd'] }, path);
    expect([weak.status, weak.body.type]).toEqual([401, '/problems/mfa-required']);
    const stranger = await world.as('a-stranger');
    const known = await stranger.get(path).expect(404);
    const unknown = await stranger.get(`${clinic.path}/engagements/019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00`).expect(404);
    expect({ ...known.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
    // Another engagement of another person is no way into this one.
    const { auditor } = await engaged();
    await auditor.get(path).expect(404);
    await auditor.get(`${path}/evidence`).expect(404);
    expect((await bearing(asked.subject, {}, path)).status).toBe(200);
  });

  it('by a verified e-mail address the first who comes with it, and nobody after?', async () => {
    const email = 'Auditor.One@Example.COM';
    const { body } = await clinic.admin
      .post(`${clinic.path}/engagements`, invitation({ subject: undefined, email }))
      .expect(201);
    expect(body.person).toEqual({ issuer: world.provider.issuer, subject: null, email: email.toLowerCase() });
    const path = `${clinic.path}/engagements/${body.id}`;
    const claims = { email: email.toUpperCase(), email_verified: true };
    for (const wrong of [
      {},
      { email },
      { email, email_verified: false },
      { email, email_verified: 'true' },
      { ...claims, email: `x${email}` },
    ]) {
      expect((await bearing('impostor', { claims: wrong }, path)).status).toBe(404);
    }
    expect((await bearing('by-email', { claims, amr: ['pwd'] }, path)).status).toBe(401);
    // Of many who come at once with one address one is bound.
    const came = await Promise.all(
      ['by-email', 'by-email', 'too-late', 'by-email'].map((subject) => bearing(subject, { claims }, path)),
    );
    const bound = (await clinic.admin.get(path).expect(200)).body;
    expect(bound).toMatchObject({ version: 2, joinedAt: expect.any(String) });
    const [first, others] = bound.person.subject === 'by-email' ? ['by-email', 'too-late'] : ['too-late', 'by-email'];
    expect(came.map(({ status }) => status).filter((status) => status !== 200 && status !== 404)).toEqual([]);
    expect((await bearing(first, {}, path)).status).toBe(200);
    expect((await bearing(others, { claims }, path)).status).toBe(404);
    const { body: joined } = await officer
      .get(`${clinic.path}/audit-events?action=engagement.joined&objectId=${body.id}`)
      .expect(200);
    expect(joined.items).toHaveLength(1);
  });

  it('no member, and by no name that is none?', async () => {
    const invite = (change: object) => clinic.admin.post(`${clinic.path}/engagements`, invitation(change));
    await invite({ subject: 'dev-compliance-officer' }).expect(409);
    await invite({ issuer: 'https://elsewhere.example' }).expect(422);
    await invite({ subject: undefined }).expect(400);
    await invite({ email: 'both@example.com' }).expect(400);
    await invite({ subject: undefined, email: 'no address' }).expect(400);
    for (const [change, pointer] of [
      [{ scope: { systemIds: ['019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00'] } }, '/scope/systemIds/0'],
      [{ periodTo: '2025-01-01T00:00:00Z' }, '/periodTo'],
      [{ endsAt: new Date(Date.now() - 1_000).toISOString() }, '/endsAt'],
      [{ endsAt: new Date(Date.now() + 400 * 24 * HOUR).toISOString() }, '/endsAt'],
    ] as const) {
      const { body } = await invite(change).expect(400);
      expect(body.pointer).toBe(pointer);
    }
    // Scopes of nothing are none.
    await invite({ scope: { systemIds: [] } }).expect(400);
  });

  it('who gives access is not who keeps the case: officers invite nobody?', async () => {
    await officer.post(`${clinic.path}/engagements`, invitation()).expect(403);
    const { path } = await engaged();
    await officer.delete(path).expect(403);
    await officer.patch(path, { name: 'x' }).set('If-Match', '"1"').expect(403);
    await officer.get(path).expect(200);
  });

  it('can a later end be given, and is the first who edits not overwritten?', async () => {
    const { path, auditor } = await engaged({ endsAt: soon(10) });
    const endsAt = soon(40);
    await clinic.admin.patch(path, { endsAt }).set('If-Match', '"1"').expect(200);
    await clinic.admin.patch(path, { endsAt }).set('If-Match', '"1"').expect(412);
    await after(20 * MINUTE, async () => {
      expect((await auditor.get(path).expect(200)).body.endsAt).toBe(endsAt);
    });
  });
});

describe('does an engagement widen any other route?', () => {
  it('every route of the organisation is one that does not exist for its auditor, but those of the engagement', async () => {
    const { id, auditor } = await engaged({ scope: { systemIds: null } });
    const operations = world.app.get(Operations, { strict: false }).all();
    const paths = operations.filter(({ method, path }) => method === 'GET' && path.includes(':organizationId'));
    const own = paths.filter(({ path }) => path.includes('/:engagementId'));
    expect(own.length).toBeGreaterThan(15);
    for (const { id: operation, path } of paths) {
      if (path.includes('/:engagementId')) continue;
      const url = path
        .replace(':organizationId', clinic.organizationId)
        .replace(':systemId', clinic.systemId)
        .replace(':evidenceId', inside.evidenceId)
        .replaceAll(/:[A-Za-z]+/g, id);
      const { status } = await auditor.get(url);
      expect([operation, status]).toEqual([operation, 404]);
    }
    expect((await auditor.get('/v1/me').expect(200)).body).toMatchObject({
      permissions: ['authenticated'],
      organizations: [],
    });
    expect((await auditor.get('/v1/organizations').expect(200)).body.items).toEqual([]);
  });

  it('may an auditor change anything but the own requests? no: 403, whatever it is', async () => {
    const { path, auditor } = await engaged();
    await auditor.patch(path, { endsAt: '2099-01-01T00:00:00Z' }).set('If-Match', '"1"').expect(403);
    await auditor.delete(path).expect(403);
    await auditor.post(`${path}/packages`, { packageId: path.split('/').at(-1) }).expect(403);
  });

  it('do members read by these routes what their role does not give? no', async () => {
    const { path } = await engaged();
    const viewer = await clinic.member('viewer');
    for (const caller of [clinic.admin, officer, viewer, clinic.agent])
      await caller.get(`${path}/evidence`).expect(403);
    await viewer.get(path).expect(403);
  });
});
