import { createHmac } from 'node:crypto';
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { usableKeys } from '../organizations/public-keys.js';
import {
  CLOCK_SKEW,
  isSignedToken,
  MAX_LIFETIME,
  unverified,
  verifyAccessToken,
  type TokenRules,
} from './access-token.js';
import { ALGORITHMS, type Algorithm } from './auth.config.js';
import { Denied } from './denied.js';
import { pinnedKeySource, type KeySource } from './issuer-keys.js';

const NOW = new Date('2026-11-23T12:00:00Z');
const seconds = NOW.getTime() / 1000;
const rules: TokenRules = {
  issuer: 'https://login.example.org',
  audience: 'urn:safeguard',
  algorithms: ['ES256', 'RS256', 'PS256', 'EdDSA'],
  types: ['at+jwt'],
};
const good: JWTPayload = {
  iss: rules.issuer,
  sub: 'somebody',
  aud: rules.audience,
  iat: seconds - 10,
  exp: seconds + 300,
};

let signingKey: CryptoKey;
let publicPem: string;
let keys: KeySource;

beforeAll(async () => {
  const pair = await generateKeyPair('ES256', { extractable: true });
  signingKey = pair.privateKey;
  publicPem = await exportSPKI(pair.publicKey);
  keys = await sourceOf(pair.publicKey, 'one');
});

async function sourceOf(key: CryptoKey, kid: string): Promise<KeySource> {
  const set = usableKeys({ keys: [{ ...(await exportJWK(key)), kid, use: 'sig' }] });
  return pinnedKeySource(set!);
}

const sign = (claims: JWTPayload, header: Record<string, unknown> = {}, key: CryptoKey = signingKey) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'one', ...header }).sign(key);

const judge = (token: string, other: Partial<TokenRules> = {}, source = keys) =>
  verifyAccessToken(token, { ...rules, ...other }, source, NOW);

async function reason(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Denied) return error.reason;
    throw error;
  }
  return 'accepted';
}

