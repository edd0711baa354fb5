import { generateKeyPair, SignJWT } from 'jose';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Clock } from '../../src/kernel/clock.js';
import { OPAQUE_AUDIENCE } from '../../src/development/provider.js';
import { startApp, startClinic, type Clinic, type World } from '../support/app.js';
import { Cluster } from '../support/cluster.js';

let world: World;
let clinic: Clinic;

beforeAll(async () => {
  world = await startApp();
  clinic = await startClinic(world);
});
afterAll(() => world.stop());

const bearing = (path: string, token: string) => supertest(world.url).get(path).set('Authorization', `Bearer ${token}`);

const reasons = (): string[] =>
  world.logs.flatMap((line) => {
    const { reason } = JSON.parse(line) as { reason?: string };
    return reason === undefined ? [] : [reason];
  });

const SCANNER = 'system:serviceaccount:security:scanner';

async function trust(cluster: Cluster, change: object = {}): Promise<{ id: string }> {
  const { body } = await clinic.admin
    .post(`${clinic.path}/agents`, {
      name: 'cluster',
      systemId: clinic.systemId,
      kind: 'kubernetes',
      issuer: cluster.issuer,
      audience: 'safeguard',
      subjectPattern: 'system:serviceaccount:security:*',
      ...change,
    })
    .expect(201);
  return body;
}

describe('a request without a good token', () => {
  it('is refused with one and the same answer, and the log says why without the token', async () => {
    const path = `${clinic.path}/systems`;
    const good = await world.provider.tokenFor('dev-admin');
    const answers = [
      await supertest(world.url).get(path),
      await supertest(world.url).get(path).set('Authorization', 'Basic YTpi'),
      await supertest(world.url).get(path).set('Authorization', 'Bearer'),
      await bearing(path, 'opaque'),
      await bearing(path, `${good.slice(0, -8)}AAAAAAAA`),
      await bearing(path, 'a'.repeat(13_000)),
      await bearing(path, await world.provider.tokenFor('dev-admin', { expiresIn: -120 })),
    ];
    for (const { status, body, headers } of answers) {
      expect(status).toBe(401);
      expect({ ...body, requestId: '' }).toEqual({ ...answers[0]!.body, requestId: '' });
      expect(headers['www-authenticate']).toBe('Bearer');
    }
    for (const reason of ['no-credential', 'malformed', 'signature', 'too-large', 'expired']) {
      expect(reasons()).toContain(reason);
    }
    expect(world.logs.join('')).not.toContain(good.slice(-20));
  });

  it('is refused also when what it says could not even be looked up', async () => {
    const { privateKey } = await generateKeyPair('ES256');
    for (const iss of ['\u0000', 'https://a.example\u0000', '\ud800', "'; drop table member; --", 'x'.repeat(600)]) {
      const token = await new SignJWT({ iss, sub: 's', aud: 'a' })
        .setProtectedHeader({ alg: 'ES256' })
        .sign(privateKey);
      expect((await bearing(`${clinic.path}/systems`, token)).status).toBe(401);
    }
  });

  it('does not come in by a token in the query', async () => {
    const token = await world.provider.tokenFor('dev-admin');
    expect((await supertest(world.url).get(`${clinic.path}/systems?access_token=${token}`)).status).toBe(401);
  });
});

