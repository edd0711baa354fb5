import { describe, expect, it } from 'vitest';
import { Clock } from '../kernel/clock.js';
import { Refusal } from '../kernel/http/problem.js';
import { Denied } from './denied.js';
import { Introspector } from './introspection.js';
import { OidcClient } from './oidc-client.js';
import type { Outbound } from '../kernel/http/outbound.js';

const ISSUER = 'https://login.example.org';
const TOKEN = 'opaque-token-of-some-length';

class SetClock extends Clock {
  private at = Date.now();
  override now(): Date {
    return new Date(this.at);
  }
  pass(seconds: number): void {
    this.at += seconds * 1000;
  }
}

function setUp(answer: () => object | 'down' | Promise<object>) {
  const clock = new SetClock();
  const asked: string[] = [];
  const fetch: Outbound = async (url, options) => {
    if (url.endsWith('/.well-known/openid-configuration')) {
      return Response.json({
        issuer: ISSUER,
        introspection_endpoint: `${ISSUER}/introspect`,
        jwks_uri: `${ISSUER}/keys`,
      });
    }
    asked.push(String(options?.body));
    const said = await answer();
    if (said === 'down') throw new Error('no answer');
    return Response.json(said);
  };
  const client = new OidcClient(
    {
      issuer: ISSUER,
      clientId: 'api',
      clientSecret: 'secret',
      clientAuthMethod: 'client_secret_basic',
      allowInsecure: false,
    },
    fetch,
    clock,
  );
  const introspector = new Introspector({ issuer: ISSUER, audience: 'urn:safeguard' }, client, clock);
  return { clock, asked, introspector };
}

const active = { active: true, sub: 'somebody', aud: 'urn:safeguard', exp: Math.floor(Date.now() / 1000) + 3600 };

async function reason(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Denied) return error.reason;
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('introspection', () => {
  it('says who bears an active token, and asks again only after half a minute', async () => {
    const { introspector, asked, clock } = setUp(() => ({
      ...active,
      amr: ['otp'],
      iss: ISSUER,
      token_type: 'Bearer',
    }));
    const claims = {
      issuer: ISSUER,
      subject: 'somebody',
      audiences: ['urn:safeguard'],
      amr: ['otp'],
      acr: null,
      verifiedEmail: null,
    };
    expect(await introspector.claims(TOKEN)).toEqual(claims);
    clock.pass(29);
    expect(await introspector.claims(TOKEN)).toEqual(claims);
    expect(asked).toHaveLength(1);
    clock.pass(1);
    await introspector.claims(TOKEN);
    expect(asked).toHaveLength(2);
  });

  it('refuses a token that was revoked, half a minute later at most', async () => {
    let revoked = false;
    const { introspector, clock } = setUp(() => (revoked ? { active: false } : active));
    await introspector.claims(TOKEN);
    revoked = true;
    clock.pass(30);
    expect(await reason(introspector.claims(TOKEN))).toBe('inactive');
  });

  it.each([
    ['claims', { ...active, sub: undefined }],
    ['claims', { ...active, aud: undefined }],
    ['claims', { ...active, exp: undefined }],
    ['claims', { ...active, cnf: { jkt: 'x' } }],
    ['audience', { ...active, aud: ['urn:other'] }],
    ['unknown-issuer', { ...active, iss: 'https://other.example.org' }],
    ['expired', { ...active, exp: Math.floor(Date.now() / 1000) - 61 }],
    ['not-yet-valid', { ...active, nbf: Math.floor(Date.now() / 1000) + 90 }],
    ['type', { ...active, token_type: 'DPoP' }],
    ['unavailable', { active: 'yes' }],
    ['unavailable', {}],
  ])('refuses (%s) an answer like %o', async (expected, answer) => {
    const { introspector } = setUp(() => answer);
    expect(await reason(introspector.claims(TOKEN))).toBe(expected);
  });

  it('says that the issuer cannot be asked, and asks again at once', async () => {
    let down = true;
    const { introspector } = setUp(() => (down ? 'down' : active));
    expect(await reason(introspector.claims(TOKEN))).toBe('unavailable');
    down = false;
    expect(await reason(introspector.claims(TOKEN))).toBe('accepted');
  });

  it('asks about a bounded number of made-up tokens at once, and about one token once', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const { introspector, asked } = setUp(async () => {
      await gate;
      return { active: false };
    });
    const flood = Array.from({ length: 40 }, (_, count) =>
      reason(introspector.claims(`made-up-token-number-${count}`)),
    );
    const same = [reason(introspector.claims('made-up-token-number-0')), reason(introspector.claims('short'))];
    release();
    const results = await Promise.all(flood);
    expect(results.filter((one) => one === 'inactive')).toHaveLength(16);
    expect(results.filter((one) => one === 'unavailable')).toHaveLength(24);
    expect(await Promise.all(same)).toEqual(['inactive', 'malformed']);
    expect(asked).toHaveLength(16);
  });
});
