import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { directory, json, ORGANIZATION, problem, received, safeguard, serve, SYSTEM } from './support.js';

const ID = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8c00';
const REQUEST = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8c01';
const room = `/v1/organizations/${ORGANIZATION}/engagements`;

const engagement = {
  id: ID,
  name: 'Audit\u001b[2J',
  person: { issuer: 'https://login.example.org', subject: null, email: 'r@example.com' },
  state: 'active',
  startsAt: '2026-01-01T00:00:00.000Z',
  endsAt: '2026-02-01T00:00:00.000Z',
};
const request = {
  id: REQUEST,
  title: 'Leavers',
  state: 'answered',
  version: 3,
  control: null,
  dueAt: '2026-01-05T00:00:00.000Z',
  isOverdue: true,
};

describe('safeguard engagement', () => {
  it('invites to systems by their names, and prints what the auditor has to name?', async () => {
    const sent: unknown[] = [];
    const server = await serve({
      [`POST ${room}`]: async (asked, response) => {
        sent.push(JSON.parse((await received(asked)).toString()));
        json(response, 201, engagement);
      },
    });
    const run = await safeguard([
      ...['engagement', 'invite', '--server', server, '--name', 'Audit', '--issuer', 'https://login.example.org'],
      ...['--email', 'r@example.com', '--system', 'production', '--from', '2025-01-01T00:00:00Z'],
      ...['--to', '2026-01-01T00:00:00Z', '--ends-at', '2026-02-01T00:00:00Z'],
    ]);
    expect(run.code).toBe(0);
    expect(sent).toEqual([
      {
        name: 'Audit',
        issuer: 'https://login.example.org',
        email: 'r@example.com',
        scope: { systemIds: [SYSTEM] },
        periodFrom: '2025-01-01T00:00:00Z',
        periodTo: '2026-01-01T00:00:00Z',
        endsAt: '2026-02-01T00:00:00Z',
      },
    ]);
    expect(run.stdout).toContain(ID);
    expect(run.stdout).toContain(ORGANIZATION);
  });

  it('lists without letting a name draw on the terminal, revokes, and hands over?', async () => {
    const done: string[] = [];
    const server = await serve({
      [`GET ${room}`]: (_asked, response, url) => {
        done.push(`list ${url.searchParams.get('includeEnded') ?? ''}`);
        json(response, 200, { items: [engagement], next: null });
      },
      [`DELETE ${room}/${ID}`]: (_asked, response) => {
        done.push('revoke');
        response.writeHead(204).end();
      },
      [`POST ${room}/${ID}/packages`]: async (asked, response) => {
        done.push(`hand over ${(await received(asked)).toString()}`);
        response.writeHead(204).end();
      },
    });
    const run = (...args: string[]) => safeguard(['engagement', ...args, '--server', server]);
    const listed = await run('list', '--all');
    expect(listed.stdout).toContain('r@example.com');
    expect(listed.stdout).not.toContain('\u001b[2J');
    expect((await run('revoke', ID)).code).toBe(0);
    expect((await run('hand-over', REQUEST, '--engagement', ID)).code).toBe(0);
    expect(done).toEqual(['list true', 'revoke', `hand over {"packageId":"${REQUEST}"}`]);
  });

  it('moves a request as it is now, and tells where it stands?', async () => {
    const sent: unknown[] = [];
    const take = async (asked: Parameters<typeof received>[0], response: Parameters<typeof json>[0]) => {
      const body = JSON.parse((await received(asked)).toString()) as object;
      sent.push([asked.url?.split('/').at(-1), asked.headers['if-match'] ?? null, body]);
      json(response, asked.url?.endsWith('comments') === true ? 201 : 200, { ...request, state: 'moved' });
    };
    const at = `${room}/${ID}/requests`;
    const server = await serve({
      [`GET ${at}`]: (_asked, response) => json(response, 200, { items: [request], next: null }),
      [`GET ${at}/${REQUEST}`]: (_asked, response) => json(response, 200, request),
      [`POST ${at}/${REQUEST}/answer`]: take,
      [`POST ${at}/${REQUEST}/decision`]: take,
      [`POST ${at}/${REQUEST}/comments`]: take,
      [`POST ${at}`]: take,
    });
    const run = (...args: string[]) => safeguard(['engagement', ...args, '--engagement', ID, '--server', server]);
    expect((await run('requests')).stdout).toContain('answered, overdue');
    expect((await run('answer', REQUEST, '--record', ID, '--comment', 'Here')).stdout).toContain('moved');
    await run('accept', REQUEST);
    await run('return', REQUEST, '--comment', 'Two are missing');
    await run('withdraw', REQUEST);
    await run('comment', REQUEST, 'By Friday');
    await run('ask', 'Leavers', '--control', '164.308(a)(3)(ii)(C)');
    expect(sent).toEqual([
      ['answer', '"3"', { records: [ID], comment: 'Here' }],
      ['decision', '"3"', { decision: 'accept' }],
      ['decision', '"3"', { decision: 'return', comment: 'Two are missing' }],
      ['decision', '"3"', { decision: 'withdraw' }],
      ['comments', null, { comment: 'By Friday' }],
      ['requests', null, { title: 'Leavers', control: '164.308(a)(3)(ii)(C)' }],
    ]);
  });

  it('downloads what was handed over, under a name that says whether it is encrypted, and over no other file?', async () => {
    const content = Buffer.from('bytes');
    const sha256 = createHash('sha256').update(content).digest();
    const at = `${room}/${ID}/packages/${REQUEST}`;
    const server = await serve({
      [`GET ${at}`]: (_asked, response) =>
        json(response, 200, {
          ...{ id: REQUEST, status: 'ready', size: content.length, sha256: sha256.toString('hex') },
          encryptTo: ['age1one'],
        }),
      [`GET ${at}/content`]: (_asked, response) => {
        response.writeHead(200, {
          'content-length': content.length,
          etag: '"v1"',
          'repr-digest': `sha-256=:${sha256.toString('base64')}:`,
        });
        response.end(content);
      },
    });
    const cwd = await directory();
    const args = ['engagement', 'download', REQUEST, '--engagement', ID, '--server', server];
    const run = (...more: string[]) => safeguard([...args, ...more], {}, undefined, cwd);
    expect(await run()).toMatchObject({ code: 0 });
    expect(await readdir(cwd)).toEqual([`safeguard-${REQUEST}.zip.age`]);
    expect((await run()).code).toBe(2);
    expect((await run('--force')).code).toBe(0);
  });

  it('says what the server says where it refuses, and asks for the engagement?', async () => {
    const server = await serve({
      [`GET ${room}/${ID}`]: (_asked, response) => problem(response, 404, 'not-found', 'There is no such resource.'),
    });
    const refused = await safeguard(['engagement', 'show', ID, '--server', server]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('There is no such resource.');
    const unnamed = await safeguard(['engagement', 'requests', '--server', server]);
    expect(unnamed.stderr).toContain('--engagement');
    expect(unnamed.code).toBe(2);
  });
});
