/** What the room needs of the configuration; src/app.module.ts provides it under ORGANIZATIONS_CONFIG. */
export interface OrganizationsConfig {
  /** Issuers at which people sign in: a member of any other could never come in. */
  readonly signInIssuers: readonly string[];
  /** Development only: agent trusts may name http issuers and private addresses. */
  readonly allowInsecureIssuers: boolean;
  /** Where agents reach the service: an origin, without a slash at its end. */
  readonly publicUrl: string;
  /** Image of agents, as enrolment prints it; null where the operator has named none. */
  readonly agentImage: string | null;
}

export const ORGANIZATIONS_CONFIG = Symbol('organizations config');
