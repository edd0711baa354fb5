import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { API_AUDIENCE, type DevelopmentProvider, startProvider } from '../../src/development/provider.js';
import { browse } from './browser.js';
import { directory, json, problem, safeguard, serve, start } from './support.js';

async function provider(): Promise<DevelopmentProvider> {
  const started = await startProvider({
    dataDirectory: await directory(),
    port: 0,
    browserRedirectUris: ['http://127.0.0.1:9/auth/callback'],
  });
  onTestFinished(() => started.stop());
  return started;
}

/** A server that trusts the issuer and takes every JWT that names its audience; it keeps them in `tokens`. */
async function trusting(issuer: string): Promise<{ server: string; tokens: string[] }> {
  const tokens: string[] = [];
  const server = await serve({
    'GET /.well-known/safeguard': (_request, response) =>
      json(response, 200, { issuers: [{ issuer, cliClientId: 'safeguard-cli', audience: API_AUDIENCE }] }),
    'GET /v1/me': (request, response) => {
      const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
      const payload = token.split('.')[1];
      const claims = (payload === undefined ? {} : JSON.parse(Buffer.from(payload, 'base64url').toString())) as Record<
        string,
        unknown
      >;
      if (claims['aud'] !== API_AUDIENCE) {
        problem(response, 401, 'unauthenticated', 'A valid access token is needed');
        return;
      }
      tokens.push(token);
      json(response, 200, { kind: 'user', subject: claims['sub'] });
    },
  });
  return { server, tokens };
}

interface Kept {
  current: string | null;
  servers: Record<string, { accessToken: string; refreshToken: string; expiresAt: number }>;
}

