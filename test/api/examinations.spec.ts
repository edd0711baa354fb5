import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CustodyView } from '../../src/custody/custody.schema.js';
import { encodeCursor } from '../../src/kernel/http/page.js';
import type { Caller, Clinic, World } from '../support/app.js';
import { bagFaults } from '../packages/bagit-validator.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { PERIOD, startAudited, type Audited, type Engaged } from '../support/engaged.js';
import { kubeBench, send } from './reports.js';

const HOUR = 3_600_000;

let world: World;
let clinic: Clinic;
let officer: Caller;
let keeper: Audited['keeper'];
let other: Audited['other'];
let inside: Audited['inside'];
let before: Audited['before'];
let elsewhere: Audited['elsewhere'];
let engaged: Audited['engaged'];
beforeAll(async () => {
  const audited = await startAudited();
  ({ world, clinic, officer, keeper, other, inside, before, elsewhere, engaged } = audited);
  return audited.stop;
});

const events = async (id: string): Promise<{ action: string; details: { operation?: string } | null }[]> => {
  const { body } = await officer.get(`${clinic.path}/audit-events?actorId=${id}&limit=500`).expect(200);
  return body.items;
};

describe('what is within a scope and a period?', () => {
  it('its systems, and nothing of others', async () => {
    const { path, auditor } = await engaged();
    const { body } = await auditor.get(`${path}/systems`).expect(200);
    expect(body.items).toMatchObject([{ id: clinic.systemId, name: 'emr-production' }]);
    for (const of of ['posture', 'scans', 'results']) {
      await auditor.get(`${path}/systems/${clinic.systemId}/${of}`).expect(200);
      await auditor.get(`${path}/systems/${other.id}/${of}`).expect(404);
    }
    await auditor.get(`${path}/systems/${other.id}/scans/${elsewhere.id}`).expect(404);
    // Of the whole there is no posture for who sees a part.
    await auditor.get(`${path}/posture`).expect(403);
    const list = await auditor.get(`${path}/posture/systems`).expect(200);
    expect(list.body).toMatchObject({ items: [{ id: clinic.systemId }], next: null });
    const whole = await engaged({ scope: { systemIds: null } });
    const first = (await whole.auditor.get(`${whole.path}/posture/systems?limit=1`).expect(200)).body;
    const rest = (await whole.auditor.get(`${whole.path}/posture/systems?cursor=${first.next}`).expect(200)).body;
    expect([...first.items, ...rest.items].map(({ id }: { id: string }) => id)).toContain(other.id);
    expect(first.items[0].counts).toEqual(
      (await whole.auditor.get(`${whole.path}/systems/${first.items[0].id}/posture`).expect(200)).body.counts,
    );
    const asOf = '2001-01-01T00:00:00.000Z';
    const outside = encodeCursor([asOf, asOf, first.items[0].id]);
    await whole.auditor.get(`${whole.path}/posture/systems?cursor=${outside}`).expect(400);
    expect((await whole.auditor.get(`${whole.path}/posture`).expect(200)).body.systems.length).toBeGreaterThan(1);
    expect((await whole.auditor.get(`${whole.path}/systems/${other.id}/scans`).expect(200)).body.items).toHaveLength(1);
  });

  it('scans and evidence of the period', async () => {
    const { path, auditor } = await engaged();
    const scans = `${path}/systems/${clinic.systemId}/scans`;
    const { body } = await auditor.get(scans).expect(200);
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual([inside.id]);
    await auditor.get(`${scans}/${inside.id}`).expect(200);
    await auditor.get(`${scans}/${before.id}`).expect(404);
    const listed = (await auditor.get(`${path}/evidence`).expect(200)).body.items.map(({ id }: { id: string }) => id);
    expect(listed).toContain(inside.evidenceId);
    for (const { evidenceId } of [before, elsewhere]) {
      expect(listed).not.toContain(evidenceId);
      for (const of of ['', '/content', '/custody'])
        await auditor.get(`${path}/evidence/${evidenceId}${of}`).expect(404);
    }
    const { bytes, status } = await send(world.url, auditor, 'GET', `${path}/evidence/${inside.evidenceId}/content`);
    expect([status, bytes.toString()]).toEqual([200, kubeBench({ '1.2.1': 'PASS' })]);
    expect(
      (await auditor.get(`${path}/evidence/${inside.evidenceId}/custody`).expect(200)).body.steps.length,
    ).toBeGreaterThan(1);
  });

  it('postures of an instant of the period, and of no other', async () => {
    const { path, auditor } = await engaged();
    const posture = `${path}/systems/${clinic.systemId}/posture`;
    const { body } = await auditor.get(posture).expect(200);
    // By default its end, where that is past; else the present.
    expect(new Date(body.asOf as string).getTime()).toBe(
      Math.min(Date.parse(PERIOD.periodTo), Date.parse(body.knownAt as string)),
    );
    expect((await auditor.get(`${posture}?asOf=2026-02-02T00:00:00Z`).expect(200)).body.counts).toBeDefined();
    for (const asOf of ['2025-12-31T23:59:59.999Z', '2026-03-31T00:00:00.001Z', '2098-01-01T00:00:00Z']) {
      for (const url of [posture, `${path}/record-types`, `${path}/systems`]) {
        expect((await auditor.get(`${url}?asOf=${asOf}`).expect(400)).body.pointer, url).toBe('query/asOf');
      }
    }
  });

  it('records in effect at an instant of it, of the organisation and of the systems, with their documents', async () => {
    const fields = {
      person: 'M. Alvarez',
      duties: 'Keeps the analysis.',
      appointedOn: '2025-01-06',
      confirmedOn: '2026-01-05',
    };
    const appointed = await keeper.keep({ type: 'appointment', fields, document: 'appointment' });
    await keeper.revise(appointed, { title: 'Later', effectiveFrom: '2026-04-15T00:00:00Z' });
    const key = (systemId: string) =>
      keeper.keep({
        type: 'key',
        systemIds: [systemId],
        fields: {
          name: `key of ${systemId}`,
          purpose: 'volume',
          custodian: keeper.owner,
          provider: 'aws-kms',
          keyId: `arn:aws:kms:eu-central-1:111122223333:key/${systemId}`,
          createdOn: '2025-12-01',
          policyDays: 365,
          rotateAfterIncident: true,
        },
      });
    const [mine, theirs] = [await key(clinic.systemId), await key(other.id)];
    const { path, auditor } = await engaged();
    const { body: types } = await auditor.get(`${path}/record-types?asOf=2026-02-01T00:00:00Z`).expect(200);
    expect(types.items).toEqual(expect.arrayContaining([{ type: 'appointment' }, { type: 'key' }]));
    const at = '&asOf=2026-02-01T00:00:00Z';
    const { body: keys } = await auditor.get(`${path}/records?type=key${at}`).expect(200);
    expect(keys.items.map(({ id }: { id: string }) => id)).toEqual([mine]);
    await auditor.get(`${path}/records/${theirs}?${at}`).expect(404);
    const { body: record } = await auditor.get(`${path}/records/${appointed}?${at}`).expect(200);
    expect(record).toMatchObject({ id: appointed, version: 1, title: 'appointment', fields });
    const document = String(record.documents[0].evidenceId);
    await auditor.get(`${path}/evidence/${document}/content`).expect(200);
    // The whole organisation's are in every scope; a later version is of no instant of the period.
    expect(record.version).toBe(1);
    const early = await engaged({ periodFrom: '2025-01-01T00:00:00Z', periodTo: '2025-12-01T00:00:00Z' });
    await early.auditor.get(`${early.path}/records/${appointed}?asOf=2025-06-01T00:00:00Z`).expect(404);
    await early.auditor.get(`${early.path}/evidence/${document}`).expect(404);
  });

  it('page by page all of it, however much lies between that is not of it', async () => {
    const { path, auditor } = await engaged();
    const all = (await auditor.get(`${path}/evidence?limit=500`).expect(200)).body.items.map(
      ({ id }: { id: string }) => id,
    );
    const paged: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await auditor.get(`${path}/evidence?limit=1${cursor}`).expect(200);
      paged.push(...body.items.map(({ id }: { id: string }) => id));
      if (body.next === null) break;
      cursor = `&cursor=${body.next}`;
    }
    expect(paged).toEqual(all);
    expect(all.length).toBeGreaterThan(1);
  });
});

