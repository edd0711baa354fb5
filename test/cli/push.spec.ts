import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  directory,
  json,
  type Handler,
  problem,
  received,
  safeguard,
  SCANS,
  serve,
  start,
  STORED,
  SYSTEM,
} from './support.js';

const REPORT = JSON.stringify({ SchemaVersion: 2, Results: Array.from({ length: 500 }, (_, index) => ({ index })) });
const pushing = ['push', '--system', 'production', '--retry-for', '20s'];

async function report(name = 'trivy.json', content: string | Buffer = REPORT): Promise<string> {
  const file = join(await directory(), name);
  await writeFile(file, content);
  return file;
}

/** A scans endpoint that keeps what it got. */
function keeping(): { got: { request: IncomingMessage; body: Buffer; url: URL }[]; handler: Handler } {
  const got: { request: IncomingMessage; body: Buffer; url: URL }[] = [];
  return {
    got,
    handler: async (request, response, url) => {
      got.push({ request, url, body: await received(request) });
      json(response, 201, STORED);
    },
  };
}

describe('what is sent', () => {
  it('is it said what the server finds suspicious of it?', async () => {
    const flags = [{ code: 'cluster-uid-differs', detail: 'The report is of another cluster.' }];
    const server = await serve({ [`POST ${SCANS}`]: (_, response) => json(response, 201, { ...STORED, flags }) });
    const run = await safeguard([...pushing, '--server', server, await report()]);
    expect([run.code, run.stdout]).toEqual([
      0,
      expect.stringContaining('look at this: The report is of another cluster.'),
    ]);
  });

  it.each([
    ['zstd', zstdDecompressSync],
    ['gzip', gunzipSync],
    ['identity', (body: Buffer) => body],
  ])('does a report arrive whole as %s, under the digest of the bytes that travelled?', async (encoding, decode) => {
    const { got, handler } = keeping();
    const server = await serve({ [`POST ${SCANS}`]: handler });
    const file = await report();
    const run = await safeguard([
      ...pushing, '--server', server, '--encoding', encoding, '--format', 'trivy', '--partial',
      '--targets', 'cluster/production', '--targets', 'image/registry/app', '--observed-at', '2026-11-01T01:00:00+01:00', file,
    ]); // prettier-ignore
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout).toContain('12 results: 3 new, 2 changed, 7 unchanged, 1 closed, 0 rejected');
    const { request, body, url } = got[0]!;
    expect(decode(body).toString()).toBe(REPORT);
    expect(request.headers).toMatchObject({
      authorization: 'Bearer token-of-the-test',
      'content-type': 'application/json',
      'content-length': String(body.length),
      'content-digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
    });
    expect(request.headers['content-encoding']).toBe(encoding === 'identity' ? undefined : encoding);
    expect(url.searchParams.getAll('targets')).toEqual(['cluster/production', 'image/registry/app']);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      format: 'trivy',
      partial: 'true',
      observedAt: '2026-11-01T00:00:00.000Z',
    });
  });

  it('does a report that is compressed already travel as it is?', async () => {
    const { got, handler } = keeping();
    const server = await serve({ [`POST ${SCANS}`]: handler });
    const compressed = gzipSync(REPORT);
    const run = await safeguard([...pushing, '--server', server, await report('trivy.json.gz', compressed)]);
    expect(run).toMatchObject({ code: 0 });
    expect(got[0]!.body).toEqual(compressed);
    expect(got[0]!.request.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-type': 'application/json' });
  });

  it.each([
    ['results.xml', 'application/xml'],
    ['RESULTS.XML.gz', 'application/xml'],
    ['configmap.yaml', 'application/yaml'],
    ['results', 'application/octet-stream'],
  ])('is %s sent as %s?', async (name, type) => {
    const { got, handler } = keeping();
    const server = await serve({ [`POST ${SCANS}`]: handler });
    const file = await report(name, '<TestResult/>');
    expect(await safeguard([...pushing, '--server', server, file])).toMatchObject({ code: 0 });
    expect(got[0]!.request.headers['content-type']).toBe(type);
  });

  it('does a rerun carry the same Idempotency-Key, and other parameters another?', async () => {
    const { got, handler } = keeping();
    const server = await serve({ [`POST ${SCANS}`]: handler });
    const file = await report();
    await safeguard([...pushing, '--server', server, file]);
    await safeguard([...pushing, '--server', server, '-'], {}, REPORT);
    await safeguard([...pushing, '--server', server, '--partial', file]);
    const [first, rerun, other] = got.map(({ request }) => request.headers['idempotency-key']);
    expect(first).toMatch(/^[\w-]{43}$/);
    expect(rerun).toBe(first);
    expect(other).not.toBe(first);
  });
});

