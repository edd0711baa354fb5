import * as oidc from 'openid-client';
import { discoverySchema } from './answers.js';
import type { Login } from './credentials.js';
import { exitCode, Failure, Transient } from './failure.js';
import { Client } from './http.js';
import { fetch, isPrivate, networkError } from './network.js';
import { Refused } from './problem.js';
import { printable, span } from './text.js';

/** An issuer whose tokens the server takes, and how the command line asks for one. */
export interface TrustedIssuer {
  issuer: string;
  clientId: string;
  audience: string;
}

/** Longest that a device code is believed to live: RFC 8628 leaves it open, providers say 10 to 30 minutes. */
const longestDeviceCode = 3_600;

/** Which issuers a server trusts: GET {server}/.well-known/safeguard, asked without a token. */
export async function trustedIssuers(server: URL, retryFor: number): Promise<TrustedIssuer[]> {
  try {
    const { value } = await new Client(server, null, retryFor).read(discoverySchema, {
      method: 'GET',
      path: '/.well-known/safeguard',
    });
    return value.issuers.map(({ issuer, cliClientId, audience }) => ({ issuer, clientId: cliClientId, audience }));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    throw new Failure(
      exitCode.refused,
      `${server.origin} does not say which issuers it trusts (${error.status})`,
      'check --server',
    );
  }
}

/** The issuer by its identifier, a trailing slash aside; with none named, the only one. */
export function pickIssuer(trusted: readonly TrustedIssuer[], issuer: string | undefined): TrustedIssuer {
  const bare = (url: string): string => url.replace(/\/$/, '');
  const found =
    issuer === undefined
      ? trusted.length === 1 && trusted[0]
      : trusted.find((candidate) => bare(candidate.issuer) === bare(issuer));
  if (found) return found;
  const names = trusted.map((one) => printable(one.issuer, 200)).join(', ') || 'none';
  throw issuer === undefined
    ? new Failure(exitCode.usage, `the server trusts these issuers: ${names}`, 'say which with --issuer')
    : new Failure(exitCode.refused, `the server does not trust ${printable(issuer, 200)}; it trusts: ${names}`);
}

/** Reads the issuer's metadata. Every endpoint that a secret would go to is https, or on this machine. */
export async function discover(issuer: string, clientId: string, auth: oidc.ClientAuth): Promise<oidc.Configuration> {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  if (url === undefined || !isPrivate(url)) {
    throw new Failure(exitCode.usage, `an issuer is https, or http on this machine: ${printable(issuer, 200)}`);
  }
  const config = await answered(url, () =>
    oidc.discovery(url, clientId, undefined, auth, {
      [oidc.customFetch]: fetch as oidc.CustomFetch,
      timeout: 20,
      // On this machine only: `isPrivate` has seen to it.
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- deprecated to stand out; it may
      execute: url.protocol === 'http:' ? [oidc.allowInsecureRequests] : [],
    }),
  );
  const metadata = config.serverMetadata();
  for (const endpoint of [
    metadata.token_endpoint,
    metadata.device_authorization_endpoint,
    metadata.revocation_endpoint,
    metadata.jwks_uri,
  ]) {
    if (endpoint !== undefined && !(URL.canParse(endpoint) && isPrivate(new URL(endpoint)))) {
      throw new Failure(exitCode.refused, `${printable(issuer, 200)} names an endpoint without encryption`);
    }
  }
  return config;
}

/**
 * OAuth 2.0 device authorization grant (RFC 8628), for the server's resource indicator (RFC 8707), with a refresh token
 * where the provider gives one (`offline_access`, which OpenID Connect Core section 11 ties to `prompt=consent`).
 */
export async function deviceLogin(
  trusted: TrustedIssuer,
  show: (prompt: { url: string; completeUrl: string | undefined; code: string; lifetime: string }) => void,
): Promise<Login> {
  const config = await discover(trusted.issuer, trusted.clientId, oidc.None());
  const issuer = new URL(trusted.issuer);
  if (config.serverMetadata().device_authorization_endpoint === undefined) {
    throw new Failure(
      exitCode.refused,
      `${issuer.origin} offers no device authorization`,
      'have its operator enable the device flow for this client, or give a token through SAFEGUARD_TOKEN_FILE',
    );
  }
  const resource = { resource: trusted.audience };
  const device = await answered(issuer, () =>
    oidc.initiateDeviceAuthorization(config, { ...resource, scope: 'openid offline_access', prompt: 'consent' }),
  );
  const lifetime = Math.min(device.expires_in, longestDeviceCode);
  show({
    url: webAddress(device.verification_uri),
    completeUrl:
      device.verification_uri_complete === undefined ? undefined : webAddress(device.verification_uri_complete),
    code: printable(device.user_code, 60),
    lifetime: span(lifetime * 1_000),
  });
  const signal = AbortSignal.timeout(lifetime * 1_000);
  for (let interval = device.interval ?? 5; ; interval *= 2) {
    try {
      const tokens = await answered(issuer, () =>
        oidc.pollDeviceAuthorizationGrant(config, { ...device, interval }, resource, { signal }),
      );
      return loginOf(trusted, tokens, null);
    } catch (error) {
      // RFC 8628 section 3.5: after a connection timeout, go on with a doubled interval.
      if (!(error instanceof Transient) || signal.aborted) throw error;
    }
  }
}

