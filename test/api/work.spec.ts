import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Posture } from '../../src/posture/posture.schema.js';
import type { WorkItemView } from '../../src/posture/work.schema.js';
import { startApp, startClinic, type Caller, type Clinic, type World } from '../support/app.js';
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

const DAY = 86_400_000;
const from = (days: number): string => new Date(Date.now() + days * DAY).toISOString();
const dayFrom = (days: number): string => from(days).slice(0, 10);

interface Page {
  items: WorkItemView[];
  next: string | null;
}

const page = async (query: Record<string, string> = {}): Promise<Page> =>
  (await officer.get(`${clinic.path}/work?${new URLSearchParams(query).toString()}`).expect(200)).body as Page;

async function work(query: Record<string, string> = {}): Promise<WorkItemView[]> {
  const { items, next } = await page({ limit: '500', ...query });
  expect(next).toBeNull();
  return items;
}

const of = (items: WorkItemView[], type: string): WorkItemView[] => items.filter((item) => item.type === type);

const appointment = (confirmedOn: string): Kept => ({
  type: 'appointment',
  fields: {
    person: 'M. Alvarez',
    duties: 'Keeps the risk analysis.',
    appointedOn: '2025-01-06',
    confirmedOn,
  },
  document: 'appointment',
});

describe('does the work list say what is to be done?', () => {
  it('what is missing is told by type, with what it holds back and what an auditor asks for', async () => {
    const items = await work();
    const [missing, ...others] = of(items, 'appointment');
    expect(others).toEqual([]);
    expect(missing).toMatchObject({
      kind: 'missing',
      practices: ['security-official'],
      heldBack: 1,
      systems: [],
      records: [],
      ownerId: null,
      dueAt: null,
    });
    expect(missing!.auditorAsks.length).toBeGreaterThan(0);
    // What is of systems names them; policies go by the standard above.
    expect(of(items, 'restore_test')[0]).toMatchObject({ kind: 'missing', systems: [clinic.systemId] });
    const policies = of(items, 'policy');
    expect(policies.find(({ controls }) => controls.includes('164.308(a)(1)(ii)(A)'))!.controls).toContain(
      '164.308(a)(1)(i)',
    );
    // What no record can show, scanners have to.
    expect(items.find(({ type, practices }) => type === null && practices.includes('run-as-non-root'))).toMatchObject({
      kind: 'missing',
      systems: [clinic.systemId],
    });
  });

  it('is it in the order of what it holds back, and the same by pages?', async () => {
    const all = await work();
    expect(all.length).toBeGreaterThan(60);
    const held = all.map(({ heldBack }) => heldBack);
    expect(held).toEqual(held.toSorted((a, b) => b - a));
    const paged: WorkItemView[] = [];
    let cursor: string | null = null;
    do {
      const found: Page = await page({ limit: '25', ...(cursor === null ? {} : { cursor }) });
      paged.push(...found.items);
      cursor = found.next;
    } while (cursor !== null);
    expect(paged).toEqual(all);
    await officer.get(`${clinic.path}/work?cursor=AAAA`).expect(400);
  });

  it('what it says is held back is not evidenced, and nothing is held back by what is met', async () => {
    await keeper.keep(appointment(dayFrom(-10)));
    const { body } = await officer.get(`${clinic.systemPath}/posture`).expect(200);
    const open = new Set(
      (body as Posture).controls
        .filter(({ status }) => !['evidenced', 'excepted', 'not_applicable'].includes(status))
        .map(({ id }) => id),
    );
    for (const { kind, controls, heldBack } of await work()) {
      if (['expiring', 'due', 'waiting'].includes(kind)) continue;
      expect(controls.filter((id) => open.has(id)).length).toBeLessThanOrEqual(heldBack);
      if (controls.length > 0) expect(heldBack).toBeGreaterThan(0);
    }
    expect(of(await work(), 'appointment')).toEqual([]);
  });

  it('what will be too old within 90 days is expiring, with its owner and its day; then it is stale', async () => {
    const id = await keeper.keep(appointment(dayFrom(-300)));
    const [expiring] = of(await work({ kind: 'expiring' }), 'appointment');
    expect(expiring).toMatchObject({ records: [id], ownerId: keeper.owner, heldBack: 0, systems: [] });
    expect(expiring!.dueAt!.slice(0, 10)).toBe(dayFrom(65));
    expect(of(await work({ asOf: from(-30) }), 'appointment')).toEqual([]);

    const old = await keeper.keep({ ...appointment(dayFrom(-400)), title: 'Privacy official' });
    await keeper.end(id, from(-1));
    expect(of(await work(), 'appointment')).toMatchObject([{ kind: 'stale', records: [old], heldBack: 1 }]);
  });

  it('what a record makes due stands on it from the first day, and is failing when the day has passed', async () => {
    const incident = await keeper.keep({
      type: 'incident_record',
      fields: {
        number: 'INC-1',
        discoveredAt: from(-50),
        criticality: 'high',
        breachSuspected: true,
        what: 'A laptop was lost.',
        outcome: 'Wiped.',
      },
      effectiveFrom: from(-50),
    });
    const [due] = of(await work({ kind: 'due' }), 'breach_assessment');
    expect(due).toMatchObject({ records: [incident], ownerId: keeper.owner, systems: [] });
    expect(due!.dueAt!.slice(0, 10)).toBe(dayFrom(10));
    expect(due!.practices).toContain('breach-notification-readiness');
    expect(of(await work({ asOf: from(-51), kind: 'due' }), 'breach_assessment')).toEqual([]);
  });

  it('versions that wait for a decision are told of now, and go with the decision', async () => {
    const id = await keeper.draft(appointment(dayFrom(-10)));
    expect((await keeper.submit(id)).status).toBe(200);
    expect(await work({ kind: 'waiting' })).toMatchObject([
      { type: 'appointment', records: [id], ownerId: keeper.owner, heldBack: 0 },
    ]);
    expect(await work({ kind: 'waiting', asOf: new Date().toISOString() })).toEqual([]);
    expect((await keeper.approve(id)).status).toBe(200);
    expect(await work({ kind: 'waiting' })).toEqual([]);
  });

  it('an owner is who owns the record, else whom the settings name for the type, else for the practice', async () => {
    const { body } = await clinic.admin.get(`${clinic.path}/members`).expect(200);
    const other = String(body.items.find(({ role }: { role: string }) => role === 'approver').id);
    await clinic.admin
      .patch(clinic.path, { settings: { owners: { risk_analysis: other, 'security-official': keeper.owner } } })
      .set('If-Match', `"${(await clinic.admin.get(clinic.path).expect(200)).body.version}"`)
      .expect(200);
    const mine = await work({ owner: keeper.owner });
    expect(of(mine, 'appointment')).toMatchObject([{ kind: 'missing', ownerId: keeper.owner }]);
    expect(mine.every(({ ownerId }) => ownerId === keeper.owner)).toBe(true);
    expect(of(await work({ owner: other }), 'risk_analysis')).toHaveLength(1);
    expect(await work({ owner: clinic.systemId })).toEqual([]);
  });

  it('what is to be done for one system is that of its own; of two, one item', async () => {
    const { body: billing } = await clinic.admin
      .post(`${clinic.path}/systems`, { name: 'billing', environment: 'production', phi: 'processes' })
      .expect(201);
    expect(of(await work(), 'restore_test')[0]!.systems.toSorted()).toEqual(
      [clinic.systemId, String(billing.id)].toSorted(),
    );
    expect(of(await work({ system: clinic.systemId }), 'restore_test')[0]!.systems).toEqual([clinic.systemId]);
    await officer.get(`${clinic.path}/work?system=${keeper.owner}`).expect(404);
  });

  it('is what was known the same for good, and another organisation’s not to be seen?', async () => {
    const question = { asOf: from(-1), knownAt: new Date().toISOString() };
    const before = await work(question);
    await keeper.keep(appointment(dayFrom(-10)));
    expect(await work(question)).toEqual(before);
    expect(of(before, 'appointment')).toHaveLength(1);
    expect(of(await work({ asOf: question.asOf }), 'appointment')).toEqual([]);

    const stranger = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    await stranger.admin.get(`${clinic.path}/work`).expect(404);
    await stranger.admin.get(`${stranger.path}/work?system=${clinic.systemId}`).expect(404);
    await clinic.agent.get(`${clinic.path}/work`).expect(403);
  });
});
