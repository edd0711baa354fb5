import type { Response } from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AgreementsService } from '../../src/agreements/agreements.service.js';
import { TERM_NAMES } from '../../src/agreements/terms.js';
import { Database } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { Keeper, type Kept } from '../support/keep.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let approver: Caller;
let keeper: Keeper;

beforeAll(async () => {
  world = await startApp();
});
afterAll(() => world.stop());
// Each its own organisation: what one leaves must not be said of the next.
beforeEach(async () => {
  clinic = await startClinic(world);
  officer = await clinic.member('compliance_officer');
  approver = await clinic.member('approver');
  keeper = await Keeper.of(clinic, officer, approver);
});

const vendor = (name: string, fields: object = {}, said: Partial<Kept> = {}): Kept => ({
  type: 'vendor',
  title: name,
  fields: { name, role: 'business_associate', ephi: true, services: 'Image archive', ...fields },
  ...said,
});
const agreement = (of: string, fields: object = {}, said: Partial<Kept> = {}): Kept => ({
  type: 'baa',
  fields: {
    vendor: of,
    signedOn: '2025-12-20',
    renewal: 'none',
    incidentNoticeHours: 24,
    returnOrDestroy: 'destroy',
    terms: TERM_NAMES.map((term) => ({ term, clause: '§ 4', page: 2 })),
    ...fields,
  },
  document: 'agreement',
  ...said,
});

interface Item {
  vendorId: string;
  name: string;
  states: string[];
  agreements: { recordId: string; inForce: boolean; endsAt: string | null; termsMissing: string[] }[];
  [member: string]: unknown;
}
const list = async (query: Record<string, string> = {}, caller = officer): Promise<Item[]> =>
  (await caller.get(`${clinic.path}/agreements?${new URLSearchParams(query).toString()}`).expect(200)).body.items;
const stateOf = async (id: string, query: Record<string, string> = {}): Promise<string[]> =>
  (await list(query)).find(({ vendorId }) => vendorId === id)?.states ?? [];

/** What posture reads. */
async function said(asOf: string, knownAt = '2100-01-01T00:00:00Z') {
  const principal = servicePrincipal('test', clinic.organizationId, 'test');
  const instant = { asOf: new Date(asOf), knownAt: new Date(knownAt) };
  const statements = await world.app
    .get(Database)
    .readSnapshot(principal, (tx) => world.app.get(AgreementsService, { strict: false }).statements(tx, instant, null));
  const about = (name: string, need = 'baa') => [
    ...new Set(
      statements.filter((one) => one.need === need && Object.values(one.about).includes(name)).map(({ says }) => says),
    ),
  ];
  return { statements, about };
}

const refusal = ({ status, body }: Response) => [status, body.type, body.pointer];

