import { createHash, randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRemoteJWKSet, decodeJwt, jwtVerify, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  API_AUDIENCE,
  OPAQUE_AUDIENCE,
  startProvider,
  type DevelopmentProvider,
} from '../../src/development/provider.js';

const CALLBACK = 'http://127.0.0.1:4444/auth/callback';
const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

let directory: string;
let provider: DevelopmentProvider;
let keys: ReturnType<typeof createRemoteJWKSet>;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'safeguard-provider-'));
  provider = await startProvider({ dataDirectory: directory, port: 0, browserRedirectUris: [CALLBACK] });
  keys = createRemoteJWKSet(new URL('/jwks', provider.issuer));
});

afterAll(async () => {
  await provider.stop();
  await rm(directory, { recursive: true, force: true });
});

/** What the API asks of every access token. */
const verify = async (token: string): Promise<JWTPayload> => {
  const options = { issuer: provider.issuer, audience: API_AUDIENCE, typ: 'at+jwt', algorithms: ['ES256'] };
  return (await jwtVerify(token, keys, options)).payload;
};

/** A browser without script: follows redirects inside the provider, keeps cookies, submits the forms it is shown. */
class Browser {
  private readonly cookies = new Map<string, string>();
  /** Where the last redirect led, if out of the provider. */
  left?: URL;
  html = '';
  status = 0;

  async go(address: string | URL, form?: Record<string, string>): Promise<void> {
    const url = new URL(address, provider.issuer);
    if (url.origin !== provider.issuer) {
      this.left = url;
      return;
    }
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [pair = ''] = cookie.split(';');
      const at = pair.indexOf('=');
      this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    this.status = response.status;
    this.html = await response.text();
    const location = response.headers.get('location');
    if (location !== null) await this.go(new URL(location, url));
  }

  /** Presses a button of the only form on the page. */
  async submit(fields: Record<string, string>): Promise<void> {
    const action = /<form[^>]* action="([^"]+)"/.exec(this.html)?.[1] ?? '';
    const hidden = [...this.html.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g)];
    await this.go(action, { ...Object.fromEntries(hidden.map(([, name, value]) => [name!, value!])), ...fields });
  }
}

interface Tokens {
  access_token: string;
  id_token: string;
  refresh_token: string;
  error?: string;
}

