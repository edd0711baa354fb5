import { createHash, randomBytes } from 'node:crypto';
import { chmod, readFile, rm, writeFile } from 'node:fs/promises';
import type pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';
import { GrowingEvidence } from '../../src/evidence/growing-evidence.js';
import { formatDigest } from '../../src/kernel/http/content.js';
import { Parser } from '../../src/scans/parser.js';
import { Redactor } from '../../src/scans/redactor.js';
import { startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { beginUpload } from '../support/upload.js';
import { policyReport, send, type Finding } from './reports.js';
import { filesIn } from './server.js';

/** As many results as make some 5 MB with what they say: more than is held, so that it is read from custody. */
const MANY = 2_500;
const SAID = 'what a policy says '.repeat(105);

interface Scan {
  id: string;
  status: string;
  type?: string;
  evidenceId: string;
  duplicate: boolean;
  notes: string[];
  counts: { total: number; new: number; unchanged: number };
}

let world: World;
let clinic: Clinic;
let officer: Caller;
let admin: pg.Client;
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer, admin } = suite);
  return suite.stop;
});

let systemPath: string;
/** Looked at, and not replaced: what is read while it comes, and what when it is there. */
let early: MockInstance<Parser['parseEarly']>;
let late: MockInstance<Parser['parse']>;
let begun: MockInstance<GrowingEvidence['begin']>;
beforeEach(async () => {
  systemPath = (await clinic.system({ phi: 'none' })).path;
  early = vi.spyOn(Parser.prototype, 'parseEarly');
  late = vi.spyOn(Parser.prototype, 'parse');
  begun = vi.spyOn(GrowingEvidence.prototype, 'begin');
});
afterEach(() => {
  vi.restoreAllMocks();
});

const AT = 'observedAt=2026-01-01T00:00:00Z';
const LATER = 'observedAt=2026-01-02T00:00:00Z';
/** No two are the same bytes. */
function newReport(count = MANY): Buffer {
  const findings = Array.from({ length: count }, (_, row): Finding => ({
    check: `check-${row}`,
    result: 'fail',
    message: SAID,
  }));
  return Buffer.from(policyReport(findings, { fail: count, run: randomBytes(8).toString('hex') }));
}
const SECRET = 'c2VjcmV0IG9mIGEgbGFyZ2UgcmVwb3J0';
/** The same with a secret that its tool has found, which nobody keeps. */
function secretReport(): Buffer {
  const key = { RuleID: 'aws', Category: 'AWS', Severity: 'CRITICAL', Title: 'key', StartLine: 1, EndLine: 1 };
  const report = {
    SchemaVersion: 2,
    ArtifactName: randomBytes(8).toString('hex'),
    ArtifactType: 'repository',
    Results: [
      { Target: 'deploy.sh', Class: 'secret', Secrets: [{ ...key, Match: SECRET }] },
      {
        Target: 'image',
        Class: 'os-pkgs',
        Type: 'debian',
        Vulnerabilities: Array.from({ length: MANY }, (_, row) => ({
          VulnerabilityID: `CVE-2026-${row}`,
          PkgName: 'openssl',
          Severity: 'HIGH',
          Title: SAID,
        })),
      },
    ],
  };
  return Buffer.from(JSON.stringify(report));
}
const digest = (bytes: Uint8Array): { 'Content-Digest': string } => ({
  'Content-Digest': formatDigest({ 'sha-256': createHash('sha256').update(bytes).digest() }),
});
const post = (body: Uint8Array, headers: Record<string, string> = {}, query = AT, path = systemPath) =>
  send<Scan>(world.url, officer, 'POST', `${path}/scans?${query}`, { body, headers });
/** Changes one bit of what is kept of an evidence. */
async function damage(evidenceId: string): Promise<void> {
  const file = (await stored()).find((path) => path.includes(evidenceId))!;
  const kept = await readFile(file);
  const middle = kept.length >> 1;
  kept.writeUInt8(kept.readUInt8(middle) ^ 1, middle);
  await chmod(file, 0o600);
  await writeFile(file, kept);
}
/** What was found of the custody of an evidence. */
async function found(evidenceId: string): Promise<string[]> {
  const sql = 'select state from evidence_finding where evidence_id = $1 order by found_at';
  const { rows } = await admin.query<{ state: string }>(sql, [evidenceId]);
  return rows.map(({ state }) => state);
}
const stored = async (): Promise<string[]> => (await filesIn(world.evidenceDirectory)).sort();

