import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CitedItem } from '../../src/packages/citations.js';
import { bagFaults } from '../packages/bagit-validator.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { Keeper } from '../support/keep.js';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';
import { keepersOf, type Keepers, type KeptRecord } from '../support/records.js';
import { send } from './reports.js';

let world: World;
let clinic: Clinic;
let keepers: Keepers;
let elsewhere: string;

const DAY = 86_400_000;
const ago = (days: number): string => new Date(Date.now() - days * DAY).toISOString();
const FROM = '2026-01-01T00:00:00Z';
const TERM = { term: '504e2i', clause: '§ 2', page: 1 };
const kept: Record<string, KeptRecord> = {};

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
  keepers = await keepersOf(world, clinic);
  const other = { name: 'elsewhere', environment: 'production', phi: 'stores' };
  elsewhere = (await clinic.admin.post(`${clinic.path}/systems`, other).expect(201)).body.id;
  await keepAll();
});
afterAll(() => world.stop());

async function keepAll(): Promise<void> {
  const { ownerId } = keepers;
  const whole = { systemIds: [], effectiveFrom: FROM };
  kept['policy'] = await keepers.keep({
    ...whole,
    type: 'policy',
    title: 'Security management',
    fields: { name: 'Security management', kind: 'policy', reviewedOn: '2026-01-01' },
    links: [{ kind: 'control', target: '164.308(a)(1)(i)', note: '' }],
    document: 'text',
  });
  kept['vendor'] = await keepers.keep({
    ...whole,
    type: 'vendor',
    fields: { name: '=Lakeside', role: 'business_associate', ephi: true, services: 'Images' },
  });
  kept['baa'] = await keepers.keep({
    ...whole,
    type: 'baa',
    fields: {
      ...{ vendor: kept['vendor'].id, signedOn: '2025-12-15', endsOn: '2099-12-31', renewal: 'none' },
      ...{ incidentNoticeHours: 24, returnOrDestroy: 'destroy', terms: [TERM] },
    },
    document: 'agreement',
  });
  const key = (name: string) => ({
    ...{ name, purpose: 'etcd-kms', custodian: ownerId, provider: 'aws-kms', keyId: `arn:${name}` },
    ...{ createdOn: '2024-06-01', policyDays: 30, rotateAfterIncident: true },
  });
  kept['key'] = await keepers.keep({ type: 'key', effectiveFrom: FROM, fields: key('here') });
  await keepers.keep({ type: 'key', effectiveFrom: FROM, systemIds: [elsewhere], fields: key('elsewhere') });
  kept['exception'] = await keepers.keep({
    type: 'exception',
    effectiveFrom: ago(10),
    fields: {
      ...{ practices: ['no-privileged-containers'], reason: 'The driver.', compensating: 'Watched.' },
      until: ago(-20),
    },
    document: 'assessment',
  });
  const analysis = await newAnalysis();
  kept['decision'] = await keepers.keep({
    ...whole,
    type: 'addressable_decision',
    fields: {
      ...{
        control: '164.312(a)(2)(iii)',
        size: 'Forty beds.',
        infrastructure: 'Badge readers.',
        cost: 'No difference.',
      },
      ...{ risk: 'An open terminal.', outcome: 'alternative', alternative: 'The screen locks.' },
      ...{ standardMet: 'Nobody reads without a badge.', analysis, decidedOn: ago(10).slice(0, 10) },
    },
    document: 'alternative',
  });
  kept['risk'] = await keepers.keep({
    ...whole,
    type: 'risk',
    fields: {
      ...{ number: 'R-1', analysis, asset: 'EMR', threat: 'Ransomware', vulnerability: 'No lock', measures: 'MFA' },
      ...{ likelihood: 3, impact: 5, treatment: 'mitigate', treatmentOwner: ownerId, dueOn: '2026-02-01' },
    },
  });
}

/** A draft of a risk analysis. */
async function newAnalysis(): Promise<string> {
  const keeper = await Keeper.of(clinic, keepers.officer, keepers.approver);
  return keeper.analysis(FROM);
}

interface Index {
  faults: object[];
  evidence: Record<string, unknown>[];
  counts: Record<string, number>;
}

interface Package {
  id: string;
  bag: Map<string, Buffer>;
  text: (name: string) => string;
  list: (name: string) => Record<string, unknown>[];
  index: Index;
}

