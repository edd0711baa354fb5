/** What the room needs of the configuration; src/app.module.ts provides it under ORGANIZATIONS_CONFIG. */
export interface OrganizationsConfig {
  /** Issuers at which people sign in: a member of any other could never come in. */
  readonly signInIssuers: readonly string[];
  /** Development only: agent trusts may name http issuers and private addresses. */
  readonly allowInsecureIssuers: boolean;
}

export const ORGANIZATIONS_CONFIG = Symbol('organizations config');