describe('people', () => {
  it('are asked for a second factor wherever they are known', async () => {
    await clinic.admin
      .post(`${clinic.path}/members`, {
        issuer: world.provider.issuer,
        subject: 'dev-nomfa',
        name: 'Noel',
        role: 'viewer',
      })
      .expect(201);
    const noFactor = await world.as('dev-nomfa');
    for (const path of [clinic.path, '/v1/organizations', '/v1/me']) {
      const { body, headers } = await noFactor.get(path).expect(401);
      expect(body.type).toBe('/problems/mfa-required');
      expect(headers['www-authenticate']).toContain('insufficient_user_authentication');
    }
    const weak = await world.provider.tokenFor('dev-admin', { amr: ['pwd'] });
    const create = await supertest(world.url)
      .post('/v1/organizations')
      .set('Authorization', `Bearer ${weak}`)
      .send({ name: 'x' });
    expect(create.body.type).toBe('/problems/mfa-required');
  });

  it('do not learn whether an organisation exists that is not theirs', async () => {
    const stranger = await world.as('stranger');
    const known = await stranger.get(`${clinic.path}/systems`).expect(404);
    const unknown = await stranger.get('/v1/organizations/019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00/systems').expect(404);
    expect({ ...known.body, requestId: '' }).toEqual({ ...unknown.body, requestId: '' });
    await stranger.get(`/v1/organizations/${clinic.organizationId.toUpperCase()}/systems`).expect(404);
    await clinic.admin.get(`/v1/organizations/${clinic.organizationId.toUpperCase()}/systems`).expect(404);
    await clinic.admin.get('/v1/organizations/x/systems').expect(404);
    const me = await stranger.get('/v1/me').expect(200);
    expect(me.body).toMatchObject({ permissions: ['authenticated'], organizations: [] });
  });

  it('can ask who they are', async () => {
    const { body } = await clinic.admin.get('/v1/me').expect(200);
    expect(body).toMatchObject({
      issuer: world.provider.issuer,
      subject: 'dev-admin',
      permissions: ['authenticated', 'organizations:create'],
      organizations: [{ id: clinic.organizationId, role: 'admin' }],
    });
  });
});

describe('agents of a cluster', () => {
  it('are those whose service account the trust means, with keys fetched from the issuer', async () => {
    const cluster = new Cluster();
    await cluster.rotate('one');
    await cluster.serve();
    try {
      const { id } = await trust(cluster);
      const path = `${clinic.path}/systems`;
      const scanner = await cluster.token(SCANNER);
      expect((await bearing(path, scanner)).status).toBe(200);
      expect((await bearing(path, await cluster.token('system:serviceaccount:other:scanner'))).status).toBe(401);
      expect(
        (await bearing(path, await cluster.token(SCANNER, { aud: 'https://kubernetes.default.svc' }))).status,
      ).toBe(401);
      expect((await bearing('/v1/me', scanner)).status).toBe(401);
      // One fetch of metadata and one of keys, whatever the number of tokens.
      expect(cluster.fetches).toBe(2);
      await clinic.admin.delete(`${clinic.path}/agents/${id}`).expect(204);
      expect((await bearing(path, scanner)).status).toBe(401);
    } finally {
      await cluster.stop();
    }
  });

  it('are judged by pinned keys alone where keys are pinned, in the organisation that pinned them alone', async () => {
    const cluster = new Cluster();
    await cluster.rotate('one');
    cluster.issuer = 'https://kubernetes.default.svc.cluster.local';
    await trust(cluster, { jwks: { keys: [cluster.jwk] } });
    const scanner = await cluster.token(SCANNER);
    expect((await bearing(`${clinic.path}/systems`, scanner)).status).toBe(200);
    await cluster.rotate('one');
    expect((await bearing(`${clinic.path}/systems`, await cluster.token(SCANNER))).status).toBe(401);
    const other = await startClinic(world, { admin: 'other-admin', agent: 'other-agent' });
    expect((await bearing(`${other.path}/systems`, scanner)).status).toBe(401);
  });

  it('cannot sign as a member: a pinned key proves agents and nobody else', async () => {
    const cluster = new Cluster();
    await cluster.rotate('one');
    cluster.issuer = 'https://pinned.example.org';
    await trust(cluster, { kind: 'client_credentials', subjectPattern: 'dev-admin', jwks: { keys: [cluster.jwk] } });
    const asAgent = await bearing(`${clinic.path}/systems`, await cluster.token('dev-admin'));
    expect(asAgent.status).toBe(200);
    expect((await bearing(`${clinic.path}/members`, await cluster.token('dev-admin'))).status).toBe(403);
    cluster.issuer = world.provider.issuer;
    expect((await bearing(`${clinic.path}/members`, await cluster.token('dev-admin'))).status).toBe(401);
  });

  it('may be bound to several systems by several trusts', async () => {
    const cluster = new Cluster();
    await cluster.rotate('one');
    cluster.issuer = 'https://two-systems.example.org';
    const { body: second } = await clinic.admin
      .post(`${clinic.path}/systems`, { name: 'second', environment: 'staging', phi: 'none' })
      .expect(201);
    await trust(cluster, { jwks: { keys: [cluster.jwk] } });
    await trust(cluster, { jwks: { keys: [cluster.jwk] }, systemId: second.id });
    const { body } = await bearing(`${clinic.path}/systems`, await cluster.token(SCANNER));
    expect(body.items.map((one: { id: string }) => one.id)).toEqual([clinic.systemId, second.id].toSorted());
  });
});

