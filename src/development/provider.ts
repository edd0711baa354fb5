import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider, {
  errors,
  interactionPolicy,
  type Configuration,
  type KoaContextWithOIDC,
  type ResourceServer,
} from 'oidc-provider';
import {
  codeConfirmPage,
  codeInputPage,
  escapeHtml,
  loginPage,
  page,
  PAGE_HEADERS,
  signedInPage,
} from './provider-pages.js';
import { memory } from './provider-memory.js';
import { providerState } from './provider-state.js';
import { FULL_STRENGTH, PROVIDER_USERS, type ProviderUser } from './provider-users.js';

// It lets anybody in as anybody. Where it could guard real data it must not even load.
if (process.env['NODE_ENV'] === 'production') {
  throw new Error(
    'The development OpenID provider does not run with NODE_ENV=production. Set OIDC_ISSUER to a real provider.',
  );
}

/** Access tokens for this audience are JWTs (RFC 9068). */
export const API_AUDIENCE = 'urn:safeguard:api';
/** Access tokens for this audience are opaque: to be asked of the introspection endpoint (RFC 7662). */
export const OPAQUE_AUDIENCE = 'urn:safeguard:opaque';
const ACR = { mfa: 'urn:safeguard:acr:mfa', password: 'urn:safeguard:acr:password' };

export interface ProviderOptions {
  /** Holds `provider.json` (0600): signing key and client secrets. */
  dataDirectory: string;
  /** On 127.0.0.1; 0 takes a free one. Tokens name the issuer, so they survive a restart only with a fixed port. */
  port: number;
  /** For the client `safeguard`, e.g. http://127.0.0.1:8080/auth/callback; may be empty in tests. After logout one returns to the root of their origins. */
  browserRedirectUris: readonly string[];
  /** Client ids that may use the client credentials grant; `safeguard-agent` alone when absent. */
  agents?: readonly string[];
}

export interface TokenOptions {
  /** API_AUDIENCE when absent. */
  audience?: string;
  /** Those of the user when absent, and of full strength for subjects that are not in `users`. */
  amr?: readonly string[];
  /** Seconds; 3600 when absent. */
  expiresIn?: number;
  /** Further claims, which a provider may be set up to give (`email`, `email_verified`). */
  claims?: Readonly<Record<string, unknown>>;
}

export interface DevelopmentProvider {
  readonly issuer: string;
  /** Secrets are random per data directory. */
  readonly clients: {
    /** Confidential (client_secret_post), authorization code with PKCE; also the one that introspects. */
    browser: { clientId: 'safeguard'; clientSecret: string };
    /** Public: device grant, or authorization code with PKCE to http://127.0.0.1:<any port>/callback. */
    cli: { clientId: 'safeguard-cli' };
    /** Confidential (client_secret_basic): client credentials. */
    agents: readonly { clientId: string; clientSecret: string }[];
  };
  readonly users: readonly ProviderUser[];
  /**
   * An access token without the browser: made by the provider's own token model and key, with the claims that the authorization code
   * grant gives a person (a test compares them), or the client credentials grant an agent (when the subject is one of `agents`).
   * Any other subject is a person too. For tests and for the demo that `npm start` pushes.
   */
  readonly tokenFor: (subject: string, options?: TokenOptions) => Promise<string>;
  readonly stop: () => Promise<void>;
}

/** What a server of ours is told of a provider that runs on this machine; `admins`: subjects that may make organisations. */
export const providerVariables = ({ issuer, clients }: DevelopmentProvider, admins: readonly string[]) => ({
  OIDC_ISSUER: issuer,
  OIDC_AUDIENCE: API_AUDIENCE,
  OIDC_CLIENT_ID: clients.browser.clientId,
  OIDC_CLIENT_SECRET: clients.browser.clientSecret,
  OIDC_CLI_CLIENT_ID: clients.cli.clientId,
  OIDC_MFA_AMR: 'mfa',
  FIRST_ADMINS: admins.map((subject) => `${issuer}|${subject}`).join(','),
  // It is at an address of this machine.
  ALLOW_INSECURE_ISSUERS: 'true',
});