describe('is a large report read while it comes', () => {
  it('where a thread is free for it, and once?', async () => {
    const { status, body } = await post(newReport());
    expect([status, body.counts.total, body.counts.new]).toEqual([201, MANY, MANY]);
    expect([early.mock.calls.length, late.mock.calls.length]).toEqual([1, 0]);
  });

  it('and nothing of it kept where it turns out not to be what its headers say?', async () => {
    const before = await stored();
    const { status, body } = await post(newReport(), digest(Buffer.from('another')));
    expect([status, body.type]).toEqual([400, expect.stringMatching(/digest-mismatch$/)]);
    expect(early).toHaveBeenCalledOnce();
    expect(await stored()).toEqual(before);
    const { rows } = await admin.query('select from result where system_id = $1', [systemPath.split('/').at(-1)]);
    expect(rows).toEqual([]);
    // The thread is there for the next one.
    expect((await post(newReport())).body.counts.total).toBe(MANY);
  });

  it('and again, from what is kept, where something of it was dropped?', async () => {
    const { status, body } = await post(secretReport());
    expect([status, body.status, body.counts.total]).toEqual([201, 'stored', MANY + 1]);
    expect([early.mock.calls.length, late.mock.calls.length]).toEqual([1, 1]);
    const told = await admin.query<{ text: string }>('select r::text as text from result r where scan_id = $1', [
      body.id,
    ]);
    expect(told.rows.some(({ text }) => text.includes(SECRET))).toBe(false);
  });

  it('and left to whoever needs its thread, while what may be a secret is looked for?', async () => {
    const looking = Promise.withResolvers<undefined>();
    const inspect = Reflect.get<Redactor, 'inspect'>(Redactor.prototype, 'inspect');
    const inspected = vi.spyOn(Redactor.prototype, 'inspect').mockImplementation(async function (
      this: Redactor,
      ...of
    ) {
      await looking.promise;
      return inspect.apply(this, of);
    });
    const suspect = post(secretReport());
    await vi.waitFor(() => expect(inspected).toHaveBeenCalled());
    const other = (await clinic.system({ phi: 'none' })).path;
    expect((await post(newReport(), {}, AT, other)).status).toBe(201);
    looking.resolve(undefined);
    expect((await suspect).body.counts.total).toBe(MANY + 1);
  });

  it('and left to whoever has come whole, where its sender is slow?', async () => {
    const slow = newReport();
    const socket = await beginUpload(world.url, officer, `${systemPath}/scans?${AT}`, { bytes: slow, sent: 1_000_000 });
    await vi.waitFor(() => expect(begun).toHaveBeenCalledOnce());
    const other = (await clinic.system({ phi: 'none' })).path;
    // It is whole before the other is, and needs the thread.
    expect((await post(newReport(), {}, AT, other)).body.counts.total).toBe(MANY);
    const answered = new Promise<string>((resolve) => socket.once('data', (data: Buffer) => resolve(data.toString())));
    socket.write(slow.subarray(1_000_000));
    expect(await answered).toMatch(/^HTTP\/1.1 201 /);
    socket.destroy();
    const { rows } = await admin.query('select count(*)::int as count from result where system_id = $1', [
      systemPath.split('/').at(-1),
    ]);
    expect(rows).toEqual([{ count: MANY }]);
  });

  it('and its thread free again, where its sender goes away?', async () => {
    const socket = await beginUpload(world.url, officer, `${systemPath}/scans?${AT}`, {
      bytes: newReport(),
      sent: 1_000_000,
    });
    await vi.waitFor(() => expect(early).toHaveBeenCalledOnce());
    socket.destroy();
    // By itself, and not only where another one needs it.
    await expect(early.mock.results[0]?.value).rejects.toThrow('did not come whole');
    expect((await post(newReport())).body.counts.total).toBe(MANY);
  });
});

