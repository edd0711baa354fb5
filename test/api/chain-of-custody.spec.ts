import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CustodyView } from '../../src/custody/custody.schema.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { Keeper } from '../support/keep.js';
import { kubeBench, send } from './reports.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let keeper: Keeper;
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer } = suite);
  keeper = await Keeper.of(clinic, officer, await clinic.member('approver'));
  return suite.stop;
});

const report = kubeBench({ '1.2.1': 'PASS' });
const post = async (day: number, path = clinic.systemPath, caller = clinic.agent, body = report) => {
  const { body: posted } = await send<{ id: string; evidenceId: string }>(
    world.url,
    caller,
    'POST',
    `${path}/scans?targets=node/cp-1&observedAt=2026-01-0${day}T00:00:00Z`,
    { body },
  );
  return posted;
};
const custody = async (id: string, query = ''): Promise<CustodyView> =>
  (await officer.get(`${clinic.path}/evidence/${id}/custody${query}`).expect(200)).body as CustodyView;
const stepsOf = ({ steps }: Pick<CustodyView, 'steps'>) => steps.map(({ step }) => step);

const hold = (links: object[]) =>
  keeper.keep({
    type: 'legal_hold',
    title: 'A matter',
    fields: { matter: 'Example v. Clinic', everything: false },
    links,
  });

async function packageOf(body: object): Promise<{ id: string; bag: ReadonlyMap<string, Buffer> }> {
  const { body: asked } = await officer.post(`${clinic.path}/packages`, body).expect(202);
  const path = `${clinic.path}/packages/${asked.id}`;
  for (;;) {
    const { body: read } = await officer.get(path).expect(200);
    if (read.status === 'ready') break;
    expect(read.status).toBe('queued');
    await pause(50);
  }
  const { bytes } = await send(world.url, officer, 'GET', `${path}/content`);
  return { id: String(asked.id), bag: bagIn(await readZip(bytes)) };
}

