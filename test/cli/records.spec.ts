import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { directory, json, ORGANIZATION, problem, received, safeguard, serve, SYSTEM, type Handler } from './support.js';

const room = `/v1/organizations/${ORGANIZATION}`;
const ID = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8c00';
const record = {
  id: ID,
  type: 'vendor',
  title: 'Lakeside Imaging',
  state: 'draft',
  version: 1,
  revision: 3,
  effectiveFrom: '2026-01-01T00:00:00.000Z',
  expiresAt: null,
};
const imported = {
  id: ID,
  status: 'applied',
  rows: 2,
  created: 1,
  changed: 0,
  unchanged: 1,
  drafts: 0,
  faultCount: 0,
  faults: [],
};
const digest = (body: Buffer | string): string => `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;

describe('safeguard records', () => {
  it('lists all pages, of a system by its name?', async () => {
    const asked: string[] = [];
    const server = await serve({
      [`GET ${room}/records`]: (_request, response, url) => {
        asked.push(url.search);
        const isLast = url.searchParams.has('cursor');
        json(response, 200, {
          items: [{ ...record, title: isLast ? 'B\u001b[2J' : 'A' }],
          next: isLast ? null : 'more',
        });
      },
    });
    const run = await safeguard(['records', 'list', '--server', server, '--type', 'vendor', '--system', 'production']);
    expect(run.code).toBe(0);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toContain(`system=${SYSTEM}`);
    expect(run.stdout).not.toContain('\u001b');
    expect(
      run.stdout
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split(/\s{2,}/).at(-1)),
    ).toEqual(['A', 'B [2J']);
  });

  it('moves a record as it is now, with the reason, and tells the state?', async () => {
    const sent: unknown[] = [];
    const take = async (request: Parameters<typeof received>[0]): Promise<void> => {
      const body = (await received(request)).toString();
      sent.push([request.url?.split('/').at(-1), request.headers['if-match'], body === '' ? null : JSON.parse(body)]);
    };
    const moved =
      (state: string) => async (request: Parameters<typeof received>[0], response: Parameters<typeof json>[0]) => {
        await take(request);
        json(response, 200, { ...record, state, revision: 4 });
      };
    const server = await serve({
      [`GET ${room}/records/${ID}`]: (_request, response) => json(response, 200, record),
      [`POST ${room}/records/${ID}/submission`]: moved('submitted'),
      [`POST ${room}/records/${ID}/decision`]: moved('approved'),
      [`POST ${room}/records/${ID}/end`]: moved('draft'),
    });
    const run = (...args: string[]) => safeguard(['records', ...args, '--server', server]);
    expect((await run('submit', ID)).stdout).toContain('submitted');
    expect((await run('approve', ID)).stdout).toContain('approved');
    await run('reject', ID, '--reason', 'No');
    await run('end', ID, '--reason', 'Over', '--effective-from', '2026-02-01T00:00:00Z');
    expect(sent).toEqual([
      ['submission', '"3"', null],
      ['decision', '"3"', { decision: 'approve' }],
      ['decision', '"3"', { decision: 'reject', reason: 'No' }],
      ['end', '"3"', { reason: 'Over', effectiveFrom: '2026-02-01T00:00:00Z' }],
    ]);
  });

  it('says what the server refuses?', async () => {
    const server = await serve({
      [`GET ${room}/records/${ID}`]: (_request, response) => json(response, 200, record),
      [`POST ${room}/records/${ID}/decision`]: (_request, response) =>
        problem(response, 403, 'own-approval', 'Nobody decides on what they wrote or submitted'),
    });
    const run = await safeguard(['records', 'approve', ID, '--server', server]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('Nobody decides on what they wrote');
  });

  it('tells all that a record lacks, and no advice about reports?', async () => {
    const faults = ['role', 'ephi', 'services'].map((name) => ({ pointer: `/fields/${name}`, detail: `No ${name}.` }));
    const server = await serve({
      [`GET ${room}/records/${ID}`]: (_request, response) => json(response, 200, record),
      [`POST ${room}/records/${ID}/submission`]: (_request, response) =>
        problem(response, 422, 'record-refused', 'Not what its type asks for', { ...faults[0], faults }),
    });
    const { code, stderr } = await safeguard(['records', 'submit', ID, '--server', server]);
    expect(code).toBe(1);
    expect(stderr.split('\n').map((line) => line.trim())).toEqual([
      'safeguard: 422 Not what its type asks for',
      'No role.',
      'at /fields/role',
      'and at /fields/ephi: No ephi.',
      'and at /fields/services: No services.',
      'request id request-1',
      '',
    ]);
  });

  it('begins a record of a file, and gives it a document with its digest?', async () => {
    const folder = await directory();
    const [draft, paper] = [join(folder, 'record.json'), join(folder, 'agreement.pdf')];
    await writeFile(draft, '{"type":"vendor"}');
    await writeFile(paper, '%PDF-1.7');
    const seen: Record<string, unknown> = {};
    const server = await serve({
      [`POST ${room}/records`]: async (request, response) => {
        seen['body'] = JSON.parse((await received(request)).toString());
        seen['key'] = request.headers['idempotency-key'];
        json(response, 201, record);
      },
      [`GET ${room}/records/${ID}`]: (_request, response) => json(response, 200, record),
      [`POST ${room}/records/${ID}/documents`]: async (request, response, url) => {
        seen['document'] = [url.search, request.headers['content-type'], request.headers['content-digest']];
        seen['bytes'] = (await received(request)).toString();
        json(response, 201, record);
      },
    });
    expect((await safeguard(['records', 'create', draft, '--server', server])).code).toBe(0);
    expect((await safeguard(['records', 'document', ID, paper, '--role', 'agreement', '--server', server])).code).toBe(
      0,
    );
    expect(seen).toEqual({
      body: { type: 'vendor' },
      key: expect.stringMatching(/^[0-9a-f]{64}$/),
      document: ['?role=agreement&name=agreement.pdf', 'application/pdf', digest('%PDF-1.7')],
      bytes: '%PDF-1.7',
    });
    const other = join(folder, 'run.exe');
    await writeFile(other, 'MZ');
    expect((await safeguard(['records', 'document', ID, other, '--role', 'agreement', '--server', server])).code).toBe(
      2,
    );
  });
});

describe('safeguard records import', () => {
  async function importing(answers: object[], seen: unknown[] = []): Promise<string> {
    return serve({
      [`POST ${room}/imports`]: async (request, response, url) => {
        seen.push([url.search, request.headers['content-type'], request.headers['content-digest']]);
        await received(request);
        json(response, 202, { id: ID, status: 'received' });
      },
      [`GET ${room}/imports/${ID}`]: (_request, response) => json(response, 200, answers.shift() ?? imported),
    });
  }

  async function csv(): Promise<string> {
    const file = join(await directory(), 'vendors.csv');
    await writeFile(file, 'name\nA\n');
    return file;
  }

  it('waits until it is read, and says what became of the rows?', async () => {
    const seen: unknown[] = [];
    const server = await importing([{ id: ID, status: 'received' }], seen);
    const run = await safeguard([
      'records',
      'import',
      await csv(),
      '--type',
      'vendor',
      '--dry-run',
      '--server',
      server,
    ]);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('2 rows: 1 new, 0 changed, 1 unchanged');
    expect(seen).toEqual([['?type=vendor&dryRun=true', 'text/csv', digest('name\nA\n')]]);
  });

  it('asks for another person only where something waits for one?', async () => {
    const server = await importing([imported, { ...imported, created: 0, unchanged: 2 }]);
    const send = ['records', 'import', await csv(), '--type', 'vendor', '--server', server];
    expect((await safeguard(send)).stderr).toContain(`safeguard records decide-import ${ID} --approve`);
    expect((await safeguard(send)).stderr).toBe('');
  });

  it('exits with 1 when it is refused, and tells each fault?', async () => {
    const faults = [{ row: 3, column: 'role', detail: 'It is none of: a, b.' }];
    const server = await importing([{ ...imported, status: 'refused', faultCount: 5, faults }]);
    const run = await safeguard(['records', 'import', await csv(), '--type', 'vendor', '--server', server]);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('row 3, role: It is none of: a, b.');
    expect(run.stderr).toContain('and 4 faults more');
  });

  it('takes no other file, and decides either way but not both?', async () => {
    const server = await importing([]);
    expect((await safeguard(['records', 'import', 'x.ods', '--type', 'vendor', '--server', server])).code).toBe(2);
    expect((await safeguard(['records', 'decide-import', ID, '--server', server])).code).toBe(2);
    const both = ['records', 'decide-import', ID, '--approve', '--reject', 'x', '--server', server];
    expect((await safeguard(both)).code).toBe(2);
  });
});

describe('safeguard records export', () => {
  it('writes the table, whole or not at all?', async () => {
    const output = join(await directory(), 'vendors.csv');
    let isCut = true;
    const server = await serve({
      [`GET ${room}/exports/records`]: (_request, response, url) => {
        expect(url.searchParams.get('type')).toBe('vendor');
        response.writeHead(200, { 'content-type': 'text/csv' });
        response.write('name\r\n');
        if (isCut) response.destroy();
        else response.end('A\r\n');
      },
    });
    const args = ['records', 'export', '--type', 'vendor', '--output', output, '--server', server, '--retry-for', '0'];
    expect((await safeguard(args)).code).not.toBe(0);
    await expect(stat(output)).rejects.toThrow();
    await expect(stat(`${output}.part`)).rejects.toThrow();
    isCut = false;
    expect((await safeguard(args)).code).toBe(0);
    expect(await readFile(output, 'utf8')).toBe('name\r\nA\r\n');
    expect((await safeguard(args)).code).toBe(2);
    expect((await safeguard([...args, '--force'])).code).toBe(0);
  });
});

describe('safeguard types', () => {
  it('lists and shows them?', async () => {
    const server = await serve({
      [`GET ${room}/record-types`]: (_request, response) =>
        json(response, 200, { items: [{ type: 'vendor', title: 'Vendor', summary: 'Who works for us.' }], next: null }),
      [`GET ${room}/record-types/org%2Fmine`]: (_request, response) =>
        json(response, 200, { type: 'org/mine', fields: {} }),
    });
    expect((await safeguard(['types', 'list', '--server', server])).stdout).toContain('Who works for us.');
    const shown = await safeguard(['types', 'show', 'org/mine', '--server', server]);
    expect(JSON.parse(shown.stdout)).toEqual({ type: 'org/mine', fields: {} });
  });
});

describe('safeguard agreements, keys and recovery', () => {
  it('say what the server says, of a system by its name?', async () => {
    const asked: string[] = [];
    const server = await serve({
      [`GET ${room}/agreements`]: (_request, response) =>
        json(response, 200, {
          items: [
            {
              vendorId: ID,
              name: 'Lakeside',
              ephi: true,
              states: ['ending'],
              agreements: [{ inForce: true, endsAt: '2027-01-01T00:00:00.000Z' }],
            },
          ],
          next: null,
        }),
      [`GET ${room}/keys`]: (_request, response, url) => {
        asked.push(url.searchParams.get('system') ?? '');
        const key = { name: 'etcd', provider: 'aws', state: 'overdue', findings: [{ reason: 'It was due.' }] };
        json(response, 200, { items: [key], next: null });
      },
      [`GET ${room}/systems/${SYSTEM}/recovery`]: (_request, response) => json(response, 200, { objectives: [] }),
    });
    expect((await safeguard(['agreements', '--server', server])).stdout).toMatch(
      /Lakeside +yes +2027-01-01T00:00:00.000Z +ending/,
    );
    expect((await safeguard(['keys', '--system', 'production', '--server', server])).stdout).toMatch(
      /overdue +etcd .*It was due\./,
    );
    expect(asked).toEqual([SYSTEM]);
    expect(JSON.parse((await safeguard(['recovery', 'production', '--server', server])).stdout)).toEqual({
      objectives: [],
    });
  });
});

describe('safeguard work and calendar', () => {
  const work = {
    id: ID,
    kind: 'missing',
    type: 'risk_analysis',
    what: '=HYPERLINK("http://x")',
    practices: ['risk-analysis', 'b'],
    controls: [],
    heldBack: 2,
    systems: [],
    moreSystems: 0,
    records: [],
    ownerId: null,
    dueAt: null,
    auditorAsks: ['The analysis, with "scope"'],
  };

  it('list what is to be done of one owner, who may be the caller?', async () => {
    const asked: string[] = [];
    const me = { issuer: 'https://login.example', subject: 'ada', organizations: [] };
    const members = [
      { id: SYSTEM, issuer: 'https://other.example', subject: 'ada' },
      { id: ID, issuer: me.issuer, subject: me.subject },
    ];
    const server = await serve({
      'GET /v1/me': (_request, response) => json(response, 200, me),
      [`GET ${room}/members`]: (_request, response, url) =>
        json(response, 200, {
          items: url.searchParams.has('cursor') ? members.slice(1) : members.slice(0, 1),
          next: url.searchParams.has('cursor') ? null : 'more',
        }),
      [`GET ${room}/work`]: (_request, response, url) => {
        asked.push(`${url.searchParams.get('owner')} ${url.searchParams.get('kind')}`);
        json(response, 200, { items: [work], next: null });
      },
    });
    const run = await safeguard(['work', '--owner', 'me', '--kind', 'missing', '--server', server]);
    expect(run.stdout).toMatch(/missing +2 +- +risk_analysis +=HYPERLINK/);
    expect((await safeguard(['work', '--json', '--server', server])).stdout).toContain('"heldBack": 2');
    expect(asked).toEqual([`${ID} missing`, 'null null']);
    members.pop();
    const nobody = await safeguard(['work', '--owner', 'me', '--server', server]);
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toContain('no member');
    expect((await safeguard(['work', '--kind', 'other', '--server', server])).code).toBe(2);
    expect((await safeguard(['work', '--json', '--format', 'csv', '--server', server])).code).toBe(2);
  });

  it('are written as the tables that the server makes of them, whole and as they come?', async () => {
    const asked: string[] = [];
    const given = "\uFEFFid,what\r\n1,'=1+1\r\n";
    const answer: Handler = (_request, response, url) => {
      asked.push(`${url.pathname.split('/').at(-1)}${url.search}`);
      response.writeHead(200, { 'content-type': 'text/csv' });
      response.end(given);
    };
    const server = await serve(
      Object.fromEntries(['work', 'keys', 'agreements'].map((list) => [`GET ${room}/${list}`, answer])),
    );
    for (const command of ['work', 'keys', 'agreements']) {
      const run = await safeguard([command, '--format', 'csv', '--server', server]);
      expect([run.code, run.stdout], run.stderr).toEqual([0, given]);
    }
    const output = join(await directory(), 'keys.xlsx');
    const table = ['keys', '--state', 'overdue', '--format', 'xlsx', '--output', output, '--server', server];
    expect((await safeguard(table)).code).toBe(0);
    expect(await readFile(output, 'utf8')).toBe(given);
    expect((await safeguard(table)).stderr).toContain('--force');
    expect((await safeguard(['keys', '--output', output, '--server', server])).code).toBe(2);
    expect(asked).toEqual([
      'work?table=csv',
      'keys?table=csv',
      'agreements?table=csv',
      'keys?state=overdue&table=xlsx',
    ]);
  });

  it('write the calendar as the server gives it, and replace no file unasked?', async () => {
    const output = join(await directory(), 'safeguard.ics');
    const text = 'BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n';
    const server = await serve({
      [`GET ${room}/calendar`]: (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/calendar; charset=utf-8' });
        response.end(text);
      },
    });
    expect((await safeguard(['calendar', '--server', server])).stdout).toBe(text);
    const args = ['calendar', '--output', output, '--server', server];
    expect((await safeguard(args)).code).toBe(0);
    expect(await readFile(output, 'utf8')).toBe(text);
    expect((await safeguard(args)).code).toBe(2);
    expect((await safeguard([...args, '--force'])).code).toBe(0);
  });
});
