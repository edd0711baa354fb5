import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OrganizationPosture } from '../../src/posture/organization.schema.js';
import type { Posture } from '../../src/posture/posture.schema.js';
import { STATUSES } from '../../src/posture/status.js';
import { encodeCursor } from '../../src/kernel/http/page.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { trivy } from './reports.js';

const DAY = 86_400_000;
const PRACTICE = 'default-deny-network-policy';
const now = Date.now();
const ago = (days: number): string => new Date(now - days * DAY).toISOString();

/** One check of a node that passed. */
const kubeBench = (): string =>
  JSON.stringify({
    Controls: [
      {
        id: '4',
        version: 'cis-1.12',
        node_type: 'node',
        tests: [
          {
            section: '4.1',
            results: [{ test_number: '4.1.1', test_desc: 'Files (Automated)', status: 'PASS', scored: true }],
          },
        ],
      },
    ],
  });

describe('posture', () => {
  let world: World;
  let clinic: Clinic;
  let viewer: Caller;

  beforeAll(async () => {
    world = await startApp();
    clinic = await startClinic(world);
    viewer = await clinic.member('viewer');
  });
  afterAll(() => world.stop());

  const post = async (text: string, observedAt: string, targets: string, path = clinic.systemPath): Promise<void> => {
    await clinic.agent
      .post(`${path}/scans?observedAt=${observedAt}&targets=${targets}`)
      .set('Content-Type', 'application/json')
      .send(text)
      .expect(201);
  };
  const posture = async (query: Record<string, string> = {}, path = clinic.systemPath): Promise<Posture> => {
    const { body } = await viewer.get(`${path}/posture?${new URLSearchParams(query).toString()}`).expect(200);
    return body as Posture;
  };
  const ofOrganization = async (): Promise<OrganizationPosture> =>
    (await viewer.get(`${clinic.path}/posture`).expect(200)).body as OrganizationPosture;
  const practice = <Practice extends { id: string }>(of: { practices: Practice[] }, id = PRACTICE): Practice =>
    of.practices.find((one) => one.id === id)!;

  it('is all missing before anything was posted, and says by what it judged', async () => {
    for (const path of [clinic.systemPath, clinic.path]) {
      const empty = await posture({}, path);
      expect(empty.counts.practices.missing).toBe(124);
      expect(empty.counts.controls).toMatchObject({ missing: 108, not_applicable: 10, evidenced: 0 });
      expect(empty.catalog).toMatchObject({ overlay: null });
      expect(empty.statement).toContain('no statement about whether the law is met');
    }
  });

  it('follows reports through time: evidenced, stale, failing, and as it was known before', async () => {
    await post(trivy(), ago(20), 'cluster/cluster');
    const known = new Date().toISOString();
    expect(practice(await posture({ asOf: ago(19) }))).toMatchObject({ status: 'evidenced', inferred: true });
    expect(practice(await posture({ asOf: ago(5) })).status).toBe('stale');
    expect(practice(await posture({ asOf: ago(21) })).status).toBe('missing');

    // A late report: of a time before the last one was known.
    await post(trivy('KSV038'), ago(10), 'cluster/cluster');
    expect(practice(await posture({ asOf: ago(9) }))).toMatchObject({ status: 'failing', phiCounts: { fail: 1 } });
    expect(practice(await posture({ asOf: ago(15) })).status).toBe('evidenced');
    expect(practice(await posture({ asOf: ago(13), knownAt: known })).status).toBe('evidenced');
    expect(practice(await posture({ asOf: ago(9), knownAt: known })).status).toBe('stale');
    expect(practice(await posture()).status).toBe('failing');

    const question = { asOf: ago(9), knownAt: new Date().toISOString() };
    const answer = await posture(question);
    await post(trivy(), ago(9.5), 'cluster/cluster');
    expect(await posture(question)).toEqual(answer);
    expect(practice(await posture({ asOf: ago(9) })).status).toBe('evidenced');
  });

  it('names what was never scanned freshly, and what supports nothing', async () => {
    await post(kubeBench(), ago(30), 'node/worker-1');
    const { blindSpots } = await posture();
    expect(blindSpots.targets).toContainEqual(
      expect.objectContaining({ target: { kind: 'node', name: 'worker-1' }, source: 'kube-bench/node' }),
    );
  });

  it('shows only what was asked for, and counts all', async () => {
    const all = await posture();
    const one = await posture({ control: '45 CFR 164.312(e)(1)', status: 'partial,failing,stale,missing' });
    expect(one.controls.map(({ id }) => id)).toEqual(['164.312(e)(1)']);
    expect(one.counts).toEqual(all.counts);
    expect((await posture({ status: 'not_applicable' })).controls).toHaveLength(10);
    for (const [query, pointer] of [
      ['control=164.999', 'query/control'],
      ['asOf=2999-01-01T00:00:00Z', 'query/asOf'],
      ['knownAt=2999-01-01T00:00:00Z', 'query/knownAt'],
      ['asOf=2026-01-01T00:00:00', 'query/asOf'],
    ]) {
      const { body } = await viewer.get(`${clinic.systemPath}/posture?${query}`).expect(400);
      expect(body).toMatchObject({ pointer });
    }
    await viewer.get(`${clinic.systemPath}/posture?status=compliant`).expect(400);
  });

  it("takes the organisation's own freshness and overlay from when they are set", async () => {
    const before = new Date().toISOString();
    const { headers } = await clinic.admin.get(clinic.path).expect(200);
    await clinic.admin
      .patch(clinic.path, { settings: { freshness: { [PRACTICE]: 90 }, overlays: ['nprm-2025'] } })
      .set('If-Match', headers['etag']!)
      .expect(200);
    const after = await posture();
    expect(after.catalog.overlay).toBe('nprm-2025');
    expect(practice(after)).toMatchObject({ status: 'evidenced', freshness: { maxAgeDays: 90, from: 'override' } });
    expect(after.counts.controls).toMatchObject({ not_applicable: 10 });
    expect(Object.values(after.counts.proposed).reduce((sum, count) => sum + count)).toBeGreaterThan(0);
    const then = await posture({ asOf: before, knownAt: before });
    expect(then.catalog.overlay).toBeNull();
    expect(practice(then).status).toBe('stale');
  });

  it('rolls up over the systems that handle PHI and names those left out', async () => {
    const { body: second } = await clinic.admin
      .post(`${clinic.path}/systems`, { name: 'billing', environment: 'production', phi: 'processes' })
      .expect(201);
    const { body: website } = await clinic.admin
      .post(`${clinic.path}/systems`, { name: 'website', environment: 'production', phi: 'none' })
      .expect(201);
    const all = await ofOrganization();
    expect(all.excluded).toMatchObject([{ id: (website as { id: string }).id, name: 'website' }]);
    expect(practice(all)).toMatchObject({ status: 'partial', systems: { evidenced: 1, missing: 1 } });
    expect(practice(all).reason).toContain('missing in 1 (billing)');
    expect(practice(all).places).toMatchObject([
      { systemId: second.id, name: 'billing', status: 'missing' },
      { systemId: clinic.systemId, name: 'emr-production', status: 'evidenced' },
    ]);
    // Nobody has ever looked at the one; of the other a node was not looked at for long.
    expect(all.blindSystems).toEqual([
      { systemId: second.id, name: 'billing', targets: null },
      { systemId: clinic.systemId, name: 'emr-production', targets: expect.any(Number) },
    ]);
    expect(all.counts.practices).toEqual(
      STATUSES.reduce(
        (counts, status) => ({ ...counts, [status]: all.practices.filter((one) => one.status === status).length }),
        {},
      ),
    );
    // The one of which more is missing comes first; by name they are listed elsewhere.
    expect(all.systems.map(({ name }) => name)).toEqual(['billing', 'emr-production']);
    expect(all.moreSystems).toBe(0);
    // What the organisation says of a system is what the system says of itself.
    for (const { id, counts } of all.systems) {
      expect((await posture({}, `${clinic.path}/systems/${id}`)).counts).toEqual(counts);
    }
    const one = await viewer.get(`${clinic.path}/posture?control=164.312(e)(1)&status=partial,missing`).expect(200);
    expect(one.body.controls.map(({ id }: { id: string }) => id)).toEqual(['164.312(e)(1)']);
    expect(one.body.counts).toEqual(all.counts);

    // Page by page, by name, and all of it of the instants of the first page.
    const list = `${clinic.path}/posture/systems`;
    const { body: first } = await viewer.get(`${list}?limit=1`).expect(200);
    expect(first.items).toEqual(all.systems.filter(({ name }) => name === 'billing'));
    await post(trivy('KSV038'), ago(0.01), 'cluster/cluster');
    const { body: rest } = await viewer.get(`${list}?limit=1&cursor=${String(first.next)}`).expect(200);
    expect(rest).toEqual({ items: all.systems.filter(({ name }) => name === 'emr-production'), next: null });
    const { body: now } = await viewer.get(`${list}?limit=2`).expect(200);
    expect(now.items.map(({ name }: { name: string }) => name)).toEqual(['billing', 'emr-production']);
    expect(now.items[1]).not.toEqual(rest.items[0]);
    const { body: before } = await viewer.get(`${list}?asOf=${ago(1)}`).expect(200);
    expect(before.items).toHaveLength(2);
    for (const cursor of ['x', `${String(first.next)}x`, Buffer.from('["a"]').toString('base64url')]) {
      await viewer.get(`${list}?cursor=${cursor}`).expect(400);
    }
    await viewer.get(`${list}?asOf=2999-01-01T00:00:00Z`).expect(400);
    // Another replica gave the first page, by a clock that is ahead of this one's.
    const ahead = (milliseconds: number): string => {
      const at = new Date(Date.now() + milliseconds).toISOString();
      return encodeCursor([at, at, second.id]);
    };
    const { body: further } = await viewer.get(`${list}?cursor=${ahead(20_000)}`).expect(200);
    expect(further.items.map(({ name }: { name: string }) => name)).toEqual(['emr-production']);
    await viewer.get(`${list}?cursor=${ahead(3_600_000)}`).expect(400);
    // Names may have two hundred characters, of several bytes each.
    const { body: long } = await clinic.admin
      .post(`${clinic.path}/systems`, { name: '漢'.repeat(200), environment: 'production', phi: 'stores' })
      .expect(201);
    const seen: string[] = [];
    for (let next: string | null = ''; next !== null;) {
      const cursor: string = next === '' ? '' : `&cursor=${next}`;
      const { body: page } = await viewer.get(`${list}?limit=1${cursor}`).expect(200);
      seen.push(...page.items.map(({ id }: { id: string }) => id));
      next = page.next;
    }
    expect(seen).toEqual([second.id, clinic.systemId, long.id]);
    await clinic.admin.post(`${clinic.path}/systems/${String(long.id)}/retire`).expect(200);
    await post(trivy(), ago(0.005), 'cluster/cluster');

    await clinic.admin.post(`${clinic.path}/systems/${String(second.id)}/retire`).expect(200);
    expect(practice(await ofOrganization()).status).toBe('evidenced');
    await viewer.get(`${clinic.path}/systems/${String(second.id)}/posture`).expect(404);
  });

  it('is of no use to a stranger', async () => {
    const other = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    await other.admin.get(`${clinic.systemPath}/posture`).expect(404);
    await other.admin.get(`${other.path}/systems/${clinic.systemId}/posture`).expect(404);
    await (await world.as(null)).get(`${clinic.path}/posture`).expect(401);
  });
});