/** Starts the provider in this process on 127.0.0.1. */
export async function startProvider(options: ProviderOptions): Promise<DevelopmentProvider> {
  const agents = options.agents ?? ['safeguard-agent'];
  const state = await providerState(options.dataDirectory, ['safeguard', ...agents]);
  const secretOf = (client: string): string => state.secrets[client] ?? '';
  const minted = new WeakMap<object, Record<string, unknown>>();

  // Consent is not what is developed here: whoever logs in grants what the client asks for.
  const policy = interactionPolicy.base();
  policy.remove('consent');

  const configuration: Configuration = {
    adapter: memory(),
    clients: [
      {
        client_id: 'safeguard',
        client_name: 'Safeguard',
        client_secret: secretOf('safeguard'),
        token_endpoint_auth_method: 'client_secret_post',
        // Without an address to return to nobody logs in by it; it still introspects.
        ...(options.browserRedirectUris.length > 0
          ? { grant_types: ['authorization_code', 'refresh_token'] }
          : { grant_types: [], response_types: [] }),
        redirect_uris: [...options.browserRedirectUris],
        post_logout_redirect_uris: [...new Set(options.browserRedirectUris.map((uri) => new URL('/', uri).href))],
      },
      {
        client_id: 'safeguard-cli',
        client_name: 'Safeguard on the command line',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        redirect_uris: ['http://127.0.0.1/callback'],
      },
      ...agents.map((client) => ({
        client_id: client,
        client_secret: secretOf(client),
        token_endpoint_auth_method: 'client_secret_basic' as const,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      })),
    ],
    // Every client must be able to verify with the one key there is.
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: { keys: [state.signingKey] },
    cookies: { keys: [state.cookieKey] },
    acrValues: Object.values(ACR),
    claims: { openid: ['sub', 'amr', 'acr', 'auth_time'], profile: ['name'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    ttl: {
      AccessToken: 3600,
      ClientCredentials: 3600,
      IdToken: 3600,
      DeviceCode: 600,
      Interaction: 3600,
      Session: 86_400,
      Grant: 86_400,
      RefreshToken: 86_400,
    },
    pkce: { required: () => true },
    interactions: { policy, url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, subject) => ({
      accountId: subject,
      claims: () => {
        const user = PROVIDER_USERS.find((known) => known.subject === subject);
        return { sub: subject, ...(user && { name: user.name, email: user.email, email_verified: true }) };
      },
    }),
    loadExistingGrant: grantEverything,
    extraTokenClaims: (ctx, token) =>
      minted.get(token) ??
      loginClaims(
        ctx.oidc.entities.AuthorizationCode ?? ctx.oidc.entities.DeviceCode ?? ctx.oidc.entities.RefreshToken,
      ),
    renderError: (ctx, out) => {
      ctx.set(PAGE_HEADERS);
      ctx.body = page(
        'This did not work',
        `<p>${escapeHtml(out.error)}: ${escapeHtml(out.error_description ?? '')}</p>`,
      );
    },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: (_ctx, client) => client.clientId === 'safeguard' },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: (ctx, form, _out, error) => {
          ctx.set(PAGE_HEADERS);
          ctx.body = codeInputPage(form, error && 'This code is not known, or no longer. Try again.');
        },
        userCodeConfirmSource: (ctx, form, client, _device, code) => {
          ctx.set(PAGE_HEADERS);
          ctx.body = codeConfirmPage(form, client.clientName ?? client.clientId, code);
        },
        successSource: (ctx) => {
          ctx.set(PAGE_HEADERS);
          ctx.body = signedInPage();
        },
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => API_AUDIENCE,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => resourceServer(resource),
      },
    },
  };

  const server = createServer();
  const issuer = await listen(server, options.port);
  const provider = new Provider(issuer, configuration);
  provider.use(async (ctx, next) => {
    await next();
    const { oidc } = ctx as Partial<KoaContextWithOIDC>;
    // Whoever waits for somebody at this very machine asks each second; unless it is told, each five (RFC 8628, section 3.2).
    if (oidc?.route === 'device_authorization' && ctx.status === 200)
      ctx.body = { ...(ctx.body as object), interval: 1 };
  });
  const handle = provider.callback();
  server.on('request', (request, response) => {
    void (async () => {
      // A foreign page could reach a loopback port under a name of its own (DNS rebinding).
      if (request.headers.host !== new URL(issuer).host) send(response, 421, page('Wrong host', ''));
      else if (request.url?.startsWith('/interaction/')) await interact(provider, request, response);
      else await handle(request, response);
    })().catch(() => {
      send(response, 500, page('This did not work', ''));
    });
  });

  const tokenFor = async (subject: string, given: TokenOptions = {}): Promise<string> => {
    const audience = given.audience ?? API_AUDIENCE;
    const isAgent = agents.includes(subject);
    const client = await provider.Client.find(isAgent ? subject : 'safeguard');
    if (!client) throw new Error(`no client for ${subject}`);
    const common = {
      client,
      resourceServer: new provider.ResourceServer(audience, resourceServer(audience)),
      expiresIn: given.expiresIn ?? 3600,
    };
    const token = isAgent
      ? new provider.ClientCredentials(common)
      : new provider.AccessToken({ ...common, accountId: subject, gty: 'authorization_code' } as never);
    const user = PROVIDER_USERS.find((known) => known.subject === subject);
    const amr = [...(given.amr ?? user?.amr ?? FULL_STRENGTH)];
    const login = loginClaims({ amr, acr: acrOf(amr), authTime: Math.floor(Date.now() / 1000) });
    minted.set(token, { ...(isAgent ? {} : login), ...given.claims });
    return token.save();
  };

  return {
    issuer,
    clients: {
      browser: { clientId: 'safeguard', clientSecret: secretOf('safeguard') },
      cli: { clientId: 'safeguard-cli' },
      agents: agents.map((clientId) => ({ clientId, clientSecret: secretOf(clientId) })),
    },
    users: PROVIDER_USERS,
    tokenFor,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<string> {
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`Port ${port} of 127.0.0.1, for the development OpenID provider, is taken.`, { cause: error });
  }
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const acrOf = (amr: readonly string[]): string => (amr.includes('mfa') ? ACR.mfa : ACR.password);

