import type { Request } from 'express';
import type { CallRequest } from '../kernel/http/endpoint.js';
import type { Asked } from './authentication.service.js';

/** The application's own Passport. */
export const AUTHENTICATOR = Symbol('passport');

/** Lower case, as Postgres prints them: one organisation has one address, and keys and contexts derived from its id are never of another spelling. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isOrganizationId = (text: string): boolean => UUID.test(text);

/** For which organisation and engagement a request asks: those in its path. What is no id asks for none, and the guard answers 404. */
export function askedBy(request: Request): Asked {
  const { organizationId, engagementId } = request.params;
  return {
    organizationId: typeof organizationId === 'string' && isOrganizationId(organizationId) ? organizationId : null,
    engagementId: typeof engagementId === 'string' && isOrganizationId(engagementId) ? engagementId : null,
    requestId: (request as CallRequest).requestId,
  };
}
