import pg from 'pg';
import supertest from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApp, type World } from '../support/app.js';
import { signIn } from './sign-in.js';

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
