import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Abandoned } from '../../src/packages/build-progress.js';
import { ReportReader } from '../../src/packages/report/readings.js';
import { PostureService } from '../../src/posture/posture.service.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';
import { programOf } from '../support/log.js';
import { keepersOf, type Keepers } from '../support/records.js';
import { kubeBench, send } from './reports.js';

const DAY = 86_400_000;
const ago = (days: number): string => new Date(Date.now() - days * DAY).toISOString();
const NAME = 'Łódź <b>&"\'';

let world: World;
let clinic: Clinic;
let keepers: Keepers;

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
  keepers = await keepersOf(world, clinic);
  await post(kubeBench({ '1.2.1': 'FAIL', '1.2.2': 'PASS' }), ago(20));
  await keepers.keep({
    type: 'key',
    effectiveFrom: ago(300),
    fields: {
      ...{ name: NAME, purpose: 'etcd-kms', custodian: keepers.ownerId, provider: 'aws-kms', keyId: 'arn:one' },
      ...{ createdOn: ago(400).slice(0, 10), policyDays: 30, rotateAfterIncident: true },
    },
  });
  await keepers.keep({
    type: 'recovery_objective',
    effectiveFrom: ago(200),
    fields: { scope: NAME, namespaces: ['emr'], rtoMinutes: 240, rpoMinutes: 1500, criticality: 'critical' },
  });
});
afterAll(() => world.stop());

async function post(text: string, observedAt: string): Promise<void> {
  const path = `${clinic.systemPath}/scans?observedAt=${observedAt}&targets=node/worker-1`;
  const { status, bytes } = await send(world.url, clinic.agent, 'POST', path, { body: text });
  expect(status, bytes.toString()).toBe(201);
}

async function reports(body: object): Promise<Map<string, Buffer>> {
  const { headers } = await keepers.officer.post(`${clinic.path}/packages`, body).expect(202);
  const path = headers['location'] as string;
  for (;;) {
    const { body: shown } = await keepers.officer.get(path).expect(200);
    if (shown.status === 'ready') break;
    expect(shown, JSON.stringify(shown.problem)).toMatchObject({ status: 'queued' });
    await pause(50);
  }
  const { bytes } = await send(world.url, keepers.officer, 'GET', `${path}/content`);
  return new Map([...bagIn(await readZip(bytes))].filter(([name]) => name.startsWith('data/report/')));
}

describe('the report in a package', () => {
  const instant = () => ({ asOf: new Date().toISOString(), knownAt: new Date().toISOString() });
  /** Of the organisation, at one instant. */
  let asked: object;
  let first: Map<string, Buffer>;
  beforeAll(async () => {
    asked = { scope: { systemId: null }, ...instant() };
    first = await reports(asked);
  });

  it('tells of the organisation what is so, by a page, a PDF and a workbook?', () => {
    expect([...first.keys()].sort()).toEqual([
      'data/report/report.html',
      'data/report/report.pdf',
      'data/report/workbook.xlsx',
    ]);
    const page = first.get('data/report/report.html')!.toString();
    expect(page.startsWith('<!DOCTYPE html>')).toBe(true);
    const name = 'Łódź &lt;b&gt;&amp;&quot;&#39;';
    expect(page).toContain('Keys that are not as their policy asks: 1 of 1.');
    expect(page).toMatch(new RegExp(`<th scope="row">${name}</th><td>[^<]*</td><td>never</td>`));
    expect(page).toContain('Recovery points that were not held at every instant of the period: 1 of 1.');
    expect(page).toContain('kube-bench/master');
    expect(page.match(/<svg /g)?.length).toBe(5);
    expect(first.get('data/report/report.pdf')!.subarray(0, 5).toString()).toBe('%PDF-');
    expect(first.get('data/report/workbook.xlsx')!.subarray(0, 2).toString()).toBe('PK');
  });

  it('is of one system where the package is, also of a time before there was any?', async () => {
    const one = await reports({ scope: { systemId: clinic.systemId }, ...instant(), periodFrom: ago(30) });
    const page = one.get('data/report/report.html')!.toString();
    expect(page).toContain('<dt>Scope</dt><dd>System ');
    // Of thirty days ago records tell, and no report: the first is of twenty days ago.
    const trend = /On (\d{4}-\d\d-\d\d): ([^.]*)\. On (\d{4}-\d\d-\d\d): ([^.]*)\./.exec(page);
    expect(trend?.[1]).toBe(ago(30).slice(0, 10));
    expect(trend?.[3]).toBe(ago(0).slice(0, 10));
    const failing = (counts: string | undefined) => Number(/^(\d+) failing, /.exec(counts ?? '')?.[1]);
    expect(failing(trend?.[4])).toBeGreaterThan(failing(trend?.[2]));
  });

  it('is the same bytes in another package, also after another scan came?', async () => {
    await post(kubeBench({ '1.2.1': 'PASS', '1.2.2': 'FAIL' }), ago(10));
    const second = await reports(asked);
    expect(first.size).toBe(3);
    for (const [path, bytes] of first) {
      expect(second.get(path)?.equals(bytes), path).toBe(true);
    }
    const now = await reports({ scope: { systemId: null } });
    expect(now.get('data/report/report.html')!.equals(first.get('data/report/report.html')!)).toBe(false);
  });

  it('is written elsewhere: the libraries of pages never come into the thread that answers?', () => {
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    expect(loaded.filter((path) => /node_modules\/(pdfmake|pdfkit|fontkit)\//.test(path))).toEqual([]);
  });
});

it('is the reading of its figures ended before the next system or point of the trend when nobody wants it any more?', async () => {
  const principal = programOf(clinic);
  const posture = world.app.get(PostureService, { strict: false });
  const reader = world.app.get(ReportReader, { strict: false });
  const instant = { asOf: new Date(), knownAt: new Date() };
  const { document } = await posture.evaluate(principal, { systemId: null, ...instant });
  const ticks = async (most: number): Promise<number> => {
    let done = 0;
    const tick = () => (done++ === most ? Promise.reject(new Abandoned('cancelled')) : Promise.resolve());
    await reader
      .read(principal, { posture: document, periodFrom: new Date(ago(365)), instant }, tick)
      .catch((error: unknown) => {
        expect(error).toBeInstanceOf(Abandoned);
      });
    return done;
  };
  const all = document.systems.length + 12;
  expect(await ticks(Infinity)).toBe(all);
  for (const most of [0, 1, all - 1]) expect(await ticks(most)).toBe(most + 1);
});