describe('are vendors and their agreements told as of any date?', () => {
  it('without an agreement, with one, after its end, and as it was known before', async () => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    const knownBefore = new Date().toISOString();
    expect(await stateOf(lakeside)).toEqual(['no-agreement', 'review-missing']);
    const id = await keeper.keep(
      agreement(lakeside, { endsOn: '2026-10-31' }, { effectiveFrom: '2026-02-01T00:00:00Z' }),
    );

    expect(await stateOf(lakeside, { asOf: '2026-01-31T23:59:59Z' })).toEqual(['no-agreement', 'review-missing']);
    expect(await stateOf(lakeside, { asOf: '2026-02-01T00:00:00Z' })).toEqual(['review-missing', 'in-force']);
    expect(await stateOf(lakeside, { asOf: '2026-09-15T00:00:00Z' })).toEqual(['ending', 'review-missing', 'in-force']);
    expect(await stateOf(lakeside, { asOf: '2026-10-31T23:59:59Z' })).toContain('in-force');
    expect(await stateOf(lakeside, { asOf: '2026-11-01T00:00:00Z' })).toEqual([
      'no-agreement',
      'return-due',
      'review-missing',
    ]);
    expect(await stateOf(lakeside, { asOf: '2026-09-15T00:00:00Z', knownAt: knownBefore })).toEqual([
      'no-agreement',
      'review-missing',
    ]);
    const [item] = await list({ asOf: '2026-03-01T00:00:00Z' });
    expect(item).toMatchObject({
      name: 'Lakeside Imaging',
      chain: [],
      uncovered: [],
      agreements: [{ recordId: id, inForce: true, endsAt: '2026-11-01T00:00:00.000Z', termsMissing: [] }],
    });

    expect((await said('2026-01-15T00:00:00Z')).about('vendor-oversight-baa')).toEqual(['failing']);
    expect((await said('2026-03-01T00:00:00Z')).about('vendor-oversight-baa')).toEqual(['met']);
    expect((await said('2026-03-01T00:00:00Z', knownBefore)).about('vendor-oversight-baa')).toEqual(['failing']);
    expect((await said('2026-11-01T00:00:00Z')).about('vendor-oversight-baa')).toEqual(['failing']);
  });

  it('with a term missing, and mended by the next version', async () => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    const terms = TERM_NAMES.filter((term) => term !== '314C').map((term) => ({ term, clause: '§ 4' }));
    const id = await keeper.keep(agreement(lakeside, { terms }));
    expect(await stateOf(lakeside)).toContain('terms-missing');
    expect((await list({ state: 'terms-missing' }))[0]?.agreements).toMatchObject([{ termsMissing: ['314C'] }]);
    const item = (asOf: string) => said(asOf).then(({ about }) => about('164.314(a)(2)(i)(C)'));
    expect(await item('2026-07-02T00:00:00Z')).toEqual(['failing']);
    const { fields } = agreement(lakeside);
    await keeper.revise(id, { fields, effectiveFrom: '2026-07-01T00:00:00Z' });
    expect([await item('2026-06-30T00:00:00Z'), await item('2026-07-02T00:00:00Z')]).toEqual([['failing'], ['met']]);
    expect(await list({ state: 'terms-missing' })).toEqual([]);
  });

  it('what it covers less than where the vendor handles ePHI', async () => {
    const { body: pacs } = await clinic.admin
      .post(`${clinic.path}/systems`, { name: 'pacs', environment: 'production', phi: 'stores' })
      .expect(201);
    const systemIds = [clinic.systemId, pacs.id];
    const lakeside = await keeper.keep(
      vendor('Lakeside Imaging', {}, { systemIds, links: [{ kind: 'namespace', target: `${pacs.id}/viewer` }] }),
    );
    const namespaces = [`${clinic.systemId}/emr`, `${pacs.id}/viewer`];
    await keeper.keep(agreement(lakeside, { namespaces }, { systemIds }));
    expect(await list({ state: 'not-covered' })).toMatchObject([
      { vendorId: lakeside, uncovered: [{ systemId: clinic.systemId, namespace: null }] },
    ]);
    const { statements } = await said(new Date().toISOString());
    expect(statements.map(({ reason }) => reason).join('\n')).toContain(
      'the agreement with vendor Lakeside Imaging does not cover emr-production,',
    );
  });

  it('the return of PHI stays open until it is shown, also after vendor and agreement have ended', async () => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    const id = await keeper.keep(agreement(lakeside));
    await keeper.end(id, '2026-08-01T00:00:00Z');
    await keeper.end(lakeside, '2026-08-01T00:00:00Z');
    expect(await list({ asOf: '2026-09-01T00:00:00Z' })).toMatchObject([
      {
        name: 'Lakeside Imaging',
        hasEnded: true,
        states: ['return-due'],
        returns: [{ agreementId: id, dueAt: '2026-09-30T00:00:00.000Z' }],
      },
    ]);
    expect(await stateOf(lakeside, { asOf: '2026-09-30T00:00:00Z' })).toEqual(['return-overdue']);
    const open = (asOf: string) => said(asOf).then(({ about }) => about('164.504(e)(2)(ii)(J)', 'phi_return'));
    expect(await open('2026-10-02T00:00:00Z')).toEqual(['failing']);

    const fields = { agreement: id, method: 'destroyed', completedOn: '2026-10-01' };
    await keeper.keep({ type: 'phi_return', fields, document: 'certificate', effectiveFrom: '2026-10-01T00:00:00Z' });
    expect([await open('2026-09-30T12:00:00Z'), await open('2026-10-02T00:00:00Z')]).toEqual([['failing'], []]);
    expect(await list()).toEqual([]);
    const early = await keeper.draft({
      type: 'phi_return',
      fields: { ...fields, completedOn: '2025-12-19' },
      document: 'certificate',
    });
    expect(refusal(await keeper.submit(early))).toEqual([422, '/problems/record-refused', '/fields/completedOn']);
  });

  it('an end that was recorded ahead, from when it was known on', async () => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    const id = await keeper.keep(agreement(lakeside));
    const before = new Date().toISOString();
    const end = new Date(Date.now() + 20 * 86_400_000).toISOString();
    await keeper.end(id, end);
    const [told] = await list();
    expect(told).toMatchObject({ agreements: [{ recordId: id, inForce: true, endsAt: end }] });
    expect(told!.states).toEqual(['ending', 'review-missing', 'in-force']);
    expect(await stateOf(lakeside, { asOf: before, knownAt: before })).toEqual(['review-missing', 'in-force']);
    const { body } = await officer.get(`${clinic.path}/work?limit=500`).expect(200);
    const { items } = body as { items: { what: string; kind: string; dueAt: string }[] };
    expect(items.filter(({ what }) => what.includes('Lakeside Imaging ends on'))).toMatchObject([
      { kind: 'expiring', dueAt: end },
    ]);
  });

  it('the return of what an agreement covers no longer, once it was narrowed', async () => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging', {}, { systemIds: [clinic.systemId] }));
    const id = await keeper.keep(agreement(lakeside, {}, { systemIds: [clinic.systemId] }));
    const { body } = await officer.get(`${clinic.path}/records/${id}`).expect(200);
    const from = '2026-08-01T00:00:00Z';
    await keeper.revise(lakeside, {
      effectiveFrom: from,
      links: [{ kind: 'namespace', target: `${clinic.systemId}/emr`, note: '' }],
    });
    await keeper.revise(id, { effectiveFrom: from, fields: { ...body.fields, namespaces: ['emr'] } });
    const [told] = await list({ asOf: '2026-09-01T00:00:00Z' });
    expect(told).toMatchObject({
      states: ['return-due', 'review-missing', 'in-force'],
      uncovered: [],
      returns: [
        {
          agreementId: id,
          parts: [{ systemId: clinic.systemId, namespace: null }],
          endedAt: '2026-08-01T00:00:00.000Z',
          dueAt: '2026-09-30T00:00:00.000Z',
        },
      ],
    });
    const open = (asOf: string) => said(asOf).then(({ about }) => about('164.504(e)(2)(ii)(J)', 'phi_return'));
    expect([await open('2026-07-31T00:00:00Z'), await open('2026-10-02T00:00:00Z')]).toEqual([[], ['failing']]);
    const fields = { agreement: id, method: 'destroyed', completedOn: '2026-10-01' };
    await keeper.keep({ type: 'phi_return', fields, document: 'certificate', effectiveFrom: '2026-10-01T00:00:00Z' });
    expect(await open('2026-10-02T00:00:00Z')).toEqual([]);
  });

  it('the return of what an agreement with the whole organisation held of a system that has gone since', async () => {
    const [retired, cleared] = [await clinic.system(), await clinic.system()];
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    const id = await keeper.keep(agreement(lakeside));
    for (const of of [id, lakeside]) {
      await keeper.revise(of, { effectiveFrom: '2026-08-01T00:00:00Z', systemIds: [clinic.systemId] });
    }
    const parts = [retired, cleared].map(({ id: systemId }) => ({ systemId, namespace: null }));
    const left = async () => (await list())[0]?.['returns'];
    expect(await left()).toMatchObject([{ agreementId: id, parts }]);
    await clinic.admin.post(`${retired.path}/retire`).expect(200);
    await clinic.admin.patch(cleared.path, { phi: 'none' }).set('If-Match', '"1"').expect(200);
    expect(await left()).toMatchObject([{ agreementId: id, parts }]);
    expect((await said(new Date().toISOString())).about('164.504(e)(2)(ii)(J)', 'phi_return')).toEqual(['failing']);
  });

  it('and is no agreement handed on to another vendor, whose end would be forgotten', async () => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    const archive = await keeper.keep(vendor('Archive'));
    const id = await keeper.keep(agreement(lakeside));
    const { fields } = agreement(archive);
    await expect(keeper.revise(id, { fields, effectiveFrom: '2026-07-01T00:00:00Z' })).rejects.toThrow(
      '"pointer":"/fields/vendor"',
    );
  });

  it('a review for as long as the organisation says, once it has said so', async () => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    await keeper.keep(agreement(lakeside));
    const fields = { vendor: lakeside, method: 'SOC 2', verifiedOn: '2026-03-01', verifiedBy: 'A', result: 'adequate' };
    await keeper.keep({ type: 'vendor_review', fields });
    const review = (knownAt?: string) =>
      said('2026-06-01T00:00:00Z', knownAt).then(({ about }) => about('vendor-oversight-baa', 'vendor_review'));
    expect(await review()).toEqual(['met']);
    const before = new Date().toISOString();
    await officer
      .put(`${clinic.path}/record-types/vendor_review`, { tightened: { goodForDays: 30 } })
      .set('If-None-Match', '*')
      .expect(200);
    expect([await review(), await review(before)]).toEqual([['stale'], ['met']]);
  });

  it('that there is no vendor with ePHI, where somebody states it', async () => {
    expect((await said('2026-06-01T00:00:00Z')).statements).toEqual([]);
    const statements = [{ control: '164.308(b)(1)', applies: false, why: 'Nobody outside holds any.' }];
    await keeper.keep({
      type: 'applicability_statement',
      fields: { statements, statedOn: '2026-01-05', statedBy: 'M. Alvarez' },
    });
    expect((await said('2026-06-01T00:00:00Z')).about('vendor-oversight-baa')).toEqual(['met']);
    await keeper.keep(vendor('Lakeside Imaging', {}, { effectiveFrom: '2026-07-01T00:00:00Z' }));
    expect((await said('2026-06-30T00:00:00Z')).about('vendor-oversight-baa')).toEqual(['met']);
    expect((await said('2026-07-01T00:00:00Z')).about('vendor-oversight-baa')).toEqual(['failing']);
  });
});

