import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, it } from 'vitest';
import { bagFaults } from '../packages/bagit-validator.js';
import { bagIn, readZip } from '../packages/read-zip.js';
import { startSuite, type Caller, type Clinic } from '../support/app.js';
import { auditLogReport, PRACTICE } from './audit-log-report.js';

// From the first report to the auditor's download, through HTTP alone. The steps build on one another: they are one test in parts.

const DAY = 24 * 60 * 60_000;
const ago = (days: number): string => new Date(Date.now() - days * DAY).toISOString();
const WHEN = { failed: ago(7), late: ago(4), fixed: ago(2) };
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

let clinic: Clinic;
let officer: Caller;
let auditor: Caller;
const scans: Record<'failed' | 'late' | 'fixed' | 'bad', { id: string; evidenceId: string; knownAt: string | null }> =
  {} as never;

beforeAll(async () => {
  const suite = await startSuite();
  ({ clinic, officer } = suite);
  auditor = await clinic.member('auditor');
  return suite.stop;
});

/** Compressed and with its digest, as `safeguard push` does it. */
function post(report: Buffer, at: string) {
  const body = gzipSync(report);
  return clinic.agent
    .post(`${clinic.systemPath}/scans`)
    .query({ targets: 'node/cp-1', observedAt: at })
    .set('Content-Type', 'application/octet-stream')
    .set('Content-Encoding', 'gzip')
    .set('Content-Digest', `sha-256=:${createHash('sha256').update(body).digest('base64')}:`)
    .send(body);
}

async function statusOf(instants: { asOf?: string; knownAt?: string }): Promise<string> {
  const { body } = await auditor.get(`${clinic.path}/posture`).query(instants).expect(200);
  return body.practices.find(({ id }: { id: string }) => id === PRACTICE).status;
}

it('do two generations of a report go in, the second changing what the first said?', async () => {
  const { body: failed } = await post(auditLogReport(['1.2.16', '1.2.17']), WHEN.failed).expect(201);
  expect(failed).toMatchObject({ status: 'stored', format: 'kube-bench', duplicate: false });
  expect(failed.counts).toEqual({ total: 5, new: 5, changed: 0, unchanged: 0, closed: 0, rejected: 0 });
  const { body: fixed } = await post(auditLogReport([]), WHEN.fixed).expect(201);
  expect(fixed.counts).toEqual({ total: 5, new: 0, changed: 2, unchanged: 3, closed: 0, rejected: 0 });
  Object.assign(scans, { failed, fixed });
});

it('is the same report again the same scan?', async () => {
  const { body } = await post(auditLogReport([]), WHEN.fixed).expect(200);
  expect(body).toMatchObject({ id: scans.fixed.id, duplicate: true });
});

it('does posture differ between now and then?', async () => {
  expect(await statusOf({})).toBe('evidenced');
  expect(await statusOf({ asOf: ago(6) })).toBe('failing');
  expect(await statusOf({ asOf: ago(30) })).toBe('missing');
});

it('does a late report take its true place, and leave what was known before as it was?', async () => {
  const asOf = ago(3);
  const before = scans.fixed.knownAt ?? '';
  expect(await statusOf({ asOf })).toBe('failing');
  // Mended four days ago, which nobody told until now.
  const { body: late } = await post(auditLogReport(['1.2.17']), WHEN.late).expect(201);
  Object.assign(scans, { late });
  const { body } = await auditor
    .get(`${clinic.systemPath}/results`)
    .query({ asOf, check: 'cis-1.12/1.2.16' })
    .expect(200);
  expect(body.items).toMatchObject([{ status: 'pass' }]);
  const { body: earlier } = await auditor
    .get(`${clinic.systemPath}/results`)
    .query({ asOf, knownAt: before, check: 'cis-1.12/1.2.16' })
    .expect(200);
  expect(earlier.items).toMatchObject([{ status: 'fail' }]);
  expect(await statusOf({ asOf, knownAt: before })).toBe('failing');
  expect(await statusOf({})).toBe('evidenced');
});

it('is a report that was cut off kept with the reason, and counted for nothing?', async () => {
  const whole = auditLogReport(['1.2.18']);
  const { body: refused } = await post(whole.subarray(0, whole.length - 40), ago(1)).expect(422);
  expect(refused).toMatchObject({ type: '/problems/report-refused', reason: 'truncated' });
  const { body } = await auditor.get(`${clinic.systemPath}/scans`).query({ status: 'refused' }).expect(200);
  expect(body.items).toMatchObject([{ id: refused.scanId, evidenceId: refused.evidenceId, status: 'refused' }]);
  const { body: kept } = await auditor.get(`${clinic.path}/evidence/${refused.evidenceId}`).expect(200);
  expect(kept.sha256).toBe(sha256(whole.subarray(0, whole.length - 40)));
  expect(await statusOf({})).toBe('evidenced');
  Object.assign(scans, { bad: { id: refused.scanId, evidenceId: refused.evidenceId, knownAt: null } });
});