async function packaged(body: object): Promise<Package> {
  const { headers } = await keepers.officer.post(`${clinic.path}/packages`, body).expect(202);
  const path = headers['location'] as string;
  for (;;) {
    const { body: shown } = await keepers.officer.get(path).expect(200);
    if (shown.status === 'ready') break;
    expect(shown, JSON.stringify(shown.problem)).toMatchObject({ status: 'queued' });
    await pause(50);
  }
  const { bytes } = await send(world.url, keepers.officer, 'GET', `${path}/content`);
  const bag = bagIn(await readZip(bytes));
  expect(bagFaults(bag)).toEqual([]);
  const text = (name: string): string => bag.get(`data/${name}`)!.toString();
  return {
    id: path.split('/').at(-1)!,
    bag,
    text,
    list: (name) => JSON.parse(text(name)) as Record<string, unknown>[],
    index: JSON.parse(text('index.json')) as Index,
  };
}

/** The trend of its report is of nothing: that of a year is of twelve postures, each evaluated anew. */
const ofDay = (asOf: string) => ({ asOf, periodFrom: new Date(Date.parse(asOf) - DAY / 2).toISOString() });

const ids = (records: readonly Record<string, unknown>[]): unknown[] => records.map(({ recordId }) => recordId);

/** Of all that was kept at the beginning. */
let first: Promise<Package> | undefined;
const ofAll = (): Promise<Package> => (first ??= packaged({ scope: { systemId: null } }));

