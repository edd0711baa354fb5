import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Deposit } from '../../src/agent/deposit.js';
import { Metrics } from '../../src/agent/metrics.js';
import { Poster } from '../../src/agent/poster.js';
import { Spool } from '../../src/agent/spool.js';
import { Signer, STATEMENT_TYPE } from '../../src/agent/statement.js';
import { Client } from '../../src/bin/client/http.js';
import { tokenSource } from '../../src/bin/client/tokens.js';
import { json, ORGANIZATION, problem, STORED, SYSTEM } from '../cli/support.js';
import { type Answer, type Service, startService } from './service.js';
import { folder, type QuickClock, quickClock } from './support.js';

interface Posting {
  service: Service;
  spool: Spool;
  deposit: Deposit;
  poster: Poster;
  clock: QuickClock;
  stop: AbortController;
  directory: string;
  tokenFile: string;
  logs: string[];
  metric(name: string): Promise<string | undefined>;
}

async function posting({
  system = SYSTEM,
  signer = null as Signer | null,
  service: given = null as Service | null,
} = {}): Promise<Posting> {
  const service = given ?? (await startService());
  const directory = await folder();
  const tokenFile = join(directory, 'token');
  await writeFile(tokenFile, 'token-1');
  const ignore = { dropped: () => undefined, damaged: () => undefined, forgotten: () => undefined };
  const spool = await Spool.open(join(directory, 'spool'), 1e6, ignore);
  const clock = quickClock();
  const logs: string[] = [];
  const log = pino({}, { write: (line: string) => void logs.push(line) });
  const metrics = new Metrics();
  const stop = new AbortController();
  const server = new URL(service.url);
  const client = new Client(server, tokenSource(server, tokenFile, 0), 0, { product: 'safeguard-agent' });
  const poster = new Poster({
    client,
    organization: ORGANIZATION,
    system,
    spool,
    clock,
    log,
    metrics,
    stopping: stop.signal,
  });
  const metric = async (name: string): Promise<string | undefined> =>
    (await metrics.registry.metrics())
      .split('\n')
      .find((line) => line.startsWith(`safeguard_agent_${name} `) || line.startsWith(`safeguard_agent_${name}{`));
  return {
    service,
    spool,
    deposit: new Deposit(spool, clock, signer),
    poster,
    clock,
    stop,
    directory,
    tokenFile,
    logs,
    metric,
  };
}

