import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CitedItem } from '../../src/packages/citations.js';
import { verifyFiles } from '../../src/verify/verify.js';
import { bagFaults } from '../packages/bagit-validator.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';
import { Keeper } from '../support/keep.js';
import { inMemory, NOTHING_KNOWN } from '../verify/in-memory.js';
import { send } from './reports.js';

const DAY = 86_400_000;
const ago = (days: number): string => new Date(Date.now() - days * DAY).toISOString();
const dayAgo = (days: number): string => ago(days).slice(0, 10);

let world: World;
let clinic: Clinic;
let keeper: Keeper;
const ids: Record<'ended' | 'long-ended' | 'policy', string> = { ended: '', 'long-ended': '', policy: '' };

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
  keeper = await Keeper.of(clinic, await clinic.member('compliance_officer'), await clinic.member('approver'));
  const whole = { systemIds: [], effectiveFrom: ago(900) };
  ids.policy = await keeper.keep({
    ...whole,
    type: 'policy',
    title: 'As it was',
    fields: { name: 'Security management', kind: 'policy', reviewedOn: dayAgo(900) },
    links: [{ kind: 'control', target: '164.308(a)(1)(i)', note: '' }],
    document: 'text',
  });
  await keeper.revise(ids.policy, {
    title: 'As it is',
    effectiveFrom: ago(100),
    fields: { name: 'Security management', kind: 'policy', reviewedOn: dayAgo(100) },
  });
  const vendor = (name: string) =>
    keeper.keep({ ...whole, type: 'vendor', fields: { name, role: 'business_associate', ephi: true, services: 'x' } });
  ids.ended = await vendor('ended');
  await keeper.end(ids.ended, ago(200));
  ids['long-ended'] = await vendor('long ended');
  await keeper.end(ids['long-ended'], ago(500));
  await report(ago(1), 'FAIL');
}, 60_000);
afterAll(() => world.stop());

/** One check of one node, seen then. */
async function report(observedAt: string, status: 'FAIL' | 'PASS'): Promise<void> {
  const result = { test_number: '1.1.1', test_desc: 'Ensure that permissions are set', status, scored: true };
  const benchmark = {
    id: '1',
    version: 'cis-1.9',
    detected_version: '1.31',
    text: 'Control Plane',
    node_type: 'master',
  };
  await clinic.agent
    .post(`${clinic.systemPath}/scans?observedAt=${observedAt}&targets=node/worker-1&format=kube-bench`)
    .set('Content-Type', 'application/json')
    .send(
      JSON.stringify({
        Controls: [{ ...benchmark, tests: [{ section: '1.1', desc: 'Files', results: [result] }] }],
        Totals: { total_pass: 0, total_fail: 1, total_warn: 0, total_info: 0 },
      }),
    )
    .expect(201);
}

/** By path from the package's root. */
async function packaged(body: object): Promise<Map<string, Buffer>> {
  const { headers } = await keeper.officer.post(`${clinic.path}/packages`, body).expect(202);
  const path = headers['location'] as string;
  for (;;) {
    const { body: shown } = await keeper.officer.get(path).expect(200);
    if (shown.status === 'ready') break;
    expect(shown, JSON.stringify(shown.problem)).toMatchObject({ status: 'queued' });
    await pause(50);
  }
  const { bytes } = await send(world.url, keeper.officer, 'GET', `${path}/content`);
  const entries = await readZip(bytes);
  expect(bagFaults(bagIn(entries))).toEqual([]);
  const files = new Map(entries.map((entry) => [entry.path.slice(entry.path.indexOf('/') + 1), entry.bytes]));
  const { fault } = await verifyFiles(() => Promise.resolve(inMemory(files)), NOTHING_KNOWN);
  expect(fault).toBeNull();
  return files;
}

const json = (files: Map<string, Buffer>, path: string): unknown =>
  JSON.parse(files.get(`bag/data/${path}`)!.toString());

/** What is not the same, but for what the first declares. */
function differing(one: Map<string, Buffer>, other: Map<string, Buffer>): string[] {
  const { creation } = json(one, 'index.json') as { creation: string[] };
  const isDeclared = (path: string): boolean =>
    creation.some((declared) => (declared.endsWith('/') ? path.startsWith(declared) : path === declared));
  return [...new Set([...one.keys(), ...other.keys()])]
    .filter((path) => !isDeclared(path) && other.get(path)?.equals(one.get(path) ?? Buffer.alloc(0)) !== true)
    .sort();
}

describe('a package that is asked for again', () => {
  it('is it the same but for what it declares, also after a later scan has come?', async () => {
    const now = new Date().toISOString();
    for (const systemId of [null, clinic.systemId]) {
      const asked = { scope: { systemId }, periodFrom: ago(365), asOf: now, knownAt: now };
      const first = await packaged(asked);
      expect(first.size).toBeGreaterThan(30);
      // Late: of before the instant, and known after it.
      await report(ago(0.5), 'PASS');
      expect(differing(first, await packaged(asked))).toEqual([]);
      // What was then learnt, one that knows it says.
      const later = await packaged({ ...asked, knownAt: new Date().toISOString() });
      expect(differing(first, later)).toContain('bag/data/scans.jsonl');
      expect(differing(first, later)).toContain('bag/data/oscal/assessment-results.json');
    }
  }, 60_000);
});

describe('the period of a package', () => {
  const told = async (periodFrom: string) => {
    const files = await packaged({ scope: { systemId: null }, periodFrom });
    const cited = (json(files, 'index/citations.json') as CitedItem[]).find(({ id }) => id === '164.308(a)(1)(ii)(A)')!;
    const past = (type: string) =>
      files.has(`bag/data/records/past/${type}.json`)
        ? (json(files, `records/past/${type}.json`) as { recordId: string; version: number; endedAt: string }[])
        : [];
    return { files, cited, past };
  };

  it('does it have the versions that were in effect within it, with their documents, and who approved them?', async () => {
    const { files, cited, past } = await told(ago(365));
    expect(past('policy')).toMatchObject([{ recordId: ids.policy, version: 1, title: 'As it was' }]);
    expect(past('vendor').map(({ recordId }) => recordId)).toEqual([ids.ended]);
    expect(cited.policies).toMatchObject([{ recordId: ids.policy, version: 2, title: 'As it is', endedAt: null }]);
    expect(cited.earlierPolicies).toMatchObject([{ recordId: ids.policy, version: 1, title: 'As it was' }]);
    const [earlier] = cited.earlierPolicies;
    expect(files.has(`bag/${earlier!.documents[0]!.path}`)).toBe(true);
    expect(earlier!.submittedBy).not.toBe(earlier!.decidedBy);
    const { pastRecords, period } = json(files, 'index.json') as { pastRecords: object[]; period: { from: string } };
    expect(pastRecords).toMatchObject([
      { type: 'policy', count: 1 },
      { type: 'vendor', count: 1 },
    ]);
    expect(new Date(period.from).getTime()).toBeLessThan(Date.now() - 364 * DAY);
  });

  it('is a longer one longer, and has one of no length nothing of before?', async () => {
    const long = await told(ago(700));
    expect(
      long
        .past('vendor')
        .map(({ recordId }) => recordId)
        .sort(),
    ).toEqual([ids.ended, ids['long-ended']].sort());
    const short = await told(ago(1));
    expect([...short.files.keys()].filter((path) => path.includes('/past/'))).toEqual([]);
    expect(short.cited.earlierPolicies).toEqual([]);
  });
});