/** A new access token by the refresh token; null when the provider says that the login is over. */
export async function refreshed(login: Login): Promise<Login | null> {
  const { refreshToken } = login;
  if (refreshToken === null) return null;
  const config = await discover(login.issuer, login.clientId, oidc.None());
  try {
    const tokens = await answered(new URL(login.issuer), () =>
      oidc.refreshTokenGrant(config, refreshToken, { resource: login.audience }),
    );
    return loginOf(login, tokens, refreshToken);
  } catch (error) {
    if (error instanceof OAuthRefusal && error.code === 'invalid_grant') return null;
    throw error;
  }
}

/** RFC 7009. False when the provider has no revocation endpoint. */
export async function revoke(login: Login): Promise<boolean> {
  const config = await discover(login.issuer, login.clientId, oidc.None());
  if (config.serverMetadata().revocation_endpoint === undefined) return false;
  // The refresh token first: revoking it ends the grant at most providers, and it outlives the other.
  for (const token of [login.refreshToken, login.accessToken]) {
    if (token === null) continue;
    try {
      await answered(new URL(login.issuer), () => oidc.tokenRevocation(config, token));
    } catch (error) {
      // RFC 7009 section 2.2.1: self-contained access tokens cannot be revoked at some providers; they expire soon.
      if (!(error instanceof OAuthRefusal && error.code === 'unsupported_token_type')) throw error;
    }
  }
  return true;
}

/** OAuth 2.0 client credentials grant (RFC 6749 section 4.4) for the server's resource indicator. */
export async function clientCredentials(
  issuer: string,
  clientId: string,
  secret: string,
  audience: string,
): Promise<{ token: string; expiresAt: number | null }> {
  const config = await discover(issuer, clientId, oidc.ClientSecretBasic(secret));
  const tokens = await answered(new URL(issuer), () => oidc.clientCredentialsGrant(config, { resource: audience }));
  return { token: tokens.access_token, expiresAt: expiry(tokens.expires_in) };
}

/** The provider said no (RFC 6749 section 5.2). */
class OAuthRefusal extends Failure {
  constructor(
    readonly code: string,
    message: string,
    next?: string,
  ) {
    super(exitCode.refused, message, next);
  }
}

const meanings: Readonly<Record<string, readonly [string, string]>> = {
  access_denied: ['the login was refused in the browser', 'start anew with `safeguard login`'],
  expired_token: ['nobody confirmed the code in time', 'start anew with `safeguard login`'],
  invalid_client: [
    'the provider does not know the client or its secret',
    'check the client id, and SAFEGUARD_CLIENT_SECRET',
  ],
  invalid_target: ['the provider issues no tokens for this server', 'have its operator allow the server as a resource'],
};

/** Runs a call to the provider and says its errors in words; what the provider says is cleaned, tokens are never in it. */
async function answered<T>(issuer: URL, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const where = printable(issuer.origin);
    const refusal = refusalOf(error);
    if (refusal !== null) {
      const [meaning, next] = meanings[refusal.code] ?? [];
      const said = refusal.description === undefined ? '' : `: ${printable(refusal.description, 300)}`;
      throw new OAuthRefusal(refusal.code, `${where}: ${meaning ?? printable(refusal.code, 100)}${said}`, next);
    }
    if (error instanceof oidc.ClientError && error.code === 'OAUTH_ABORT') {
      throw new OAuthRefusal(
        'expired_token',
        `${where}: nobody confirmed the code in time`,
        'start anew with `safeguard login`',
      );
    }
    if (error instanceof oidc.ClientError && error.cause instanceof Object && 'status' in error.cause) {
      const status = Number(error.cause.status);
      if (status === 429 || status >= 500) throw new Transient(`${where} answers ${status}`);
    }
    const known = networkError(error, issuer);
    if (known instanceof Failure || known instanceof Transient) throw known;
    const reason = error instanceof Error ? `: ${printable(error.message, 300)}` : '';
    throw new Failure(
      exitCode.refused,
      `${where} does not answer as an OpenID provider should${reason}`,
      'check that the issuer is the one whose /.well-known/openid-configuration exists',
    );
  }
}

/** A 401 with a challenge is the provider's way to say `invalid_client` (RFC 6749 section 5.2). */
function refusalOf(error: unknown): { code: string; description: string | undefined } | null {
  if (error instanceof oidc.ResponseBodyError) return { code: error.error, description: error.error_description };
  if (error instanceof oidc.WWWAuthenticateChallengeError && error.status === 401) {
    return { code: 'invalid_client', description: undefined };
  }
  return null;
}

/** An address to open in a browser: https (or this machine), and without anything that a terminal would obey. */
function webAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !isPrivate(url)) {
    throw new Failure(exitCode.refused, `the provider shows an address that is not https: ${printable(text, 200)}`);
  }
  return url.href;
}

function loginOf(trusted: TrustedIssuer, tokens: oidc.TokenEndpointResponse, refreshToken: string | null): Login {
  return {
    issuer: trusted.issuer,
    clientId: trusted.clientId,
    audience: trusted.audience,
    accessToken: tokens.access_token,
    // Providers that do not rotate leave it out: the one before stays good (RFC 6749 section 6).
    refreshToken: tokens.refresh_token ?? refreshToken,
    expiresAt: expiry(tokens.expires_in),
  };
}

function expiry(seconds: number | undefined): number | null {
  return seconds === undefined ? null : Date.now() + seconds * 1_000;
}