describe('are bytes that the organisation has stored once more', () => {
  it('by nobody who says which they are: they are checked as they come, and no file is written?', async () => {
    const report = newReport();
    const first = await post(report, digest(report));
    const files = await stored();
    begun.mockClear();
    const again = await post(report, digest(report), LATER);
    expect(again.status).toBe(201);
    expect(again.body).toMatchObject({
      evidenceId: first.body.evidenceId,
      duplicate: false,
      counts: { unchanged: MANY },
    });
    const twin = await post(report, digest(report), LATER);
    expect([twin.status, twin.body.id, twin.body.duplicate]).toEqual([200, again.body.id, true]);
    expect(begun).not.toHaveBeenCalled();
    expect(await stored()).toEqual(files);
  });

  it.each(['Content-Digest', 'Repr-Digest'])(
    'and is one whose %s is told, and whose bytes are others, refused?',
    async (header) => {
      const report = newReport();
      await post(report, digest(report));
      const { status, body } = await post(newReport(), { [header]: digest(report)['Content-Digest'] }, LATER);
      expect([status, body.type]).toEqual([400, expect.stringMatching(/digest-mismatch$/)]);
    },
  );

  it('and are they read for another system, to which they say something new?', async () => {
    const report = newReport();
    await post(report, digest(report));
    late.mockClear();
    const other = (await clinic.system({ phi: 'none' })).path;
    const { status, body } = await post(report, digest(report), AT, other);
    expect([status, body.counts.new]).toEqual([201, MANY]);
    expect(late).toHaveBeenCalledOnce();
  });

  it('and is dropped from them what may not be kept of a report, where somebody has filed them as something else?', async () => {
    const report = secretReport();
    const filed = await send<{ id: string }>(world.url, officer, 'POST', `${clinic.path}/imports?type=risk`, {
      body: report,
      headers: { 'Content-Type': 'text/csv', ...digest(report) },
    });
    expect(filed.status).toBe(202);
    const { status, body } = await post(report, digest(report));
    expect(status).toBe(201);
    expect(body.notes).toContainEqual(expect.stringContaining('dropped before the report was kept'));
    const { bytes } = await send(world.url, officer, 'GET', `${clinic.path}/evidence/${body.evidenceId}/content`);
    expect(bytes.length).toBeGreaterThan(4_000_000);
    expect(bytes.includes(SECRET)).toBe(false);
  });

  it('and are they found to have changed in custody, and then taken as they come?', async () => {
    const report = newReport();
    const { body } = await post(report, digest(report));
    await damage(body.evidenceId);
    const other = (await clinic.system({ phi: 'none' })).path;
    expect((await post(report, digest(report), AT, other)).status).toBe(500);
    expect(await found(body.evidenceId)).toEqual(['corrupt']);
    const again = await post(report, digest(report), AT, other);
    expect([again.status, again.body.counts.new]).toEqual([201, MANY]);
    // Custody is as it was: what rests on it can still not be shown.
    expect(await found(body.evidenceId)).toEqual(['corrupt']);
  });

  it('and is it the sender’s fault that they have changed in custody, where something may have to be dropped of them?', async () => {
    const report = secretReport();
    const { body: filed } = await send<{ id: string; evidenceId: string }>(
      world.url,
      officer,
      'POST',
      `${clinic.path}/imports?type=risk`,
      { body: report, headers: { 'Content-Type': 'text/csv', ...digest(report) } },
    );
    // Its worker reads them too.
    await vi.waitFor(
      async () => {
        const { body } = await officer.get(`${clinic.path}/imports/${filed.id}`);
        expect(body).not.toMatchObject({ status: 'received' });
      },
      { timeout: 30_000 },
    );
    await damage(filed.evidenceId);
    expect((await post(report, digest(report))).status).toBe(500);
    expect(await found(filed.evidenceId)).toEqual(['corrupt']);
    expect((await post(report, digest(report))).status).toBe(201);
  });

  it('and is nobody told that they are kept, where their object is gone or cut?', async () => {
    for (const left of [null, 'cut']) {
      const report = newReport();
      const { body } = await post(report, digest(report));
      const file = (await stored()).find((path) => path.includes(body.evidenceId));
      await rm(file!);
      if (left !== null) await writeFile(file!, left);
      const { status } = await post(report, digest(report), LATER);
      expect(status).toBe(500);
    }
  });
});
