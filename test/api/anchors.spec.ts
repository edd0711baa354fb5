import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnchorService } from '../../src/audit/anchor/anchor.service.js';
import { DirectoryCopies } from '../../src/audit/anchor/directory-copies.js';
import { openCheckpoint, readCheckpoint } from '../../src/audit/checkpoint.js';
import { LogRefused } from '../../src/audit/log-faults.js';
import { LogService } from '../../src/audit/log.service.js';
import { isIncluded, leafHash } from '../../src/audit/merkle.js';
import { parseVerifierKey } from '../../src/audit/note.js';
import { entriesOf } from '../../src/audit/tile.js';
import { parseTlogProof } from '../../src/audit/tlog-proof.js';
import { checkTimeStamp } from '../../src/kernel/crypto/time-stamp/time-stamp.js';
import { newId } from '../../src/kernel/ids.js';
import { servicePrincipal } from '../../src/kernel/principal.js';
import { beginNewLogs } from '../../src/new-logs.js';
import { ANCHOR_TABLES, backup, LOG_TABLES } from '../support/anchors.js';
import { startSuite, type Suite } from '../support/app.js';
import { serveTimeStamps, type ServedAuthority } from '../support/time-stamp-authority.js';
import { startWitness, type TestWitness } from '../support/witness.js';

let suite: Suite;
let directory: string;
let witness: TestWitness;
let authority: ServedAuthority;
let anchors: AnchorService;
let log: LogService;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safeguard-anchors-'));
  await mkdir(join(directory, 'copies'));
  witness = await startWitness();
  authority = await serveTimeStamps();
  suite = await startSuite({
    environment: {
      // Its turns are taken here.
      ANCHOR_INTERVAL_SECONDS: '3600',
      ANCHOR_WITNESSES: JSON.stringify([{ url: witness.url, vkey: witness.vkey }]),
      ANCHOR_STORE: `file:${join(directory, 'copies')}`,
      TSA_URL: authority.url,
      TSA_CHAIN: authority.chainPem,
    },
  });
  anchors = suite.world.app.get(AnchorService, { strict: false });
  log = suite.world.app.get(LogService, { strict: false });
  await meet();
});
afterAll(async () => {
  await suite.stop();
  await witness.stop();
  await authority.stop();
  await rm(directory, { recursive: true, force: true });
});

/** The witness is told of the anchor log, as the operator does it. */
async function meet(): Promise<void> {
  const key = parseVerifierKey(await anchors.key());
  witness.logs.set(key.name, key);
}

const principal = () => servicePrincipal('test', suite.clinic.organizationId, newId());
/** One more audit event, and a head over it. */
async function grow(): Promise<Awaited<ReturnType<LogService['close']>>> {
  await suite.clinic.system();
  return log.close(principal());
}

interface Anchored {
  logCheckpoint: string;
  proof: string;
  checkpoint: string;
  timeStamp: string;
  policy: string;
  keys: { anchor: string; witnesses: string[] };
}

/** What an auditor does with the answer. */
async function verified() {
  const { body } = await suite.officer.get(`${suite.clinic.path}/log/anchor`).expect(200);
  const { logCheckpoint, proof, checkpoint, timeStamp, keys } = body as Anchored;
  const { index, hashes } = parseTlogProof(Buffer.from(proof));
  const head = openCheckpoint(
    Buffer.from(checkpoint),
    parseVerifierKey(keys.anchor),
    keys.witnesses.map(parseVerifierKey),
  );
  expect(isIncluded(leafHash(Buffer.from(logCheckpoint)), index, head, hashes)).toBe(true);
  checkTimeStamp(Buffer.from(timeStamp, 'base64'), Buffer.from(checkpoint), authority);
  return {
    log: readCheckpoint(Buffer.from(logCheckpoint)),
    anchor: head.origin,
    signers: head.note.verified.map(({ key }) => key.name),
  };
}

const readiness = async (): Promise<unknown> => (await suite.officer.get('/health/ready').expect(200)).body;