async function give(
  { deposit, spool, clock }: Posting,
  text: string,
  minute = 0,
  declared: { observedAt?: string; targets?: string[] } = {},
) {
  const bytes = Buffer.from(text);
  const file = spool.scratch();
  await writeFile(file, bytes);
  return deposit.put(
    {
      file,
      size: bytes.length,
      digest: createHash('sha256').update(bytes).digest('base64'),
      encoding: 'identity',
      mediaType: 'application/json',
      content: { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
    },
    new Date(clock.now() + minute * 60_000),
    { stream: null, origin: text, ...declared },
  );
}

const texts = ({ posts }: Pick<Service, 'posts'>): string[] => posts.map(({ body }) => body.toString());
const refuse =
  (status: number, code: string): Answer =>
  (response) =>
    problem(response, status, code, `Refused as ${code}`);

/** At once, or when the report was read: the service refuses it all the same. */
const refusedEitherWay = (code: string, detail: string): [string, Answer][] => [
  ['at once', refuse(422, code)],
  [
    'when it was read',
    (response) => json(response, 202, { ...STORED, status: 'refused', counts: null, problem: { code, detail } }),
  ],
];

describe('what is posted?', () => {
  it('is it the oldest first, with its digest, type and declaration, and gone from the spool?', async () => {
    const all = await posting();
    await give(all, '{"second":2}', 2, { targets: ['node/worker-1'], observedAt: '2026-11-26T08:00:00Z' });
    await give(all, '{"first":1}', 1);
    expect(await all.poster.drain(Infinity)).toBe(true);
    expect(texts(all.service)).toEqual(['{"first":1}', '{"second":2}']);
    const [first, second] = all.service.posts;
    expect(first?.headers).toMatchObject({
      'content-type': 'application/json',
      'content-digest': `sha-256=:${createHash('sha256').update('{"first":1}').digest('base64')}:`,
      authorization: 'Bearer token-1',
      prefer: 'respond-async',
    });
    expect(first?.query.has('observedAt')).toBe(false);
    expect(second?.query.getAll('targets')).toEqual(['node/worker-1']);
    expect(second?.query.get('observedAt')).toBe('2026-11-26T08:00:00Z');
    expect([all.spool.count, all.clock.pauses]).toEqual([0, []]);
  });

  it('is a system found by its name?', async () => {
    const all = await posting({ system: 'production' });
    await give(all, '{}');
    expect(await all.poster.drain(Infinity)).toBe(true);
    expect(all.service.kept.size).toBe(1);
  });

  it('is it told what the service finds suspicious of a report that it takes?', async () => {
    const all = await posting();
    await give(all, '{}');
    const detail = 'The report is of another cluster (uid) than the last one of this system.';
    all.service.answers = [
      (response) => json(response, 201, { ...STORED, flags: [{ code: 'cluster-uid-differs', detail }] }),
    ];
    expect(await all.poster.drain(Infinity)).toBe(true);
    expect(all.logs.map((line) => JSON.parse(line) as object)).toContainEqual(
      expect.objectContaining({ level: 40, flag: 'cluster-uid-differs', detail }),
    );
  });

  it('is a deferred report waited for, and gone when it is stored?', async () => {
    const all = await posting();
    await give(all, '{}');
    all.service.answers = [(response) => json(response, 202, { ...STORED, status: 'queued', counts: null })];
    expect(await all.poster.drain(Infinity)).toBe(true);
    expect(all.spool.count).toBe(0);
    expect(all.clock.pauses).toHaveLength(1);
  });

  it.each<[string, Answer]>(refusedEitherWay('observed-at-required', 'The report does not say when it was made.'))(
    'is a report without a time of its own as of when it was found, and only then: told %s?',
    async (_when, answer) => {
      const all = await posting();
      const entry = await give(all, '{}');
      all.service.answers = [answer];
      expect(await all.poster.drain(Infinity)).toBe(true);
      expect(all.service.posts.map(({ query }) => query.get('observedAt'))).toEqual([null, entry.createdAt]);
      expect(all.spool.count).toBe(0);
    },
  );
});

describe('what is never lost?', () => {
  it.each<[string, Answer, boolean]>([
    ['busy', (response) => problem(response, 429, 'busy', 'Busy', {}), false],
    ['down behind a proxy', (response) => void response.writeHead(503).end('<html>'), false],
    ['failing', refuse(500, 'internal'), false],
    ['cut', (response) => void response.destroy(), false],
    ['refusing the token', refuse(401, 'unauthenticated'), true],
    ['refusing the agent', refuse(403, 'forbidden'), true],
    ['without such a system', refuse(404, 'not-found'), true],
    [
      'a proxy that thinks the report too large',
      (response) => void response.writeHead(413).end('<html>413</html>'),
      true,
    ],
    ['a proxy that cut the report', refuse(400, 'truncated-body'), false],
    ['a redirect', (response) => void response.writeHead(302, { location: '/login' }).end(), true],
    ['no such server', (response) => json(response, 200, { hello: 'world' }), true],
  ])(
    'is a report tried again where the answer is %s, and told loudly if people are needed?',
    async (_what, answer, isLoud) => {
      const all = await posting();
      await give(all, '{}');
      all.service.answers = [answer, answer];
      expect(await all.poster.drain(Infinity)).toBe(true);
      expect(all.service.kept.size).toBe(1);
      expect(all.spool.count).toBe(0);
      expect(all.clock.pauses.filter((pause) => pause >= 500)).toHaveLength(2);
      expect(all.logs.some((line) => line.includes('"level":50'))).toBe(isLoud);
    },
  );

  it('is it posted once, where the answer to the first post got lost?', async () => {
    const all = await posting();
    await give(all, '{}');
    all.service.answers = [
      (response, _posted, goOn) => {
        // It is kept, and who posted never hears so.
        response.end = () => response.destroy();
        goOn();
      },
    ];
    expect(await all.poster.drain(Infinity)).toBe(true);
    expect([all.service.posts.length, all.service.kept.size]).toEqual([2, 1]);
    expect(new Set(all.service.posts.map(({ key }) => key)).size).toBe(1);
  });

  it('is the server’s Retry-After the least pause, and do pauses grow without it up to five minutes?', async () => {
    const all = await posting();
    await give(all, '{}');
    const busy =
      (after?: string): Answer =>
      (response) =>
        void response.writeHead(429, after === undefined ? {} : { 'retry-after': after }).end();
    all.service.answers = [busy('1800'), ...Array.from({ length: 12 }, () => busy())];
    expect(await all.poster.drain(Infinity)).toBe(true);
    const [first = 0, ...rest] = all.clock.pauses;
    expect(first).toBeGreaterThanOrEqual(1_800_000);
    expect(rest.slice(0, 3)).toEqual([...rest.slice(0, 3)].sort((one, other) => one - other));
    expect(Math.max(...rest)).toBeLessThanOrEqual(300_000);
    expect(rest.at(-1)).toBeGreaterThan(150_000);
  });

  it('does everything of an outage of days arrive, in order, once?', async () => {
    const all = await posting();
    const unreachable = new URL(all.service.url);
    await all.service.stop();
    for (let hour = 0; hour < 30; hour++) await give(all, JSON.stringify({ hour }), hour * 60);
    expect(await all.poster.drain(all.clock.now() + 3 * 86_400_000)).toBe(false);
    expect(all.spool.count).toBe(30);
    const service = await startService();
    unreachable.port = new URL(service.url).port;
    const again = await posting({ service });
    const left = await Spool.open(join(all.directory, 'spool'), 1e6, {
      dropped: () => undefined,
      damaged: () => undefined,
      forgotten: () => undefined,
    });
    expect(left.count).toBe(30);
    const poster = new Poster({
      client: new Client(new URL(service.url), tokenSource(new URL(service.url), all.tokenFile, 0), 0),
      organization: ORGANIZATION,
      system: SYSTEM,
      spool: left,
      clock: again.clock,
      log: pino({ level: 'silent' }),
      metrics: new Metrics(),
      stopping: again.stop.signal,
    });
    expect(await poster.drain(Infinity)).toBe(true);
    expect(texts(service)).toEqual(Array.from({ length: 30 }, (_, hour) => JSON.stringify({ hour })));
  });

  it('do the others go on where the server fails at one report?', async () => {
    const all = await posting();
    await give(all, '{"poison":1}', 1);
    await give(all, '{"good":1}', 2);
    const poisoned: Answer = (response, posted, goOn) =>
      posted.body.toString().includes('poison') && all.clock.pauses.length < 5
        ? problem(response, 500, 'internal', 'x')
        : goOn();
    all.service.answers = Array.from({ length: 20 }, () => poisoned);
    expect(await all.poster.drain(Infinity)).toBe(true);
    expect(texts(all.service).indexOf('{"good":1}')).toBe(1);
    expect(all.service.kept.size).toBe(2);
  });

  it.each<[string, Answer]>([
    ['a proxy thinks too large', (response) => void response.writeHead(413).end('<html>413</html>')],
    ['has too long an address', (response) => void response.writeHead(431).end()],
    ['is cut in the middle', (response) => void response.destroy()],
    ['takes too long to send', (response) => void response.writeHead(408).end()],
  ])('do the others go on where one %s?', async (_what, trouble) => {
    const all = await posting();
    await give(all, '{"poison":1}', 1);
    await give(all, '{"good":1}', 2);
    all.service.answers = Array.from(
      { length: 20 },
      (): Answer => (response, posted, goOn) =>
        posted.body.toString().includes('poison') ? trouble(response, posted, goOn) : goOn(),
    );
    expect(await all.poster.drain(all.clock.now() + 60_000)).toBe(false);
    expect([...all.service.kept.values()].map(({ body }) => body.toString())).toEqual(['{"good":1}']);
    expect(all.spool.byAge.map(({ origin }) => origin)).toEqual(['{"poison":1}']);
  });

  it('is a postponed report tried again in time where the clock is set back by a day?', async () => {
    const all = await posting();
    await give(all, '{}');
    all.service.answers = [refuse(500, 'internal')];
    const pause = all.clock.pause.bind(all.clock);
    all.clock.pause = async (milliseconds, signal) => {
      // It is postponed by now, and the clock of the machine is mended.
      if (all.clock.pauses.length === 1) all.clock.set(-86_400_000);
      await pause(milliseconds, signal);
    };
    expect(await all.poster.drain(Infinity)).toBe(true);
    expect(Math.max(...all.clock.pauses)).toBeLessThan(10_000);
  });

  it('is a report that the service has not read yet still there when the agent is stopped?', async () => {
    const all = await posting();
    await give(all, '{}');
    all.service.answers = [
      (response) => {
        all.stop.abort();
        json(response, 202, { ...STORED, status: 'queued', counts: null });
      },
    ];
    await all.poster.run();
    expect(all.spool.count).toBe(1);
  });

  it('does it go on where nothing can be set aside, and where a file is gone?', async () => {
    const all = await posting();
    const gone = await give(all, '{"gone":1}', 1);
    await give(all, '{"bad":1}', 2);
    await give(all, '{"good":1}', 3);
    await rm(gone.file);
    all.service.answers = [refuse(422, 'report-refused')];
    const refused = join(all.directory, 'spool', 'refused');
    await rm(refused, { recursive: true });
    expect(await all.poster.drain(all.clock.now() + 60_000)).toBe(false);
    expect([...all.service.kept.values()].map(({ body }) => body.toString())).toContain('{"good":1}');
    await mkdir(refused);
    expect(await all.poster.drain(Infinity)).toBe(true);
    expect((await readdir(refused)).filter((file) => file.endsWith('.problem.json'))).toContain(
      `${gone.name}.problem.json`,
    );
  });

  it('is a token read anew for each post, and one that was replaced taken at once?', async () => {
    const all = await posting();
    await give(all, '{"a":1}', 1);
    await give(all, '{"b":1}', 2);
    all.service.token = 'token-1';
    all.service.answers = [
      async (_response, _posted, goOn) => {
        all.service.token = 'token-2';
        await writeFile(all.tokenFile, 'token-2');
        goOn();
      },
    ];
    expect(await all.poster.drain(Infinity)).toBe(true);
    expect(all.service.posts.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2']);
    expect(all.clock.pauses).toEqual([]);
  });

  it('is a token that is not there yet waited for, and denied told by the metrics?', async () => {
    const all = await posting();
    await give(all, '{}');
    all.service.token = 'token-9';
    expect(await all.poster.drain(all.clock.now() + 60_000)).toBe(false);
    expect(await all.metric('denied')).toBe('safeguard_agent_denied 1');
    await writeFile(all.tokenFile, 'token-9');
    expect(await all.poster.drain(Infinity)).toBe(true);
    expect(await all.metric('denied')).toBe('safeguard_agent_denied 0');
  });

  it('does a stop end it between two tries, and is the report still there?', async () => {
    const all = await posting();
    await give(all, '{}');
    all.service.answers = Array.from({ length: 100 }, () => (response: Parameters<Answer>[0]) => {
      all.stop.abort();
      response.destroy();
    });
    await all.poster.run();
    expect([all.service.posts.length, all.spool.count]).toEqual([1, 1]);
  });
});

describe('what is refused for good?', () => {
  it.each<[string, Answer]>(refusedEitherWay('report-refused', 'unknown-format'))(
    'is it set aside with the problem, and do the others go on: %s?',
    async (_when, answer) => {
      const all = await posting();
      const bad = await give(all, '{"bad":1}', 1);
      await give(all, '{"good":1}', 2);
      all.service.answers = [answer];
      expect(await all.poster.drain(Infinity)).toBe(true);
      expect(all.poster.refused).toBe(1);
      const refused = join(all.directory, 'spool', 'refused');
      expect((await readdir(refused)).sort()).toEqual(
        ['json', 'problem.json', 'report'].map((ending) => `${bad.name}.${ending}`),
      );
      expect(JSON.parse(await readFile(join(refused, `${bad.name}.problem.json`), 'utf8'))).toMatchObject({
        type: expect.stringMatching(/report-refused$/) as string,
        origin: '{"bad":1}',
      });
      expect(await readFile(join(refused, `${bad.name}.report`), 'utf8')).toBe('{"bad":1}');
      expect(await all.metric('refused_reports_total')).toBe('safeguard_agent_refused_reports_total 1');
    },
  );

  it.each(['cut short', 'changed'])(
    'is one whose file was %s on the disk set aside, and the others posted?',
    async (what) => {
      const all = await posting();
      const bad = await give(all, '{"bad":1}', 1);
      await give(all, '{"good":1}', 2);
      await writeFile(bad.file, what === 'changed' ? '{"bad":2}' : '{');
      if (what === 'changed') all.service.answers = [refuse(400, 'digest-mismatch')];
      expect(await all.poster.drain(Infinity)).toBe(true);
      expect([...all.service.kept.values()].map(({ body }) => body.toString())).toEqual(['{"good":1}']);
      expect(await readdir(join(all.directory, 'spool', 'refused'))).toContain(`${bad.name}.report`);
    },
  );

  it('is neither a token nor what a report says in any log line?', async () => {
    const all = await posting();
    await give(all, '{"patient":"4711"}');
    all.service.answers = [
      refuse(503, 'busy'),
      (response) => problem(response, 422, 'report-refused', 'Refused', { detail: 'at "patient": "4711"' }),
    ];
    await all.poster.drain(Infinity);
    expect(all.logs.length).toBeGreaterThan(1);
    expect(all.logs.join('')).not.toMatch(/4711|token-1/);
  });
});

describe('what is signed?', () => {
  it.each(['ed25519', 'p-256'])(
    'does the statement of %s hold for what was posted, and is it the same at each try?',
    async (curve) => {
      const { privateKey } =
        curve === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const file = join(await folder(), 'key.pem');
      await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
      const all = await posting({ signer: Signer.fromFile(file) });
      await give(all, '{"signed":1}');
      all.service.answers = [refuse(503, 'busy')];
      expect(await all.poster.drain(Infinity)).toBe(true);
      const [first, second] = all.service.posts.map(({ headers }) => String(headers['safeguard-signature']));
      expect(second).toBe(first);
      const envelope = JSON.parse(
        Buffer.from(/^:([A-Za-z0-9+/=]+):$/.exec(first ?? '')?.[1] ?? '', 'base64').toString(),
      );
      const payload = Buffer.from(envelope.payload, 'base64');
      const publicKey = createPublicKey(privateKey);
      const signed = Buffer.concat([
        Buffer.from(`DSSEv1 ${STATEMENT_TYPE.length} ${STATEMENT_TYPE} ${payload.length} `),
        payload,
      ]);
      const [{ sig, keyid }] = envelope.signatures;
      const hash = curve === 'ed25519' ? null : 'sha256';
      expect(envelope.payloadType).toBe(STATEMENT_TYPE);
      expect(verify(hash, signed, publicKey, Buffer.from(sig, 'base64'))).toBe(true);
      expect(verify(hash, payload, publicKey, Buffer.from(sig, 'base64'))).toBe(false);
      expect(keyid).toBe(
        createHash('sha256')
          .update(publicKey.export({ type: 'spki', format: 'der' }))
          .digest('hex'),
      );
      expect(JSON.parse(payload.toString())).toMatchObject({
        kind: 'ReportStatement',
        sha256: createHash('sha256').update('{"signed":1}').digest('hex'),
        size: 12,
      });
    },
  );

  it.each(['rsa', 'rubbish', 'missing'])(
    'is a key that is %s told when it starts, without quoting it?',
    async (what) => {
      const file = join(await folder(), 'key.pem');
      if (what === 'rsa')
        await writeFile(
          file,
          generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
        );
      if (what === 'rubbish') await writeFile(file, 'hunter2');
      expect(() => Signer.fromFile(file)).toThrow(/signing key/);
      expect(() => Signer.fromFile(file)).not.toThrow(/hunter2/);
    },
  );
});
