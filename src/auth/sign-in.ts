import { Inject, Injectable } from '@nestjs/common';
import type { Request } from 'express';
import * as oidc from 'openid-client';
import { Strategy, type VerifyFunction } from 'openid-client/passport';
import { z } from 'zod';
import { Clock } from '../kernel/clock.js';
import { Refusal } from '../kernel/http/problem.js';
import { AUTH_CONFIG, type AuthConfig, type IssuerConfig } from './auth.config.js';
import { OidcClient } from './oidc-client.js';
import { outbound } from '../kernel/http/outbound.js';
import { CALLBACK_PATH, LOGIN_PATH, type Login } from './session.js';

/** What one step of the login comes to. */
export type Step =
  { kind: 'redirect'; url: string } | { kind: 'login'; login: Login } | { kind: 'failed'; error: unknown };

interface Actions {
  redirect(url: string): void;
  success(login: Login): void;
  fail(info: unknown): void;
  error(error: unknown): void;
}

/** Authorization Code with PKCE, and with state and nonce beside it: each stops another way to slip a foreign code in (RFC 9700 section 2.1). */
class CodeFlow extends Strategy {
  constructor(
    configuration: oidc.Configuration,
    private readonly issuer: IssuerConfig,
    private readonly publicUrl: string,
    verify: VerifyFunction,
  ) {
    super({ config: configuration, callbackURL: new URL(CALLBACK_PATH, publicUrl), sessionKey: 'code' }, verify);
  }

  override authorizationRequestParams(): URLSearchParams {
    const acr = this.issuer.mfa?.acr ?? [];
    return new URLSearchParams({
      scope: 'openid',
      state: oidc.randomState(),
      nonce: oidc.randomNonce(),
      ...(acr.length === 0 ? {} : { acr_values: acr.join(' ') }),
    });
  }

  /** From the configuration, not from the Host header, which the caller writes. */
  override currentUrl(request: Request): URL {
    const url = new URL(CALLBACK_PATH, this.publicUrl);
    url.search = /\?.*$/.exec(request.originalUrl)?.[0] ?? '';
    return url;
  }

  override shouldInitiateAuthRequest(request: Request): boolean {
    return request.path === LOGIN_PATH;
  }
}

const factors = z.object({
  amr: z.array(z.string().max(500)).max(100).catch([]),
  acr: z.string().max(500).nullable().catch(null),
  auth_time: z.number().nullable().catch(null),
});

/** The browser's login at the deployment's issuers. */
@Injectable()
export class SignInService {
  private readonly clients: ReadonlyMap<string, { issuer: IssuerConfig; client: OidcClient }>;

  constructor(
    @Inject(AUTH_CONFIG) private readonly config: AuthConfig,
    private readonly clock: Clock,
  ) {
    const allowInsecure = config.allowInsecureIssuers;
    const fetch = outbound({ publicOnly: false, allowInsecure });
    this.clients = new Map(
      config.issuers.map((issuer) => [
        issuer.issuer,
        {
          issuer,
          client: new OidcClient({ ...issuer, clientSecret: issuer.clientSecret, allowInsecure }, fetch, clock),
        },
      ]),
    );
  }

  /** The issuer that was asked for, or the first. */
  pick(issuer: string | undefined): string {
    const found = this.config.issuers.find((one) => issuer === undefined || one.issuer === issuer);
    if (found === undefined) {
      throw new Refusal('invalid-request', 'People do not sign in at this issuer.', { pointer: 'query/issuer' });
    }
    return found.issuer;
  }

  /** Runs openid-client's Passport strategy for the request: to the provider from /login, and to an end from the callback. */
  async step(issuer: string, request: Request): Promise<Step> {
    const known = this.clients.get(issuer);
    if (known === undefined) return { kind: 'failed', error: new Error('the issuer is not configured any more') };
    const flow = new CodeFlow(
      await this.discovered(known.client),
      known.issuer,
      this.config.publicUrl,
      (tokens, done) => {
        const claims = tokens.claims();
        if (claims === undefined) {
          done(new Error('the provider gave no id token'));
          return;
        }
        const { amr, acr, auth_time: authTime } = factors.parse(claims);
        const login: Login = { issuer: claims.iss, subject: claims.sub, amr, acr, authTime, startedAt: this.now() };
        done(null, login);
      },
    );
    return new Promise((resolve) => {
      const actions: Actions = {
        redirect: (url) => resolve({ kind: 'redirect', url }),
        success: (login) => resolve({ kind: 'login', login }),
        fail: (error) => resolve({ kind: 'failed', error }),
        error: (error) => resolve({ kind: 'failed', error }),
      };
      // Passport's own contract: a strategy answers by these four, which the caller gives it.
      const run = flow.authenticate.bind(Object.assign(flow, actions) as never);
      run(request, {});
    });
  }

  /** Where the provider ends its own session (OpenID Connect RP-Initiated Logout 1.0); null where it cannot. */
  async endSessionUrl(issuer: string): Promise<string | null> {
    const known = this.clients.get(issuer);
    if (known === undefined) return null;
    try {
      const configuration = await known.client.configuration();
      if (configuration.serverMetadata().end_session_endpoint === undefined) return null;
      return oidc.buildEndSessionUrl(configuration, {
        post_logout_redirect_uri: `${new URL(this.config.publicUrl).origin}/`,
      }).href;
    } catch {
      // The session here has ended whatever the provider says.
      return null;
    }
  }

  private async discovered(client: OidcClient): Promise<oidc.Configuration> {
    try {
      return await client.configuration();
    } catch {
      throw new Refusal('unavailable', 'The identity provider cannot be reached. Try again.', {
        headers: { 'Retry-After': '5' },
      });
    }
  }

  private now(): string {
    return this.clock.now().toISOString();
  }
}