describe('is the log of an organisation anchored?', () => {
  it('is it said that it is not yet, and then shown with what proves it?', async () => {
    const { origin, size } = await grow();
    await suite.officer.get(`${suite.clinic.path}/log/anchor`).expect(404);
    await anchors.turn();
    expect(await verified()).toMatchObject({
      log: { origin, size },
      signers: ['127.0.0.1:8080/anchor', 'witness.example/w1'],
    });
    expect(await readiness()).toEqual({ status: 'ok', log: 'signed' });
  });

  it('does a package have what went out just now, with a stamp of its own?', async () => {
    const { origin, size } = await grow();
    const files = await anchors.filesForPackage(origin, size);
    expect(readCheckpoint(files?.tenantCheckpoint ?? Buffer.alloc(0))).toMatchObject({ origin, size });
    checkTimeStamp(files?.timeStamp ?? Buffer.alloc(0), files?.checkpoint ?? Buffer.alloc(0), authority);
  });
});

describe('is a second history refused, when a backup was restored?', () => {
  it('is nothing signed, is it said everywhere, and does the service go on?', async () => {
    const { admin, officer, clinic, world } = suite;
    await grow();
    await anchors.turn();
    const restore = await backup(admin, [...LOG_TABLES, ...ANCHOR_TABLES]);
    const lost = await grow();
    await anchors.turn();
    await restore();

    await expect(grow()).rejects.toThrow(LogRefused);
    await expect(anchors.turn()).rejects.toThrow(LogRefused);
    expect(await readiness()).toEqual({ status: 'ok', log: 'refused' });
    const { body } = await officer.get(`${clinic.path}/log/checkpoint`).expect(503);
    expect(body).toMatchObject({ type: '/problems/log-refused', since: expect.any(String) });
    expect(body.detail).toContain('is not what was kept outside');
    expect(world.logs.join('')).toContain('the log is not what was kept outside: no head of it is signed');
    const { body: events } = await officer.get(`${clinic.path}/audit-events?action=system.created&limit=1`).expect(200);
    expect(events.items).toHaveLength(1);

    // The way out: new logs, each of which begins with the head that was lost here and is kept outside.
    const begun = await beginNewLogs({ databaseUrl: world.database.urls.server });
    expect(begun?.number).toBe(2);
    await meet();
    const head = await log.close(principal());
    expect(head.origin).toBe(`${lost.origin}/2`);
    const { body: bundle } = await officer
      .get(`${clinic.path}/log/tile/entries/000.p/${head.size}`)
      .buffer(true)
      .parse((response, done) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => done(null, Buffer.concat(chunks)));
      })
      .expect(200);
    const [first, ...others] = entriesOf(bundle as Buffer);
    const copies = await DirectoryCopies.open(join(directory, 'copies'));
    expect(first).toEqual((await copies.last(lost.origin))?.note);
    expect(readCheckpoint(first ?? Buffer.alloc(0)).size).toBe(lost.size);
    const { rows } = await admin.query<{ leaf: Buffer }>('select leaf from audit_event where organization_id = $1', [
      clinic.organizationId,
    ]);
    expect(others.map(String).sort()).toEqual(rows.map(({ leaf }) => leaf.toString()).sort());

    await anchors.turn();
    await officer.get(`${clinic.path}/log/checkpoint`).expect(200);
    expect(await readiness()).toEqual({ status: 'ok', log: 'signed' });
    expect(await verified()).toMatchObject({
      log: { origin: head.origin, size: head.size },
      anchor: '127.0.0.1:8080/anchor/2',
      signers: ['127.0.0.1:8080/anchor/2', 'witness.example/w1'],
    });
    // Nothing is refused any more: only an operator who knows of another restore begins new ones.
    expect(await beginNewLogs({ databaseUrl: world.database.urls.server })).toBeNull();
    const anew = await beginNewLogs({ databaseUrl: world.database.urls.server }, { restored: true });
    expect(anew).toEqual({ number: 3, faults: [] });
    await meet();
    expect((await log.close(principal())).origin).toBe(`${lost.origin}/3`);
  });
});