describe('what breaks on the way', () => {
  it('is an upload that was cut sent again, whole and under the same key?', async () => {
    const { got, handler } = keeping();
    const keys: unknown[] = [];
    const server = await serve({
      [`POST ${SCANS}`]: (request, response, url) => {
        keys.push(request.headers['idempotency-key']);
        if (keys.length < 3) request.once('data', () => request.socket.resetAndDestroy());
        else return handler(request, response, url);
      },
    });
    const noise = randomBytes(3_000_000);
    const run = await safeguard([...pushing, '--server', server, await report('report.bin', noise)]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr).toContain('the connection was cut during the upload');
    expect(zstdDecompressSync(got[0]!.body).equals(noise)).toBe(true);
    expect(new Set(keys).size).toBe(1);
  });

  it('does a busy server get the pause that it asks for?', async () => {
    const at: number[] = [];
    const server = await serve({
      [`POST ${SCANS}`]: async (request, response) => {
        at.push(Date.now());
        await received(request);
        if (at.length === 1) problem(response, 429, 'too-many-requests', 'Too many requests', {});
        else if (at.length === 2) json(response, 503, {}, { 'retry-after': '1' });
        else json(response, 201, STORED);
      },
    });
    const run = await safeguard([...pushing, '--server', server, await report()]);
    expect(run).toMatchObject({ code: 0 });
    expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(990);
  });

  it('does it give up in time when nobody is there, with exit code 4 and a next step?', async () => {
    const run = await safeguard(['push', '--system', SYSTEM, '--organization', 'o', '--server', 'http://127.0.0.1:1', '--retry-for', '300ms', await report(), 'b.json']); // prettier-ignore
    expect(run).toMatchObject({ code: 4 });
    expect(run.stderr).toMatch(/cannot reach http:\/\/127\.0\.0\.1:1: nothing listens there \(ECONNREFUSED\)/);
    expect(run.stderr).toContain('next: check --server');
    expect(run.stderr).toContain('2 files: 1 unconfirmed (');
    expect(run.stderr).not.toMatch(/ at .*\.js:/);
  });

  it('is a Retry-After beyond --retry-for not waited for?', async () => {
    const server = await serve({
      [`POST ${SCANS}`]: (_request, response) => json(response, 503, {}, { 'retry-after': '3600' }),
    });
    const run = await safeguard([...pushing, '--server', server, await report()]);
    expect(run).toMatchObject({ code: 4 });
    expect(run.stderr).toContain('answers 503');
  });

  it('is a refusal heard that comes before the upload is through?', async () => {
    const server = await serve({
      [`POST ${SCANS}`]: (_request, response) => {
        response.setHeader('connection', 'close');
        problem(response, 413, 'too-large', 'The content is larger than the limit');
      },
    });
    const run = await safeguard([...pushing, '--server', server, await report('big.bin', randomBytes(5_000_000))]);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stderr).toContain('413 The content is larger than the limit');
    expect(run.stderr).toContain('next: the report is larger than the server takes');
  });

  it('is nothing of a report left behind when the push is interrupted?', async () => {
    const scratch = await directory();
    let arrived: () => void;
    const uploading = new Promise<void>((resolve) => (arrived = resolve));
    const hanging = await serve({ [`POST ${SCANS}`]: () => arrived() });
    const push = start([...pushing, '--server', hanging, await report()], { TMPDIR: scratch });
    await uploading;
    expect(await readdir(scratch)).toHaveLength(1);
    push.kill('SIGTERM');
    expect(await push.finished).toMatchObject({ signal: 'SIGTERM' });
    expect(await readdir(scratch)).toEqual([]);
  });
});