describe('opaque tokens', () => {
  it('are asked of the issuer that issues them', async () => {
    const { clientId, clientSecret } = world.provider.clients.browser;
    const issuer = {
      issuer: world.provider.issuer,
      audience: OPAQUE_AUDIENCE,
      clientId,
      clientSecret,
      cliClientId: 'safeguard-cli',
      mfa: { amr: ['mfa'] },
      introspection: { clientId, clientSecret },
    };
    const other = await startApp({
      environment: {
        DATABASE_URL: world.database.urls.server,
        OIDC_ISSUERS: JSON.stringify([issuer]),
        FIRST_ADMINS: '',
      },
    });
    try {
      const token = await world.provider.tokenFor('dev-admin', { audience: OPAQUE_AUDIENCE });
      expect(token).not.toContain('.');
      const ask = (bearer: string) => supertest(other.url).get(clinic.path).set('Authorization', `Bearer ${bearer}`);
      expect((await ask(token)).status).toBe(200);
      expect((await ask('a-token-that-nobody-ever-issued')).status).toBe(401);
    } finally {
      await other.stop();
    }
  });
});

describe('a browser', () => {
  const cookieOf = (headers: Record<string, unknown>): string => {
    const [cookie] = (headers['set-cookie'] ?? []) as string[];
    return cookie?.split(';')[0] ?? '';
  };

  /** Goes through the provider's pages as a browser does, and comes back with the address of the callback. */
  async function signInAtProvider(location: string, subject: string): Promise<URL> {
    const jar = new Map<string, string>();
    let next = new URL(location);
    for (let hop = 0; hop < 10; hop += 1) {
      if (next.pathname === '/auth/callback') return next;
      const isForm = next.pathname.startsWith('/interaction/');
      const response: Response = await fetch(next, {
        method: isForm ? 'POST' : 'GET',
        redirect: 'manual',
        headers: {
          cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
          ...(isForm ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
        },
        ...(isForm ? { body: `user=${subject}` } : {}),
      });
      for (const cookie of response.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!;
        jar.set(name!, value!);
      }
      next = new URL(response.headers.get('location')!, next);
    }
    throw new Error('the provider did not come back');
  }

  async function signIn(subject: string, returnTo = '/posture') {
    const begun = await supertest(world.url)
      .get(`/login?returnTo=${encodeURIComponent(returnTo)}`)
      .expect(302);
    const before = cookieOf(begun.headers);
    const callback = await signInAtProvider(begun.headers['location']!, subject);
    const ended = await supertest(world.url)
      .get(callback.pathname + callback.search)
      .set('Cookie', before);
    return { begun, before, callback, ended, cookie: cookieOf(ended.headers) };
  }

  it('signs in with PKCE, state and nonce, and has a session under a new id', async () => {
    const { begun, before, ended, cookie } = await signIn('dev-admin');
    const asked = new URL(begun.headers['location']!).searchParams;
    expect(asked.get('code_challenge_method')).toBe('S256');
    for (const name of ['state', 'nonce', 'code_challenge']) expect(asked.get(name)!.length).toBeGreaterThan(20);
    expect(ended.status).toBe(303);
    expect(ended.headers['location']).toBe('/posture');
    expect(cookie).not.toBe(before);
    expect(String(ended.headers['set-cookie'])).toMatch(/HttpOnly.*SameSite=Lax/);
    const get = (path: string, sent: string) => supertest(world.url).get(path).set('Cookie', sent);
    expect((await get('/v1/me', cookie)).body.subject).toBe('dev-admin');
    expect((await get(`${clinic.path}/members`, cookie)).status).toBe(200);
    expect((await get('/v1/me', before)).status).toBe(401);
    expect((await get('/v1/me', `${cookie}x`)).status).toBe(401);
  });

  it('changes something only with the header that other sites cannot send', async () => {
    const { cookie } = await signIn('dev-admin');
    const post = () => supertest(world.url).post(`${clinic.path}/systems`).set('Cookie', cookie);
    const body = { name: 'by-browser', environment: 'staging', phi: 'none' };
    expect((await post().send(body)).status).toBe(403);
    expect((await post().set('X-Requested-With', 'XMLHttpRequest').send(body)).status).toBe(403);
    expect((await post().set('X-Requested-With', 'safeguard').send(body)).status).toBe(201);
  });

  it('keeps its session when another site sends it to the login', async () => {
    const { cookie } = await signIn('dev-admin');
    await supertest(world.url).get('/login').set('Cookie', cookie).expect(302);
    expect((await supertest(world.url).get('/v1/me').set('Cookie', cookie)).status).toBe(200);
  });

  it('comes back with its own state, once', async () => {
    const { callback, before, ended } = await signIn('dev-admin');
    expect(ended.status).toBe(303);
    const again = await supertest(world.url)
      .get(callback.pathname + callback.search)
      .set('Cookie', before);
    expect(again.status).toBe(401);
    const begun = await supertest(world.url).get('/login').expect(302);
    const stolen = await signInAtProvider(begun.headers['location']!, 'dev-admin');
    const victim = await supertest(world.url).get('/login').expect(302);
    const mixed = await supertest(world.url)
      .get(stolen.pathname + stolen.search)
      .set('Cookie', cookieOf(victim.headers));
    expect(mixed.status).toBe(401);
    expect((await supertest(world.url).get(stolen.pathname + stolen.search)).status).toBe(401);
  });

  it('is not sent to another site after the login', async () => {
    const { ended } = await signIn('dev-admin', '//evil.example/');
    expect(ended.headers['location']).toBe('/');
  });

  it('without a second factor has a session that opens nothing', async () => {
    const { cookie, ended } = await signIn('dev-nomfa');
    expect(ended.status).toBe(303);
    expect((await supertest(world.url).get(clinic.path).set('Cookie', cookie)).body.type).toBe(
      '/problems/mfa-required',
    );
  });

  it('loses its membership and its session at once, and signs out', async () => {
    const { cookie } = await signIn('dev-admin');
    const cross = supertest(world.url).post('/logout').set('Cookie', cookie).set('Sec-Fetch-Site', 'cross-site');
    expect((await cross).status).toBe(403);
    const { status, headers } = await supertest(world.url).post('/logout').set('Cookie', cookie);
    expect(status).toBe(303);
    expect(headers['location']).toContain('/session/end?');
    expect(String(headers['set-cookie'])).toContain('Max-Age=0');
    expect((await supertest(world.url).get('/v1/me').set('Cookie', cookie)).status).toBe(401);
  });

  it('is signed out twelve hours after the login, however busy it was', async () => {
    const { cookie } = await signIn('dev-admin');
    const get = () => supertest(world.url).get('/v1/me').set('Cookie', cookie);
    const begun = Date.now();
    const clock = vi.spyOn(world.app.get(Clock, { strict: false }), 'now');
    try {
      clock.mockReturnValue(new Date(begun + 12 * 3_600_000 - 60_000));
      expect((await get()).status).toBe(200);
      clock.mockReturnValue(new Date(begun + 12 * 3_600_000 + 60_000));
      expect((await get()).status).toBe(401);
    } finally {
      clock.mockRestore();
    }
    expect((await get()).status).toBe(401);
  });

  it('keeps no token in its session', async () => {
    await signIn('dev-admin');
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: world.database.urls.admin });
    await client.connect();
    const { rows } = await client.query<{ sess: unknown }>('select sess from session');
    await client.end();
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify(rows)).not.toMatch(/"eyJ|id_token|access_token/); // A random verifier may hold the three letters too.
  });
});

describe('/.well-known/safeguard', () => {
  it('says to anybody where tokens come from', async () => {
    const { body } = await (await world.as(null)).get('/.well-known/safeguard').expect(200);
    expect(body).toEqual({
      issuers: [{ issuer: world.provider.issuer, cliClientId: 'safeguard-cli', audience: 'urn:safeguard:api' }],
    });
  });
});
