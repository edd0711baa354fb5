import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { z } from 'zod';
import type { Algorithm, TokenType } from './auth.config.js';
import { Denied } from './denied.js';
import type { KeySource } from './issuer-keys.js';

/** Node takes 16 KiB of headers in all. The largest tokens in use, with hundreds of groups, have some 8 KiB. */
export const MAX_TOKEN_LENGTH = 12 * 1024;
/** Seconds that clocks may differ. */
export const CLOCK_SKEW = 60;
/** Seconds. A token cannot be called back before it ends: one that lives for days is a static key by another name. */
export const MAX_LIFETIME = 24 * 3600;

/** What a token of an issuer must be like. */
export interface TokenRules {
  issuer: string;
  audience: string;
  algorithms: readonly Algorithm[];
  types: readonly TokenType[];
}

const text = z.string().max(500);

/** OpenID Connect Core section 5.1. What is of another shape says nothing: it refuses no token. */
export const emailClaims = {
  email: z.email().max(254).toLowerCase().optional().catch(undefined),
  email_verified: z.boolean().optional().catch(undefined),
};

/** An address that the issuer says it has verified, in lower case; else null. */
export const verifiedEmailOf = (said: {
  email?: string | undefined;
  email_verified?: boolean | undefined;
}): string | null => (said.email_verified === true ? (said.email ?? null) : null);

const claims = z.object({
  // No character that a database or a log would stumble over: this is read before anything is verified.
  iss: z.string().regex(/^[\x21-\x7e]{1,500}$/),
  sub: z.string().regex(/^[\x20-\x7e]{1,255}$/),
  aud: z.union([text.transform((one) => [one]), z.array(text).max(100)]),
  iat: z.number(),
  exp: z.number(),
  amr: z.array(text).max(100).optional(),
  acr: text.optional(),
  ...emailClaims,
});

/** What is known of a token's bearer. Times are not in it: they have been judged. */
export interface TokenClaims {
  issuer: string;
  subject: string;
  audiences: readonly string[];
  amr: readonly string[];
  acr: string | null;
  /** In lower case; null where the issuer says of none that it is verified. */
  verifiedEmail: string | null;
}

/** Three parts, base64url: a signed token in compact form (RFC 7515 section 7.1). Anything else is opaque. */
export const isSignedToken = (token: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);

/** What an unverified token says of itself: enough to find out by whose keys and rules it would have to be judged, and good for nothing else. */
export function unverified(token: string): { issuer: string; subject: string; audiences: readonly string[] } {
  try {
    const { iss, sub, aud } = claims.pick({ iss: true, sub: true, aud: true }).parse(decodeJwt(token));
    return { issuer: iss, subject: sub, audiences: aud };
  } catch {
    throw new Denied('malformed');
  }
}

/**
 * Judges a token (RFC 7519, RFC 8725, RFC 9068): pinned algorithm and type, no critical extension, the issuer's own key, issuer, audience, and times.
 * Keys that the token itself brings or points to (`jwk`, `jku`, `x5c`, `x5u`) are never looked at. Throws Denied.
 */
export async function verifyAccessToken(
  token: string,
  rules: TokenRules,
  keys: KeySource,
  now: Date,
): Promise<TokenClaims> {
  judgeHeader(token, rules);
  const payload = await verified(token, rules, keys, now);
  const parsed = claims.safeParse(payload);
  if (!parsed.success) throw new Denied('claims');
  const { iss, sub, aud, iat, exp, amr, acr } = parsed.data;
  if (iat > now.getTime() / 1000 + CLOCK_SKEW) throw new Denied('issued-in-future');
  if (exp - iat > MAX_LIFETIME) throw new Denied('too-long-lived');
  // Bound to a key that its bearer must prove (RFC 9449, RFC 8705). That proof is not asked for here, so it would pass in a thief's hands.
  if (payload['cnf'] !== undefined) throw new Denied('sender-constrained');
  const verifiedEmail = verifiedEmailOf(parsed.data);
  return { issuer: iss, subject: sub, audiences: aud, amr: amr ?? [], acr: acr ?? null, verifiedEmail };
}

function judgeHeader(token: string, rules: TokenRules): void {
  let header;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    throw new Denied('malformed');
  }
  const { alg, typ, crit } = header;
  if (alg === undefined || !(rules.algorithms as readonly string[]).includes(alg)) throw new Denied('algorithm');
  if (crit !== undefined) throw new Denied('critical-header');
  if (!rules.types.some((type) => isOfType(typ, type))) throw new Denied('type');
}

/** Media types compare without case, and `application/` may be left out (RFC 7515 section 4.1.9). */
function isOfType(typ: unknown, type: TokenType): boolean {
  if (type === 'absent') return typ === undefined;
  return typeof typ === 'string' && typ.toLowerCase().replace(/^application\//, '') === type.toLowerCase();
}

async function verified(token: string, rules: TokenRules, keys: KeySource, now: Date) {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: [...rules.algorithms],
      issuer: rules.issuer,
      audience: rules.audience,
      clockTolerance: CLOCK_SKEW,
      currentDate: now,
      requiredClaims: ['exp', 'iat', 'sub'],
    });
    return payload;
  } catch (error) {
    if (error instanceof Denied) throw error;
    if (error instanceof errors.JWTExpired) throw new Denied('expired');
    if (error instanceof errors.JWTClaimValidationFailed) {
      const { claim } = error;
      throw new Denied(claim === 'aud' ? 'audience' : claim === 'nbf' ? 'not-yet-valid' : 'claims');
    }
    if (error instanceof errors.JWSSignatureVerificationFailed) throw new Denied('signature');
    if (error instanceof errors.JOSEError) throw new Denied('malformed');
    // A key that fits the token's `kid` and not its `alg` is a TypeError of jose or of the crypto below it.
    if (error instanceof TypeError || error instanceof DOMException) throw new Denied('signature');
    throw error;
  }
}