describe('a report without a time of its own', () => {
  const asking: Handler = async (request, response, url) => {
    await received(request);
    if (url.searchParams.has('observedAt'))
      json(response, 201, { ...STORED, observedAt: url.searchParams.get('observedAt') });
    else problem(response, 422, 'observed-at-required', 'The report does not say when it was made');
  };

  it("is it sent as of the file's modification time, and is that said?", async () => {
    const server = await serve({ [`POST ${SCANS}`]: asking });
    const file = await report();
    await utimes(file, new Date(), new Date('2026-10-05T04:03:02Z'));
    const run = await safeguard([...pushing, '--server', server, '--json', file]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr).toContain("as of the file's modification time, 2026-10-05T04:03:02.000Z");
    expect(JSON.parse(run.stdout)).toMatchObject({
      file,
      outcome: 'stored',
      scan: { observedAt: '2026-10-05T04:03:02.000Z' },
    });
  });

  it('is standard input, which has no such time, refused with the next step?', async () => {
    const server = await serve({ [`POST ${SCANS}`]: asking });
    const run = await safeguard([...pushing, '--server', server, '-'], {}, REPORT);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stderr).toContain('--observed-at');
  });
});

describe('several reports', () => {
  it('are the good ones sent, and those refused named?', async () => {
    const server = await serve({
      [`POST ${SCANS}`]: async (request, response) => {
        const body = zstdDecompressSync(await received(request)).toString();
        if (body === 'bad') {
          problem(response, 422, 'report-refused', 'The report cannot be taken', {
            detail: 'It ends\u001b[2J midway.',
            pointer: '/Results/3',
          });
        } else json(response, 201, STORED);
      },
    });
    const [good, bad, last] = [await report('good.json'), await report('bad.json', 'bad'), await report('last.json')];
    const run = await safeguard([
      ...pushing,
      '--server',
      server,
      good,
      bad,
      '/nonexistent/gone.json',
      await directory(),
      last,
    ]);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stdout.match(/^stored/gm)).toHaveLength(2);
    expect(run.stderr).toContain('422 The report cannot be taken');
    expect(run.stderr).toContain('It ends [2J midway.');
    expect(run.stderr).toContain('at /Results/3');
    expect(run.stderr).toContain('request id request-1');
    expect(run.stderr).toContain('gone.json: cannot be read (ENOENT)');
    expect(run.stderr).toMatch(/5 files: 2 stored, 3 refused \(.*bad\.json, .*gone\.json, /);
    expect(run.stdout + run.stderr).not.toContain('\u001b');
  });

  it.each([
    [401, 'unauthenticated', 'SAFEGUARD_TOKEN'],
    [403, 'forbidden', 'safeguard whoami'],
  ])('does a %d stop it, as the next would meet it too?', async (status, code, next) => {
    let posts = 0;
    const server = await serve({
      [`POST ${SCANS}`]: async (request, response) => {
        posts += 1;
        await received(request);
        problem(response, status, code, 'No');
      },
    });
    const run = await safeguard([...pushing, '--server', server, await report('a.json'), await report('b.json')]);
    expect(run).toMatchObject({ code: 1 });
    expect(posts).toBe(1);
    expect(run.stderr).toContain(next);
    expect(run.stderr).toMatch(/1 refused \(.*a\.json\), 1 not sent \(.*b\.json\)/);
  });

  it('does an unknown system list those that there are?', async () => {
    const server = await serve({});
    const byName = await safeguard(['push', '--server', server, '--system', 'prod', await report()]);
    expect(byName).toMatchObject({ code: 1 });
    expect(byName.stderr).toContain(`no system prod here; there are: production (${SYSTEM})`);
    const byId = await safeguard([
      'push',
      '--server',
      server,
      '--system',
      SYSTEM.replace('019', '02a'),
      await report(),
    ]);
    expect(byId).toMatchObject({ code: 1 });
    expect(byId.stderr).toContain('there are: production');
  });
});

