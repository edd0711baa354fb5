import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startClinic, type Caller, type Clinic } from '../support/app.js';
import { policyReport, send } from './reports.js';
import { filesIn, prepareGround, type Ground, type RunningServer } from './server.js';

/** When each server is killed: so many milliseconds after the posts, or as soon as so many of them are answered. */
const MOMENTS: ({ after: number } | { answered: number })[] = [
  { after: 30 },
  { answered: 1 },
  { answered: 3 },
  { answered: 5 },
];
const POSTS = 6;
const RESULTS = 150;

interface Post {
  key: string;
  bytes: string;
  path: string;
  prefer: Record<string, string>;
  /** The scan that the poster was told of. */
  acknowledged: string | null;
}

let ground: Ground;
let clinic: Clinic;
let officer: Caller;
let admin: pg.Client;
let server: RunningServer;
const posts: Post[] = [];

beforeAll(async () => {
  ground = await prepareGround();
  server = await ground.serve();
  clinic = await startClinic(ground.worldOf(server));
  officer = await clinic.member('compliance_officer');
  admin = new pg.Client({ connectionString: ground.database.urls.admin });
  await admin.connect();
  for (const [round, moment] of MOMENTS.entries()) {
    if (round > 0) server = await ground.serve();
    const made = Array.from({ length: POSTS }, (_, index) => newPost(round, index));
    posts.push(...made);
    let answered = 0;
    const enough = Promise.withResolvers<undefined>();
    const sent = made.map(async (post) => {
      const answer = await deliver(post).catch(() => null);
      if (answer !== null && answer.status < 300) post.acknowledged = answer.body.id;
      answered += 1;
      if ('answered' in moment && answered === moment.answered) enough.resolve(undefined);
    });
    await ('after' in moment ? delay(moment.after) : enough.promise);
    await server.kill('SIGKILL');
    await Promise.all(sent);
  }
}, 120_000);
afterAll(async () => {
  await admin.end();
  await ground.stop();
});

function newPost(round: number, index: number): Post {
  const findings = Array.from({ length: RESULTS }, (_, row) => ({
    check: `round-${round}/post-${index}/${row}`,
    result: row % 2 === 0 ? ('fail' as const) : ('pass' as const),
  }));
  return {
    key: `round-${round}/post-${index}`,
    bytes: policyReport(findings),
    // Partial: no report closes what another has said.
    path: `${clinic.systemPath}/scans?observedAt=2026-01-${String(round + 1).padStart(2, '0')}T00:00:0${index}Z`,
    prefer: index % 2 === 0 ? {} : { Prefer: 'respond-async' },
    acknowledged: null,
  };
}

const deliver = ({ key, bytes, path, prefer }: Post) =>
  send<{ id: string; evidenceId: string; status: string }>(server.url, officer, 'POST', path, {
    body: bytes,
    headers: { 'Idempotency-Key': key, ...prefer },
  });

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Row {
  id: string;
  status: string;
  counts: { total: number; new: number } | null;
  digest: string;
  results: number;
  covered: number;
  events: string[];
}

/** Every scan as it is in the database, with what belongs to it. */
async function scans(): Promise<Row[]> {
  const { rows } = await admin.query<Row>(
    `select s.id, s.status, s.counts, encode(e.sha256, 'hex') as digest,
            (select count(*)::int from result r where r.scan_id = s.id) as results,
            (select count(*)::int from coverage c where c.scan_id = s.id) as covered,
            (select array_agg(a.action order by a.id) from audit_event a where a.object_id = s.id::text) as events
     from scan s join evidence e on e.organization_id = s.organization_id and e.id = s.evidence_id`,
  );
  return rows;
}