describe('is every read of an auditor in the log?', () => {
  it('each by what was asked, in the name of the engagement', async () => {
    const { id, path, auditor } = await engaged();
    const system = `${path}/systems/${clinic.systemId}`;
    const reads = [
      path,
      `${path}/systems`,
      `${system}/posture`,
      `${path}/posture/systems`,
      `${system}/scans`,
      `${system}/scans/${inside.id}`,
      `${system}/results`,
      `${path}/record-types`,
      `${path}/records?type=appointment`,
      `${path}/evidence`,
      `${path}/evidence/${inside.evidenceId}`,
      `${path}/evidence/${inside.evidenceId}/custody`,
      `${path}/packages`,
      `${path}/requests`,
    ];
    for (const url of reads) await auditor.get(url).expect(200);
    const told = await events(id);
    expect(told.map(({ action }) => action)).toEqual(Array(reads.length).fill('engagement.read'));
    expect(new Set(told.map(({ details }) => details?.operation)).size).toBe(reads.length);
    await auditor.get(`${path}/evidence/${inside.evidenceId}/content`).expect(200);
    expect((await events(id))[0]).toMatchObject({ action: 'evidence.read' });
    // Who reads of the engagement as a member reads what is a member's.
    const members = (
      await officer.get(`${clinic.path}/audit-events?action=engagement.read&objectId=${id}&limit=500`).expect(200)
    ).body.items;
    await officer.get(path).expect(200);
    expect(
      (await officer.get(`${clinic.path}/audit-events?action=engagement.read&objectId=${id}&limit=500`).expect(200))
        .body.items,
    ).toHaveLength(members.length);
  });
});