describe('does an agreement overlap another of its vendor?', () => {
  it('then it is refused at submission, with what it conflicts with; after the first it is taken', async () => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    const first = await keeper.keep(agreement(lakeside, { endsOn: '2026-06-30' }));
    const second = await keeper.draft(agreement(lakeside, {}, { effectiveFrom: '2026-06-30T00:00:00Z' }));
    const answer = await keeper.submit(second);
    expect(refusal(answer)).toEqual([422, '/problems/record-refused', '/effectiveFrom']);
    expect(answer.body.conflictsWith).toEqual([first]);
    await keeper.keep(agreement(lakeside, {}, { effectiveFrom: '2026-07-01T00:00:00Z' }));
    expect(await stateOf(lakeside, { asOf: '2026-07-01T00:00:00Z' })).toContain('in-force');
  });

  it('of two that are approved at once one is refused, and nothing of it is kept', async () => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    const drafts = [await keeper.draft(agreement(lakeside)), await keeper.draft(agreement(lakeside))];
    for (const id of drafts) expect((await keeper.submit(id)).status).toBe(200);
    const answers = await Promise.all(drafts.map((id) => keeper.approve(id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 422]);
    expect(answers.find(({ status }) => status === 422)?.body).toMatchObject({
      type: '/problems/record-refused',
      pointer: '/effectiveFrom',
    });
    expect((await list())[0]?.agreements).toHaveLength(1);
  });

  it.each([
    [
      'a term twice',
      {
        terms: [
          { term: '314A', clause: '1' },
          { term: '314A', clause: '2' },
        ],
      },
      '/fields/terms/1/term',
    ],
    ['a clause of blanks', { terms: [{ term: '314A', clause: '  ' }] }, '/fields/terms/0/clause'],
    ['a term that nobody knows', { terms: [{ term: '999', clause: '1' }] }, '/fields/terms/0/term'],
    ['an end before its signature', { endsOn: '2025-12-19' }, '/fields/endsOn'],
    ['a signature after its effect', { signedOn: '2026-01-02' }, '/fields/signedOn'],
    ['a vendor that is not there', { vendor: newId() }, '/fields/vendor'],
  ])('%s is refused', async (_what, fields, pointer) => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    const id = await keeper.draft(agreement(lakeside, fields));
    expect(refusal(await keeper.submit(id))).toEqual([422, '/problems/record-refused', pointer]);
  });

  it('without its document it is refused', async () => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    const id = await keeper.draft(agreement(lakeside, {}, { document: null }));
    expect(refusal(await keeper.submit(id))).toEqual([422, '/problems/record-refused', '/documents']);
  });
});

