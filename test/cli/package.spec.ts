import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { directory, type Handler, json, ORGANIZATION, problem, received, safeguard, serve, SYSTEM } from './support.js';

const ID = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8c00';
const room = `/v1/organizations/${ORGANIZATION}/packages`;
const CONTENT = randomBytes(400_000);
const SHA256 = createHash('sha256').update(CONTENT).digest();
const ready = { id: ID, status: 'ready', size: CONTENT.length, sha256: SHA256.toString('hex') };

/** A packages room; `content` answers the downloads. */
async function packages(content: Handler, state: object[] = []): Promise<{ server: string; asked: unknown[] }> {
  const asked: unknown[] = [];
  const server = await serve({
    [`POST ${room}`]: async (request, response) => {
      asked.push(JSON.parse((await received(request)).toString()));
      json(response, 202, { id: ID, status: 'queued' });
    },
    [`GET ${room}/${ID}`]: (_request, response) => json(response, 200, state.shift() ?? ready),
    [`GET ${room}/${ID}/content`]: content,
  });
  return { server, asked };
}

/** Answers as a server should: the whole, or from where a Range asks. Cuts after 100 kB once these are in `cutFor`. */
async function send(response: ServerResponse, range: string | undefined, cutFor?: string): Promise<void> {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
  const body = CONTENT.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, {
    'content-length': body.length,
    etag: '"v1"',
    'repr-digest': `sha-256=:${SHA256.toString('base64')}:`,
    ...(from > 0 ? { 'content-range': `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` } : {}),
  });
  if (cutFor === undefined) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, 100_000));
  await vi.waitUntil(async () => (await stat(cutFor)).size === from + 100_000, { interval: 5, timeout: 10_000 });
  response.destroy();
}

const fetching = (server: string, output: string): string[] => [
  'package',
  '--server',
  server,
  '--retry-for',
  '10s',
  '--output',
  output,
];