interface Login {
  amr?: string[] | undefined;
  acr?: string | undefined;
  authTime?: number | undefined;
}

function loginClaims(login: Login | undefined): Record<string, unknown> {
  return login ? { amr: login.amr, acr: login.acr, auth_time: login.authTime } : {};
}

function resourceServer(audience: string): ResourceServer {
  // What a principal may do is the product's to say; the audience is all that a token has to name.
  const common = { audience, scope: '', accessTokenTTL: 3600 };
  if (audience === API_AUDIENCE) return { ...common, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } };
  if (audience === OPAQUE_AUDIENCE) return { ...common, accessTokenFormat: 'opaque' };
  throw new errors.InvalidTarget();
}

async function grantEverything(ctx: KoaContextWithOIDC) {
  const { oidc } = ctx;
  const clientId = oidc.client?.clientId;
  const accountId = oidc.session?.accountId;
  if (clientId === undefined || accountId === undefined) return undefined;
  const grant = new oidc.provider.Grant({ clientId, accountId });
  grant.addOIDCScope([...oidc.requestParamOIDCScopes].join(' '));
  await grant.save();
  return grant;
}

async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let action: string;
  try {
    // Finds the interaction by the cookie that the authorization endpoint set, not by the address.
    const interaction = await provider.interactionDetails(request, response);
    action = `/interaction/${interaction.uid}`;
  } catch {
    send(response, 400, page('This login has expired', '<p>Go back to where you came from and start again.</p>'));
    return;
    return;
  }
  if (request.method !== 'POST') {
    send(response, 200, loginPage(action, PROVIDER_USERS));
    return;
  }
  const subject = new URLSearchParams(await readBody(request)).get('user');
  const user = PROVIDER_USERS.find((known) => known.subject === subject);
  if (!user) {
    send(response, 422, loginPage(action, PROVIDER_USERS, 'Choose one of these users.'));
    return;
  }
  const login = { accountId: user.subject, amr: [...user.amr], acr: acrOf(user.amr) };
  await provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
}

/** A form with one short field. */
async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request as AsyncIterable<Buffer>) {
    body += chunk.toString('latin1');
    if (body.length > 4096) return '';
  }
  return body;
}

function send(response: ServerResponse, status: number, html: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, PAGE_HEADERS).end(html);
}