const unsigned = (header: object, claims: object, signature = ''): string =>
  [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') + `.${signature}`;

describe('verifyAccessToken', () => {
  it('says who bears a good token, and how the person signed in', async () => {
    const claims = await judge(
      await sign({ ...good, amr: ['pwd', 'otp'], acr: 'urn:two', aud: ['urn:other', 'urn:safeguard'] }),
    );
    expect(claims).toEqual({
      issuer: rules.issuer,
      subject: 'somebody',
      audiences: ['urn:other', 'urn:safeguard'],
      amr: ['pwd', 'otp'],
      verifiedEmail: null,
      acr: 'urn:two',
    });
  });

  it.each(['RS256', 'PS256', 'EdDSA', 'ES384'] as const)('takes %s where it is pinned, and only there', async (alg) => {
    const pair = await generateKeyPair(alg);
    const token = await sign(good, { alg }, pair.privateKey);
    const source = await sourceOf(pair.publicKey, 'one');
    const pinned: readonly Algorithm[] = ['ES256', alg];
    expect(await reason(judge(token, { algorithms: pinned }, source))).toBe('accepted');
    expect(await reason(judge(token, { algorithms: ['ES256'] }, source))).toBe('algorithm');
  });

  it('refuses «none» in any spelling, and every shared-secret algorithm that the configuration could not even name', async () => {
    for (const alg of ['none', 'None', 'NONE']) {
      expect(await reason(judge(unsigned({ alg, typ: 'at+jwt', kid: 'one' }, good, 'AA')))).toBe('algorithm');
    }
    expect(ALGORITHMS.some((alg) => alg.startsWith('HS'))).toBe(false);
  });

  it('refuses a token signed with the public key as shared secret', async () => {
    const input = unsigned({ alg: 'HS256', typ: 'at+jwt', kid: 'one' }, good).slice(0, -1);
    const signature = createHmac('sha256', publicPem).update(input).digest('base64url');
    expect(await reason(judge(`${input}.${signature}`))).toBe('algorithm');
  });

  it('refuses a signature that another key made, and one that was cut or changed', async () => {
    const other = await generateKeyPair('ES256');
    expect(await reason(judge(await sign(good, {}, other.privateKey)))).toBe('signature');
    const token = await sign(good);
    const [header, , signature] = token.split('.');
    const forged = Buffer.from(JSON.stringify({ ...good, sub: 'admin' })).toString('base64url');
    expect(await reason(judge(`${header}.${forged}.${signature}`))).toBe('signature');
    expect(await reason(judge(token.slice(0, -6)))).not.toBe('accepted');
  });

  it('looks at no key that the token brings or points to', async () => {
    const own = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(own.publicKey);
    for (const header of [
      { jwk },
      { jku: 'https://evil.example/keys' },
      { x5u: 'https://evil.example/cert' },
      { x5c: ['AAAA'] },
    ]) {
      expect(await reason(judge(await sign(good, header, own.privateKey)))).toBe('signature');
      expect(await reason(judge(await sign(good, { ...header, kid: 'two' }, own.privateKey)))).toBe('unknown-key');
    }
  });

  it('refuses critical extensions, known or not', async () => {
    const token = unsigned({ alg: 'ES256', typ: 'at+jwt', kid: 'one', crit: ['exp'], exp: 1 }, good, 'AA');
    expect(await reason(judge(token))).toBe('critical-header');
    expect(await reason(judge(unsigned({ alg: 'ES256', typ: 'at+jwt', crit: ['b64'], b64: false }, good, 'AA')))).toBe(
      'critical-header',
    );
  });

  it('refuses another type of token: an id token is no access token', async () => {
    expect(await reason(judge(await sign(good, { typ: 'JWT' })))).toBe('type');
    expect(await reason(judge(await sign(good, { typ: undefined })))).toBe('type');
    expect(await reason(judge(await sign(good, { typ: 'logout+jwt' })))).toBe('type');
    expect(await reason(judge(await sign(good, { typ: 'application/AT+jwt' })))).toBe('accepted');
    expect(await reason(judge(await sign(good, { typ: undefined }), { types: ['absent'] }))).toBe('accepted');
    expect(await reason(judge(await sign(good), { types: ['absent', 'JWT'] }))).toBe('type');
  });

  it('refuses another audience, another issuer, and claims that are missing', async () => {
    expect(await reason(judge(await sign({ ...good, aud: 'urn:other' })))).toBe('audience');
    expect(await reason(judge(await sign({ ...good, aud: `${rules.audience}/` })))).toBe('audience');
    expect(await reason(judge(await sign({ ...good, iss: `${rules.issuer}/` })))).toBe('claims');
    for (const claim of ['iss', 'sub', 'aud', 'exp', 'iat']) {
      const { [claim]: _, ...rest } = good;
      expect(await reason(judge(await sign(rest)))).not.toBe('accepted');
    }
    expect(await reason(judge(await sign({ ...good, sub: '' })))).toBe('claims');
    expect(await reason(judge(await sign({ ...good, sub: 'a\nb' })))).toBe('claims');
  });

  it('allows clocks to differ by a minute and no second more', async () => {
    expect(await reason(judge(await sign({ ...good, exp: seconds - CLOCK_SKEW + 1 })))).toBe('accepted');
    expect(await reason(judge(await sign({ ...good, exp: seconds - CLOCK_SKEW })))).toBe('expired');
    expect(await reason(judge(await sign({ ...good, nbf: seconds + CLOCK_SKEW })))).toBe('accepted');
    expect(await reason(judge(await sign({ ...good, nbf: seconds + CLOCK_SKEW + 1 })))).toBe('not-yet-valid');
    expect(await reason(judge(await sign({ ...good, iat: seconds + CLOCK_SKEW })))).toBe('accepted');
    expect(await reason(judge(await sign({ ...good, iat: seconds + CLOCK_SKEW + 1 })))).toBe('issued-in-future');
  });

  it('refuses tokens that live for more than a day, and times that are no numbers', async () => {
    expect(await reason(judge(await sign({ ...good, exp: seconds - 10 + MAX_LIFETIME })))).toBe('accepted');
    expect(await reason(judge(await sign({ ...good, exp: seconds - 9 + MAX_LIFETIME })))).toBe('too-long-lived');
    expect(await reason(judge(await sign({ ...good, exp: 'tomorrow' as never })))).not.toBe('accepted');
  });

  it('refuses a token that is bound to a key which nobody proves here', async () => {
    expect(await reason(judge(await sign({ ...good, cnf: { jkt: 'x' } })))).toBe('sender-constrained');
  });
});

describe('what is said before verification', () => {
  it('tells signed tokens from opaque ones by their form', async () => {
    expect(isSignedToken(await sign(good))).toBe(true);
    for (const token of ['opaque', 'a.b', 'a.b.c.d.e', 'a..c', 'a.b.', '.b.c', 'a.b.c d']) {
      expect(isSignedToken(token)).toBe(false);
    }
  });

  it('refuses what is no token, without a crash', () => {
    for (const token of ['a.b.c', unsigned({ alg: 'ES256' }, { iss: 1 }), `${unsigned({}, { iss: 'x', sub: 'y' })}A`]) {
      expect(() => unverified(token)).toThrow(Denied);
    }
  });
});
