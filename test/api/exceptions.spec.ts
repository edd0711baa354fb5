import type { Response } from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkKey, type Acceptances } from '../../src/exceptions/coverage.js';
import { ExceptionsService } from '../../src/exceptions/exceptions.service.js';
import { Database } from '../../src/kernel/db/database.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
import { Keeper, type Kept } from '../support/keep.js';
import { policyReport } from './reports.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let keeper: Keeper;

const DAY = 86_400_000;
const ago = (days: number): string => new Date(Date.now() - days * DAY).toISOString();

beforeAll(async () => {
  world = await startApp();
});
afterAll(() => world.stop());
beforeEach(async () => {
  clinic = await startClinic(world);
  officer = await clinic.member('compliance_officer');
  keeper = await Keeper.of(clinic, officer, await clinic.member('approver'));
});

async function report(...findings: Parameters<typeof policyReport>[0]): Promise<void> {
  const query = `observedAt=${new Date().toISOString()}&targets=cluster/cluster`;
  await clinic.agent
    .post(`${clinic.systemPath}/scans?${query}`)
    .set('Content-Type', 'application/json')
    .send(policyReport(findings))
    .expect(201);
}
interface Result {
  series: string;
  source: string;
  check: string;
  status: string;
}
const results = async (status: string): Promise<Result[]> =>
  (await officer.get(`${clinic.systemPath}/results?status=${status}`).expect(200)).body.items;

const exception = (covers: object, said: Partial<Kept> = {}, until = ago(-100)): Kept => ({
  type: 'exception',
  fields: { reason: 'The driver needs it.', compensating: 'The nodes take no other workload.', until, ...covers },
  effectiveFrom: ago(10),
  systemIds: [clinic.systemId],
  document: 'assessment',
  ...said,
});
const refusal = ({ status, body }: Response) => [status, body.type, body.pointer];
const refused = (pointer: string) => [422, '/problems/record-refused', pointer];

const inEffect = (
  place: string | null,
  asOf = new Date(),
  knownAt = new Date('2100-01-01T00:00:00Z'),
): Promise<Acceptances> =>
  world.app
    .get(Database)
    .readSnapshot(servicePrincipal('test', clinic.organizationId, 'test'), (tx) =>
      world.app.get(ExceptionsService, { strict: false }).inEffect(tx, { asOf, knownAt }, place),
    );

describe('what does an approved exception cover?', () => {
  it('results, checks and practices of its system, until it ends, and not as it was known before', async () => {
    await report(
      { check: 'privileged', result: 'fail' },
      { check: 'host-path', result: 'fail' },
      { check: 'fine', result: 'pass' },
    );
    const failing = await results('fail');
    const [one] = failing.filter(({ check }) => check.includes('privileged'));
    const [other] = failing.filter(({ check }) => check.includes('host-path'));
    if (one === undefined || other === undefined) throw new Error('nothing fails');
    const before = new Date();
    const until = ago(-50);
    const id = await keeper.keep(
      exception(
        {
          results: [{ systemId: clinic.systemId, series: one.series }],
          checks: [{ source: other.source, check: other.check }],
          practices: ['rbac-least-privilege'],
        },
        {},
        until,
      ),
    );
    const covered = {
      results: new Set([one.series]),
      checks: new Set([checkKey(other.source, other.check)]),
      practices: new Set(['rbac-least-privilege']),
      ids: [id],
      until: new Date(until),
    };
    expect(await inEffect(clinic.systemId)).toMatchObject(covered);
    expect(await inEffect(clinic.systemId, new Date(Date.parse(until) - 1))).toMatchObject(covered);
    for (const nothing of [
      await inEffect(clinic.systemId, new Date(until)),
      await inEffect(clinic.systemId, new Date(ago(11))),
      await inEffect(clinic.systemId, new Date(), before),
      await inEffect(null),
      await inEffect(newId()),
    ]) {
      expect([nothing.ids, nothing.results.size, nothing.checks.size, nothing.practices.size]).toEqual([[], 0, 0, 0]);
    }
    // What fails goes on failing.
    expect((await results('fail')).map(({ series }) => series)).toContain(one.series);

    await keeper.end(id, new Date(Date.now() - 1000).toISOString());
    expect((await inEffect(clinic.systemId)).ids).toEqual([]);
  });

  it('practices of the whole organisation', async () => {
    const id = await keeper.keep(exception({ practices: ['rbac-least-privilege'] }, { systemIds: [] }));
    expect(await inEffect(null)).toMatchObject({ ids: [id], practices: new Set(['rbac-least-privilege']) });
    expect((await inEffect(clinic.systemId)).ids).toEqual([]);
  });
});

