import { z } from 'zod';
import { refuseIssuerUrl } from '../organizations/issuer-url.js';
import type { OrganizationsConfig } from '../organizations/organizations.config.js';

/** Asymmetric signatures only: a shared secret would let whoever checks a token make one. `EdDSA` and `Ed25519` name one algorithm (RFC 9864). */
export const ALGORITHMS = [
  'ES256',
  'ES384',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** The token's `typ` header: RFC 9068 says `at+jwt`; many providers still say `JWT` or leave it out. */
export const TOKEN_TYPES = ['at+jwt', 'JWT', 'absent'] as const;
export type TokenType = (typeof TOKEN_TYPES)[number];

const identifier = z.string().regex(/^[\x21-\x7e]{1,500}$/);

const issuerConfig = z
  .strictObject({
    /** Exactly as `iss` in its tokens. */
    issuer: identifier,
    /** What `aud` of its access tokens names: this service, and no client. */
    audience: identifier,
    /** The client of the browser login (Authorization Code with PKCE); public without a secret. */
    clientId: identifier,
    clientSecret: z.string().min(1).optional(),
    /** How the secret is shown (RFC 6749 section 2.3.1), as the client is registered. */
    clientAuthMethod: z.enum(['client_secret_post', 'client_secret_basic']).default('client_secret_post'),
    /** The public client of the command line (device flow). */
    cliClientId: identifier,
    algorithms: z.array(z.enum(ALGORITHMS)).min(1).default(['ES256', 'ES384', 'EdDSA', 'PS256', 'RS256']),
    typ: z.array(z.enum(TOKEN_TYPES)).min(1).default(['at+jwt']),
    /**
     * What shows that a person used more than one factor: one of these values in `amr`, or `acr` being one of these. Null only where the provider lets
     * nobody in without, and its tokens do not say so.
     */
    mfa: z
      .strictObject({ amr: z.array(identifier).default([]), acr: z.array(identifier).default([]) })
      .refine(({ amr, acr }) => amr.length + acr.length > 0, 'Name at least one value of amr or acr, or say null.')
      .nullable(),
    /** Opaque tokens are asked of this issuer (RFC 7662), as this client. */
    introspection: z.strictObject({ clientId: identifier, clientSecret: z.string().min(1) }).optional(),
  })
  .refine(
    ({ audience, clientId, cliClientId }) => audience !== clientId && audience !== cliClientId,
    'The audience is not a client: an id token, whose audience is the client, would pass for an access token.',
  );
export type IssuerConfig = z.infer<typeof issuerConfig>;

/** What the room needs of the configuration. */
export const authConfig = z
  .strictObject({
    /** Where browsers reach this service: https, or http in development. Cookies are Secure exactly when it is https. */
    publicUrl: z.url(),
    issuers: z.array(issuerConfig).min(1).max(20),
    /** Who may create organisations. */
    firstAdmins: z.array(z.strictObject({ issuer: identifier, subject: identifier })).default([]),
    session: z.strictObject({
      /** Signs the cookie: 32 random bytes or more, the same on every replica. */
      secret: z.string().min(32),
      /** Automatic logoff (45 CFR 164.312(a)(2)(iii)) after this much idleness. */
      idleMinutes: z.number().int().min(1).max(240).default(30),
      /** And after this long in any case. */
      absoluteHours: z.number().int().min(1).max(24).default(12),
    }),
    /** Development only: http issuers, and agent trusts in private networks. */
    allowInsecureIssuers: z.boolean().default(false),
  })
  .superRefine((config, context) => {
    const fault = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message, input: undefined });
    const url = new URL(config.publicUrl);
    if (url.protocol !== 'https:' && !(config.allowInsecureIssuers && url.protocol === 'http:')) {
      fault(['publicUrl'], 'The public URL is https.');
    }
    if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
      fault(['publicUrl'], 'The public URL is an origin: scheme, host and port.');
    }
    config.issuers.forEach(({ issuer }, index) => {
      // The operator's own provider may well be in a private network.
      const refused = refuseIssuerUrl(issuer, { fetched: false, allowInsecure: config.allowInsecureIssuers });
      if (refused !== null) fault(['issuers', index, 'issuer'], refused);
    });
    if (new Set(config.issuers.map(({ issuer }) => issuer)).size !== config.issuers.length) {
      fault(['issuers'], 'Each issuer once.');
    }
    // An opaque token names no issuer: to ask several would show the token of one to the others.
    if (config.issuers.filter(({ introspection }) => introspection !== undefined).length > 1) {
      fault(['issuers'], 'At most one issuer is asked about opaque tokens.');
    }
    config.firstAdmins.forEach(({ issuer }, index) => {
      if (!config.issuers.some((known) => known.issuer === issuer)) {
        fault(['firstAdmins', index, 'issuer'], 'A first admin comes from one of the issuers.');
      }
    });
  });
export type AuthConfig = z.infer<typeof authConfig>;

/** src/app.module.ts gives the configuration under this. */
export const AUTH_CONFIG = Symbol('auth config');

/** The piece of it that the organizations room needs, for ORGANIZATIONS_CONFIG. */
export const organizationsConfig = (config: AuthConfig, agentImage: string | null): OrganizationsConfig => ({
  signInIssuers: config.issuers.map(({ issuer }) => issuer),
  allowInsecureIssuers: config.allowInsecureIssuers,
  publicUrl: new URL(config.publicUrl).origin,
  agentImage,
});
