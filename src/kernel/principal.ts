/**
 * What a principal may do. Each endpoint asks for exactly one of these; which role holds which is one page: src/auth/roles.ts.
 * `authenticated` asks only for a valid token (reference data, «who am I»).
 */
export const PERMISSIONS = [
  'authenticated',
  'organizations:create',
  'organizations:read',
  'organizations:write',
  'members:read',
  'members:write',
  'systems:read',
  'systems:write',
  'agents:read',
  'agents:write',
  'scans:read',
  'scans:write',
  'results:read',
  'checks:read',
  'checks:write',
  'events:read',
  'evidence:read',
  'posture:read',
  'records:read',
  'records:write',
  'records:approve',
  'record-types:write',
  'notices:read',
  'notices:write',
  'packages:read',
  'packages:write',
  'audit:read',
  'engagements:read',
  'engagements:write',
  'engagements:answer',
  'engagements:comment',
  'engagements:examine',
] as const;
export type Permission = (typeof PERMISSIONS)[number];

export const ROLES = [
  'admin',
  'compliance_officer',
  'approver',
  'auditor',
  'viewer',
  'agent',
  'engaged_auditor',
] as const;
export type Role = (typeof ROLES)[number];

/** Who acts, for which organisation, with which permissions. Made by src/auth for a request, or by `service()` for the program's own work. */
export interface Principal {
  /** `user`: a person's token; `agent`: a machine bound to systems; `service`: the program itself (queue workers). */
  readonly kind: 'user' | 'agent' | 'service';
  /** The member's, agent trust's or engagement's id, where there is one; the service's own name otherwise. Never a name or an address. */
  readonly id: string;
  /** OpenID issuer and subject of the token. Empty for the service. */
  readonly issuer: string;
  readonly subject: string;
  /** The organisation acted for; null where the request names none (catalogue, own organisations). */
  readonly organizationId: string | null;
  readonly role: Role | null;
  readonly permissions: ReadonlySet<Permission>;
  /** Systems that an agent or an engagement is bound to; null = every system of the organisation. */
  readonly systemIds: readonly string[] | null;
  /** By system, public keys in PEM by which an agent signs what it sends of it; none of anybody else. */
  readonly signingKeys?: ReadonlyMap<string, readonly string[]>;
  /** Correlates the log line, the problem document and the audit event of one request. */
  readonly requestId: string;
}

/** The program acting without a request, for an organisation (a worker that builds a package or finishes a queued scan) or for none. */
export function servicePrincipal(id: string, organizationId: string | null, requestId: string): Principal {
  return {
    kind: 'service',
    id,
    issuer: '',
    subject: '',
    organizationId,
    role: null,
    permissions: new Set(PERMISSIONS),
    systemIds: null,
    requestId,
  };
}
