import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type pg from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { startSuite, type Caller, type Clinic, type World } from '../support/app.js';
import { policyReport, send } from './reports.js';
import { filesIn } from './server.js';

/** What must be nowhere when it was posted. */
const MARK = 'c2VjcmV0IG9mIHRoZSB0ZXN0cw';
const AT = 'observedAt=2026-01-01T00:00:00Z';

interface Scan {
  id: string;
  status: string;
  evidenceId: string;
  notes: string[];
  duplicate: boolean;
  reason?: string;
  detail?: string;
  scanId?: string;
}
interface Evidence {
  id: string;
  sha256: string;
  size: number;
  redaction: { receivedSha256: string; receivedSize: number; dropped: Record<string, number> } | null;
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

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const post = (body: string | Uint8Array, query = AT, headers: Record<string, string> = {}) =>
  send<Scan>(world.url, officer, 'POST', `${clinic.systemPath}/scans?${query}`, { body, headers });
const evidence = async (id: string): Promise<Evidence> =>
  (await officer.get(`${clinic.path}/evidence/${id}`).expect(200)).body as Evidence;
const content = async (id: string): Promise<string> =>
  (await send(world.url, officer, 'GET', `${clinic.path}/evidence/${id}/content`)).bytes.toString();
const rowsOf = async (table: string): Promise<number> =>
  (await admin.query<{ count: number }>(`select count(*)::int as count from ${table}`)).rows[0]?.count ?? -1;

/** Trivy's findings of secrets; `name` makes it a report of its own. */
const trivy = (name: string, text: string, code: object | null = { Lines: [{ Number: 1, Content: text }] }): string =>
  JSON.stringify({
    SchemaVersion: 2,
    ArtifactName: name,
    ArtifactType: 'repository',
    Results: [
      {
        Target: 'deploy.sh',
        Class: 'secret',
        Secrets: [
          {
            RuleID: 'aws',
            Category: 'AWS',
            Severity: 'CRITICAL',
            Title: 'AWS key',
            StartLine: 1,
            EndLine: 1,
            Code: code,
            Match: text,
          },
        ],
      },
    ],
  });
const list = (name: string, value: string, kind = 'Secret'): string =>
  JSON.stringify({
    apiVersion: 'v1',
    items: [{ apiVersion: 'v1', data: { password: value }, kind, metadata: { name, namespace: 'emr' } }],
    kind: 'List',
  });
const yaml = (value: string): string =>
  `apiVersion: v1\nkind: Secret\nmetadata:\n  name: of-yaml\n  namespace: emr\ntype: Opaque\ndata:\n  password: ${value}\n`;
const encryption = (value: string): string =>
  `kind: EncryptionConfiguration\napiVersion: apiserver.config.k8s.io/v1\nresources:\n  - resources: [secrets]\n    providers:\n      - aescbc:\n          keys:\n            - name: key1\n              secret: ${value}\n`;
const audit = (id: string, patch: object, body: object): string =>
  [
    { verb: 'patch', requestObject: patch },
    { verb: 'get', responseObject: body },
  ]
    .map((more, line) =>
      JSON.stringify({
        kind: 'Event',
        apiVersion: 'audit.k8s.io/v1',
        level: 'RequestResponse',
        auditID: `${id}-${line}`,
        stage: 'ResponseComplete',
        requestURI: '/api/v1/namespaces/emr/secrets/db',
        user: { username: 'system:serviceaccount:emr:x', groups: [] },
        sourceIPs: ['10.0.0.1'],
        objectRef: { resource: 'secrets', namespace: 'emr', name: 'db', apiVersion: 'v1' },
        responseStatus: { code: 200 },
        requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
        stageTimestamp: '2026-01-01T00:00:00.000000Z',
        ...more,
      }),
    )
    .join('\n');

interface Case {
  sent: string;
  kept: string;
  query?: string;
  dropped: Record<string, number>;
  note: string;
}
const cases: Record<string, Case> = {
  'findings of Trivy': {
    sent: trivy('a', MARK),
    kept: trivy('a', '[dropped]', null),
    dropped: { 'secret-finding': 2 },
    note: '2 texts of secret findings were dropped before the report was kept.',
  },
  'Secrets as JSON': {
    sent: list('json', MARK),
    kept: list('json', '[dropped]'),
    query: `targets=cluster/cluster&${AT}`,
    dropped: { secret: 1 },
    note: '1 value of a Secret was dropped before the report was kept.',
  },
  'ConfigMaps as JSON': {
    sent: list('json', MARK, 'ConfigMap'),
    kept: list('json', '[dropped]', 'ConfigMap'),
    query: `targets=cluster/cluster&${AT}`,
    dropped: { 'config-map': 1 },
    note: '1 value of a ConfigMap was dropped before the report was kept.',
  },
  'Secrets as YAML': {
    sent: yaml(MARK),
    kept: yaml('"[dropped]"'),
    query: `targets=cluster/cluster&${AT}`,
    dropped: { secret: 1 },
    note: '1 value of a Secret was dropped before the report was kept.',
  },
  'an encryption configuration': {
    sent: encryption(MARK),
    kept: encryption('"[dropped]"'),
    query: `targets=cluster/cluster&${AT}`,
    dropped: { 'encryption-key': 1 },
    note: '1 encryption key was dropped before the report was kept.',
  },
  'bodies in an audit log': {
    sent: audit('a', { data: { a: MARK } }, { kind: 'Secret', data: { a: MARK } }),
    kept: audit('a', null as unknown as object, { kind: 'Secret', data: { a: '[dropped]' } }),
    query: '',
    dropped: { secret: 1, 'audit-body': 1 },
    note: '1 body of an audited request was dropped before the report was kept.',
  },
};

describe('is what must not be kept dropped before anything is?', () => {
  it.each(Object.entries(cases))('%s', async (_what, { sent, kept, query = AT, dropped, note }) => {
    const { status, body } = await post(sent, query);
    expect([status, body.status], JSON.stringify(body)).toEqual([201, 'stored']);
    expect(body.notes).toContain(note);
    expect(await content(body.evidenceId)).toBe(kept);
    expect(await evidence(body.evidenceId)).toMatchObject({
      sha256: sha256(kept),
      size: Buffer.byteLength(kept),
      redaction: { receivedSha256: sha256(sent), receivedSize: Buffer.byteLength(sent), dropped },
    });
  });

  it('what was received and what was dropped of it is in the audit log, beside the digest of what is kept', async () => {
    const { body } = await post(trivy('logged', MARK));
    const { body: page } = await officer
      .get(`${clinic.path}/audit-events?action=evidence.received&objectId=${body.evidenceId}`)
      .expect(200);
    const kept = trivy('logged', '[dropped]', null);
    expect(page.items).toMatchObject([
      {
        object: { kind: 'evidence', sha256: sha256(kept), size: kept.length },
        details: { receivedSha256: sha256(trivy('logged', MARK)), dropped: { 'secret-finding': 2 } },
      },
    ]);
  });

  it('also when it is read later', async () => {
    const { status, body } = await post(trivy('later', MARK), AT, { Prefer: 'respond-async' });
    expect(status).toBe(202);
    expect(await content(body.evidenceId)).toBe(trivy('later', '[dropped]', null));
    await expect
      .poll(async () => (await officer.get(`${clinic.systemPath}/scans/${body.id}`)).body as Scan, { timeout: 20_000 })
      .toMatchObject({
        status: 'stored',
        notes: expect.arrayContaining([cases['findings of Trivy']?.note]) as unknown,
      });
  });

  it('also when it came compressed, and when there is much of it', async () => {
    const zipped = await post(gzipSync(trivy('zipped', MARK)), AT, { 'Content-Encoding': 'gzip' });
    expect(await content(zipped.body.evidenceId)).toBe(trivy('zipped', '[dropped]', null));
    const blanks = ' '.repeat(6 * 2 ** 20);
    const { status, body } = await post(`${trivy('much', MARK)}${blanks}`);
    expect(status).toBe(201);
    expect(await content(body.evidenceId)).toBe(`${trivy('much', '[dropped]', null)}${blanks}`);
  });

  it('also from what is quarantined', async () => {
    const sent = JSON.stringify({ unknown: [{ kind: 'Secret', data: { a: MARK } }] });
    const { status, body } = await post(sent);
    expect([status, body.reason]).toEqual([422, 'unknown-format']);
    expect(await content(body.evidenceId)).toBe(sent.replace(MARK, '[dropped]'));
    const { body: scan } = await officer.get(`${clinic.systemPath}/scans/${body.scanId}`).expect(200);
    expect(scan.notes).toEqual(['1 value of a Secret was dropped before the report was kept.']);
  });

  it('and is a digest still checked of what was sent?', async () => {
    const sent = trivy('digest', MARK);
    const digest = (bytes: string) => ({
      'Content-Digest': `sha-256=:${Buffer.from(sha256(bytes), 'hex').toString('base64')}:`,
    });
    expect((await post(sent, AT, digest(trivy('digest', '[dropped]', null)))).status).toBe(400);
    expect((await post(sent, AT, digest(sent))).status).toBe(201);
  });

  it('and are bytes without any of it kept as they came?', async () => {
    const sent = policyReport([{ check: 'a', result: 'pass' }]);
    const { body } = await post(sent, `targets=cluster/cluster&${AT}`);
    expect(await content(body.evidenceId)).toBe(sent);
    expect((await evidence(body.evidenceId)).redaction).toBeNull();
    expect(body.notes).toEqual([]);
  });
});

describe('is a report the same when it is posted again?', () => {
  it('with its secrets, with others in their place, and as it was kept: one evidence, one scan', async () => {
    const first = await post(trivy('again', MARK));
    const [evidences, scans] = [await rowsOf('evidence'), await rowsOf('scan')];
    const files = await filesIn(world.evidenceDirectory);
    for (const bytes of [trivy('again', MARK), trivy('again', `${MARK}2`), trivy('again', '[dropped]', null)]) {
      const { status, body } = await post(bytes);
      expect([status, body.id, body.duplicate]).toEqual([200, first.body.id, true]);
    }
    expect([await rowsOf('evidence'), await rowsOf('scan')]).toEqual([evidences, scans]);
    expect(await filesIn(world.evidenceDirectory)).toEqual(files);
    // Large reports are looked up before they are read.
    const blanks = ' '.repeat(5 * 2 ** 20);
    const large = await post(`${trivy('large', MARK)}${blanks}`);
    expect(await post(`${trivy('large', MARK)}${blanks}`)).toMatchObject({ status: 200, body: { id: large.body.id } });
  });

  it('by its key', async () => {
    const key = { 'Idempotency-Key': 'with-a-secret' };
    const first = await post(trivy('keyed', MARK), AT, key);
    expect(await post(trivy('keyed', MARK), AT, key)).toMatchObject({ status: 200, body: { id: first.body.id } });
    expect((await post(trivy('keyed', `${MARK}2`), AT, key)).status).toBe(409);
  });

  it('and is it found by the digest that its sender knows?', async () => {
    const { body } = await post(trivy('found', MARK));
    for (const sent of [trivy('found', MARK), trivy('found', '[dropped]', null)]) {
      const { body: page } = await officer.get(`${clinic.path}/evidence?sha256=${sha256(sent)}`).expect(200);
      expect((page.items as Evidence[]).map(({ id }) => id)).toEqual([body.evidenceId]);
    }
  });
});

describe('is nothing kept of what may hold secrets and cannot be read?', () => {
  it.each([
    ['JSON that is cut', list('cut', MARK).slice(0, -20), 'truncated'],
    [
      'JSON with the same key twice',
      list('twice', MARK).replace('"kind":"Secret"', '"kind":"Pod","kind":"Secret"'),
      'duplicate-key',
    ],
    ['YAML with aliases', `x: &x\n  a: ${MARK}\nkind: Secret\ndata: *x\n`, 'not-yaml'],
    ['bytes that are no text', gzipSync(list('gzip', MARK)), 'nul'],
  ])('%s', async (_what, bytes, reason) => {
    const before = [await rowsOf('evidence'), await rowsOf('scan'), await rowsOf('audit_event')];
    const files = await filesIn(world.evidenceDirectory);
    for (const prefer of ['wait=10', 'respond-async']) {
      const { status, body } = await post(bytes, AT, { Prefer: prefer });
      expect([status, body.reason], JSON.stringify(body)).toEqual([422, reason]);
      expect(body.detail).toContain('nothing of it was kept');
      expect([body.evidenceId, body.scanId]).toEqual([undefined, undefined]);
    }
    expect([await rowsOf('evidence'), await rowsOf('scan'), await rowsOf('audit_event')]).toEqual(before);
    expect(await filesIn(world.evidenceDirectory)).toEqual(files);
  });
});

describe('after all of it', () => {
  it('is what was posted in no row, no log line and no file', async () => {
    const { rows: tables } = await admin.query<{ name: string }>(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema')`,
    );
    expect(tables.length).toBeGreaterThan(15);
    for (const { name } of tables) {
      const { rows } = await admin.query<{ text: string }>(`select to_jsonb(t)::text as text from ${name} t`);
      expect(
        rows.filter(({ text }) => text.includes(MARK)),
        name,
      ).toEqual([]);
    }
    expect(world.logs.filter((line) => line.includes(MARK))).toEqual([]);
    const files = (await filesIn(world.evidenceDirectory)).map((path) =>
      path.slice(world.evidenceDirectory.length + 1),
    );
    const { rows } = await admin.query<{ key: string }>('select storage_key as key from evidence');
    expect(files.sort()).toEqual(rows.map(({ key }) => key).sort());
    const { body } = await officer.get(`${clinic.path}/evidence?limit=500`).expect(200);
    for (const { id } of body.items as Evidence[]) expect(await content(id)).not.toContain(MARK);
  });
});