describe('how do promises flow down?', () => {
  const sub = (name: string, parent: string, said: Partial<Kept> = {}) =>
    vendor(name, { role: 'subcontractor', parent }, said);
  const chain = async (id: string, query = '') =>
    (await officer.get(`${clinic.path}/vendors/${id}/chain${query}`).expect(200)).body;

  it('from a vendor to those that work for it, and back up', async () => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    const storage = await keeper.keep(sub('Cold Storage', lakeside, { effectiveFrom: '2026-03-01T00:00:00Z' }));
    const tapes = await keeper.keep(sub('Tape Vaults', storage, { effectiveFrom: '2026-03-01T00:00:00Z' }));
    await keeper.keep(agreement(lakeside));
    await keeper.keep(agreement(storage, {}, { effectiveFrom: '2026-03-01T00:00:00Z' }));
    expect(await chain(lakeside)).toMatchObject({
      vendor: { vendorId: lakeside, inForce: true, bindsSubcontractors: true },
      above: [],
      fault: null,
      below: [
        { vendorId: storage, depth: 1, inForce: true },
        { vendorId: tapes, depth: 2, inForce: false, states: ['no-agreement', 'no-flow-down'] },
      ],
    });
    expect((await chain(tapes)).above.map(({ vendorId }: Item) => vendorId)).toEqual([storage, lakeside]);
    expect((await chain(lakeside, '?asOf=2026-02-28T00:00:00Z')).below).toEqual([]);
    await officer.get(`${clinic.path}/vendors/${storage}/chain?asOf=2026-02-28T00:00:00Z`).expect(404);
    const { about } = await said('2026-04-01T00:00:00Z');
    expect([about('subcontractor-flow-down'), about('vendor-oversight-baa')]).toEqual([['failing'], ['met']]);
  });

  it('a subcontractor of nobody is refused, and one of itself', async () => {
    const orphan = await keeper.draft(vendor('Orphan', { role: 'subcontractor' }));
    expect(refusal(await keeper.submit(orphan))).toEqual([422, '/problems/record-refused', '/fields/parent']);
    const self = await keeper.draft(vendor('Self'));
    const etag = `"${(await officer.get(`${clinic.path}/records/${self}`).expect(200)).body.revision}"`;
    const { fields } = sub('Self', self);
    await officer.patch(`${clinic.path}/records/${self}`, { fields }).set('If-Match', etag).expect(200);
    expect(refusal(await keeper.submit(self))).toEqual([422, '/problems/record-refused', '/fields/parent']);
  });

  it('of a circle through three that are approved at once one is refused', async () => {
    const ids: string[] = [];
    for (const name of ['One', 'Two', 'Three']) ids.push(await keeper.keep(vendor(name)));
    for (const [index, id] of ids.entries()) {
      const path = `${clinic.path}/records/${id}`;
      const etag = async () => `"${(await officer.get(path).expect(200)).body.revision}"`;
      await officer
        .post(`${path}/versions`)
        .set('If-Match', await etag())
        .expect(201);
      const { fields } = sub(['One', 'Two', 'Three'][index] ?? '', ids[(index + 1) % 3] ?? '');
      await officer
        .patch(path, { fields, effectiveFrom: '2026-02-01T00:00:00Z' })
        .set('If-Match', await etag())
        .expect(200);
      expect((await keeper.submit(id)).status).toBe(200);
    }
    const answers = await Promise.all(ids.map((id) => keeper.approve(id)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 422]);
    expect(refusal(answers.find(({ status }) => status === 422)!)).toEqual([
      422,
      '/problems/record-refused',
      '/fields/parent',
    ]);
    for (const id of ids) expect((await chain(id)).fault).toBeNull();
  });
});

