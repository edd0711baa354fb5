import { Inject, Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { Request } from 'express';
import passport from 'passport';
import type { Principal } from '../kernel/principal.js';
import { askedBy, AUTHENTICATOR } from './authenticator.js';
import { AuthenticationService } from './authentication.service.js';
import { Denied } from './denied.js';

type Done = (error: unknown, principal?: Principal | null) => void;

/** Takes the token out of `Authorization: Bearer` (RFC 6750 section 2.1), and out of nothing else: query and form would leave it in logs and histories. */
class BearerCredential extends passport.Strategy {
  constructor(
    protected readonly authenticator: passport.Authenticator,
    readonly verify: (request: Request, token: string, done: Done) => void,
  ) {
    super();
  }

  override authenticate(this: passport.StrategyCreated<this>, request: Request): void {
    const header = request.headers.authorization;
    if (header === undefined) {
      this.fail(401);
      return;
    }
    const token = /^bearer +([\w.~+/-]+=*)$/i.exec(header)?.[1];
    // A credential that was sent and is not taken ends it: no other strategy is asked.
    if (token === undefined) {
      this.error(new Denied('malformed'));
      return;
    }
    this.verify(request, token, (error, principal) => {
      if (principal === undefined || principal === null) this.error(error);
      else this.success(principal);
    });
  }
}

/** Access tokens: of people, and of agents. */
@Injectable()
export class BearerStrategy extends PassportStrategy(BearerCredential, 'bearer') {
  constructor(
    @Inject(AUTHENTICATOR) authenticator: passport.Authenticator,
    private readonly authentication: AuthenticationService,
  ) {
    super(authenticator);
  }

  validate(request: Request, token: string): Promise<Principal> {
    return this.authentication.byToken(token, askedBy(request));
  }

  /** Nest registers the strategy here: each application has a Passport of its own, so that two in one process do not share strategies. */
  getPassportInstance(): passport.Authenticator {
    return this.authenticator;
  }
}
