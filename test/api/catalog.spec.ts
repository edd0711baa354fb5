import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type Caller, type World } from '../support/app.js';

let world: World;
let anyone: Caller;

beforeAll(async () => {
  world = await startApp();
  anyone = await world.as('dev-viewer');
});
afterAll(() => world.stop());

const get = async (path: string): Promise<Record<string, unknown> & { items: { id: string; tool: string }[] }> => {
  const { body } = await anyone.get(`/v1/catalog${path}`).expect(200);
  return body as Record<string, unknown> & { items: { id: string; tool: string }[] };
};

describe('the catalogue', () => {
  it('says which it is, and needs a token but no organisation', async () => {
    expect(await get('')).toMatchObject({ counts: { controls: 118, practices: 124 } });
    await (await world.as(null)).get('/v1/catalog').expect(401);
  });

  it('lists controls by family, type and mark', async () => {
    expect((await get('/controls')).items).toHaveLength(118);
    expect((await get('/controls?required=addressable')).items).toHaveLength(22);
    const physical = await get('/controls?family=physical&type=standard');
    expect(physical.items.map(({ id }) => id)).toContain('164.310(a)(1)');
    await anyone.get('/v1/catalog/controls?family=magical').expect(400);
  });

  it.each(['164.312(a)(1)', '164.312%28a%29%281%29', '45%20CFR%20164.312(a)(1)'])(
    'finds a control as %s',
    async (id) => {
      expect(await get(`/controls/${id}`)).toMatchObject({ id: '164.312(a)(1)', required: 'required' });
    },
  );

  it('answers 404 for what it does not have', async () => {
    for (const path of ['/controls/164.999', '/practices/no-such', '/trace?tool=trivy&check=KSV0012']) {
      await anyone.get(`/v1/catalog${path}`).expect(404);
    }
  });

  it('reads a practice with its checks', async () => {
    expect((await get('/practices')).items).toHaveLength(124);
    expect(await get('/practices/run-as-non-root')).toMatchObject({ id: 'run-as-non-root', automation: 'full' });
  });

  it('pages through the checks without losing or repeating one', async () => {
    const seen: string[] = [];
    let next: unknown = '';
    while (typeof next === 'string') {
      const page = await get(`/checks?limit=500${next === '' ? '' : `&cursor=${next}`}`);
      seen.push(...page.items.map(({ tool, id }) => `${tool} ${id}`));
      next = page['next'];
    }
    const { counts } = (await get('')) as unknown as { counts: { checks: number } };
    expect(counts.checks).toBeGreaterThan(2_000);
    expect(seen).toHaveLength(counts.checks);
    expect(new Set(seen).size).toBe(counts.checks);
    const one = await get('/checks?tool=trivy&practice=read-only-root-filesystem');
    expect(one.items.map(({ id }) => id)).toEqual(['KSV-0014']);
    await anyone.get('/v1/catalog/checks?practice=no-such').expect(400);
    const { body } = await anyone.get('/v1/catalog/checks?tool=no-such').expect(400);
    expect(body).toMatchObject({ pointer: 'query/tool' });
    await anyone.get('/v1/catalog/checks?cursor=bm9uc2Vuc2U').expect(400);
  });

  it('traces a check with slashes in its id to its controls', async () => {
    const trace = await get('/trace?tool=kube-bench&check=cis-1.12/1.2.16');
    expect(trace).toMatchObject({ id: 'cis-1.12/1.2.16' });
    expect((trace['controls'] as unknown[]).length).toBeGreaterThan(0);
  });

  it('answers by a released version that is named, and says which there are', async () => {
    const { releases, version, digest } = await get('');
    expect(releases).toContain(version);
    expect(await get(`?version=${String(version)}`)).toMatchObject({ version, digest });
    const { body } = await anyone.get('/v1/catalog/controls?version=2020.1.1').expect(400);
    expect(body).toMatchObject({ pointer: 'query/version' });
  });

  it('shows proposed rules only under an overlay that was asked for', async () => {
    expect((await get('/controls?overlay=nprm-2025')).items.length).toBeGreaterThan(118);
    expect(await get('/controls/nprm-2025%2Frisk-analysis?overlay=nprm-2025')).toMatchObject({
      type: 'proposed_requirement',
    });
    await anyone.get('/v1/catalog/controls/nprm-2025%2Frisk-analysis').expect(404);
    const { body } = await anyone.get('/v1/catalog/gaps?overlay=none').expect(400);
    expect(body).toMatchObject({ pointer: 'query/overlay' });
  });

  it('says where scanners do not reach', async () => {
    expect((await get('/gaps'))['controlsWithoutPractice']).toContain('164.412');
  });
});
