import { createHash } from 'node:crypto';
import { chmod, open, readFile, rename } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { startClinic, startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { policyReport, send } from './reports.js';
import { filesIn } from './server.js';

let world: World;
let clinic: Clinic;
let officer: Caller;
let admin: pg.Client;
beforeAll(async () => {
  const suite = await startSuite();
  ({ world, clinic, officer, admin } = suite);
  return suite.stop;
});

const MARK = 'patient-portal-plaintext-mark';
const QUERY_MARK = 'a-node-named-in-the-query';
let serial = 0;

interface Custody {
  id: string;
  bytes: Buffer;
  /** Where it was posted. */
  scans: string;
  path: string;
  file: string;
}

/** A report of its own, in custody: of some 220 bytes per finding. Of a system of its own: what evidences that one is read anew with each report. */
async function evidence(count = 1_500): Promise<Custody> {
  serial += 1;
  const scans = `${(await clinic.system({ phi: 'none' })).path}/scans`;
  const findings = Array.from({ length: count }, (_, index) => ({
    check: `check-${serial}-${index}`,
    result: 'fail' as const,
    name: `${MARK}-${index}`,
  }));
  const bytes = Buffer.from(policyReport(findings));
  const { status, body } = await send<{ evidenceId: string }>(
    world.url,
    officer,
    'POST',
    `${scans}?observedAt=2026-01-01T00:00:00Z`,
    { body: bytes },
  );
  expect(status).toBe(201);
  const id = body.evidenceId;
  const { rows } = await admin.query<{ key: string }>('select storage_key as key from evidence where id = $1', [id]);
  return {
    id,
    bytes,
    scans,
    path: `${clinic.path}/evidence/${id}/content`,
    file: join(world.evidenceDirectory, rows[0]!.key),
  };
}

const get = (path: string, headers: Record<string, string> = {}) => send(world.url, officer, 'GET', path, { headers });

/** What arrives when the answer need not be whole: the head, the bytes, and whether it ended as it should. */
function download(path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; bytes: Buffer; complete: boolean; length: number }>((resolve, reject) => {
    const asked = request(
      world.url + path,
      { headers: { Authorization: `Bearer ${officer.token}`, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        const done = () =>
          resolve({
            status: response.statusCode ?? 0,
            bytes: Buffer.concat(chunks),
            complete: response.complete,
            length: Number(response.headers['content-length']),
          });
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', done);
        response.on('end', done);
      },
    );
    asked.on('error', (error) => reject(error));
    asked.end();
  });
}

async function change(file: string, edit: (bytes: Buffer) => Buffer): Promise<void> {
  const bytes = edit(await readFile(file));
  await chmod(file, 0o600);
  const handle = await open(file, 'r+');
  try {
    await handle.truncate(0);
    await handle.write(bytes, 0, bytes.length, 0);
  } finally {
    await handle.close();
  }
}

const flip = (at: (size: number) => number) => (bytes: Buffer) => {
  const changed = Buffer.from(bytes);
  const offset = at(bytes.length);
  changed.writeUInt8(changed.readUInt8(offset) ^ 1, offset);
  return changed;
};

describe('do bytes that were changed at rest ever pass for the evidence?', () => {
  const changes: [string, (bytes: Buffer) => Buffer][] = [
    ['the first byte flipped', flip(() => 0)],
    ['a byte of the first segment flipped', flip(() => 1_000)],
    ['a byte in the middle flipped', flip((size) => Math.floor(size / 2))],
    ['the last byte flipped', flip((size) => size - 1)],
    ['cut by a byte', (bytes) => bytes.subarray(0, -1)],
    ['cut to nothing', () => Buffer.alloc(0)],
    ['a byte more', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
    ['all zeros', (bytes) => Buffer.alloc(bytes.length)],
  ];
  it.each(changes)('%s: the transfer is cut or refused, and the log says so', async (_name, edit) => {
    const { id, bytes, path, file } = await evidence();
    await change(file, edit);
    const logged = world.logs.length;
    const got = await download(path).catch(() => null);
    // Either no byte was sent and the answer is a problem, or what was sent is a part of the truth that does not end as the whole.
    if (got !== null && got.status === 200) {
      expect(got.complete).toBe(false);
      expect(got.bytes.length).toBeLessThan(bytes.length);
      expect(bytes.subarray(0, got.bytes.length).equals(got.bytes)).toBe(true);
    } else if (got !== null) {
      expect(got.status).toBe(500);
    }
    const lines = world.logs.slice(logged).filter((line) => line.includes('IntegrityError'));
    expect(lines).toHaveLength(1);
    const { level, requestId } = JSON.parse(lines[0]!) as { level: number; requestId: string };
    expect(level).toBe(50);
    // The request's event says of which evidence.
    const { body } = await officer.get(`${clinic.path}/audit-events?action=evidence.read&objectId=${id}`).expect(200);
    expect((body.items as { requestId: string }[]).map((event) => event.requestId)).toEqual([requestId]);
  });

  it('an object that is gone is told of too', async () => {
    const { id, path, file } = await evidence();
    await rename(file, `${file}-gone`);
    const logged = world.logs.length;
    await officer.get(path).expect(500);
    expect(
      world.logs.slice(logged).filter((line) => line.includes('IntegrityError') && line.includes(id)),
    ).toHaveLength(1);
  });

  it('an object in the place of another does not open', async () => {
    const one = await evidence();
    const other = await evidence();
    await change(one.file, () => Buffer.alloc(0));
    const bytes = await readFile(other.file);
    await change(one.file, () => bytes);
    const got = await download(one.path).catch(() => null);
    expect(got?.status === 200 && got.complete).toBe(false);
    expect(got?.status === 200 ? got.bytes.length : 0).toBe(0);
  });

  it('a range over changed bytes is cut as well, and one beside them is not', async () => {
    const { bytes, path, file } = await evidence(10_000); // of several segments
    await change(
      file,
      flip((size) => size - 1),
    );
    const last = await download(path, { Range: 'bytes=-10' }).catch(() => null);
    expect(last === null || last.status === 500 || !last.complete).toBe(true);
    const first = await get(path, { Range: 'bytes=0-9' });
    expect([first.status, first.bytes]).toEqual([206, bytes.subarray(0, 10)]);
  });
});

describe('is evidence kept once, and as it came?', () => {
  it('the same bytes twice are one evidence and one file', async () => {
    const { id, bytes, scans } = await evidence();
    const files = (await filesIn(world.evidenceDirectory)).length;
    for (const day of [2, 3]) {
      const { body } = await send<{ evidenceId: string }>(
        world.url,
        officer,
        'POST',
        `${scans}?observedAt=2026-01-0${day}T00:00:00Z`,
        { body: bytes },
      );
      expect(body.evidenceId).toBe(id);
    }
    expect(await filesIn(world.evidenceDirectory)).toHaveLength(files);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const { body } = await officer.get(`${clinic.path}/evidence?sha256=${sha256}`).expect(200);
    expect(body.items).toMatchObject([{ id, sha256, size: bytes.length }]);
  });

  it('it is kept for six years at least', async () => {
    const { id } = await evidence();
    const { body } = await officer.get(`${clinic.path}/evidence/${id}`).expect(200);
    const years =
      new Date(body.retainUntil as string).getUTCFullYear() - new Date(body.receivedAt as string).getUTCFullYear();
    expect(years).toBe(6);
  });

  it('nothing of it is readable at rest: not in files, not in file names, not by others', async () => {
    await evidence();
    const files = await filesIn(world.evidenceDirectory);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const bytes = await readFile(file);
      expect(bytes.includes(MARK)).toBe(false);
      expect(bytes.includes('wgpolicyk8s')).toBe(false);
      expect(file).toMatch(/[0-9a-f-]{36}\/[0-9a-f]{2}\/[0-9a-f-]{36}-1(-gone)?$/);
    }
  });

  it('equal bytes of two organisations look different at rest', async () => {
    const { bytes } = await evidence();
    const other = await startClinic(world);
    const { body } = await send<{ evidenceId: string }>(
      world.url,
      other.agent,
      'POST',
      `${other.systemPath}/scans?observedAt=2026-01-01T00:00:00Z`,
      { body: bytes },
    );
    const { rows } = await admin.query<{ digest: string }>(
      `select encode(storage_sha256, 'hex') as digest from evidence where sha256 = sha256($1::bytea)`,
      [bytes],
    );
    expect(rows).toHaveLength(2);
    expect(new Set(rows.map(({ digest }) => digest)).size).toBe(2);
    await officer.get(`${clinic.path}/evidence/${body.evidenceId}`).expect(404);
  });
});

describe('are downloads what RFC 9110 and RFC 9530 say?', () => {
  let it0: Custody;
  beforeAll(async () => {
    it0 = await evidence();
  });

  it('the whole: digest, strong ETag, length, and never to be rendered or cached', async () => {
    const { status, headers, bytes } = await get(it0.path);
    expect(status).toBe(200);
    expect(bytes.equals(it0.bytes)).toBe(true);
    const digest = createHash('sha256').update(it0.bytes).digest();
    expect(headers).toMatchObject({
      'repr-digest': `sha-256=:${digest.toString('base64')}:`,
      etag: `"${digest.toString('base64url')}"`,
      'content-length': String(it0.bytes.length),
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-store',
      'content-type': 'application/octet-stream',
      'x-content-type-options': 'nosniff',
    });
    expect(headers['content-disposition']).toMatch(/^attachment;/);
  });

  const ranges: [header: string, start: (size: number) => number, end: (size: number) => number][] = [
    ['bytes=0-0', () => 0, () => 1],
    ['bytes=0-99', () => 0, () => 100],
    ['bytes=65530-65545', () => 65_530, () => 65_546],
    ['bytes=100000-', () => 100_000, (size) => size],
    ['bytes=-100', (size) => size - 100, (size) => size],
    ['bytes=-99999999', () => 0, (size) => size],
    ['bytes=10-99999999', () => 10, (size) => size],
  ];
  it.each(ranges)('Range: %s', async (header, start, end) => {
    const size = it0.bytes.length;
    const { status, headers, bytes } = await get(it0.path, { Range: header });
    expect(status).toBe(206);
    expect(bytes.equals(it0.bytes.subarray(start(size), end(size)))).toBe(true);
    expect(headers['content-range']).toBe(`bytes ${start(size)}-${end(size) - 1}/${size}`);
    expect(headers['content-length']).toBe(String(end(size) - start(size)));
  });

  it.each(['bytes=99999999-', 'bytes=99999999-100000000', 'bytes=-0'])('Range: %s is not to be had', async (header) => {
    const { status, headers, body } = await get(it0.path, { Range: header });
    expect([status, body]).toEqual([
      416,
      expect.objectContaining({ type: '/problems/range-not-satisfiable', pointer: 'header/Range' }),
    ]);
    expect(headers['content-range']).toBe(`bytes */${it0.bytes.length}`);
  });

  it.each(['bytes=0-1,5-6', 'bytes=5-1', 'bytes=a-b', 'lines=1-2', 'bytes=', 'bytes=-', 'bytes=0-1;x'])(
    'Range: %s is answered with the whole',
    async (header) => {
      const { status, bytes } = await get(it0.path, { Range: header });
      expect([status, bytes.length]).toEqual([200, it0.bytes.length]);
    },
  );

  it('a reader who has it is told so, by If-None-Match', async () => {
    const etag = (await get(it0.path)).headers['etag']!;
    for (const header of [etag, `"other", ${etag}`, '*', `W/${etag}`]) {
      const { status, bytes, headers } = await get(it0.path, { 'If-None-Match': header });
      expect([status, bytes.length, headers['etag']], header).toEqual([304, 0, etag]);
    }
    expect((await get(it0.path, { 'If-None-Match': '"other"' })).status).toBe(200);
  });

  it('a part is given only of what the reader began with, by If-Range', async () => {
    const etag = (await get(it0.path)).headers['etag']!;
    expect((await get(it0.path, { 'If-Range': etag, Range: 'bytes=0-9' })).status).toBe(206);
    for (const header of ['"other"', `W/${etag}`, 'Mon, 01 Jan 2026 00:00:00 GMT']) {
      expect((await get(it0.path, { 'If-Range': header, Range: 'bytes=0-9' })).status, header).toBe(200);
    }
  });

  it('HEAD is a GET without its bytes', async () => {
    const { status, headers, body } = await fetch(world.url + it0.path, {
      method: 'HEAD',
      headers: { Authorization: `Bearer ${officer.token}` },
    });
    expect([status, body]).toEqual([200, null]);
    expect(headers.get('content-length')).toBe(String(it0.bytes.length));
  });

  it('a reader who goes away in the middle harms nobody', async () => {
    const controller = new AbortController();
    const response = await fetch(world.url + it0.path, {
      headers: { Authorization: `Bearer ${officer.token}` },
      signal: controller.signal,
    });
    await response.body?.getReader().read();
    controller.abort();
    expect((await get(it0.path)).status).toBe(200);
  });

  it('each read is in the audit log, by whom and of what, before a byte leaves', async () => {
    const { headers } = await get(it0.path, { Range: 'bytes=0-9' });
    const { body } = await officer
      .get(`${clinic.path}/audit-events?action=evidence.read&objectId=${it0.id}`)
      .expect(200);
    const [event] = body.items as { requestId: string; actor: { kind: string }; object: object }[];
    expect(event).toMatchObject({
      requestId: headers['x-request-id'],
      actor: { kind: 'user' },
      object: { kind: 'evidence', id: it0.id, sha256: createHash('sha256').update(it0.bytes).digest('hex') },
    });
  });

  it('those who may not read evidence do not, and what they tried is no read', async () => {
    const viewer = await clinic.member('viewer');
    for (const caller of [viewer, clinic.admin, clinic.agent]) {
      const answer = await caller.get(it0.path).expect(403);
      const { body } = await officer.get(`${clinic.path}/audit-events?action=evidence.read&limit=500`).expect(200);
      expect((body.items as { requestId: string }[]).map(({ requestId }) => requestId)).not.toContain(
        answer.headers['x-request-id'],
      );
    }
  });
});

describe('does the log keep secrets?', () => {
  it('no token, no query, no line of a report, no name', async () => {
    await evidence();
    await send(world.url, officer, 'POST', `${clinic.systemPath}/scans?targets=node/${QUERY_MARK}`, {
      body: `{"${MARK}": 1}`,
    });
    await send(world.url, officer, 'GET', `${clinic.systemPath}/results?check=${QUERY_MARK}`);
    await send(world.url, { token: 'not-a-token-but-secret' }, 'GET', clinic.path);
    const log = world.logs.join('');
    expect(log).toContain('request completed');
    for (const caller of [officer, clinic.admin, clinic.agent]) expect(log.includes(caller.token!)).toBe(false);
    // Not even the signature of one.
    expect(log.includes(officer.token!.split('.')[2]!)).toBe(false);
    for (const secret of [
      'not-a-token-but-secret',
      QUERY_MARK,
      MARK,
      'wgpolicyk8s',
      'observedAt',
      'Lakeside',
      'Bearer ey',
      'dev-compliance-officer',
    ]) {
      expect(log.includes(secret), secret).toBe(false);
    }
    expect(log.includes(new URL(world.database.urls.server).password)).toBe(false);
  });

  it('each line says who, what and with what outcome', async () => {
    const logged = world.logs.length;
    const { headers } = await get(`${clinic.path}/evidence`);
    const [line] = world.logs.slice(logged).map((text) => JSON.parse(text) as object);
    expect(line).toMatchObject({
      level: 30,
      req: { id: headers['x-request-id'], method: 'GET', path: `${clinic.path}/evidence` },
      res: { status: 200 },
      principal: { kind: 'user', id: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
  });
});

it('is nobody told that bytes are kept when the object that held them is gone?', async () => {
  const { bytes, scans, file } = await evidence(2);
  await rename(file, `${file}-away`);
  const again = await send(world.url, officer, 'POST', `${scans}?observedAt=2026-01-01T00:00:00Z`, { body: bytes });
  expect(again.status).toBe(500);
  await rename(`${file}-away`, file);
  const whole = await send(world.url, officer, 'POST', `${scans}?observedAt=2026-01-01T00:00:00Z`, { body: bytes });
  expect(whole.status).toBe(200);
});
