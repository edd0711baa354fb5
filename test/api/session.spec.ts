import pg from 'pg';
import supertest from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApp, type World } from '../support/app.js';
import { cookieOf, signIn, signInAtProvider } from './sign-in.js';

// Automatic logoff (45 CFR 164.312(a)(2)(iii)): what the table of sessions says of the end is what holds.

/** Not the default, so that the setting is what is seen. */
const IDLE_MINUTES = 7;
const IDLE = IDLE_MINUTES * 60_000;

let world: World;
let admin: pg.Client;

beforeAll(async () => {
  world = await startApp({ environment: { SESSION_IDLE_MINUTES: String(IDLE_MINUTES) } });
  admin = new pg.Client({ connectionString: world.database.urls.admin });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await world.stop();
});

const me = (cookie: string) => supertest(world.url).get('/v1/me').set('Cookie', cookie);

/** The cookie is `s:<id>.<signature>`, the id a row of the table. */
function sessionId(cookie: string): string {
  const value = decodeURIComponent(cookie.slice(cookie.indexOf('=') + 1));
  return value.slice('s:'.length, value.lastIndexOf('.'));
}

async function setEnd(cookie: string, fromNow: string): Promise<void> {
  const { rowCount } = await admin.query('update session set expire = now() + $2::interval where sid = $1', [
    sessionId(cookie),
    fromNow,
  ]);
  expect(rowCount).toBe(1);
}

/** When the session ends, in milliseconds since 1970; nothing when its row is gone. */
async function endOf(cookie: string): Promise<number | undefined> {
  const { rows } = await admin.query<{ expire: Date }>('select expire from session where sid = $1', [
    sessionId(cookie),
  ]);
  return rows[0]?.expire.getTime();
}

it('is a session that was idle for too long nobody’s, for good, and every other one as before?', async () => {
  const { cookie } = await signIn(world.url, 'dev-admin');
  const { cookie: other } = await signIn(world.url, 'dev-admin');
  expect((await me(cookie)).status).toBe(200);
  await setEnd(cookie, '-1 second');
  // The second time too: the refused request has not prolonged it.
  for (let time = 0; time < 2; time += 1) {
    const { status, body } = await me(cookie);
    expect(status).toBe(401);
    expect(body.type).toBe('/problems/unauthenticated');
  }
  expect((await endOf(cookie)) ?? 0).toBeLessThan(Date.now());
  expect((await me(other)).status).toBe(200);
});

it('does every request put the end of the session off to the idle time from then, in the table and in the browser?', async () => {
  const { cookie } = await signIn(world.url, 'dev-admin');
  for (const left of ['30 seconds', '1 day']) {
    await setEnd(cookie, left);
    const before = Date.now();
    const { status, headers } = await me(cookie);
    const after = Date.now();
    expect(status).toBe(200);
    const end = await endOf(cookie);
    // The store rounds up to whole seconds, the cookie down.
    expect(end).toBeGreaterThanOrEqual(before + IDLE);
    expect(end).toBeLessThanOrEqual(after + IDLE + 1_000);
    const expires = /Expires=([^;]+)/.exec(String(headers['set-cookie']))?.[1] ?? '';
    expect(Date.parse(expires)).toBeGreaterThan(before + IDLE - 1_000);
    expect(Date.parse(expires)).toBeLessThanOrEqual(after + IDLE);
  }
});

it('does a request with a token, also beside the cookie, leave the session’s end where it was?', async () => {
  const { cookie } = await signIn(world.url, 'dev-admin');
  await setEnd(cookie, '1 minute');
  const end = await endOf(cookie);
  const token = await world.provider.tokenFor('dev-admin');
  expect((await me(cookie).set('Authorization', `Bearer ${token}`)).status).toBe(200);
  expect(await endOf(cookie)).toBe(end);
});

/** A session as its row has it. */
interface Kept {
  cookie: object;
  login: Record<string, unknown>;
  seal: string;
}

async function keptOf(cookie: string): Promise<Kept> {
  const { rows } = await admin.query<{ sess: Kept }>('select sess from session where sid = $1', [sessionId(cookie)]);
  return rows[0]!.sess;
}

const setKept = (cookie: string, kept: object) =>
  admin.query('update session set sess = $2 where sid = $1', [sessionId(cookie), JSON.stringify(kept)]);

it.each<[string, (kept: Kept) => object]>([
  ['another person', ({ login }) => ({ login: { ...login, subject: 'dev-auditor' } })],
  ['more factors', ({ login }) => ({ login: { ...login, amr: ['pwd', 'otp', 'hwk'], acr: 'mfa' } })],
  ['a later sight of the person', ({ login }) => ({ login: { ...login, authTime: 4_000_000_000 } })],
  ['a later beginning', ({ login }) => ({ login: { ...login, startedAt: '2999-01-01T00:00:00Z' } })],
  ['another cookie', ({ cookie }) => ({ cookie: { ...cookie, httpOnly: false, originalMaxAge: 31_536_000_000 } })],
  ['a way on to another site', () => ({ signIn: { issuer: world.provider.issuer, returnTo: '//mallory.example/' } })],
  ['no seal', () => ({ seal: undefined })],
  ['a seal of another kind', () => ({ seal: ['x'] })],
  ['half of a surrogate pair', ({ login }) => ({ login: { ...login, subject: '\ud800' } })],
  ['a nesting that no session has', () => ({ login: JSON.parse('['.repeat(300) + ']'.repeat(300)) as object })],
])('is a session to which somebody has given %s past the service ended?', async (_, edited) => {
  const { cookie } = await signIn(world.url, 'dev-admin');
  const kept = await keptOf(cookie);
  await setKept(cookie, kept);
  expect((await me(cookie)).status).toBe(200);
  await setKept(cookie, { ...kept, ...edited(kept) });
  const { status, headers } = await me(cookie);
  expect([status, headers['set-cookie']]).toEqual([401, undefined]);
  expect(await endOf(cookie)).toBeUndefined();
  // Whoever signs in again has one.
  expect((await me((await signIn(world.url, 'dev-admin')).cookie)).status).toBe(200);
});

it('is a login that somebody has copied into a session of their own taken from there?', async () => {
  const { cookie: theirs } = await signIn(world.url, 'dev-admin');
  const { cookie: own } = await signIn(world.url, 'dev-auditor');
  await setKept(own, await keptOf(theirs));
  expect((await me(own)).status).toBe(401);
  expect((await me(theirs)).status).toBe(200);
});

it('does a login under way whose way on was changed end nowhere else?', async () => {
  const begun = await supertest(world.url).get('/login?returnTo=%2Fposture').expect(302);
  const before = cookieOf(begun.headers);
  const kept = await keptOf(before);
  await setKept(before, { ...kept, signIn: { issuer: world.provider.issuer, returnTo: '//mallory.example/' } });
  const callback = await signInAtProvider(begun.headers['location']!, 'dev-admin');
  const ended = await supertest(world.url)
    .get(callback.pathname + callback.search)
    .set('Cookie', before);
  expect([ended.status, ended.headers['location']]).toEqual([401, undefined]);
});