describe('does a server that is killed while it takes reports lose or halve any?', () => {
  it('before anybody mends anything: all of each, or nothing', async () => {
    for (const { status, counts, results, covered, events } of await scans()) {
      if (status === 'stored') {
        expect(counts).toMatchObject({ total: RESULTS, new: RESULTS });
        expect([results, covered]).toEqual([RESULTS, 1]);
        expect(events.at(-1)).toBe('scan.stored');
      } else {
        expect([status, counts, results, covered, events]).toEqual(['queued', null, 0, 0, ['scan.queued']]);
      }
    }
  });

  it('what was acknowledged is there', async () => {
    const found = await scans();
    const told = posts.filter(({ acknowledged }) => acknowledged !== null);
    // Some were answered and some were not, or the moments of the kills prove nothing.
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThan(posts.length);
    for (const { key, bytes, acknowledged } of told) {
      expect(
        found.find(({ id }) => id === acknowledged),
        key,
      ).toMatchObject({ digest: sha256(bytes) });
    }
  });

  it('a new server on the same data finishes what was queued, by itself', async () => {
    server = await ground.serve();
    await vi.waitFor(
      async () => {
        const left = (await scans()).filter(({ status }) => status !== 'stored');
        expect(left).toEqual([]);
      },
      // A dead worker is missed after 10 seconds, looked for every 10, and its job tried again after a pause.
      { timeout: 55_000, interval: 250 },
    );
  });

  it('each evidence is readable, and is what was sent', async () => {
    const sent = new Set(posts.map(({ bytes }) => sha256(bytes)));
    const { body } = await send<{ items: { id: string; sha256: string }[] }>(
      server.url,
      officer,
      'GET',
      `${clinic.path}/evidence?limit=500`,
    );
    const { items } = body;
    expect(items).toHaveLength((await scans()).length);
    for (const item of items) {
      const content = await send(server.url, officer, 'GET', `${clinic.path}/evidence/${item.id}/content`);
      expect([content.status, sha256(content.bytes)]).toEqual([200, item.sha256]);
      expect(sent.has(item.sha256)).toBe(true);
    }
  });

  it('posting all of it again, as an agent does that had no answer, has each once', async () => {
    for (let at = 0; at < posts.length; at += POSTS) {
      await Promise.all(
        posts.slice(at, at + POSTS).map(async (post) => {
          const { status, body } = await deliver(post);
          expect(status, JSON.stringify(body)).toBeLessThan(300);
          if (post.acknowledged !== null) expect(body.id).toBe(post.acknowledged);
        }),
      );
    }
    await vi.waitFor(
      async () => {
        const found = await scans();
        expect(found.filter(({ status }) => status !== 'stored')).toEqual([]);
        expect(found).toHaveLength(posts.length);
      },
      { timeout: 30_000, interval: 250 },
    );
    for (const { counts, results } of await scans()) {
      expect([counts?.new, results]).toEqual([RESULTS, RESULTS]);
    }
    const { rows } = await admin.query<{ count: number }>('select count(*)::int as count from result');
    expect(rows).toEqual([{ count: posts.length * RESULTS }]);
  });

  it('bytes that became nobody’s evidence are few, unreadable, and never in the place of others', async () => {
    const files = (await filesIn(ground.evidenceDirectory)).map((path) =>
      path.slice(ground.evidenceDirectory.length + 1),
    );
    const { rows } = await admin.query<{ key: string }>('select storage_key as key from evidence');
    const known = new Set(rows.map(({ key }) => key));
    for (const key of known) expect(files).toContain(key);
    // At most what was under way at each kill.
    expect(files.filter((file) => !known.has(file)).length).toBeLessThanOrEqual(MOMENTS.length * POSTS);
  });

  it('asked to stop, the server ends what is under way and ends itself', async () => {
    const post = newPost(MOMENTS.length, 0);
    const answer = deliver(post);
    await delay(20);
    const ended = server.kill('SIGTERM');
    const { status } = await answer;
    await ended;
    expect(server.child.exitCode).toBe(0);
    expect(status).toBe(201);
    expect((await scans()).some(({ digest }) => digest === sha256(post.bytes))).toBe(true);
  });
});