describe('does a list of what is asked for work as auditors work?', () => {
  const ask = async (of: Engaged, body: object = { title: 'Leavers' }) => {
    const { body: asked } = await of.auditor.post(`${of.path}/requests`, body).expect(201);
    return { path: `${of.path}/requests/${asked.id}`, asked };
  };
  const answer = (path: string, version: number, body: object) =>
    officer.post(`${path}/answer`, body).set('If-Match', `"${version}"`);
  const decide = (auditor: Caller, path: string, version: number, body: object) =>
    auditor.post(`${path}/decision`, body).set('If-Match', `"${version}"`);

  it('asked, answered, sent back, answered again, accepted; each move kept, and in the log', async () => {
    const of = await engaged();
    const { path, asked } = await ask(of, {
      title: 'Leavers of the third quarter',
      what: 'When access was removed.\nAnd by whom.',
      control: '164.308(a)(3)(ii)(C)',
      dueAt: new Date(Date.now() + HOUR).toISOString(),
    });
    expect(asked).toMatchObject({ state: 'open', version: 1, isOverdue: false, moves: [{ move: 'open', by: of.id }] });
    await decide(of.auditor, path, 1, { decision: 'accept' }).expect(409);
    await answer(path, 1, { comment: 'All of them.', evidence: [inside.evidenceId] }).expect(200);
    await decide(of.auditor, path, 1, { decision: 'accept' }).expect(412);
    await decide(of.auditor, path, 2, { decision: 'return' }).expect(400);
    await decide(of.auditor, path, 2, { decision: 'return', comment: 'Two are missing.' }).expect(200);
    await officer.post(`${path}/comments`, { comment: 'They are on leave.' }).expect(201);
    await answer(path, 4, { comment: 'Now all.' }).expect(200);
    const { body } = await decide(of.auditor, path, 5, { decision: 'accept' }).expect(200);
    expect(body).toMatchObject({ state: 'accepted', version: 6 });
    expect(body.moves.map(({ move, number }: { move: string; number: number }) => [number, move])).toEqual(
      ['open', 'answer', 'return', 'comment', 'answer', 'accept'].map((move, at) => [at + 1, move]),
    );
    expect(body.moves[1]).toMatchObject({ evidence: [inside.evidenceId], comment: 'All of them.' });
    await answer(path, 6, { comment: 'More.' }).expect(409);
    const { body: told } = await officer
      .get(`${clinic.path}/audit-events?objectKind=evidence_request&objectId=${asked.id}`)
      .expect(200);
    expect(told.items).toHaveLength(6);
    expect((await officer.get(`${of.path}/requests?state=accepted`).expect(200)).body.items).toMatchObject([
      { id: asked.id },
    ]);
    expect((await officer.get(`${of.path}/requests?state=open`).expect(200)).body.items).toEqual([]);
  });

  it('is overdue while nobody has answered, and no longer then; and withdrawn when it is not wanted', async () => {
    const of = await engaged();
    const { path } = await ask(of, { title: 'Late', dueAt: '2026-01-01T00:00:00Z' });
    expect((await officer.get(path).expect(200)).body.isOverdue).toBe(true);
    await answer(path, 1, { comment: 'Here.' }).expect(200);
    expect((await officer.get(path).expect(200)).body.isOverdue).toBe(false);
    await decide(of.auditor, path, 2, { decision: 'withdraw' }).expect(200);
    await decide(of.auditor, path, 3, { decision: 'accept' }).expect(409);
  });

  it('does an answer hand over nothing that is not of the scope and the period, and nothing at all then?', async () => {
    const of = await engaged();
    const { path } = await ask(of);
    const outside = await keeper.keep({
      type: 'vendor',
      effectiveFrom: '2026-05-01T00:00:00Z',
      fields: { name: 'Archive of the north', role: 'business_associate', ephi: true, services: 'Archive' },
    });
    for (const [links, pointer] of [
      [{ evidence: [inside.evidenceId, elsewhere.evidenceId] }, '/evidence/1'],
      [{ evidence: [before.evidenceId] }, '/evidence/0'],
      [{ records: [outside] }, '/records/0'],
      [{ packages: ['019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00'] }, '/packages/0'],
    ] as const) {
      expect((await answer(path, 1, links).expect(400)).body.pointer).toBe(pointer);
    }
    expect((await officer.get(path).expect(200)).body).toMatchObject({ state: 'open', version: 1 });
  });

  it('does each side its own part alone?', async () => {
    const of = await engaged();
    const { path } = await ask(of);
    await of.auditor.post(`${path}/answer`, { comment: 'x' }).set('If-Match', '"1"').expect(403);
    await officer.post(`${path}/decision`, { decision: 'withdraw' }).set('If-Match', '"1"').expect(403);
    await officer.post(`${of.path}/requests`, { title: 'x' }).expect(403);
    await clinic.admin.post(`${path}/comments`, { comment: 'x' }).expect(403);
    const stranger = await engaged();
    await stranger.auditor.get(path).expect(404);
    await stranger.auditor.get(`${stranger.path}/requests/${path.split('/').at(-1)}`).expect(404);
    await of.auditor.post(`${of.path}/requests`, { title: 'x', control: '999.1' }).expect(400);
    await of.auditor.post(`${of.path}/requests`, { title: 'two\u0000words' }).expect(400);
  });
});

