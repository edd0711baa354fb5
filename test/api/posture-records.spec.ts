import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Posture } from '../../src/posture/posture.schema.js';
import { startApp, type Caller, type Clinic, type World } from '../support/app.js';
import { startKeeping, type Keeper, type Kept } from '../support/keep.js';

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

const OFFICIAL = '164.308(a)(2)';

const policy = (controls: string[], said: Partial<Kept> = {}): Kept => ({
  type: 'policy',
  fields: { name: `Policy on ${controls.join(', ')}`, kind: 'policy', reviewedOn: '2026-01-12' },
  links: controls.map((target) => ({ kind: 'control', target, note: '' })),
  document: 'text',
  ...said,
});
const appointment = (said: Partial<Kept> = {}): Kept => ({
  type: 'appointment',
  fields: {
    person: 'M. Alvarez',
    duties: 'Keeps the risk analysis.',
    appointedOn: '2025-01-06',
    confirmedOn: '2026-01-05',
  },
  document: 'appointment',
  ...said,
});

const posture = async (query: Record<string, string> = {}, path = clinic.systemPath): Promise<Posture> =>
  (await officer.get(`${path}/posture?${new URLSearchParams(query).toString()}`).expect(200)).body as Posture;
const control = (of: Posture, id: string) => of.controls.find((one) => one.id === id)!;
const practice = (of: Posture, id: string) => of.practices.find((one) => one.id === id)!;
const now = () => new Date().toISOString();
const day = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

