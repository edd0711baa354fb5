import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, Response } from 'express';
import type passport from 'passport';
import type { Logger } from 'pino';
import { OPERATION, type CallRequest, type Operation } from '../kernel/http/endpoint.js';
import { Refusal } from '../kernel/http/problem.js';
import type { Principal } from '../kernel/principal.js';

import { LOGGER } from '../kernel/logger.js';
import { AUTHENTICATOR, isOrganizationId } from './authenticator.js';
import { Denied } from './denied.js';

/** Stands before every route. Refuses unless the operation says who may, and the principal is one who may. */
@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    @Inject(AUTHENTICATOR) private readonly authenticator: passport.Authenticator,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const operation = this.reflector.get<Operation | undefined>(OPERATION, context.getHandler());
    if (operation === undefined) throw new Refusal('forbidden', 'Nobody may call this route.');
    const http = context.switchToHttp();
    const request = http.getRequest<CallRequest>();
    if (operation.permission === 'public') {
      request.principal = anonymous(request.requestId);
      return true;
    }
    const principal = await this.authenticated(request, http.getResponse<Response>());
    const { organizationId } = request.params;
    if (organizationId !== undefined && (typeof organizationId !== 'string' || !isOrganizationId(organizationId))) {
      throw new Refusal('not-found', 'There is no such resource.');
    }
    if (!principal.permissions.has(operation.permission)) {
      throw new Refusal('forbidden', `This needs the permission ${operation.permission}.`, {
        extra: { permission: operation.permission },
      });
    }
    request.principal = principal;
    return true;
  }

  /** One answer for whatever is wrong with a credential; which it was goes to the log, by a fixed word. */
  private async authenticated(request: CallRequest, response: Response): Promise<Principal> {
    try {
      const principal = await this.byPassport(request, response);
      if (principal === null) throw new Denied('no-credential');
      return principal;
    } catch (error) {
      if (!(error instanceof Denied)) throw error;
      // Whoever sends nothing has not tried: browsers do so on their way to the login.
      const level = error.reason === 'no-credential' ? 'info' : 'warn';
      this.logger[level]({ requestId: request.requestId, reason: error.reason }, 'authentication refused');
      throw new Refusal('unauthenticated', 'Send a valid access token: Authorization: Bearer <token>.');
    }
  }

  private byPassport(request: Request, response: Response): Promise<Principal | null> {
    return new Promise((resolve, reject) => {
      const done = (error: unknown, principal?: Principal | false | null): void => {
        if (error instanceof Error) reject(error);
        else resolve(principal === false || principal === undefined ? null : principal);
      };
      const authenticate = this.authenticator.authenticate(['bearer', 'browser'], { session: false }, done) as (
        request: Request,
        response: Response,
        next: (error?: unknown) => void,
      ) => void;
      authenticate(request, response, (error) => done(error));
    });
  }
}

/** Sees no tenant's row: its transaction would have no organisation, issuer or subject. */
const anonymous = (requestId: string): Principal => ({
  kind: 'user',
  id: 'anonymous',
  issuer: '',
  subject: '',
  organizationId: null,
  role: null,
  permissions: new Set(),
  systemIds: null,
  requestId,
});