async function packaged(body: object): Promise<string> {
  const { body: asked } = await officer.post(`${clinic.path}/packages`, body).expect(202);
  for (;;) {
    const { body: read } = await officer.get(`${clinic.path}/packages/${asked.id}`).expect(200);
    if (read.status === 'ready') return String(asked.id);
    expect(read.status).toBe('queued');
    await pause(50);
  }
}

describe('does an auditor of named systems read the posture that was frozen of all of them?', () => {
  let analysis: string;
  let frozen: string;
  beforeAll(async () => {
    analysis = await keeper.analysis('2026-02-10T00:00:00Z');
    const { body } = await officer.get(`${clinic.path}/records/${analysis}`).expect(200);
    frozen = body.documents.find(({ role }: { role: string }) => role === 'posture').evidenceId;
  });
  const listed = async ({ path, auditor }: Engaged): Promise<string[]> =>
    (await auditor.get(`${path}/evidence?limit=500`).expect(200)).body.items.map(({ id }: { id: string }) => id);

  it('not by the API: the risk analysis that it belongs to, with its report; and of the posture why not', async () => {
    const of = await engaged();
    const { body: record } = await of.auditor.get(`${of.path}/records/${analysis}`).expect(200);
    const report = record.documents.find(({ role }: { role: string }) => role === 'report').evidenceId;
    expect(record.documents).toContainEqual(expect.objectContaining({ evidenceId: frozen, role: 'posture' }));
    await of.auditor.get(`${of.path}/evidence/${report}/content`).expect(200);
    for (const part of ['', '/content', '/custody']) {
      const { body } = await of.auditor.get(`${of.path}/evidence/${frozen}${part}`).expect(403);
      expect(body.detail).toContain('of the whole organisation');
    }
    expect(await listed(of)).toContain(report);
    expect(await listed(of)).not.toContain(frozen);
    const { body: asked } = await of.auditor.post(`${of.path}/requests`, { title: 'The posture' }).expect(201);
    const answered = officer.post(`${of.path}/requests/${asked.id}/answer`, { evidence: [frozen] });
    expect((await answered.set('If-Match', '"1"').expect(400)).body.pointer).toBe('/evidence/0');
    // Before the period of its record it is not there at all.
    const early = await engaged({ periodTo: '2026-02-01T00:00:00Z' });
    await early.auditor.get(`${early.path}/evidence/${frozen}`).expect(404);
  });

  it('whoever is engaged on all systems does, and it tells of each', async () => {
    const whole = await engaged({ scope: { systemIds: null } });
    expect(await listed(whole)).toContain(frozen);
    await whole.auditor.get(`${whole.path}/evidence/${frozen}/custody`).expect(200);
    const { bytes } = await send(world.url, whole.auditor, 'GET', `${whole.path}/evidence/${frozen}/content`);
    expect(bytes.toString()).toContain(other.id);
  });

  it('nor in a package about one system, which says so; one about all has it', async () => {
    const asOf = '2026-03-01T00:00:00Z';
    const { periodFrom } = PERIOD;
    const content = async (id: string) => {
      const { bytes } = await send(world.url, officer, 'GET', `${clinic.path}/packages/${id}/content`);
      const bag = bagIn(await readZip(bytes));
      expect(bagFaults(bag)).toEqual([]);
      return {
        of: [...bag.keys()].filter((path) => path.includes(frozen)).map((path) => path.split('/').at(-1)),
        index: JSON.parse(bag.get('data/index.json')!.toString()) as {
          evidence: { evidenceId: string; withheld: string | null }[];
          counts: object;
        },
        records: bag.get('data/records/risk_analysis.json')!.toString(),
      };
    };
    const [one, all] = await Promise.all([
      packaged({ scope: { systemId: clinic.systemId }, periodFrom, asOf }),
      packaged({ scope: { systemId: null }, periodFrom, asOf }),
    ]);
    const [ofOne, ofAll] = [await content(one), await content(all)];
    expect(ofOne.of).toEqual(['custody.jsonl']);
    expect(ofAll.of.sort()).toEqual(['content.json', 'custody.jsonl']);
    expect(ofOne.records).toContain(analysis);
    expect(ofOne.index.counts).toMatchObject({ evidenceWithheld: 1, evidenceUnreadable: 0 });
    expect(ofAll.index.counts).toMatchObject({ evidenceWithheld: 0 });
    const { sha256 } = (await officer.get(`${clinic.path}/evidence/${frozen}`).expect(200)).body;
    expect(ofOne.index.evidence.find(({ evidenceId }) => evidenceId === frozen)).toMatchObject({
      path: null,
      sha256,
      withheld: expect.stringContaining('of the whole organisation'),
    });
    // It has left in the one alone.
    const { body: custody } = await officer.get(`${clinic.path}/evidence/${frozen}/custody`).expect(200);
    expect((custody as CustodyView).packages).toEqual([all]);
  });
});

