import { Controller, Inject } from '@nestjs/common';
import type { Request } from 'express';
import type { Logger } from 'pino';
import { Call, Endpoint, Reply, type CallOf } from '../kernel/http/endpoint.js';
import { Refusal } from '../kernel/http/problem.js';
import { LOGGER } from '../kernel/logger.js';
import { AUTH_CONFIG, type AuthConfig } from './auth.config.js';
import { login, loginCallback, logout } from './login.schema.js';
import { returnPath } from './return-to.js';
import { destroy, forgottenCookie, regenerate, sessionOf, SIGN_IN_PATIENCE } from './session.js';
import { SignInService } from './sign-in.js';

@Controller()
export class LoginController {
  constructor(
    @Inject(AUTH_CONFIG) private readonly config: AuthConfig,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly signIn: SignInService,
  ) {}

  @Endpoint(login)
  async login(@Call() { query, request }: CallOf<typeof login>) {
    const issuer = this.signIn.pick(query.issuer);
    const session = requireSession(request);
    session.signIn = { issuer, returnTo: returnPath(query.returnTo, this.config.publicUrl) };
    // Another site can bring a browser here: that must not end a session which is under way.
    if (session.login === undefined) session.cookie.maxAge = SIGN_IN_PATIENCE;
    const step = await this.signIn.step(issuer, request);
    if (step.kind !== 'redirect') throw this.failed(request, step);
    return new Reply(302, undefined, { Location: step.url, 'Cache-Control': 'no-store' });
  }

  @Endpoint(loginCallback)
  async callback(@Call() { request }: CallOf<typeof loginCallback>) {
    const signIn = requireSession(request).signIn;
    if (signIn === undefined) throw new Refusal('unauthenticated', 'No login is under way here. Begin at /login.');
    const step = await this.signIn.step(signIn.issuer, request);
    if (step.kind !== 'login' || step.login.issuer !== signIn.issuer) throw this.failed(request, step);
    await regenerate(request);
    request.session.login = step.login;
    return new Reply(303, undefined, { Location: signIn.returnTo, 'Cache-Control': 'no-store' });
  }

  @Endpoint(logout)
  async logout(@Call() { request }: CallOf<typeof logout>) {
    // Browsers say where a request comes from; another site's signs nobody out. SameSite=Lax keeps the cookie back from those that do not say.
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') {
      throw new Refusal('forbidden', 'Sign out on the pages of this service.');
    }
    const session = sessionOf(request);
    const issuer = session?.login?.issuer;
    if (session !== null) await destroy(session);
    const elsewhere = issuer === undefined ? null : await this.signIn.endSessionUrl(issuer);
    return new Reply(303, undefined, {
      Location: elsewhere ?? '/',
      'Set-Cookie': forgottenCookie(this.config),
      'Cache-Control': 'no-store',
    });
  }

  /** What the provider or the library said is for the log, and of that only the kind: messages may quote codes and tokens. */
  private failed(request: Request & { requestId?: string }, step: { kind: string; error?: unknown }): Refusal {
    const { error } = step;
    const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
    const kind = error instanceof Error ? error.name : step.kind;
    this.logger.warn({ requestId: request.requestId, kind, code }, 'login failed');
    return new Refusal('unauthenticated', 'The login did not succeed. Begin again at /login.');
  }
}

function requireSession(request: Request) {
  const session = sessionOf(request);
  if (session === null) throw new Refusal('invalid-request', 'A browser login is without Authorization header.');
  return session;
}