describe('do records move the posture by themselves?', () => {
  it('what is missing is named by type, with what an auditor would ask of it', async () => {
    for (const path of [clinic.path, clinic.systemPath]) {
      const { status, reason, needs } = control(await posture({}, path), OFFICIAL);
      expect(status).toBe('missing');
      expect(reason).toContain('Missing: record `policy` (');
      expect(reason).toContain('Records that they lack: `appointment`.');
      // Of the item itself, once.
      expect(reason.split('An auditor asks for: Document naming a natural person as Security Official')).toHaveLength(
        2,
      );
      expect(needs).toMatchObject([{ type: 'policy', state: 'missing', records: [] }]);
    }
    const official = practice(await posture(), 'security-official');
    expect(official).toMatchObject({ status: 'missing', needs: [{ type: 'appointment', state: 'missing' }] });
    expect(official.reason).toContain('Missing: record `appointment` (');
  });

  it('an item is evidenced by its records, from when they are in effect, and as it was known before not', async () => {
    const before = now();
    const appointed = await keeper.keep(appointment());
    const between = now();
    expect(control(await posture(), OFFICIAL)).toMatchObject({ status: 'partial' });
    // A policy on another item says nothing of this one.
    await keeper.keep(policy(['164.308(a)(3)(i)']));
    expect(control(await posture(), OFFICIAL)).toMatchObject({ status: 'partial' });
    const written = await keeper.keep(policy([OFFICIAL]));

    for (const path of [clinic.path, clinic.systemPath]) {
      const found = await posture({}, path);
      expect(control(found, OFFICIAL)).toMatchObject({
        status: 'evidenced',
        needs: [{ type: 'policy', state: 'met', records: [written] }],
      });
      expect(practice(found, 'security-official')).toMatchObject({
        status: 'evidenced',
        needs: [{ type: 'appointment', records: [appointed] }],
      });
      expect(found.counts.controls.evidenced).toBeGreaterThan(0);
      expect(control(await posture({ asOf: '2025-12-31T23:59:59Z' }, path), OFFICIAL).status).toBe('missing');
      expect(control(await posture({ asOf: '2026-01-13T00:00:00Z' }, path), OFFICIAL).status).toBe('evidenced');
      expect(control(await posture({ knownAt: between }, path), OFFICIAL).status).toBe('partial');
      expect(control(await posture({ knownAt: before }, path), OFFICIAL).status).toBe('missing');
    }
  });

  it('it goes stale by its date, without any job, and says so beforehand', async () => {
    const fields = { ...appointment().fields, appointedOn: '2024-01-06', confirmedOn: '2024-06-01' };
    await keeper.keep(appointment({ fields, effectiveFrom: '2024-06-01T00:00:00Z' }));
    const last = '2025-06-01T00:00:00.000Z';
    const fresh = practice(await posture({ asOf: last }), 'security-official');
    expect(fresh).toMatchObject({ status: 'evidenced', staleAt: '2025-06-01T00:00:00.001Z' });
    const stale = practice(await posture({ asOf: fresh.staleAt! }), 'security-official');
    expect(stale.status).toBe('stale');
    expect(stale.reason).toContain('older than 365 days');
  });

  it('a record that ends proves nothing from its end on', async () => {
    const id = await keeper.keep(appointment());
    await keeper.end(id, '2026-06-01T00:00:00Z');
    expect(practice(await posture({ asOf: '2026-05-31T00:00:00Z' }), 'security-official').status).toBe('evidenced');
    expect(practice(await posture({ asOf: '2026-06-01T00:00:00Z' }), 'security-official').status).toBe('missing');
  });

  it('that nothing happened is evidence where a person says so of the period, and expires; and an incident is in a register', async () => {
    const PLAN = 'incident-response-plan';
    const read = async (asOf: string) => practice(await posture({ asOf }), PLAN);
    await keeper.keep({
      type: 'incident_response_plan',
      fields: {
        edition: '5',
        roles: [{ role: 'Lead', duty: 'Decides.' }],
        levels: [{ level: 'critical', meaning: 'PHI leaves', within: '15 minutes' }],
        reporting: 'By the number on the badge.',
        reviewedOn: '2026-01-12',
      },
      document: 'plan',
    });
    expect((await read('2026-04-02T00:00:00Z')).status).toBe('partial');
    const register = (periodFrom: string, periodTo: string, incidents: string[]): Kept => ({
      type: 'incident_register',
      fields: { periodFrom, periodTo, incidents, sources: 'Alerts and reviews of logs.', keptBy: 'M. Alvarez' },
      effectiveFrom: `${periodTo}T23:00:00Z`,
    });
    // A register that names one, be it a draft, says of no period that there was none.
    const draft = await keeper.draft({ type: 'incident_record', fields: { number: 'INC-0' } });
    const naming = await keeper.keep(register('2026-01-01', '2026-03-30', [draft]));
    const some = await read('2026-04-02T00:00:00Z');
    expect(some).toMatchObject({ status: 'partial' });
    expect(some.needs.find(({ type }) => type === 'incident_record')).toMatchObject({ state: 'missing' });
    // Nor does one of a day after it say so of the quarter.
    await keeper.keep(register('2026-03-31', '2026-03-31', []));
    expect(await read('2026-04-02T00:00:00Z')).toMatchObject({ status: 'partial' });
    await keeper.end(naming, '2026-04-01T00:00:00Z');
    await keeper.keep(register('2026-01-01', '2026-03-31', []));
    expect(await read('2026-04-02T00:00:00Z')).toMatchObject({ status: 'evidenced' });
    expect(await read('2026-08-15T00:00:00Z')).toMatchObject({ status: 'partial' });

    const incident = await keeper.keep({
      type: 'incident_record',
      fields: {
        number: 'INC-1',
        what: 'A token was pushed.',
        discoveredAt: '2026-05-02T08:00:00Z',
        criticality: 'high',
        breachSuspected: false,
        outcome: 'No use of it.',
      },
      effectiveFrom: '2026-05-02T08:00:00Z',
    });
    await keeper.keep(register('2026-04-01', '2026-06-30', []));
    expect((await read('2026-07-02T00:00:00Z')).status).toBe('evidenced');
    // The register of its period says that there was none.
    const overdue = await read('2026-09-03T00:00:00Z');
    expect(overdue.status).toBe('failing');
    expect(overdue.reason).toContain('Every incident is in the register of its period');
    await keeper.keep(register('2026-04-01', '2026-08-31', [incident]));
    expect((await read('2026-09-03T00:00:00Z')).status).toBe('evidenced');
  });

  it.each<[string, string, string, (some: number) => Kept]>([
    [
      'leavers',
      'leaver-access-removal',
      'termination_record',
      (leavers) => ({
        type: 'leaver_reconciliation',
        fields: {
          ...{ periodFrom: day(40), periodTo: day(9), leavers, late: 0, stillThere: 0 },
          ...{ result: 'all_removed', reconciledBy: 'M. Alvarez' },
        },
      }),
    ],
    [
      'disposals',
      'media-disposal-reuse',
      'disposal_record',
      (disposed) => ({
        type: 'media_inventory',
        fields: { copies: [], moved: 0, disposed, inventoryOn: day(9), takenBy: 'M. Alvarez' },
      }),
    ],
  ])('that there were some %s speaks for no record of them', async (_what, id, type, count) => {
    const need = async () => practice(await posture(), id).needs.find((one) => one.type === type)!;
    const register = await keeper.keep({ ...count(12), effectiveFrom: `${day(9)}T00:00:00Z` });
    const some = await need();
    expect(some.state).toBe('missing');
    const later = await keeper.keep({ ...count(0), title: 'of a day', effectiveFrom: `${day(8)}T12:00:00Z` });
    expect(await need()).toMatchObject({ state: 'missing' });
    await keeper.end(later, `${day(8)}T13:00:00Z`);
    expect(some.reason).toContain('does not say that there was none');
    await keeper.end(register, `${day(8)}T00:00:00Z`);
    await keeper.keep({ ...count(0), effectiveFrom: `${day(8)}T00:00:00Z` });
    expect(await need()).toMatchObject({ state: 'met' });
  });

  it('of each of many: one that is old holds the others back', async () => {
    const training = (person: string, completedOn: string): Kept => ({
      type: 'training_record',
      fields: { person, course: 'Security awareness', completedOn, result: 'passed' },
    });
    await keeper.keep(training('A', '2026-03-01'));
    await keeper.keep(training('B', '2025-02-01'));
    const [need] = practice(await posture(), 'workforce-training').needs;
    expect(need).toMatchObject({ type: 'training_record', state: 'stale' });
    expect(need!.reason).toContain('for 1 of 2');
    await keeper.keep(training('B', '2026-03-02'));
    expect(practice(await posture(), 'workforce-training').needs[0]).toMatchObject({ state: 'met' });
  });

  it('what a record makes due and nobody does fails what asks for it', async () => {
    await keeper.keep({
      type: 'incident_record',
      fields: {
        number: 'INC-1',
        discoveredAt: '2026-03-01T00:00:00Z',
        criticality: 'high',
        breachSuspected: true,
        what: 'A laptop was lost.',
        outcome: 'Wiped.',
      },
      effectiveFrom: '2026-03-01T00:00:00Z',
    });
    const readiness = async (asOf: string) => practice(await posture({ asOf }), 'breach-notification-readiness');
    expect((await readiness('2026-04-29T00:00:00Z')).status).toBe('missing');
    const overdue = await readiness('2026-05-01T00:00:00Z');
    expect(overdue.status).toBe('failing');
    expect(overdue.reason).toContain('Overdue since 2026-04-30: record `breach_assessment`');
    expect(control(await posture(), '164.402').status).toBe('failing');
    expect(control(await posture({}, clinic.path), '164.402').status).toBe('failing');
  });

  it('individuals who are not told fail the items on telling them, and HHS those on telling HHS', async () => {
    const incident = await keeper.keep({
      type: 'incident_record',
      fields: {
        number: 'INC-2',
        discoveredAt: '2026-01-10T00:00:00Z',
        criticality: 'high',
        breachSuspected: true,
        what: 'A mailbox was read.',
        outcome: 'Closed.',
      },
      effectiveFrom: '2026-01-10T00:00:00Z',
    });
    const assessment = await keeper.keep({
      type: 'breach_assessment',
      fields: {
        incident,
        as: 'covered_entity',
        discoveredAt: '2026-01-10T00:00:00Z',
        assessedOn: '2026-01-20',
        factors: { nature: 'Names and claims.', recipient: 'Unknown.', acquired: 'Viewed.', mitigated: 'Not.' },
        outcome: 'breach',
        scale: '500_or_more',
        individuals: 600,
      },
      effectiveFrom: '2026-01-20T00:00:00Z',
    });
    const statuses = async (asOf: string) => {
      const shown = await posture({ asOf });
      return ['164.404(b)', '164.408(a)', '164.406(a)'].map((id) => control(shown, id).status === 'failing');
    };
    expect(await statuses('2026-03-10T00:00:00Z')).toEqual([false, false, false]);
    expect(await statuses('2026-03-12T00:00:00Z')).toEqual([true, true, false]);
    expect(control(await posture({ asOf: '2026-03-12T00:00:00Z' }), '164.404(b)').reason).toContain(
      'Individuals are told without unreasonable delay',
    );
    await keeper.keep({
      type: 'notice',
      fields: {
        assessment,
        audience: 'individuals',
        sentOn: '2026-03-01',
        method: 'mail',
        contents: ['what_happened', 'kinds_of_phi', 'what_to_do', 'what_we_do', 'how_to_ask'],
      },
      effectiveFrom: '2026-03-01T00:00:00Z',
      document: 'notice',
    });
    expect(await statuses('2026-03-12T00:00:00Z')).toEqual([false, true, false]);

    // Told ten days after the last day: the duty is done, and that it was late stands.
    await keeper.keep({
      type: 'notice',
      fields: { assessment, audience: 'hhs', sentOn: '2026-03-21', method: 'portal', contents: ['what_happened'] },
      effectiveFrom: '2026-03-21T00:00:00Z',
      document: 'notice',
    });
    expect(await statuses('2026-03-25T00:00:00Z')).toEqual([false, true, false]);
    const late = control(await posture({ asOf: '2026-03-25T00:00:00Z' }), '164.408(a)').reason;
    expect(late).toContain('Late: record `notice` (Breach notice) was due by 2026-03-11, and is of 2026-03-21.');
    const { body } = await officer.get(`${clinic.path}/records/${assessment}`).expect(200);
    expect(body.obligations).toMatchObject([
      { isLate: false, metAt: '2026-03-01T00:00:00.000Z' },
      { isLate: true, metAt: '2026-03-21T00:00:00.000Z' },
      { isLate: false, metAt: null },
    ]);
    await keeper.keep({
      type: 'corrective_action',
      fields: { what: 'The office of the official has a deputy.', dueOn: '2026-04-30', completedOn: '2026-04-01' },
      links: [{ kind: 'record', target: assessment, note: '' }],
      effectiveFrom: '2026-03-22T00:00:00Z',
      document: 'evidence',
    });
    expect(await statuses('2026-03-31T00:00:00Z')).toEqual([false, true, false]);
    expect(await statuses('2026-04-01T00:00:00Z')).toEqual([false, false, false]);
    expect(practice(await posture({ asOf: '2026-04-01T00:00:00Z' }), 'breach-notification-readiness').reason).toContain(
      'Late: record `notice`',
    );
  });

  it('what is of one system speaks for no other, and what is of one practice for no other', async () => {
    const { body: other } = await clinic.admin
      .post(`${clinic.path}/systems`, { name: 'billing', environment: 'production', phi: 'processes' })
      .expect(201);
    const otherPath = `${clinic.path}/systems/${String(other.id)}`;
    await keeper.keep({
      type: 'implementation_statement',
      fields: {
        practice: 'workload-mtls',
        how: 'A mesh in strict mode.',
        where: 'istio-system/PeerAuthentication default',
        verifiedOn: '2026-09-01',
        verifiedBy: 'T. Nguyen',
        result: 'in_place',
      },
      systemIds: [clinic.systemId],
    });
    const state = async (id: string, path?: string) => practice(await posture({}, path), id).needs[0]?.state;
    expect(await state('workload-mtls')).toBe('met');
    expect(await state('workload-mtls', otherPath)).toBe('missing');
    expect(await state('phi-segmentation')).toBe('missing');
    // Of an organisation what is worst is shown.
    expect(await state('workload-mtls', clinic.path)).toBe('missing');
  });

  it('is an answer for two instants the same for good?', async () => {
    await keeper.keep(appointment());
    const question = { asOf: '2026-11-01T00:00:00Z', knownAt: now() };
    const answers = [await posture(question), await posture(question, clinic.path)];
    await keeper.keep(policy([OFFICIAL], { effectiveFrom: '2026-02-01T00:00:00Z' }));
    expect([await posture(question), await posture(question, clinic.path)]).toEqual(answers);
    expect(control(await posture({ asOf: question.asOf }), OFFICIAL).status).toBe('evidenced');
  });

  it('does an organisation without a system in scope answer by its own records, and say that it has none?', async () => {
    await clinic.admin.post(`${clinic.systemPath}/retire`).expect(200);
    await keeper.keep(appointment());
    await keeper.keep(policy([OFFICIAL]));
    const found = await posture({}, clinic.path);
    expect(control(found, OFFICIAL).status).toBe('evidenced');
    expect(control(found, '164.312(a)(1)')).toMatchObject({ status: 'missing' });
    expect(control(found, '164.312(a)(1)').reason).toContain('No system');
  });
});