it('does an auditor get a package in two parts that verifies without us?', async () => {
  const { body: queued } = await officer
    .post(`${clinic.path}/packages`, { scope: { systemId: null }, asOf: ago(3) })
    .expect(202);
  const path = `${clinic.path}/packages/${queued.id}`;
  let made = queued;
  while (made.status === 'queued') {
    await wait(50);
    ({ body: made } = await auditor.get(path).expect(200));
  }
  expect(made.status).toBe('ready');

  const first = await auditor.get(`${path}/content`).set('Range', 'bytes=0-999').buffer(true).parse(raw).expect(206);
  const rest = await auditor
    .get(`${path}/content`)
    .set('Range', 'bytes=1000-')
    .set('If-Match', first.headers['etag'] ?? '')
    .buffer(true)
    .parse(raw)
    .expect(206);
  const zip = Buffer.concat([first.body as Buffer, rest.body as Buffer]);
  expect(zip.length).toBe(made.size);
  expect(sha256(zip)).toBe(made.sha256);

  const bag = bagIn(await readZip(zip));
  expect(bagFaults(bag)).toEqual([]);
  const index = JSON.parse(bag.get('data/index.json')?.toString('utf8') ?? '');
  expect(index).toMatchObject({ faults: [], signed: true, packageId: queued.id });
  // The reports that were known, byte for byte; of what was refused, that it came and why.
  for (const scan of [scans.failed, scans.late]) {
    const { path: inBag } = index.evidence.find(
      ({ evidenceId }: { evidenceId: string }) => evidenceId === scan.evidenceId,
    );
    expect(bag.get(inBag)?.toString('utf8')).toContain('"node_type":"master"');
  }
  const practices = bag.get('data/posture/practices.csv')?.toString('utf8') ?? '';
  expect(practices).toMatch(new RegExp(`^${PRACTICE},.*,failing,`, 'm'));
  const events = bag.get('data/audit/events.jsonl')?.toString('utf8').trimEnd().split('\n') ?? [];
  const actions = events.map((line) => JSON.parse(JSON.parse(line).leaf).action);
  expect(actions.filter((action) => action === 'scan.stored')).toHaveLength(3);
});

it('do the audit events tell the whole story, in its order?', async () => {
  const { body } = await auditor.get(`${clinic.path}/audit-events`).query({ limit: 500 }).expect(200);
  const events = (body.items as { action: string; object: { id: string }; actor: { kind: string } }[]).toReversed();
  const told = events.filter(({ action }) => action !== 'evidence.received').map(({ action }) => action);
  expect(told).toEqual([
    'organization.created',
    'member.added',
    'system.created',
    'agent.trusted',
    'member.added',
    'member.added',
    'scan.stored',
    'scan.stored',
    'scan.stored',
    'scan.refused',
    'package.requested',
    'package.built',
    'package.read',
    'package.read',
  ]);
  const of = (id: string) =>
    events.filter(({ object }) => object.id === id).map(({ action, actor }) => `${actor.kind} ${action}`);
  expect(of(scans.late.id)).toEqual(['agent scan.stored']);
  expect(of(scans.bad.id)).toEqual(['agent scan.refused']);
});

it('is an agent shut out from the next request on after it was revoked?', async () => {
  const { body } = await clinic.admin.get(`${clinic.path}/agents`).expect(200);
  await clinic.agent.get(`${clinic.systemPath}/scans`).expect(200);
  await clinic.admin.delete(`${clinic.path}/agents/${body.items[0].id}`).expect(204);
  // Its token is still good; but an organisation in which it is nobody is one that does not exist.
  await post(auditLogReport(['1.2.19']), ago(1)).expect(404);
  await clinic.agent.get(`${clinic.systemPath}/scans`).expect(404);
  expect(await statusOf({})).toBe('evidenced');
});

/** For superagent: the answer's bytes as they are. */
function raw(response: unknown, done: (error: Error | null, body: Buffer) => void): void {
  const stream = response as NodeJS.ReadableStream;
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => done(null, Buffer.concat(chunks)));
}
