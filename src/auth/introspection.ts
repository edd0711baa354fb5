import { createHash } from 'node:crypto';
import * as oidc from 'openid-client';
import { z } from 'zod';
import type { Clock } from '../kernel/clock.js';
import { Refusal } from '../kernel/http/problem.js';
import { CLOCK_SKEW, emailClaims, type TokenClaims, verifiedEmailOf } from './access-token.js';
import { Denied } from './denied.js';
import type { OidcClient } from './oidc-client.js';

/** Milliseconds that an answer is believed: a token that was revoked is refused after this at the latest. */
const BELIEVED = 30_000;
const MAX_CACHED = 5_000;
/** Questions under way at once: made-up tokens must not become a flood at the issuer. Who asks is not known yet; the ingress bounds what one address may send. */
const MAX_UNDER_WAY = 16;
const MIN_LENGTH = 20;
const MAX_LENGTH = 4_096;

const text = z.string().max(500);
/** RFC 7662 section 2.2. What it leaves optional and this service needs, is required. */
const activeToken = z.object({
  active: z.literal(true),
  sub: z.string().regex(/^[\x20-\x7e]{1,255}$/),
  aud: z.union([text.transform((one) => [one]), z.array(text).max(100)]),
  exp: z.number(),
  nbf: z.number().optional(),
  iss: z.string().optional(),
  token_type: z.string().optional(),
  cnf: z.never().optional(),
  amr: z.array(text).max(100).optional(),
  acr: text.optional(),
  ...emailClaims,
});

/** Opaque tokens: the issuer is asked about them (RFC 7662). */
export class Introspector {
  private readonly cache = new Map<string, { until: number; claims: Promise<TokenClaims> }>();
  private underWay = 0;

  constructor(
    private readonly rules: { issuer: string; audience: string },
    private readonly client: OidcClient,
    private readonly clock: Clock,
  ) {}

  /** Throws Denied; or the refusal `unavailable` while the issuer cannot be asked. */
  async claims(token: string): Promise<TokenClaims> {
    if (token.length < MIN_LENGTH || token.length > MAX_LENGTH) throw new Denied('malformed');
    const now = this.clock.now().getTime();
    // Only a digest is kept: what lies in memory lets nobody in.
    const key = createHash('sha256').update(token).digest('base64url');
    const known = this.cache.get(key);
    if (known !== undefined && now < known.until) return known.claims;
    if (this.underWay >= MAX_UNDER_WAY) throw notNow();
    const claims = this.ask(token);
    this.cache.delete(key);
    this.cache.set(key, { until: now + BELIEVED, claims });
    const [oldest] = this.cache.keys();
    if (this.cache.size > MAX_CACHED && oldest !== undefined) this.cache.delete(oldest);
    try {
      return await claims;
    } catch (error) {
      // An answer is remembered, also a «no»; a question that got none is not.
      if (!(error instanceof Denied)) this.cache.delete(key);
      throw error;
    }
  }

  private async ask(token: string): Promise<TokenClaims> {
    this.underWay += 1;
    let answer: oidc.IntrospectionResponse;
    try {
      answer = await oidc.tokenIntrospection(await this.client.configuration(), token);
    } catch {
      throw notNow();
    } finally {
      this.underWay -= 1;
    }
    if (!answer.active) throw new Denied('inactive');
    const parsed = activeToken.safeParse(answer);
    if (!parsed.success) throw new Denied('claims');
    const { sub, aud, exp, nbf, iss, token_type: type, amr, acr } = parsed.data;
    const seconds = this.clock.now().getTime() / 1000;
    if (iss !== undefined && iss !== this.rules.issuer) throw new Denied('unknown-issuer');
    if (!aud.includes(this.rules.audience)) throw new Denied('audience');
    if (exp <= seconds - CLOCK_SKEW) throw new Denied('expired');
    if (nbf !== undefined && nbf > seconds + CLOCK_SKEW) throw new Denied('not-yet-valid');
    if (type !== undefined && type.toLowerCase() !== 'bearer') throw new Denied('type');
    return {
      issuer: this.rules.issuer,
      subject: sub,
      audiences: aud,
      amr: amr ?? [],
      acr: acr ?? null,
      verifiedEmail: verifiedEmailOf(parsed.data),
    };
  }
}

const notNow = () =>
  new Refusal('unavailable', 'The identity provider cannot be asked now. Try again.', {
    headers: { 'Retry-After': '5' },
  });