describe('does an auditor download packages that were handed over, and no others?', () => {
  it('of the scope and the period, each download in the log', async () => {
    const asOf = '2026-03-01T00:00:00Z';
    const { periodFrom } = PERIOD;
    const identity = await generateIdentity();
    const encryptTo = [await identityToRecipient(identity)];
    const [mine, theirs, all, late] = await Promise.all([
      packaged({ scope: { systemId: clinic.systemId }, periodFrom, asOf }),
      packaged({ scope: { systemId: other.id }, periodFrom, asOf, encryptTo }),
      packaged({ scope: { systemId: null }, periodFrom, asOf }),
      packaged({ scope: { systemId: clinic.systemId }, periodFrom }),
    ]);
    const { id, path, auditor } = await engaged();
    await auditor.get(`${path}/packages/${mine}/content`).expect(404);
    const handOver = (packageId: string) => officer.post(`${path}/packages`, { packageId });
    await handOver(mine).expect(204);
    await handOver(mine).expect(204);
    for (const outside of [theirs, all, late]) await handOver(outside).expect(409);
    expect((await auditor.get(`${path}/packages`).expect(200)).body.items).toMatchObject([
      { id: mine, status: 'ready' },
    ]);
    // Nor does the custody of evidence that is in all of them name the others, nor a hold from after the period.
    const held = await keeper.keep({
      type: 'legal_hold',
      fields: { matter: 'Example v. Clinic', everything: false },
      effectiveFrom: '2026-05-01T00:00:00Z',
      links: [{ kind: 'evidence', target: inside.evidenceId, note: '' }],
    });
    const custody = async (as: Caller, of: string) =>
      (await as.get(`${of}/evidence/${inside.evidenceId}/custody`).expect(200)).body as CustodyView;
    const [full, told] = [await custody(officer, clinic.path), await custody(auditor, path)];
    for (const outside of [all, late, held]) {
      expect(JSON.stringify(full)).toContain(outside);
      expect(JSON.stringify(told)).not.toContain(outside);
    }
    expect(told).toMatchObject({ packages: [mine], retention: { until: full.retention.until, heldBy: [] } });
    expect(told.steps.filter(({ step }) => step === 'exported')).toHaveLength(1);
    const { body } = await auditor.get(`${path}/packages/${mine}`).expect(200);
    const { status, bytes } = await send(world.url, auditor, 'GET', `${path}/packages/${mine}/content`);
    expect([status, createHash('sha256').update(bytes).digest('hex')]).toEqual([200, body.sha256]);
    const range = await send(world.url, auditor, 'GET', `${path}/packages/${mine}/content`, {
      headers: { Range: 'bytes=0-9' },
    });
    expect([range.status, range.bytes]).toEqual([206, bytes.subarray(0, 10)]);
    expect((await events(id)).filter(({ action }) => action === 'package.read')).toHaveLength(2);
    await auditor.get(`${path}/packages/${theirs}`).expect(404);
    // What it tells of the time before is not of this one.
    const later = await engaged({ periodFrom: '2026-02-01T00:00:00Z' });
    await officer.post(`${later.path}/packages`, { packageId: mine }).expect(409);

    const whole = await engaged({ scope: { systemIds: null } });
    const { body: asked } = await whole.auditor.post(`${whole.path}/requests`, { title: 'The package' }).expect(201);
    await officer
      .post(`${whole.path}/requests/${asked.id}/answer`, { packages: [all, theirs] })
      .set('If-Match', '"1"')
      .expect(200);
    expect((await whole.auditor.get(`${whole.path}/packages`).expect(200)).body.items).toHaveLength(2);
    const sealed = await send(world.url, whole.auditor, 'GET', `${whole.path}/packages/${theirs}/content`);
    expect(sealed.bytes.subarray(0, 21).toString()).toBe('age-encryption.org/v1');
    expect(sealed.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="safeguard-package-${theirs}.zip.age"`,
    });
  });
});