describe('is what was done with an evidence told step by step, as the audit log has it?', () => {
  it('from who sent it to who took it away, each with the digest?', async () => {
    const scan = await post(1);
    const again = await post(2);
    expect(again.evidenceId).toBe(scan.evidenceId);
    await send(world.url, officer, 'GET', `${clinic.path}/evidence/${scan.evidenceId}/content`);
    const { id: packageId } = await packageOf({ scope: { systemId: clinic.systemId } });
    const told = await custody(scan.evidenceId);
    expect(stepsOf(told)).toEqual(['received', 'evaluated', 'evaluated', 'read', 'exported']);
    const [received, , , read, exported] = told.steps;
    const sha256 = createHash('sha256').update(report).digest('hex');
    expect(received).toMatchObject({
      action: 'evidence.received',
      actor: { kind: 'agent', id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      object: { kind: 'evidence', id: scan.evidenceId, sha256, size: Buffer.byteLength(report) },
    });
    expect(read).toMatchObject({ actor: { kind: 'user' }, object: { sha256 } });
    expect(exported).toMatchObject({
      action: 'package.built',
      object: { kind: 'package', id: packageId },
      details: null,
    });
    expect(told).toMatchObject({
      evidence: { id: scan.evidenceId, sha256, fault: null },
      stored: { key: expect.stringContaining(scan.evidenceId), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      scans: [{ id: again.id }, { id: scan.id, systemId: clinic.systemId, tool: 'kube-bench', signature: null }],
      packages: [packageId],
      retention: { until: told.evidence.retainUntil, by: null, heldBy: [] },
    });
    // Nothing is told that the log does not hold.
    const { body } = await officer.get(`${clinic.path}/audit-events?limit=500`).expect(200);
    const log = new Map(
      (body.items as { id: string; time: string; action: string }[]).map((event) => [event.id, event]),
    );
    for (const { eventId, time, action } of told.steps) expect(log.get(eventId)).toMatchObject({ time, action });
  });

  it('page by page the same?', async () => {
    const { evidenceId } = await post(1);
    const whole = await custody(evidenceId);
    const paged: CustodyView['steps'] = [];
    for (let query = '?limit=2'; ;) {
      const { steps, next } = await custody(evidenceId, query);
      expect(steps.length).toBeLessThanOrEqual(2);
      paged.push(...steps);
      if (next === null) break;
      query = `?limit=2&cursor=${next}`;
    }
    expect(paged).toEqual(whole.steps);
  });

  it('a report that was refused is in quarantine, and its custody is told too?', async () => {
    const { status } = await send(world.url, clinic.agent, 'POST', `${clinic.systemPath}/scans`, {
      body: '{"unknown": 1}',
    });
    expect(status).toBe(422);
    const { body } = await officer.get(`${clinic.path}/evidence?limit=1`).expect(200);
    const told = await custody(String(body.items[0].id));
    expect(stepsOf(told)).toEqual(['received', 'quarantined']);
    expect(told.scans).toMatchObject([{ status: 'refused' }]);
  });

  it('a record that it documents keeps it longer, and a legal hold holds it until it is lifted?', async () => {
    const record = await keeper.keep({
      type: 'appointment',
      fields: {
        person: 'M. Alvarez',
        duties: 'Keeps the analysis.',
        appointedOn: '2025-01-06',
        confirmedOn: '2026-01-05',
      },
      document: 'appointment',
    });
    const { body } = await officer.get(`${clinic.path}/records/${record}`).expect(200);
    const evidenceId = String(body.documents[0].evidenceId);
    expect(stepsOf(await custody(evidenceId))).toEqual(['received', 'retention-extended']);
    const held = await hold([{ kind: 'evidence', target: evidenceId, note: '' }]);
    const another = await hold([{ kind: 'record', target: record, note: '' }]);
    const told = await custody(evidenceId);
    expect(stepsOf(told)).toEqual(['received', 'retention-extended', 'hold-set', 'hold-set']);
    expect(told.retention).toMatchObject({ until: null, by: record, heldBy: [another, held].sort() });
    await keeper.end(held, new Date().toISOString());
    expect(stepsOf(await custody(evidenceId)).at(-1)).toBe('hold-lifted');
    // It holds that one alone.
    const { evidenceId: other } = await post(3);
    expect(stepsOf(await custody(other))).not.toContain('hold-set');
  });

  it('a hold on a namespace holds the reports of its system, of no other, and until it is lifted?', async () => {
    const [own, other] = [await clinic.system(), await clinic.system()];
    const { evidenceId } = await post(4, own.path, officer, kubeBench({ '1.2.2': 'PASS' }));
    const held = await hold([{ kind: 'namespace', target: `${own.id}/emr`, note: '' }]);
    const { evidenceId: later } = await post(5, own.path, officer, kubeBench({ '1.2.3': 'PASS' }));
    const { evidenceId: elsewhere } = await post(6, other.path, officer, kubeBench({ '1.2.4': 'PASS' }));
    const heldBy = async (id: string) => (await custody(id)).retention.heldBy;
    expect([await heldBy(evidenceId), await heldBy(later), await heldBy(elsewhere)]).toEqual([[held], [held], []]);
    expect(stepsOf(await custody(evidenceId))).toContain('hold-set');
    const disposal = {
      type: 'record_disposal',
      fields: { method: 'Deleted', reason: 'It is no longer wanted.' },
      links: [{ kind: 'evidence', target: evidenceId, note: '' }],
    };
    const refused = await keeper.submit(await keeper.draft(disposal));
    expect([refused.status, refused.body.heldBy]).toEqual([409, [held]]);
    const { bag } = await packageOf({ scope: { systemId: own.id } });
    const index = JSON.parse(bag.get('data/index.json')!.toString()) as { evidence: { evidenceId: string }[] };
    expect(index.evidence.find((one) => one.evidenceId === evidenceId)).toMatchObject({ heldBy: [held] });
    await keeper.end(held, new Date().toISOString());
    expect(await heldBy(evidenceId)).toEqual([]);
    expect(stepsOf(await custody(evidenceId)).at(-1)).toBe('hold-lifted');
  });

  it('of another’s evidence, and of none, nothing?', async () => {
    await officer.get(`${clinic.path}/evidence/019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00/custody`).expect(404);
    const viewer = await clinic.member('viewer');
    const { evidenceId } = await post(1);
    await viewer.get(`${clinic.path}/evidence/${evidenceId}/custody`).expect(403);
  });
});

describe('is it in a package, up to the instant of knowledge and no further?', () => {
  it('until when each is kept, and what held it then?', async () => {
    const { evidenceId } = await post(1);
    const held = await hold([{ kind: 'evidence', target: evidenceId, note: '' }]);
    const asHeld = new Date().toISOString();
    await pause(5);
    await keeper.end(held, new Date().toISOString());
    const { retention, evidence } = await custody(evidenceId);
    expect(retention.heldBy).toEqual([]);
    const indexed = async (body: object) => {
      const { bag } = await packageOf({ scope: { systemId: null }, ...body });
      const index = JSON.parse(bag.get('data/index.json')!.toString()) as { evidence: { evidenceId: string }[] };
      return index.evidence.find((one) => one.evidenceId === evidenceId);
    };
    const { retainUntil } = evidence;
    expect(await indexed({})).toMatchObject({ retainUntil, heldBy: [] });
    expect(await indexed({ asOf: asHeld, knownAt: asHeld })).toMatchObject({ retainUntil, heldBy: [held] });
  });

  it('of each evidence, and of scans of the package’s own system alone?', async () => {
    const { evidenceId } = await post(1);
    const other = await clinic.system();
    await post(1, other.path, officer);
    const knownAt = new Date().toISOString();
    await pause(5);
    await send(world.url, officer, 'GET', `${clinic.path}/evidence/${evidenceId}/content`);
    const lines = (bag: ReadonlyMap<string, Buffer>) =>
      bag.get(`data/evidence/${evidenceId}/custody.jsonl`)!.toString();
    const first = await packageOf({ scope: { systemId: other.id }, asOf: knownAt, knownAt });
    const steps = lines(first.bag)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: number; step: string; time: string; eventId: string });
    expect(steps.map(({ seq }) => seq)).toEqual(steps.map((_, at) => at + 1));
    expect(steps.filter(({ step }) => step === 'evaluated')).toHaveLength(1);
    for (const { time } of steps) expect(time <= knownAt).toBe(true);
    const leaves = first.bag.get('data/audit/events.jsonl')!.toString();
    for (const { eventId } of steps) expect(leaves).toContain(eventId);
    // The same question again: what was read meanwhile is not in it.
    const second = await packageOf({ scope: { systemId: other.id }, asOf: knownAt, knownAt });
    expect(lines(second.bag)).toBe(lines(first.bag));
  });
});