describe('deferred reports', () => {
  const deferring = (answers: object[]): Record<string, Handler> => ({
    [`POST ${SCANS}`]: async (request, response) => {
      await received(request);
      expect(request.headers.prefer).toBe('respond-async');
      json(response, 202, { id: STORED.id, status: 'queued' }, { location: `${SCANS}/${STORED.id}` });
    },
    [`GET ${SCANS}/${STORED.id}`]: (_request, response) => json(response, 200, answers.shift()),
  });

  it('are they waited for with --wait, and only then?', async () => {
    const pending = { id: STORED.id, status: 'queued' };
    const server = await serve(deferring([pending, STORED]));
    const waited = await safeguard([...pushing, '--server', server, '--async', '--wait', await report()]);
    expect(waited).toMatchObject({ code: 0 });
    expect(waited.stdout).toMatch(/^stored/);
    const left = await safeguard([...pushing, '--server', server, '--async', await report()]);
    expect(left).toMatchObject({ code: 0 });
    expect(left.stdout).toMatch(/^queued/);
  });

  it('does a wait that saw no end fail?', async () => {
    const server = await serve(deferring([{ id: STORED.id, status: 'queued' }]));
    const run = await safeguard([
      ...pushing,
      '--server',
      server,
      '--async',
      '--wait',
      '--wait-for',
      '0',
      await report(),
    ]);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stderr).toContain('still queued; the server goes on without us');
  });

  it('does a refusal that comes later count as one?', async () => {
    const refused = {
      id: STORED.id,
      status: 'refused',
      problem: { code: 'report-refused', detail: 'Not a report' },
    };
    const server = await serve(deferring([refused]));
    const run = await safeguard([...pushing, '--server', server, '--async', '--wait', await report()]);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stderr).toContain('report-refused\n    Not a report');
  });

  it('is a report that turns out later to have no time of its own sent as of its file?', async () => {
    const lacking = { code: 'observed-at-required', detail: 'The report does not say when it was made.' };
    let observedAt: string | null = null;
    const server = await serve({
      ...deferring([{ ...STORED, status: 'refused', counts: null, problem: lacking }]),
      [`POST ${SCANS}`]: async (request, response, url) => {
        await received(request);
        observedAt = url.searchParams.get('observedAt');
        if (observedAt === null) json(response, 202, { ...STORED, status: 'queued', counts: null });
        else json(response, 201, { ...STORED, observedAt });
      },
    });
    const file = await report();
    await utimes(file, new Date(), new Date('2026-10-05T04:03:02Z'));
    const run = await safeguard([...pushing, '--server', server, '--async', '--wait', file]);
    expect(run).toMatchObject({ code: 0 });
    expect(observedAt).toBe('2026-10-05T04:03:02.000Z');
  });

  it.each<[string, (own: string, other: string) => string]>([
    ['on another server', (_own, other) => `http://${other}/v1/steal`],
    ['that becomes one without its server', (own, other) => `http://${own}//${other}/v1/steal`],
    ['elsewhere on this server', () => '/v1/steal'],
  ])('is a Location %s left alone, and the token with it?', async (_name, location) => {
    let visited = false;
    const steal: Record<string, Handler> = {
      'GET /v1/steal': (_request, response) => {
        visited = true;
        json(response, 200, STORED);
      },
    };
    const other = new URL(await serve(steal)).host;
    const server = await serve({
      ...steal,
      ...deferring([STORED]),
      [`POST ${SCANS}`]: async (request, response) => {
        await received(request);
        const to = location(request.headers.host ?? '', other);
        json(response, 202, { id: STORED.id, status: 'queued' }, { location: to });
      },
    });
    const run = await safeguard([...pushing, '--server', server, '--async', '--wait', await report()]);
    expect(run).toMatchObject({ code: 0 });
    expect(visited).toBe(false);
  });

  it('is a server that is away for a while asked again?', async () => {
    const answers = [false, false, true];
    const server = await serve({
      ...deferring([]),
      [`GET ${SCANS}/${STORED.id}`]: (_request, response) => {
        if (answers.shift()) json(response, 200, STORED);
        else problem(response, 503, 'unavailable', 'Not available now');
      },
    });
    const run = await safeguard([...pushing, '--server', server, '--async', '--wait', await report()]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stderr.match(/answers 503; trying again/g)).toHaveLength(2);
    expect(run.stdout).toMatch(/^stored/);
  });
});

