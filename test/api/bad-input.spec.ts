import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startClinic, type Caller, type Clinic } from '../support/app.js';
import { kubeBench, policyReport, send, type Answer, type Finding } from './reports.js';
import { filesIn, prepareGround, type Ground, type RunningServer } from './server.js';

let ground: Ground;
let server: RunningServer;
let clinic: Clinic;
let officer: Caller;
let admin: pg.Client;
beforeAll(async () => {
  ground = await prepareGround();
  server = await ground.serve();
  clinic = await startClinic(ground.worldOf(server));
  officer = await clinic.member('compliance_officer');
  admin = new pg.Client({ connectionString: ground.database.urls.admin });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await ground.stop();
});

const DECLARED = 'targets=cluster/cluster&observedAt=2026-01-01T00:00:00Z';
const GOOD: Finding = { check: 'a', result: 'fail' };
const sha256 = (bytes: string | Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

const post = (
  body: string | Uint8Array,
  query = DECLARED,
  headers: Record<string, string> = {},
  path = clinic.systemPath,
) => send<Problem>(server.url, officer, 'POST', `${path}/scans?${query}`, { body, headers });

interface Problem {
  type: string;
  status: number | string;
  detail: string;
  title: string;
  pointer?: string;
  offset?: number;
  line?: number;
  reason?: string;
  requestId: string;
  scanId?: string;
  evidenceId?: string;
  id?: string;
  counts?: { total: number; rejected: number };
  rejects?: { pointer: string; reason: string }[];
  notes?: string[];
}

/** Rows of everything that a report can become, and its files. */
async function kept(): Promise<Record<string, number>> {
  const tables = ['evidence', 'scan', 'result', 'target', 'coverage', 'sighting', 'audit_event', 'idempotency_key'];
  const { rows } = await admin.query<Record<string, number>>(
    `select ${tables.map((table) => `(select count(*)::int from ${table}) as ${table}`).join(', ')}`,
  );
  return { ...rows[0], files: (await filesIn(ground.evidenceDirectory)).length };
}

let before: Record<string, number>;
let said: number;
beforeEach(async () => {
  before = await kept();
  said = server.output().length;
});
afterEach(() => {
  // Whatever came, the server is the same process, and has told of no fault of its own.
  expect([server.child.exitCode, server.child.signalCode]).toEqual([null, null]);
  expect(
    server
      .output()
      .slice(said)
      .split('\n')
      .filter((line) => line.includes('"msg":"request failed"')),
  ).toEqual([]);
});

/** Nothing of it is left: no row, no file. What a cut connection began is cleared away as soon as it is noticed. */
const expectNothingKept = () =>
  vi.waitFor(async () => expect(await kept()).toEqual(before), { timeout: 10_000, interval: 50 });

/** The bytes are in custody, and count for nothing: one evidence, one refused scan, no result. */
async function expectQuarantined(answer: Answer<Problem>, bytes: string | Uint8Array): Promise<void> {
  const after = await kept();
  expect(after).toMatchObject({
    scan: before['scan']! + 1,
    result: before['result'],
    target: before['target'],
    coverage: before['coverage'],
    files: after['evidence'],
  });
  const { body } = await officer.get(`${clinic.systemPath}/scans/${answer.body.scanId}`).expect(200);
  expect(body).toMatchObject({ status: 'refused', evidenceId: answer.body.evidenceId, counts: null });
  expect(body.problem).toMatchObject({ code: answer.body.reason, detail: answer.body.detail });
  const content = await send(server.url, officer, 'GET', `${clinic.path}/evidence/${answer.body.evidenceId}/content`);
  expect(sha256(content.bytes)).toEqual(sha256(bytes));
  expect(content.headers['repr-digest']).toBe(`sha-256=:${sha256(bytes).toString('base64')}:`);
}

function expectProblem({ status, headers, body }: Answer<Problem>, code: string): void {
  expect(headers['content-type']).toContain('application/problem+json');
  expect([status, body.type]).toEqual([body.status, `/problems/${code}`]);
  expect(body.requestId).toBe(headers['x-request-id']);
  expect(body.detail.length).toBeGreaterThan(10);
}

const mebibytes = (count: number, byte: string): Buffer => Buffer.alloc(count * 2 ** 20, byte);

describe('is content that is not what it is said to be refused, and nothing of it kept?', () => {
  const report = policyReport([GOOD]);
  const gzip = gzipSync(report);
  const digest = (bytes: string | Uint8Array) => `sha-256=:${sha256(bytes).toString('base64')}:`;
  const cases: [name: string, code: string, pointer: string | undefined, () => Promise<Answer<Problem>>][] = [
    [
      'a wrong digest',
      'digest-mismatch',
      'header/Content-Digest',
      () => post(report, DECLARED, { 'Content-Digest': digest('another') }),
    ],
    [
      'the digest of the decoded bytes',
      'digest-mismatch',
      'header/Content-Digest',
      () => post(gzip, DECLARED, { 'Content-Digest': digest(report), 'Content-Encoding': 'gzip' }),
    ],
    [
      'a right digest beside a wrong one',
      'digest-mismatch',
      'header/Content-Digest',
      () =>
        post(report, DECLARED, {
          'Content-Digest': `${digest(report)}, sha-512=:${createHash('sha512').update('x').digest('base64')}:`,
        }),
    ],
    [
      'a digest that is none',
      'malformed-header',
      'header/Content-Digest',
      () => post(report, DECLARED, { 'Content-Digest': 'sha-256=abc' }),
    ],
    [
      'a digest of algorithms that nobody checks',
      'malformed-header',
      'header/Content-Digest',
      () => post(report, DECLARED, { 'Content-Digest': 'md5=:AAAA:' }),
    ],
    [
      'a truncated gzip',
      'truncated-body',
      undefined,
      () => post(gzip.subarray(0, gzip.length - 9), DECLARED, { 'Content-Encoding': 'gzip' }),
    ],
    [
      'a gzip with something behind it',
      'malformed-encoding',
      undefined,
      () => post(Buffer.concat([gzip, Buffer.alloc(100)]), DECLARED, { 'Content-Encoding': 'gzip' }),
    ],
    [
      'a gzip that is none',
      'malformed-encoding',
      undefined,
      () => post(report, DECLARED, { 'Content-Encoding': 'gzip' }),
    ],
    [
      'a zstd that is none',
      'malformed-encoding',
      undefined,
      () => post(report, DECLARED, { 'Content-Encoding': 'zstd' }),
    ],
    [
      'a truncated zstd',
      'truncated-body',
      undefined,
      () => post(zstdCompressSync(report).subarray(0, -5), DECLARED, { 'Content-Encoding': 'zstd' }),
    ],
    [
      'a gzip bomb',
      'too-large',
      undefined,
      () => post(gzipSync(mebibytes(300, ' ')), DECLARED, { 'Content-Encoding': 'gzip' }),
    ],
    [
      'a zstd bomb',
      'too-large',
      undefined,
      () => post(zstdCompressSync(mebibytes(300, '[')), DECLARED, { 'Content-Encoding': 'zstd' }),
    ],
    [
      'an encoding that nobody knows',
      'unsupported-encoding',
      'header/Content-Encoding',
      () => post(report, DECLARED, { 'Content-Encoding': 'br' }),
    ],
    [
      'two encodings',
      'unsupported-encoding',
      'header/Content-Encoding',
      () => post(gzipSync(gzip), DECLARED, { 'Content-Encoding': 'gzip, gzip' }),
    ],
    [
      'another media type',
      'unsupported-media-type',
      'header/Content-Type',
      () => post(report, DECLARED, { 'Content-Type': 'text/plain' }),
    ],
    [
      'a form',
      'unsupported-media-type',
      'header/Content-Type',
      () => post(report, DECLARED, { 'Content-Type': 'multipart/form-data; boundary=x' }),
    ],
    [
      'a key that is none',
      'malformed-header',
      'header/Idempotency-Key',
      () => post(report, DECLARED, { 'Idempotency-Key': 'two words' }),
    ],
  ];

  it.each(cases)('%s: %s', async (_name, code, pointer, act) => {
    const answer = await act();
    expectProblem(answer, code);
    expect(answer.body.pointer).toBe(pointer);
    expect(answer.body.evidenceId).toBeUndefined();
    await expectNothingKept();
  });

  it('more bytes than are taken', async () => {
    // Said beforehand: refused before a byte is read.
    const { promise, socket } = raw(
      `POST ${clinic.systemPath}/scans HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${officer.token}\r\nContent-Type: application/json\r\nContent-Length: 600000000\r\n\r\n`,
    );
    const text = await promise;
    socket.destroy();
    expect(text).toMatch(/^HTTP\/1.1 413 /);
    expect(text).toContain('/problems/too-large');
    await expectNothingKept();
  });
});

describe('is a report that cannot be evidence of anything refused, told where, and its bytes kept?', () => {
  const trivy = (created: string) =>
    JSON.stringify({
      SchemaVersion: 2,
      CreatedAt: created,
      ArtifactName: 'a/b:1',
      ArtifactType: 'container_image',
      Metadata: { OS: { Family: 'alpine', Name: '3.22.1' } },
      Results: [{ Target: 'a/b:1 (alpine 3.22.1)', Class: 'os-pkgs', Type: 'alpine', Vulnerabilities: [] }],
    });
  const inAHour = () => new Date(Date.now() + 3_600_000).toISOString();
  const cases: [name: string, code: string, reason: string, body: () => string | Uint8Array, query?: string][] = [
    ['JSON of no tool', 'report-refused', 'unknown-format', () => '{"hello": 1}'],
    [
      'JSON of another tool than was named',
      'report-refused',
      'wrong-format',
      () => policyReport([GOOD]),
      `format=trivy&${DECLARED}`,
    ],
    ['a format of no name', 'report-refused', 'unknown-format', () => policyReport([GOOD]), `format=none&${DECLARED}`],
    ['nothing', 'report-refused', 'empty-report', () => ''],
    ['blanks', 'report-refused', 'empty-report', () => ' \n \n'],
    ['null', 'report-refused', 'empty-report', () => 'null'],
    ['an empty object', 'report-refused', 'empty-report', () => '{}'],
    ['an empty list', 'report-refused', 'empty-report', () => '[]'],
    ['a report of nothing', 'report-refused', 'empty-report', () => policyReport([])],
    ['a table for people', 'report-refused', 'text-output', () => '┌─────┬─────┐\n│ ID  │ X   │\n└─────┴─────┘\n'],
    ['kube-bench’s own text', 'report-refused', 'text-output', () => '[INFO] 1 Control Plane\n[FAIL] 1.1.1 x\n'],
    ['a word', 'report-refused', 'unknown-format', () => 'hello'],
    [
      'a duplicate key',
      'report-refused',
      'duplicate-key',
      () => policyReport([GOOD]).replace('"kind"', '"kind":"x","kind"'),
    ],
    [
      'a NUL byte',
      'report-refused',
      'nul',
      () => policyReport([{ ...GOOD, check: 'a\u0001b' }]).replace('\\u0001', '\0'),
    ],
    [
      'no UTF-8',
      'report-refused',
      'invalid-utf8',
      () => Buffer.from(policyReport([{ ...GOOD, check: 'à' }]), 'latin1'),
    ],
    ['half a document', 'report-refused', 'truncated', () => policyReport([GOOD]).slice(0, -3)],
    ['two documents in one line', 'report-refused', 'not-json', () => '{"a":1}{"b":2}'],
    ['100 MB of [', 'report-refused', 'too-deep', () => mebibytes(100, '[')],
    ['70 deep', 'report-refused', 'too-deep', () => `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`],
    ['9 MiB of YAML', 'report-refused', 'too-large', () => `a: ${'b'.repeat(9 * 2 ** 20)}\n`],
    [
      'no time at all',
      'observed-at-required',
      'observed-at-required',
      () => policyReport([GOOD]),
      'targets=cluster/cluster',
    ],
    ['year 1', 'observed-at-required', 'observed-at-required', () => trivy('0001-01-01T00:00:00Z'), ''],
    ['a time without a zone', 'observed-at-required', 'observed-at-required', () => trivy('2026-01-01T00:00:00'), ''],
    ['the future, by the report', 'observed-in-future', 'observed-in-future', () => trivy(inAHour()), ''],
    [
      'the future, by the poster',
      'observed-in-future',
      'observed-in-future',
      () => policyReport([GOOD]),
      `observedAt=2999-01-01T00:00:00Z`,
    ],
    [
      'another time than the poster says',
      'report-refused',
      'observed-at-mismatch',
      () => trivy('2026-02-01T00:00:00Z'),
      'observedAt=2026-02-01T00:00:05Z',
    ],
    [
      'a node that nobody named',
      'report-refused',
      'target-unknown',
      () => kubeBench({ '1.2.1': 'PASS' }),
      'observedAt=2026-01-01T00:00:00Z',
    ],
    [
      'a namespace that was not declared',
      'report-refused',
      'target-mismatch',
      () => policyReport([{ ...GOOD, namespace: 'x' }]),
      'targets=namespace/emr&observedAt=2026-01-01T00:00:00Z',
    ],
    [
      'a target of another kind',
      'report-refused',
      'target-mismatch',
      () => policyReport([GOOD]),
      'targets=image/a:1&observedAt=2026-01-01T00:00:00Z',
    ],
  ];

  it.each(cases)('%s: %s %s', async (_name, code, reason, make, query = DECLARED) => {
    const bytes = make();
    const answer = await post(bytes, query);
    expectProblem(answer, code);
    expect(answer.body.reason).toBe(reason);
    await expectQuarantined(answer, bytes);
  });

  it('where it lies is told: by pointer, by offset, by line', async () => {
    const utf8 = await post(Buffer.from('{"a":"\xff"}', 'latin1'));
    expect(utf8.body).toMatchObject({ reason: 'invalid-utf8', offset: 6 });
    const json = await post('{"a": 1,\n"b": 2,\n"c": nope}');
    expect(json.body).toMatchObject({ reason: 'not-json', line: 3 });
    const row = await post(policyReport([GOOD, { ...GOOD, check: '' }]));
    expect(row.body.rejects).toEqual([{ pointer: '/results/1/policy', reason: expect.any(String) }]);
  });

  it('a refused report may be posted again, and mended, under the same declaration', async () => {
    const bytes = '{"again": 1}';
    const first = await post(bytes);
    const second = await post(bytes);
    expect([first.status, second.status]).toEqual([422, 422]);
    expect(second.body.evidenceId).toBe(first.body.evidenceId);
    expect(second.body.scanId).not.toBe(first.body.scanId);
  });
});

describe('is what is odd, and no fault, taken?', () => {
  const stored = async (bytes: string | Uint8Array, query = DECLARED) => {
    const answer = await post(bytes, query);
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    return answer.body;
  };
  let serial = 0;
  const unique = () => `odd-${(serial += 1)}`;

  it('a byte order mark', async () => {
    expect((await stored(`\ufeff${policyReport([{ ...GOOD, check: unique() }])}`)).counts?.total).toBe(1);
  });

  it('escapes of NUL and of half a surrogate pair: told where they would name something, mended in prose', async () => {
    for (const odd of ['\\u0000', '\\ud800', '\\udc00x']) {
      const name = unique();
      const named = await stored(
        policyReport([
          { ...GOOD, check: 'MARK' },
          { ...GOOD, check: name },
        ]).replace('"policy":"MARK"', `"policy":"a${odd}"`),
      );
      expect(named.counts, odd).toMatchObject({ total: 1, rejected: 1 });
      expect(named.rejects?.[0]?.pointer, odd).toBe('/results/0');
      const prose = await stored(policyReport([{ ...GOOD, check: name }]).replace(`${name} says`, odd));
      expect(prose.counts, odd).toMatchObject({ total: 1, rejected: 0 });
      const { body } = await officer.get(`${clinic.systemPath}/results?check=${name}`).expect(200);
      expect(body.items.length, odd).toBeGreaterThan(0);
    }
  });

  it('numbers past 2^53 and past all bounds', async () => {
    for (const number of ['9007199254740993', '1e400', '-1e400', '123456789012345678901234567890']) {
      const report = policyReport([{ ...GOOD, check: unique() }], {}).replace(
        '"summary":{}',
        `"summary":{"pass":${number}}`,
      );
      const answer = await post(report);
      expect([201, 422], number).toContain(answer.status);
    }
  });

  it('timestamps past all bounds', async () => {
    for (const seconds of ['1e300', '-5', '9007199254740993', '253402300800', '8640000000001']) {
      const report = policyReport([{ ...GOOD, check: unique() }]).replace(
        '"source"',
        `"timestamp":{"seconds":${seconds},"nanos":1e9},"source"`,
      );
      const answer = await post(report);
      expect([201, 422], `${seconds} ${JSON.stringify(answer.body)}`).toContain(answer.status);
    }
  });

  it('a resource name of 100 kB is told of, and the others are taken', async () => {
    const body = await stored(
      policyReport([
        { ...GOOD, check: unique(), name: 'n'.repeat(100_000) },
        { ...GOOD, check: unique() },
      ]),
    );
    expect(body.counts).toMatchObject({ total: 1, rejected: 1 });
  });

  it('a title and a message of 1 MB are cut', async () => {
    const check = unique();
    await stored(policyReport([{ ...GOOD, check }]).replace(`${check} says fail`, 'm'.repeat(1_000_000)));
    const { body } = await officer.get(`${clinic.systemPath}/results?check=${check}`).expect(200);
    expect(body.items[0].message.length).toBeLessThanOrEqual(2_000);
  });

  it('rows that cannot be read are told of up to a bound, and close nothing', async () => {
    const rows = Array.from({ length: 3_000 }, () => ({ ...GOOD, check: '' }));
    const body = await stored(policyReport([...rows, { ...GOOD, check: unique() }]));
    expect(body.counts).toMatchObject({ total: 1, rejected: 1_000 });
    expect(body.rejects).toHaveLength(1_000);
    expect(body.notes).toContain('3000 parts could not be read.');
  });

  it('20,000 kinds of findings in one report', async () => {
    const findings = Array.from({ length: 20_000 }, (_, index) => ({ ...GOOD, check: 'a', source: `engine-${index}` }));
    // Of a system of its own: what is known of one is read anew with each report.
    const { path } = await clinic.system();
    const began = Date.now();
    const answer = await post(policyReport(findings), DECLARED, {}, path);
    expect([201, 422]).toContain(answer.status);
    expect(Date.now() - began).toBeLessThan(20_000);
  });

  it('SQL, COPY and JSON of ours in names are names', async () => {
    const name = 'a\\N\t\\.\n\'; drop table result; --"}';
    await stored(policyReport([{ ...GOOD, check: `${unique()}${name}`, name: `pod${name}`, source: name }]));
    const { body } = await officer
      .get(`${clinic.systemPath}/results?check=${encodeURIComponent(`odd-${serial}${name}`)}`)
      .expect(200);
    expect(body.items).toMatchObject([{ check: `odd-${serial}${name}` }]);
  });

  it('__proto__ and constructor are keys like others', async () => {
    const report = policyReport([{ ...GOOD, check: unique() }]).replace(
      '{"apiVersion"',
      '{"__proto__":{"kind":"x"},"constructor":{"prototype":{}},"apiVersion"',
    );
    expect((await stored(report)).counts).toMatchObject({ total: 1 });
  });
});

describe('are absurd queries and headers refused?', () => {
  const bad = (query: string): [string, string] => [query.slice(0, 60), query];
  it.each(
    [
      'observedAt=2026-01-01T00:00:00',
      'observedAt=2026-01-01',
      'observedAt=yesterday',
      'observedAt=2026-02-30T00:00:00Z',
      'observedAt=2026-01-01T00:00:00Z&observedAt=2026-01-02T00:00:00Z',
      'partial=yes',
      'targets=node',
      'targets=planet/earth',
      `targets=node/${'x'.repeat(2_000)}`,
      'unknown=1',
      '__proto__=1',
      'format=a&format=b',
    ].map(bad),
  )('post with %s', async (_name, query) => {
    const answer = await post(policyReport([GOOD]), query);
    expectProblem(answer, 'invalid-request');
    expect(answer.body.pointer).toMatch(/^query\//);
    await expectNothingKept();
  });

  it.each(
    [
      'limit=0',
      'limit=501',
      'limit=-1',
      'limit=1e3',
      'limit=x',
      'cursor=x',
      `cursor=${Buffer.from('["x"]').toString('base64url')}`,
      `cursor=${Buffer.from('[]').toString('base64url')}`,
      `cursor=${Buffer.from('{"length":1}').toString('base64url')}`,
      'status=good',
      'asOf=2026-01-01',
      'asOf=0000-00-00T00:00:00Z',
      'check=%00',
      'limit=1&limit=2',
    ].map(bad),
  )('list with %s', async (_name, query) => {
    const answer = await send<Problem>(server.url, officer, 'GET', `${clinic.systemPath}/results?${query}`);
    expectProblem(answer, 'invalid-request');
    expect(answer.body.pointer).toMatch(/^query\//);
  });

  it('instants at the ends of time are answered', async () => {
    for (const query of ['asOf=0001-01-01T00:00:00Z', 'knownAt=0001-01-01T00:00:00Z', 'asOf=0000-01-01T00:00:00Z']) {
      const answer = await send<Problem>(server.url, officer, 'GET', `${clinic.systemPath}/results?${query}`);
      expect([200, 400], query).toContain(answer.status);
    }
  });

  it('10,000 targets in the query', async () => {
    const targets = Array.from({ length: 10_000 }, (_, index) => `targets=namespace/n${index}`).join('&');
    const { promise } = raw(
      `POST ${clinic.systemPath}/scans?${targets} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${officer.token}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    );
    // No request is read whose head is longer than 16 KiB (RFC 6585).
    expect(await promise).toMatch(/^HTTP\/1.1 431 [^]*"type":"\/problems\/head-too-large"/);
    await expectNothingKept();
  });

  it('as many targets as a request can name are all declared, or none', async () => {
    const names = Array.from({ length: 600 }, (_, index) => `n${index}`);
    const query = `${names.map((name) => `targets=namespace/${name}`).join('&')}&observedAt=2026-01-01T00:00:00Z`;
    const report = policyReport(names.map((namespace) => ({ ...GOOD, check: 'many', namespace })));
    const answer = await post(report, query);
    expect([answer.status, answer.body.counts?.total]).toEqual([201, 600]);
    const { rows } = await admin.query(`select from coverage where scan_id = $1 and complete`, [answer.body.id]);
    expect(rows).toHaveLength(600);
  });

  it('64 kB of headers', async () => {
    const { promise } = raw(`GET /health/live HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(65_536)}\r\n\r\n`);
    expect(await promise).toMatch(/^HTTP\/1.1 431 [^]*"type":"\/problems\/head-too-large"/);
  });

  it('is no parameter dropped, however many a request can name?', async () => {
    const many = `${'x&'.repeat(2_000)}partial=maybe`;
    const { status, body } = await post('{}', many);
    expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('partial')]);
  });

  it('what is no HTTP', async () => {
    for (const text of [
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      'GET / HTTP/9.9\r\n\r\n',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ]) {
      expect(await raw(text).promise).toMatch(
        /^HTTP\/1.1 400 [^]*application\/problem\+json[^]*"type":"\/problems\/invalid-request"/,
      );
    }
  });

  it.each([
    ['no JSON', '{"name": ', 'malformed-json', undefined],
    ['no UTF-8', Buffer.from('{"name":"\xff"}', 'latin1'), 'malformed-json', undefined],
    ['another shape', '{"name": 7, "environment": "moon"}', 'invalid-request', '/name'],
    ['a field too many', '{"name":"x","environment":"production","phi":"none","admin":true}', 'invalid-request', '/'],
    ['a control character', '{"name":"a\\u0000b","environment":"production","phi":"none"}', 'invalid-request', '/name'],
    ['an array', '[]', 'invalid-request', '/'],
    [
      'half a surrogate pair',
      '{"name":"a\\ud800","environment":"production","phi":"none"}',
      'invalid-request',
      '/name',
    ],
    ['2 MB', `"${'x'.repeat(2 * 2 ** 20)}"`, 'too-large', undefined],
    ['5,000 deep', '['.repeat(5_000) + ']'.repeat(5_000), 'malformed-json', undefined],
  ])('a JSON body of %s', async (_name, body, code, pointer) => {
    const admin = clinic.admin;
    const answer = await send<Problem>(server.url, admin, 'POST', `${clinic.path}/systems`, { body });
    expectProblem(answer, code);
    expect(answer.body.pointer).toBe(pointer);
    await expectNothingKept();
  });

  it('the connection of a refused body takes the next request', async () => {
    const body = `"${'x'.repeat(2 * 2 ** 20)}"`;
    const { socket, promise } = raw(
      `POST ${clinic.path}/systems HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${clinic.admin.token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(await promise).toMatch(/^HTTP\/1.1 413 /);
    const next = once(socket, 'data');
    socket.write('GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(String((await next)[0])).toMatch(/^HTTP\/1.1 200 /);
    socket.destroy();
  });

  it('paths that name nothing', async () => {
    for (const path of [
      '/v1/nothing',
      '/v1/organizations/%00',
      '/v1/organizations/..%2f..%2fetc',
      `${clinic.path}/evidence/x`,
      `${clinic.path}/systems/%ff`,
      '/v1//nothing',
      '/%',
    ]) {
      const answer = await send<Problem>(server.url, officer, 'GET', path);
      expect([400, 404], path).toContain(answer.status);
      expect(answer.headers['content-type'], path).toContain('application/problem+json');
    }
  });
});

describe('is a connection that ends or dawdles cleaned up after?', () => {
  const head = (rest: string) =>
    `POST ${clinic.systemPath}/scans?${DECLARED} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${officer.token}\r\nContent-Type: application/json\r\n${rest}\r\n\r\n`;
  const intakes = async () => (await filesIn(ground.evidenceDirectory)).filter((path) => path.includes('.incoming'));
  const begun = (count: number) =>
    vi.waitFor(async () => expect(await intakes()).toHaveLength(count), { timeout: 10_000, interval: 20 });

  it('a chunked body that is cut in the middle', async () => {
    const { socket } = raw(`${head('Transfer-Encoding: chunked')}1000\r\n${'x'.repeat(0x1000)}\r\n`, { quiet: true });
    await begun(1);
    socket.destroy();
    await expectNothingKept();
  });

  it('a body shorter than its Content-Length', async () => {
    const { socket } = raw(`${head('Content-Length: 100000')}${'x'.repeat(5_000)}`, { quiet: true });
    await begun(1);
    socket.end();
    await expectNothingKept();
  });

  it('a whole report whose sender is gone before the answer: all of it or nothing', async () => {
    const report = policyReport([{ ...GOOD, check: 'gone' }]);
    const { socket } = raw(`${head(`Content-Length: ${Buffer.byteLength(report)}`)}${report}`, { quiet: true });
    await once(socket, 'ready');
    socket.end();
    await vi.waitFor(
      async () => {
        const now = await kept();
        expect(now['scan']! - before['scan']!).toBe(now['result']! - before['result']!);
        expect(now['files']! - before['files']!).toBe(now['evidence']! - before['evidence']!);
      },
      { timeout: 10_000, interval: 50 },
    );
  });

  it('thirty bodies that never end: others are served meanwhile', async () => {
    const slow = Array.from({ length: 30 }, () =>
      raw(`${head('Transfer-Encoding: chunked')}1\r\n[\r\n`, { quiet: true }),
    );
    await begun(30);
    const report = policyReport([{ ...GOOD, check: 'meanwhile' }]);
    const began = Date.now();
    expect((await post(report)).status).toBe(201);
    expect((await send(server.url, officer, 'GET', '/health/ready')).status).toBe(200);
    expect(Date.now() - began).toBeLessThan(5_000);
    for (const { socket } of slow) socket.write('1\r\n[\r\n');
    for (const { socket } of slow) socket.destroy();
    await begun(0);
  });
});

describe('after all of it', () => {
  it('the memory of the server had a bound', () => {
    const peak = server.peakMemory();
    if (peak === null) return;
    // 100 MB of report in flight, its copy for the parser's thread, and what the program takes itself.
    expect(peak).toBeLessThan(1.2 * 2 ** 30);
  });

  it('no intake is left half-done, and each file is some evidence’s', async () => {
    const files = await filesIn(ground.evidenceDirectory);
    expect(files.filter((path) => path.includes('.incoming'))).toEqual([]);
    const { rows } = await admin.query<{ key: string }>('select storage_key as key from evidence');
    expect(files.map((path) => path.slice(ground.evidenceDirectory.length + 1)).sort()).toEqual(
      rows.map(({ key }) => key).sort(),
    );
  });

  it('the log has no line of any report', () => {
    const lines = server.output();
    expect(lines).not.toContain('wgpolicyk8s');
    expect(lines).not.toContain('observedAt=');
    expect(lines).not.toContain(officer.token!);
  });
});

/** A connection of one's own; `promise`: what it was answered, once the server or a second of silence ends it. */
function raw(text: string, { quiet = false } = {}): { socket: Socket; promise: Promise<string> } {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write(Buffer.from(text, 'latin1'));
  const promise = quiet
    ? Promise.resolve('')
    : new Promise<string>((resolve, reject) => {
        let answer = '';
        socket.on('data', (chunk: Buffer) => {
          answer += chunk.toString('latin1');
          // The head and a problem document are small: they come in one piece, or the connection ends.
          if (answer.includes('\r\n\r\n') && !answer.endsWith('\r\n\r\n')) resolve(answer);
        });
        socket.on('end', () => resolve(answer));
        socket.on('close', () => resolve(answer));
        socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)));
      });
  socket.on('error', () => undefined);
  return { socket, promise };
}