describe('the records in a package', () => {
  it('are those in effect, with their documents byte for byte, and registers made of them?', async () => {
    const { bag, list, text, index } = await ofAll();
    const [policy] = list('records/policy.json');
    expect(policy).toMatchObject({ recordId: kept['policy']!.id, fields: { kind: 'policy' }, version: 1 });
    const [document] = policy!['documents'] as { role: string; path: string; evidenceId: string }[];
    expect(document?.role).toBe('text');
    expect(bag.get(document!.path)?.toString()).toBe(`What was done, ${kept['policy']!.id}`);
    expect(index.evidence.find(({ evidenceId }) => evidenceId === document!.evidenceId)).toMatchObject({
      scans: [],
      records: [{ recordId: kept['policy']!.id, version: 1, role: 'text', name: 'log.txt' }],
      disposedAt: null,
    });
    expect(index.counts).toMatchObject({ records: 9, evidence: 6, evidenceDisposed: 0 });
    expect(text('records/vendor.csv')).toContain(`,'=Lakeside,`);

    expect(list('registers/agreements.json')).toMatchObject([
      { vendorId: kept['vendor']!.id, agreements: [{ recordId: kept['baa']!.id, inForce: true }] },
    ]);
    expect(list('registers/keys.json')).toMatchObject(
      [clinic.systemId, elsewhere].sort().map((systemId) => ({ systemId, state: 'never_rotated' })),
    );
    expect(list('registers/exceptions.json')).toMatchObject([{ recordId: kept['exception']!.id, inForce: true }]);
    expect(list('registers/risks.json')).toMatchObject([
      { recordId: kept['risk']!.id, isReadable: true, level: 'high', status: 'Overdue' },
    ]);
    expect(list('registers/decisions.json')).toMatchObject([
      { recordId: kept['decision']!.id, control: '164.312(a)(2)(iii)', outcome: 'alternative', inForce: true },
    ]);
  });

  it('are found from the paragraph that a policy names or that lies below it?', async () => {
    const { text } = await ofAll();
    const cited = JSON.parse(text('index/citations.json')) as CitedItem[];
    const below = cited.find(({ id }) => id === '164.308(a)(1)(ii)(A)');
    expect(below?.policies.map(({ recordId }) => recordId)).toEqual([kept['policy']!.id]);
    const other = cited.find(({ id }) => id === '164.308(b)(1)');
    expect(other?.policies).toEqual([]);
    expect(other?.records.find(({ type }) => type === 'baa')).toMatchObject({ count: 1, path: 'records/baa.json' });
  });

  it('are of its system and of the whole organisation, and of no other system?', async () => {
    const { list, bag } = await packaged({ scope: { systemId: clinic.systemId } });
    expect(ids(list('records/key.json'))).toEqual([kept['key']!.id]);
    expect(ids(list('registers/keys.json'))).toEqual([kept['key']!.id]);
    expect(list('records/policy.json')).toHaveLength(1);
    for (const [path, bytes] of bag) expect(bytes.includes('arn:elsewhere'), path).toBe(false);
  });

  it('are those of its instants: not what was decided or took effect later?', async () => {
    const before = new Date(new Date(kept['exception']!.decidedAt).getTime() - 1).toISOString();
    const then = await packaged({ scope: { systemId: null }, knownAt: before });
    expect([...then.bag.keys()].filter((path) => /exception|risk\.|decision/.test(path))).toEqual([
      'data/registers/decisions.csv',
      'data/registers/decisions.json',
      'data/registers/exceptions.csv',
      'data/registers/exceptions.json',
    ]);
    expect(then.list('registers/exceptions.json')).toEqual([]);
    const january = await packaged({ scope: { systemId: null }, ...ofDay('2026-01-15T00:00:00Z') });
    expect(january.list('registers/exceptions.json')).toEqual([]);
    expect(january.list('registers/risks.json')).toMatchObject([{ status: 'Open' }]);
  });

  it('say of a document that was disposed of that it was, and are a package all the same?', async () => {
    const before = await ofAll();
    const [{ evidenceId }] = before.list('records/policy.json')[0]!['documents'] as [{ evidenceId: string }];
    const admin = new pg.Client({ connectionString: world.database.urls.admin });
    await admin.connect();
    try {
      await admin.query(
        `insert into evidence_disposal (organization_id, evidence_id, record_id, disposed_at) values ($1, $2, $3, now())`,
        [clinic.organizationId, evidenceId, kept['policy']!.id],
      );
    } finally {
      await admin.end();
    }
    const { bag, list, index, id } = await packaged({ scope: { systemId: null }, ...ofDay(ago(0)) });
    expect(index.faults).toEqual([]);
    expect(index.counts).toMatchObject({ evidence: 6, evidenceUnreadable: 0, evidenceDisposed: 1 });
    expect(index.evidence.find((one) => one['evidenceId'] === evidenceId)).toMatchObject({
      path: null,
      disposedAt: expect.any(String),
    });
    expect(list('records/policy.json')[0]).toMatchObject({ documents: [{ evidenceId, path: null }] });
    // What was done with it is told all the same.
    expect([...bag.keys()].filter((path) => path.includes(evidenceId))).toEqual([
      `data/evidence/${evidenceId}/custody.jsonl`,
    ]);
    const events = `${clinic.path}/audit-events?action=package.built&objectId=${id}`;
    const { body } = await keepers.officer.get(events).expect(200);
    expect(body.items).toMatchObject([{ details: { unreadable: [] } }]);
    expect(body.items[0].details.evidence).not.toContain(evidenceId);
  });

  it('are all of them where they are more than a page, and the same bytes in another package?', async () => {
    const table = `person,course,completedOn,result\n${Array.from(
      { length: 1_100 },
      (_, at) => `Person ${at},Awareness,2026-01-20,passed\n`,
    ).join('')}`;
    await importApproved('training_record', table);
    const instant = { knownAt: new Date().toISOString(), ...ofDay('2026-03-01T00:00:00Z') };
    const one = await packaged({ scope: { systemId: null }, ...instant });
    const other = await packaged({ scope: { systemId: null }, ...instant });
    const found = one.list('records/training_record.json');
    expect(new Set(ids(found)).size).toBe(1_100);
    expect(ids(found)).toEqual([...ids(found)].sort());
    expect(one.text('records/training_record.csv').trimEnd().split('\r\n')).toHaveLength(1_101);
    const shown = [...one.bag.keys()].filter((path) => /^data\/(records|registers|index)\//.test(path));
    expect(shown.length).toBeGreaterThan(10);
    for (const path of shown) expect(other.bag.get(path)?.equals(one.bag.get(path)!), path).toBe(true);
  });
});

async function importApproved(type: string, table: string): Promise<void> {
  const digest = createHash('sha256').update(table).digest('base64');
  const sent = await send<{ id: string }>(world.url, keepers.officer, 'POST', `${clinic.path}/imports?type=${type}`, {
    headers: { 'Content-Type': 'text/csv', 'Content-Digest': `sha-256=:${digest}:` },
    body: table,
  });
  const path = `${clinic.path}/imports/${sent.body.id}`;
  await expect
    .poll(async () => (await keepers.officer.get(path).expect(200)).body.status, { timeout: 30_000 })
    .toBe('applied');
  await keepers.approver.post(`${path}/decision`, { decision: 'approve' }).expect(200);
}