describe('a report that was kept before', () => {
  const posted = (status: number, scan: object): Record<string, Handler> => ({
    [`POST ${SCANS}`]: async (request, response) => {
      await received(request);
      expect(request.headers['idempotency-key']).toBeDefined();
      json(response, status, { ...scan, duplicate: true });
    },
    // Who reads a scan is not told how it was posted.
    [`GET ${SCANS}/${STORED.id}`]: (_request, response) => json(response, 200, STORED),
  });

  it.each([
    ['at once', 200, STORED],
    ['when it was waited for', 202, { id: STORED.id, status: 'queued' }],
  ])('is that said %s?', async (_name, status, scan) => {
    const server = await serve(posted(status, scan));
    const file = await report();
    const run = await safeguard([...pushing, '--server', server, file]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout).toContain(`0 rejected (kept before)  scan ${STORED.id}`);
    const machine = await safeguard([...pushing, '--server', server, '--json', file]);
    expect(JSON.parse(machine.stdout)).toMatchObject({ outcome: 'stored', scan: { duplicate: true } });
  });

  it('and refused: are both said?', async () => {
    const refused = { code: 'report-refused', detail: 'Not a report' };
    const server = await serve(posted(200, { id: STORED.id, status: 'refused', problem: refused }));
    const run = await safeguard([...pushing, '--server', server, await report()]);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stderr).toMatch(new RegExp(`Not a report\n +kept before as scan ${STORED.id}`));
  });
});

describe('hostile answers', () => {
  it.each<[string, Handler, RegExp]>([
    [
      'a redirect',
      (_request, response) => void response.writeHead(307, { location: 'http://127.0.0.1:2/' }).end(),
      /redirect to http/,
    ],
    ['no JSON', (_request, response) => void response.writeHead(201).end('<html>'), /not JSON/],
    ['another shape', (_request, response) => json(response, 201, { id: 1 }), /not what a safeguard server says/],
    [
      'an error page',
      (_request, response) => void response.writeHead(400, { 'content-type': 'text/html' }).end('x'),
      /perhaps a proxy/,
    ],
    [
      'an endless body',
      (_request, response) => {
        const pour = (): void => {
          if (response.destroyed) return;
          if (response.write(Buffer.alloc(1 << 20, 32))) setImmediate(pour);
          else response.once('drain', pour);
        };
        pour();
      },
      /larger than/,
    ],
  ])('is %s refused in words?', async (_name, answer, words) => {
    const server = await serve({
      [`POST ${SCANS}`]: async (request, response, url) => {
        await received(request);
        return answer(request, response, url);
      },
    });
    const run = await safeguard([...pushing, '--server', server, await report()]);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stderr).toMatch(words);
    expect(run.stderr).not.toMatch(/ at .*\.js:/);
  });
});

describe('the token', () => {
  it('is its file read anew at each use?', async () => {
    const file = join(await directory(), 'token');
    await writeFile(file, 'old\n');
    const seen: unknown[] = [];
    const server = await serve({
      [`POST ${SCANS}`]: async (request, response) => {
        await received(request);
        seen.push(request.headers.authorization);
        if (seen.length === 1) {
          await writeFile(file, 'new\n');
          problem(response, 401, 'unauthenticated', 'A valid access token is needed');
        } else json(response, 201, STORED);
      },
    });
    const run = await safeguard([...pushing, '--server', server, '--token-file', file, await report()]);
    expect(run).toMatchObject({ code: 0 });
    expect(seen).toEqual(['Bearer old', 'Bearer new']);
  });

  it('does nothing but a token go into the header, and is it never shown?', async () => {
    const secret = 'sécret token';
    const server = await serve({});
    const run = await safeguard([...pushing, '--server', server, await report()], { SAFEGUARD_TOKEN: secret });
    expect(run).toMatchObject({ code: 1 });
    expect(run.stderr).toContain('SAFEGUARD_TOKEN holds no bearer token');
    expect(run.stdout + run.stderr).not.toContain(secret);
  });

  it('is a directory of reports told apart from a report before anything is sent?', async () => {
    const { got, handler } = keeping();
    const server = await serve({ [`POST ${SCANS}`]: handler });
    const reports = join(await directory(), 'reports');
    await mkdir(reports);
    const run = await safeguard([...pushing, '--server', server, reports]);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stderr).toContain('is a directory');
    expect(got).toEqual([]);
  });
});