const ask = async (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  (await (
    await fetch(new URL(path, provider.issuer), { method: 'POST', headers, body: new URLSearchParams(form) })
  ).json()) as Tokens & Record<string, unknown>;

const browserCredentials = () => ({
  client_id: provider.clients.browser.clientId,
  client_secret: provider.clients.browser.clientSecret,
});

async function logIn(subject: string, resource?: string): Promise<Tokens> {
  const verifier = randomBytes(32).toString('base64url');
  const browser = new Browser();
  const query = new URLSearchParams({
    client_id: 'safeguard',
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'openid profile email',
    state: 'there-and-back',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(resource && { resource }),
  });
  await browser.go(`/auth?${query.toString()}`);
  expect(browser.html).toContain('DEVELOPMENT LOGIN');
  await browser.submit({ user: subject });
  expect(browser.left?.searchParams.get('state')).toBe('there-and-back');
  return ask('/token', {
    ...browserCredentials(),
    grant_type: 'authorization_code',
    code: browser.left?.searchParams.get('code') ?? '',
    redirect_uri: CALLBACK,
    code_verifier: verifier,
  });
}

describe('the development OpenID provider', () => {
  test('does an agent get a token by client credentials that verifies by the published keys?', async () => {
    const [agent] = provider.clients.agents;
    const basic = Buffer.from(`${agent!.clientId}:${agent!.clientSecret}`).toString('base64');
    const { access_token } = await ask(
      '/token',
      { grant_type: 'client_credentials', resource: API_AUDIENCE },
      { authorization: `Basic ${basic}` },
    );
    const claims = await verify(access_token);
    expect(claims).toMatchObject({ sub: 'safeguard-agent', client_id: 'safeguard-agent' });
    expect(claims).not.toHaveProperty('amr');
    expect(Object.keys(decodeJwt(await provider.tokenFor('safeguard-agent'))).sort()).toEqual(
      Object.keys(claims).sort(),
    );
    const wrong = Buffer.from(`${agent!.clientId}:wrong`).toString('base64');
    const refused = await ask('/token', { grant_type: 'client_credentials' }, { authorization: `Basic ${wrong}` });
    expect(refused.error).toBe('invalid_client');
  });

  test('does the browser log in by code and PKCE, and do its tokens tell the second factor, also when refreshed?', async () => {
    const tokens = await logIn('dev-approver');
    const login = { amr: ['pwd', 'otp', 'mfa'], acr: 'urn:safeguard:acr:mfa', auth_time: expect.any(Number) as number };
    const claims = await verify(tokens.access_token);
    expect(claims).toMatchObject({ sub: 'dev-approver', client_id: 'safeguard', ...login });
    const identity = await jwtVerify(tokens.id_token, keys, { issuer: provider.issuer, audience: 'safeguard' });
    expect(identity.payload).toMatchObject({
      sub: 'dev-approver',
      name: 'Paul Approver',
      email: 'approver@safeguard.example',
      ...login,
    });
    const refreshed = await ask('/token', {
      ...browserCredentials(),
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token,
    });
    expect(await verify(refreshed.access_token)).toMatchObject({ sub: 'dev-approver', ...login });

    const minted = await verify(await provider.tokenFor('dev-approver'));
    const unique = { jti: '', iat: 0, exp: 0, auth_time: 0 };
    expect({ ...minted, ...unique }).toEqual({ ...claims, ...unique });
  });

  test('is a login without second factor told as such?', async () => {
    const claims = await verify((await logIn('dev-nomfa')).access_token);
    expect(claims).toMatchObject({ sub: 'dev-nomfa', amr: ['pwd'], acr: 'urn:safeguard:acr:password' });
    expect(await verify(await provider.tokenFor('dev-nomfa'))).toMatchObject({ amr: ['pwd'] });
    expect(await verify(await provider.tokenFor('dev-admin', { amr: ['pwd'] }))).toMatchObject({ amr: ['pwd'] });
  });

  test('is a code without PKCE, an unknown user, another callback refused?', async () => {
    const query = { client_id: 'safeguard', response_type: 'code', redirect_uri: CALLBACK, scope: 'openid' };
    const browser = new Browser();
    await browser.go(`/auth?${new URLSearchParams(query).toString()}`);
    expect(browser.left?.searchParams.get('error')).toBe('invalid_request');

    const pkce = { ...query, code_challenge: 'A'.repeat(43), code_challenge_method: 'S256' };
    const asking = new Browser();
    await asking.go(`/auth?${new URLSearchParams(pkce).toString()}`);
    await asking.submit({ user: 'root' });
    expect(asking.status).toBe(422);
    expect(asking.html).toContain('Choose one of these users');

    const elsewhere = new Browser();
    await elsewhere.go(`/auth?${new URLSearchParams({ ...pkce, redirect_uri: 'https://evil.example/' }).toString()}`);
    expect(elsewhere.left).toBeUndefined();
    expect(elsewhere.status).toBe(400);
    const stranger = new Browser();
    await stranger.go('/interaction/made-up', { user: 'dev-admin' });
    expect(stranger.status).toBe(400);
  });

  test('does the command line log in by the device grant and its pages?', async () => {
    const started = await ask('/device/auth', { client_id: 'safeguard-cli', scope: 'openid', resource: API_AUDIENCE });
    expect(started['interval']).toBe(1);
    const poll = () =>
      ask('/token', {
        client_id: 'safeguard-cli',
        grant_type: DEVICE_GRANT,
        device_code: started['device_code'] as string,
      });
    expect((await poll()).error).toBe('authorization_pending');
    const browser = new Browser();
    await browser.go(started['verification_uri'] as string);
    await browser.submit({ user_code: 'WRONG-CODE' });
    expect(browser.html).toContain('This code is not known');
    await browser.submit({ user_code: started['user_code'] as string });
    expect(browser.html).toContain(started['user_code']);
    expect(browser.html).toContain('Safeguard on the command line');
    await browser.submit({});
    await browser.submit({ user: 'dev-compliance-officer' });
    expect(browser.html).toContain('You can close this page');
    expect(await verify((await poll()).access_token)).toMatchObject({
      sub: 'dev-compliance-officer',
      client_id: 'safeguard-cli',
      amr: ['pwd', 'otp', 'mfa'],
    });
  });

  test('are opaque tokens told by introspection, by the protocol and minted alike, and unknown ones as inactive?', async () => {
    const introspect = (token: string) => ask('/token/introspection', { ...browserCredentials(), token });
    const login = { active: true, aud: OPAQUE_AUDIENCE, amr: ['pwd', 'otp', 'mfa'], iss: provider.issuer };
    const { access_token } = await logIn('dev-viewer', OPAQUE_AUDIENCE);
    expect(access_token).not.toContain('.');
    expect(await introspect(access_token)).toMatchObject({ sub: 'dev-viewer', ...login });
    const minted = await provider.tokenFor('dev-viewer', { audience: OPAQUE_AUDIENCE });
    expect(await introspect(minted)).toMatchObject({ sub: 'dev-viewer', ...login });
    const machine = await provider.tokenFor('safeguard-agent', { audience: OPAQUE_AUDIENCE });
    expect(await introspect(machine)).toMatchObject({ active: true, client_id: 'safeguard-agent' });
    expect(await introspect('nothing')).toEqual({ active: false });
    await expect(provider.tokenFor('dev-viewer', { audience: 'urn:other' })).rejects.toThrow();
  });

  test('do tokens and client secrets survive a restart on the same port, and is the file closed to others?', async () => {
    const kept = await mkdtemp(join(tmpdir(), 'safeguard-provider-'));
    const first = await startProvider({ dataDirectory: kept, port: 0, browserRedirectUris: [CALLBACK] });
    const token = await first.tokenFor('dev-admin');
    const port = Number(new URL(first.issuer).port);
    await expect(startProvider({ dataDirectory: kept, port, browserRedirectUris: [] })).rejects.toThrow('is taken');
    await first.stop();
    const agents = ['safeguard-agent', 'other-agent'];
    const second = await startProvider({ dataDirectory: kept, port, browserRedirectUris: [CALLBACK], agents });
    try {
      const fetched = createRemoteJWKSet(new URL('/jwks', second.issuer));
      await jwtVerify(token, fetched, { issuer: first.issuer, audience: API_AUDIENCE });
      expect(second.clients.agents[0]).toEqual(first.clients.agents[0]);
      expect(decodeJwt(await second.tokenFor('other-agent'))).toMatchObject({ sub: 'other-agent' });
      expect((await stat(join(kept, 'provider.json'))).mode & 0o777).toBe(0o600);
    } finally {
      await second.stop();
      await rm(kept, { recursive: true, force: true });
    }
  });

  test('does it answer only under its own name?', async () => {
    const { request } = await import('node:http');
    const status = await new Promise((settle, fail) => {
      request(new URL('/jwks', provider.issuer), { headers: { host: 'rebound.example' } }, (response) => {
        response.resume();
        settle(response.statusCode);
      })
        .on('error', fail)
        .end();
    });
    expect(status).toBe(421);
  });

  test('does it refuse to load in production?', () => {
    const module = fileURLToPath(new URL('../../src/development/provider.js', import.meta.url));
    const { status, stderr } = spawnSync(process.execPath, [module], {
      env: { NODE_ENV: 'production' },
      encoding: 'utf8',
    });
    expect(status).not.toBe(0);
    expect(stderr).toContain('does not run with NODE_ENV=production');
  });
});