describe('which exceptions are refused?', () => {
  it.each([
    ['one of nothing', () => exception({}), '/fields'],
    [
      'one of checks in no named system',
      () => exception({ checks: [{ source: 's', check: 'c' }] }, { systemIds: [] }),
      '/systemIds',
    ],
    ['one of a practice that is not there', () => exception({ practices: ['nothing'] }), '/fields/practices/0'],
    [
      'one without a document',
      () => exception({ practices: ['rbac-least-privilege'] }, { document: null }),
      '/documents',
    ],
    ['one that has passed', () => exception({ practices: ['rbac-least-privilege'] }, {}, ago(1)), '/fields/until'],
    ['one too long', () => exception({ practices: ['rbac-least-privilege'] }, {}, ago(-357)), '/fields/until'],
    [
      'one of a check of which nothing fails',
      () => exception({ checks: [{ source: 's', check: 'c' }] }),
      '/fields/checks/0',
    ],
  ])('%s', async (_what, record, pointer) => {
    expect(refusal(await keeper.submit(await keeper.draft(record())))).toEqual(refused(pointer));
  });

  it('one of what passes, of what another system has, and of what does not fail any more at its approval', async () => {
    await report({ check: 'privileged', result: 'fail' }, { check: 'fine', result: 'pass' });
    const [passing] = await results('pass');
    const [failing] = await results('fail');
    const of = (series: string, systemId = clinic.systemId) => exception({ results: [{ systemId, series }] });
    const submit = async (record: Kept) => refusal(await keeper.submit(await keeper.draft(record)));
    expect(await submit(of(passing?.series ?? ''))).toEqual(refused('/fields/results/0/series'));
    expect(await submit(of(newId()))).toEqual(refused('/fields/results/0/series'));
    const { body: pacs } = await clinic.admin
      .post(`${clinic.path}/systems`, { name: 'pacs', environment: 'production', phi: 'stores' })
      .expect(201);
    expect(await submit(of(failing?.series ?? '', pacs.id))).toEqual(refused('/fields/results/0/systemId'));
    expect(await submit({ ...of(failing?.series ?? '', pacs.id), systemIds: [pacs.id] })).toEqual(
      refused('/fields/results/0/series'),
    );

    const id = await keeper.draft(of(failing?.series ?? ''));
    expect((await keeper.submit(id)).status).toBe(200);
    await report({ check: 'privileged', result: 'pass' }, { check: 'fine', result: 'pass' });
    expect(await results('fail')).toEqual([]);
    expect(refusal(await keeper.approve(id))).toEqual(refused('/fields/results/0/series'));
    expect((await inEffect(clinic.systemId)).ids).toEqual([]);
  });

  it('whoever asked for it does not approve it, in whatever role', async () => {
    const id = await keeper.draft(exception({ practices: ['rbac-least-privilege'] }));
    expect((await keeper.submit(id)).status).toBe(200);
    const { body } = await clinic.admin.get(`${clinic.path}/members`).expect(200);
    const self = body.items.find(({ role }: { role: string }) => role === 'compliance_officer');
    const etag = (await clinic.admin.get(`${clinic.path}/members/${self.id}`).expect(200)).headers['etag'] ?? '';
    await clinic.admin
      .patch(`${clinic.path}/members/${self.id}`, { role: 'approver' })
      .set('If-Match', etag)
      .expect(200);
    const revision = (await officer.get(`${clinic.path}/records/${id}`).expect(200)).body.revision;
    const answer = await officer
      .post(`${clinic.path}/records/${id}/decision`, { decision: 'approve' })
      .set('If-Match', `"${revision}"`);
    expect([answer.status, answer.body.type]).toEqual([403, '/problems/own-approval']);
  });
});

describe('is an addressable specification met otherwise?', () => {
  const CONTROL = '164.312(a)(2)(iii)';
  const decision = (change: object = {}, said: Partial<Kept> = {}): Kept => ({
    type: 'addressable_decision',
    fields: {
      control: CONTROL,
      size: 'Forty beds, one shared terminal each.',
      infrastructure: 'Badge readers at every terminal.',
      cost: 'No difference.',
      risk: 'Logging off in an emergency endangers the patient.',
      outcome: 'not_reasonable',
      standardMet: 'Nobody reads a screen without a badge.',
      decidedOn: ago(30).slice(0, 10),
      ...change,
    },
    effectiveFrom: ago(30),
    ...said,
  });
  const analysis = () => keeper.analysis(ago(40));

  it('by a decision in effect and fresh, of the organisation, and no longer under an overlay that requires it', async () => {
    const id = await keeper.keep(decision({ analysis: await analysis() }));
    const { controls } = await inEffect(null);
    expect([...controls]).toMatchObject([[CONTROL, { recordId: id, outcome: 'not_reasonable' }]]);
    expect((await inEffect(null, new Date(ago(-334)))).controls.size).toBe(1);
    expect((await inEffect(null, new Date(ago(-336)))).controls.size).toBe(0);
    expect((await inEffect(null, new Date(ago(31)))).controls.size).toBe(0);
    expect((await inEffect(clinic.systemId)).controls.size).toBe(0);

    const { headers } = await clinic.admin.get(clinic.path).expect(200);
    await clinic.admin
      .patch(clinic.path, { settings: { overlays: ['nprm-2025'] } })
      .set('If-Match', headers['etag'] ?? '')
      .expect(200);
    expect((await inEffect(null)).controls.size).toBe(0);
  });

  it('not by one that decides to implement it', async () => {
    await keeper.keep(decision({ outcome: 'implement', standardMet: undefined }));
    expect((await inEffect(null)).controls.size).toBe(0);
  });

  it.each([
    ['of a required specification', { control: '164.312(a)(2)(i)' }, '/fields/control'],
    ['on cost alone', { size: 'n/a', infrastructure: 'n/a', risk: 'n/a' }, '/fields/size'],
    ['that does not say how the standard is met', { standardMet: undefined }, '/fields/standardMet'],
    [
      'with an alternative that nothing shows',
      { outcome: 'alternative', alternative: 'Screens lock by badge.' },
      '/documents',
    ],
    ['that rests on no risk analysis', { analysis: undefined }, '/fields/analysis'],
  ])('one %s is refused', async (_what, change, pointer) => {
    const id = await keeper.draft(decision({ analysis: await analysis(), ...change }));
    expect(refusal(await keeper.submit(id))).toEqual(refused(pointer));
  });

  it('not by one that rests on the draft of an analysis', async () => {
    const draft = await keeper.draft({ type: 'risk_analysis', fields: {} });
    const id = await keeper.draft(decision({ analysis: draft }));
    expect(refusal(await keeper.submit(id))).toEqual(refused('/fields/analysis'));
  });
});