describe('safeguard package', () => {
  it('is it asked for, waited for, downloaded and checked?', async () => {
    const output = join(await directory(), 'p.zip');
    const { server, asked } = await packages(
      (request, response) => send(response, request.headers.range),
      [{ id: ID, status: 'building' }],
    );
    const run = await safeguard([
      ...fetching(server, output),
      '--system',
      'production',
      '--as-of',
      '2026-11-01T00:00:00Z',
      '--period-from',
      '2026-01-01T00:00:00Z',
      '--encrypt-to',
      'age1one',
      'age1two',
      '--expires-at',
      '2027-01-01T00:00:00Z',
      '--json',
    ]);
    expect(run).toMatchObject({ code: 0 });
    expect(asked).toEqual([
      {
        scope: { systemId: SYSTEM },
        asOf: '2026-11-01T00:00:00Z',
        periodFrom: '2026-01-01T00:00:00Z',
        encryptTo: ['age1one', 'age1two'],
        expiresAt: '2027-01-01T00:00:00Z',
      },
    ]);
    expect((await readFile(output)).equals(CONTENT)).toBe(true);
    expect(JSON.parse(run.stdout)).toEqual({ id: ID, file: output, size: CONTENT.length, sha256: ready.sha256 });
  });

  it('is a server that is away for a while asked again, from the order to the last byte?', async () => {
    const output = join(await directory(), 'p.zip');
    const calls = new Set<string>();
    const away =
      (handler: Handler): Handler =>
      (request, response, url) => {
        const call = `${request.method ?? ''} ${url.pathname}`;
        if (calls.has(call)) return handler(request, response, url);
        calls.add(call);
        problem(response, 503, 'unavailable', 'Not available now');
      };
    const server = await serve({
      [`POST ${room}`]: away((_request, response) => json(response, 202, { id: ID, status: 'queued' })),
      [`GET ${room}/${ID}`]: away((_request, response) => json(response, 200, ready)),
      [`GET ${room}/${ID}/content`]: away((request, response) => send(response, request.headers.range)),
    });
    const run = await safeguard(fetching(server, output));
    expect(run).toMatchObject({ code: 0 });
    expect(calls.size).toBe(3);
    expect((await readFile(output)).equals(CONTENT)).toBe(true);
  });

  it('does a cut download go on where it was cut, on condition that it is still the same?', async () => {
    const output = join(await directory(), 'p.zip');
    const headers: unknown[] = [];
    const { server } = await packages((request, response) => {
      headers.push([request.headers.range, request.headers['if-range']]);
      return send(response, request.headers.range, headers.length < 4 ? `${output}.part` : undefined);
    });
    const run = await safeguard([...fetching(server, output), '--id', ID]);
    expect(run).toMatchObject({ code: 0 });
    expect((await readFile(output)).equals(CONTENT)).toBe(true);
    expect(headers).toEqual([
      [undefined, undefined],
      ['bytes=100000-', '"v1"'],
      ['bytes=200000-', '"v1"'],
      ['bytes=300000-', '"v1"'],
    ]);
  });

  it('is what an earlier run left gone on from?', async () => {
    const output = join(await directory(), 'p.zip');
    await writeFile(`${output}.part`, CONTENT.subarray(0, 300_000));
    const ranges: unknown[] = [];
    const { server } = await packages((request, response) => {
      ranges.push(request.headers.range);
      return send(response, request.headers.range);
    });
    expect(await safeguard([...fetching(server, output), '--id', ID])).toMatchObject({ code: 0 });
    expect(ranges).toEqual(['bytes=300000-']);
    expect((await readFile(output)).equals(CONTENT)).toBe(true);
  });

  it('is a server that knows nothing to go on from asked for the whole?', async () => {
    const output = join(await directory(), 'p.zip');
    await writeFile(`${output}.part`, CONTENT.subarray(0, 300_000));
    const { server } = await packages((request, response) => {
      if (request.headers.range === undefined) void send(response, undefined);
      else problem(response, 416, 'range-not-satisfiable', 'The requested range is outside the content');
    });
    expect(await safeguard([...fetching(server, output), '--id', ID])).toMatchObject({ code: 0 });
    expect((await readFile(output)).equals(CONTENT)).toBe(true);
  });

  it('does a server that always begins anew and cuts not hold us for ever?', async () => {
    const output = join(await directory(), 'p.zip');
    const { server } = await packages((_request, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length });
      response.write(CONTENT.subarray(0, 1_000), () => response.destroy());
    });
    const run = await safeguard(['package', '--server', server, '--retry-for', '1s', '--output', output, '--id', ID]);
    expect(run).toMatchObject({ code: 4 });
    expect(await readdir(dirname(output))).toEqual(['p.zip.part']);
  });

  it('is what another package left found out, and fetched anew?', async () => {
    const output = join(await directory(), 'p.zip');
    await writeFile(`${output}.part`, randomBytes(300_000));
    const { server } = await packages((request, response) => send(response, request.headers.range));
    expect(await safeguard([...fetching(server, output), '--id', ID])).toMatchObject({ code: 0 });
    expect((await readFile(output)).equals(CONTENT)).toBe(true);
  });

  it.each<[string, Handler, RegExp]>([
    [
      'bytes that are not the package',
      (_request, response) => void response.end(randomBytes(CONTENT.length)),
      /its SHA-256 is/,
    ],
    [
      'more than was stated',
      (_request, response) => void response.end(Buffer.concat([CONTENT, CONTENT])),
      /more than the 400000 bytes/,
    ],
    [
      'another digest',
      (_request, response) =>
        void response
          .writeHead(200, { 'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` })
          .end(CONTENT),
      /other bytes/,
    ],
  ])('do %s leave no package behind?', async (_name, content, words) => {
    const folder = await directory();
    const { server } = await packages(content);
    const run = await safeguard([...fetching(server, join(folder, 'p.zip')), '--id', ID]);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stderr).toMatch(words);
    expect(await readdir(folder)).not.toContain('p.zip');
  });

  it('is a lying Content-Range refused?', async () => {
    const output = join(await directory(), 'p.zip');
    await writeFile(`${output}.part`, CONTENT.subarray(0, 1_000));
    const { server } = await packages(
      (_request, response) => void response.writeHead(206, { 'content-range': 'bytes 0-399999/400000' }).end(CONTENT),
    );
    const run = await safeguard([...fetching(server, output), '--id', ID]);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stderr).toContain('asked to go on from byte 1000');
  });

  it('is a package that failed told, and a file that is there kept?', async () => {
    const output = join(await directory(), 'p.zip');
    const { server } = await packages(
      () => undefined,
      [{ id: ID, status: 'failed', problem: { type: 'x', title: 'Key is gone' } }],
    );
    const failed = await safeguard([...fetching(server, output), '--id', ID]);
    expect(failed).toMatchObject({ code: 1 });
    expect(failed.stderr).toContain('Key is gone');
    await writeFile(output, 'mine');
    expect(await safeguard([...fetching(server, output), '--id', ID])).toMatchObject({ code: 2 });
    expect(await readFile(output, 'utf8')).toBe('mine');
  });

  it('is an encrypted one named as what it is, and one that is still being built cancelled?', async () => {
    const { server } = await packages(
      (request, response) => send(response, request.headers.range),
      [{ ...ready, encryptTo: ['age1one'] }],
    );
    const file = `safeguard-${ID}.zip.age`;
    onTestFinished(() => rm(file, { force: true }));
    const run = await safeguard(['package', '--server', server, '--id', ID, '--json']);
    expect(run).toMatchObject({ code: 0 });
    expect(JSON.parse(run.stdout)).toMatchObject({ file });
    expect((await readFile(file)).equals(CONTENT)).toBe(true);

    const cancelling = await serve({
      [`POST ${room}/${ID}/cancellation`]: (_request, response) => json(response, 200, { id: ID, status: 'cancelled' }),
    });
    const cancelled = await safeguard(['package', '--server', cancelling, '--id', ID, '--cancel', '--json']);
    expect(cancelled).toMatchObject({ code: 0 });
    expect(JSON.parse(cancelled.stdout)).toEqual({ id: ID, status: 'cancelled' });
    expect(await safeguard(['package', '--server', cancelling, '--cancel'])).toMatchObject({ code: 2 });
  });

  it('is one that was cancelled or has expired told, and not waited for?', async () => {
    for (const status of ['cancelled', 'expired']) {
      const { server } = await packages(() => undefined, [{ id: ID, status }]);
      const run = await safeguard([...fetching(server, join(await directory(), 'p.zip')), '--id', ID]);
      expect(run.code).not.toBe(0);
      expect(run.stderr).toContain(`the package is ${status}`);
    }
  });
});
