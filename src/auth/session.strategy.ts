import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import passport from 'passport';
import { Clock } from '../kernel/clock.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';
import { AUTH_CONFIG, type AuthConfig } from './auth.config.js';
import { askedBy, AUTHENTICATOR } from './authenticator.js';
import { AuthenticationService } from './authentication.service.js';
import { Denied } from './denied.js';
import { destroy, sessionOf, type Login } from './session.js';

type Done = (error: unknown, principal?: Principal | null) => void;

/** RFC 9110 section 9.2.1. */
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS'];

/** Takes the login out of the browser's session. */
class SessionCredential extends passport.Strategy {
  constructor(
    protected readonly authenticator: passport.Authenticator,
    readonly verify: (request: Request, login: Login, done: Done) => void,
  ) {
    super();
  }

  override authenticate(this: passport.StrategyCreated<this>, request: Request): void {
    const login = sessionOf(request)?.login;
    if (login === undefined) {
      this.fail(401);
      return;
    }
    this.verify(request, login, (error, principal) => {
      if (principal === undefined || principal === null) this.error(error);
      else this.success(principal);
    });
  }
}

/** People in a browser. */
@Injectable()
export class SessionStrategy extends PassportStrategy(SessionCredential, 'browser') {
  constructor(
    @Inject(AUTHENTICATOR) authenticator: passport.Authenticator,
    @Inject(AUTH_CONFIG) private readonly config: AuthConfig,
    private readonly authentication: AuthenticationService,
    private readonly clock: Clock,
  ) {
    super(authenticator);
  }

  async validate(request: Request, login: Login): Promise<Principal> {
    const age = this.clock.now().getTime() - Date.parse(login.startedAt);
    const ended = !(age < this.config.session.absoluteHours * 3_600_000);
    if (ended || !this.authentication.isKnownIssuer(login.issuer)) {
      await destroy(request.session);
      throw new Denied('session-ended');
    }
    // Another site cannot set this header without being asked about it first (CORS), which is never allowed. SameSite=Lax stands before it.
    if (!SAFE_METHODS.includes(request.method) && request.headers['x-requested-with'] !== 'safeguard') {
      throw new Refusal('forbidden', 'With a session, a change needs the header X-Requested-With: safeguard.', {
        pointer: 'header/X-Requested-With',
      });
    }
    const { issuer, subject, amr, acr } = login;
    return this.authentication.byIdentity(
      { issuer, subject, amr, acr, audiences: null, verifiedEmail: null },
      askedBy(request),
    );
  }

  getPassportInstance(): passport.Authenticator {
    return this.authenticator;
  }
}