it('does a login by the device flow last: kept privately, refreshed by itself, revoked at logout?', async () => {
  const idp = await provider();
  const { server, tokens } = await trusting(idp.issuer);
  const home = await directory();
  const env = { XDG_CONFIG_HOME: home, SAFEGUARD_TOKEN: '' };
  const file = join(home, 'safeguard', 'credentials.json');
  const kept = async (): Promise<Kept> => JSON.parse(await readFile(file, 'utf8')) as Kept;

  const login = start(['login', '--server', server], env);
  const [, address] = await login.wrote(/or open (\S+)/);
  const user = idp.users[0]!;
  await browse(address!, { user: user.subject });
  const run = await login.finished;
  expect(run).toMatchObject({ code: 0 });
  expect(run.stdout).toContain(`Logged in at ${server} as ${user.subject}.`);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const first = (await kept()).servers[server]!;
  expect(run.stdout + run.stderr).not.toContain(first.accessToken);

  // The server of the last login is the one that is spoken to.
  expect(await safeguard(['whoami'], env)).toMatchObject({ code: 0 });
  expect(tokens.at(-1)).toBe(first.accessToken);
  expect(await safeguard(['token'], env)).toMatchObject({ code: 0, stdout: `${first.accessToken}\n`, stderr: '' });

  const expired = await kept();
  expired.servers[server]!.expiresAt = 0;
  await writeFile(file, JSON.stringify(expired));
  // Two at once: a rotated refresh token that is used twice would end the login.
  const both = await Promise.all([safeguard(['whoami'], env), safeguard(['whoami'], env)]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  const second = (await kept()).servers[server]!;
  expect(second.accessToken).not.toBe(first.accessToken);
  expect(tokens.slice(-2)).toEqual([second.accessToken, second.accessToken]);

  expect(await safeguard(['logout'], env)).toMatchObject({ code: 0 });
  expect(await kept()).toEqual({ version: 1, current: null, servers: {} });
  const reuse = await fetch(`${idp.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'safeguard-cli',
      refresh_token: second.refreshToken,
    }),
  });
  expect(await reuse.json()).toMatchObject({ error: 'invalid_grant' });
  const out = await safeguard(['whoami', '--server', server], env);
  expect(out).toMatchObject({ code: 1 });
  expect(out.stderr).toContain(`safeguard login --server ${server}`);
});

it('is the server of the last login the one that is spoken to, also after going back?', async () => {
  const idp = await provider();
  const [one, two] = [await trusting(idp.issuer), await trusting(idp.issuer)];
  const home = await directory();
  const env = { XDG_CONFIG_HOME: home, SAFEGUARD_TOKEN: '' };
  const file = join(home, 'safeguard', 'credentials.json');
  const kept = async (): Promise<Kept> => JSON.parse(await readFile(file, 'utf8')) as Kept;
  for (const { server } of [one, two, one]) {
    const login = start(['login', '--server', server], env);
    const [, address] = await login.wrote(/or open (\S+)/);
    await browse(address!, { user: idp.users[0]!.subject });
    expect(await login.finished).toMatchObject({ code: 0 });
    expect((await kept()).current).toBe(server);
  }
  // A refresh at the other changes nothing of this.
  const expired = await kept();
  expired.servers[two.server]!.expiresAt = 0;
  await writeFile(file, JSON.stringify(expired));
  expect(await safeguard(['whoami', '--server', two.server], env)).toMatchObject({ code: 0 });
  expect((await kept()).servers[two.server]!.expiresAt).toBeGreaterThan(0);
  expect((await kept()).current).toBe(one.server);
});

it('does a login that the provider has ended say how to log in again?', async () => {
  const idp = await provider();
  const { server } = await trusting(idp.issuer);
  const home = await directory();
  const file = join(home, 'safeguard', 'credentials.json');
  const ended = {
    issuer: idp.issuer,
    clientId: 'safeguard-cli',
    audience: API_AUDIENCE,
    accessToken: 'a',
    refreshToken: 'r',
    expiresAt: 0,
  };
  await mkdir(join(home, 'safeguard'), { recursive: true });
  await writeFile(file, JSON.stringify({ version: 1, current: server, servers: { [server]: ended } }), { mode: 0o600 });
  const run = await safeguard(['whoami'], { XDG_CONFIG_HOME: home, SAFEGUARD_TOKEN: '' });
  expect(run).toMatchObject({ code: 1 });
  expect(run.stderr).toContain('has ended');
  expect(run.stderr).toContain(`next: safeguard login --server ${server}`);

  await chmod(file, 0o644);
  const open = await safeguard(['whoami'], { XDG_CONFIG_HOME: home, SAFEGUARD_TOKEN: '' });
  expect(open).toMatchObject({ code: 1 });
  expect(open.stderr).toContain('can be read by others');
});

it('does a machine get its token by client credentials, for the audience that the server names?', async () => {
  const idp = await provider();
  const { server, tokens } = await trusting(idp.issuer);
  const { clientId, clientSecret } = idp.clients.agents[0]!;
  const env = {
    SAFEGUARD_TOKEN: '',
    SAFEGUARD_CLIENT_ID: clientId,
    SAFEGUARD_CLIENT_SECRET: clientSecret,
    SAFEGUARD_ISSUER: idp.issuer,
  };
  expect(await safeguard(['whoami', '--server', server], env)).toMatchObject({ code: 0 });
  expect(tokens).toHaveLength(1);
  const wrong = await safeguard(['whoami', '--server', server], { ...env, SAFEGUARD_CLIENT_SECRET: 'guess' });
  expect(wrong).toMatchObject({ code: 1 });
  expect(wrong.stderr).toContain('does not know the client or its secret');
  expect(wrong.stderr).not.toContain('guess');
});

it('is an issuer that the server does not trust, or that is not encrypted, refused?', async () => {
  const { server } = await trusting('http://issuer.example');
  const other = await safeguard(['login', '--server', server, '--issuer', 'https://other.example']);
  expect(other).toMatchObject({ code: 1 });
  expect(other.stderr).toContain('does not trust https://other.example; it trusts: http://issuer.example');
  const plain = await safeguard(['login', '--server', server]);
  expect(plain).toMatchObject({ code: 2 });
  expect(plain.stderr).toContain('an issuer is https');
});