describe('who may see it?', () => {
  it('pages of it, by their links, and only those of a state', async () => {
    const ids: string[] = [];
    for (const name of ['A', 'B', 'C'])
      ids.push(await keeper.keep(vendor(name, name === 'B' ? { role: 'other', ephi: false } : {})));
    const { body } = await officer.get(`${clinic.path}/agreements?limit=2`).expect(200);
    const rest = await officer.get(`${clinic.path}/agreements?limit=2&cursor=${body.next}`).expect(200);
    expect([...body.items, ...rest.body.items].map(({ vendorId }: Item) => vendorId)).toEqual(ids.sort());
    expect(rest.body.next).toBeNull();
    expect((await list({ state: 'not-needed' })).map(({ name }) => name)).toEqual(['B']);
  });

  it('auditors of the organisation; no viewer, no agent, and nobody of another organisation', async () => {
    const lakeside = await keeper.keep(vendor('Lakeside Imaging'));
    const [viewer, auditor] = [await clinic.member('viewer'), await clinic.member('auditor')];
    expect(await list({}, auditor)).toHaveLength(1);
    const paths = [`${clinic.path}/agreements`, `${clinic.path}/vendors/${lakeside}/chain`];
    for (const path of paths) {
      await viewer.get(path).expect(403);
      await clinic.agent.get(path).expect(403);
    }
    const stranger = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    for (const path of paths) await stranger.admin.get(path).expect(404);
    const { body: member } = await stranger.admin
      .post(`${stranger.path}/members`, {
        issuer: world.provider.issuer,
        subject: 'dev-auditor',
        name: 'auditor',
        role: 'auditor',
      })
      .expect(201);
    expect(member.role).toBe('auditor');
    expect((await auditor.get(`${stranger.path}/agreements`).expect(200)).body.items).toEqual([]);
    await auditor.get(`${stranger.path}/vendors/${lakeside}/chain`).expect(404);
  });
});
