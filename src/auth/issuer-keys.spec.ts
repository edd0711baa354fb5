import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';
import { describe, expect, it, vi } from 'vitest';
import { Clock } from '../kernel/clock.js';
import { usableKeys } from '../organizations/public-keys.js';
import { verifyAccessToken, type TokenRules } from './access-token.js';
import { Denied } from './denied.js';
import { IssuerKeys, pinnedKeySource, TrustedKeys } from './issuer-keys.js';
import { type Outbound, outbound } from '../kernel/http/outbound.js';

class SetClock extends Clock {
  private at = Date.parse('2026-11-23T12:00:00Z');
  override now(): Date {
    return new Date(this.at);
  }
  pass(seconds: number): void {
    this.at += seconds * 1000;
  }
}

const ISSUER = 'https://cluster.example.org';
/** Where nothing listens. */
const CLOSED = 'http://127.0.0.1:1';
const JWK_SET = 'application/jwk-set+json';
const rules: TokenRules = { issuer: ISSUER, audience: 'urn:a', algorithms: ['ES256'], types: ['JWT'] };

/** An issuer in memory: counts what it is asked, and can fail, rotate and lie. */
class Issuer {
  readonly clock = new SetClock();
  asked = 0;
  down = false;
  /** Answers nothing before this resolves. */
  hanging: Promise<void> | null = null;
  tries = 0;
  says = ISSUER;
  keys = new Map<string, { privateKey: CryptoKey; jwk: object }>();

  readonly fetch: Outbound = async (url, options) => {
    if (url.endsWith('/openid-configuration')) this.tries += 1;
    if (this.hanging !== null) await this.hanging;
    if (this.down) throw new Error('no answer');
    if (url === `${ISSUER}/.well-known/openid-configuration`) {
      return Response.json({ issuer: this.says, jwks_uri: `${ISSUER}/keys` });
    }
    this.asked += 1;
    await Promise.resolve();
    // As kube-apiserver does, for its keys have no other type.
    const accepted = options?.headers?.['accept']?.split(/, */) ?? ['*/*'];
    if (!accepted.some((type) => type === '*/*' || type === JWK_SET)) return new Response(null, { status: 406 });
    const keys = { keys: [...this.keys.values()].map(({ jwk }) => jwk) };
    return Response.json(keys, { headers: { 'content-type': JWK_SET } });
  };

  async rotate(...kids: string[]): Promise<void> {
    this.keys = new Map();
    for (const kid of kids) {
      const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
      this.keys.set(kid, { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig', alg: 'ES256' } });
    }
  }

  async token(kid: string, key = this.keys.get(kid)!.privateKey): Promise<string> {
    const at = this.clock.now().getTime() / 1000;
    return new SignJWT({ iss: ISSUER, sub: 's', aud: 'urn:a', iat: at, exp: at + 600 })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid })
      .sign(key);
  }

  async judge(token: string, keys: { source: IssuerKeys['source'] }): Promise<string> {
    try {
      await verifyAccessToken(token, rules, keys.source, this.clock.now());
      return 'accepted';
    } catch (error) {
      if (error instanceof Denied) return error.reason;
      throw error;
    }
  }
}

/** A log, and what is said in it. */
function listening() {
  const said: unknown[] = [];
  const logger = { warn: (...words: unknown[]) => void said.push(words) };
  return { said, logger };
}

async function setUp() {
  const issuer = new Issuer();
  await issuer.rotate('one');
  const { said, logger } = listening();
  return { issuer, keys: new IssuerKeys(ISSUER, issuer.fetch, issuer.clock, logger), said };
}

describe('IssuerKeys', () => {
  it('fetches keys once, also for many tokens at once', async () => {
    const { issuer, keys } = await setUp();
    const token = await issuer.token('one');
    const results = await Promise.all(Array.from({ length: 20 }, () => issuer.judge(token, keys)));
    expect(new Set(results)).toEqual(new Set(['accepted']));
    expect(issuer.asked).toBe(1);
  });

  it('finds a new key when a token names it', async () => {
    const { issuer, keys } = await setUp();
    await issuer.judge(await issuer.token('one'), keys);
    await issuer.rotate('one', 'two');
    issuer.clock.pass(31);
    expect(await issuer.judge(await issuer.token('two'), keys)).toBe('accepted');
    expect(issuer.asked).toBe(2);
  });

  it('is not made to ask the issuer by a flood of made-up key ids', async () => {
    const { issuer, keys } = await setUp();
    const stranger = (await generateKeyPair('ES256')).privateKey;
    for (let wave = 0; wave < 3; wave += 1) {
      for (let count = 0; count < 50; count += 1) {
        expect(await issuer.judge(await issuer.token(`made-up-${wave}-${count}`, stranger), keys)).toBe('unknown-key');
      }
      issuer.clock.pass(31);
    }
    // The first fetch, and one more in each wave after the first.
    expect(issuer.asked).toBe(3);
  });

  it('forgets a key that the issuer withdrew, once it is used ten minutes later', async () => {
    const { issuer, keys } = await setUp();
    const token = await issuer.token('one');
    expect(await issuer.judge(token, keys)).toBe('accepted');
    await issuer.rotate('two');
    issuer.clock.pass(601);
    await issuer.judge(token, keys);
    await vi.waitFor(async () => expect(await issuer.judge(token, keys)).toBe('unknown-key'));
    expect(issuer.asked).toBe(2);
  });

  it('keeps nobody waiting for an issuer that hangs, and tries it again five seconds after it gave up', async () => {
    const { issuer, keys } = await setUp();
    await issuer.judge(await issuer.token('one'), keys);
    let giveUp = (): void => undefined;
    issuer.hanging = new Promise((resolve) => (giveUp = resolve));
    issuer.down = true;
    issuer.clock.pass(601);
    for (let count = 0; count < 3; count += 1) {
      expect(await issuer.judge(await issuer.token('one'), keys)).toBe('accepted');
      issuer.clock.pass(5);
    }
    expect(issuer.tries).toBe(2);
    // Whom nothing known helps waits for the try that is under way.
    const stranger = issuer.judge(await issuer.token('two', (await generateKeyPair('ES256')).privateKey), keys);
    giveUp();
    expect(await stranger).toBe('unknown-key');
    issuer.clock.pass(4);
    expect(await issuer.judge(await issuer.token('one'), keys)).toBe('accepted');
    expect(issuer.tries).toBe(2);
    issuer.clock.pass(1);
    expect(await issuer.judge(await issuer.token('one'), keys)).toBe('accepted');
    expect(issuer.tries).toBe(3);
  });

  it('bridges an outage of the issuer for an hour, and asks it no oftener than every five seconds', async () => {
    const { issuer, keys } = await setUp();
    await issuer.judge(await issuer.token('one'), keys);
    issuer.down = true;
    issuer.clock.pass(59 * 60);
    expect(await issuer.judge(await issuer.token('one'), keys)).toBe('accepted');
    issuer.clock.pass(2 * 60);
    expect(await issuer.judge(await issuer.token('one'), keys)).toBe('keys-unavailable');
    issuer.down = false;
    expect(await issuer.judge(await issuer.token('one'), keys)).toBe('keys-unavailable');
    issuer.clock.pass(5);
    expect(await issuer.judge(await issuer.token('one'), keys)).toBe('accepted');
  });

  it.each<[string, Outbound, string]>([
    ['cannot be reached', outbound({ publicOnly: false, allowInsecure: true }), 'the metadata: ECONNREFUSED'],
    ['is in a private network', outbound({ publicOnly: true, allowInsecure: true }), 'the metadata: a private address'],
    ['answers 403', () => Promise.resolve(new Response('hunter2', { status: 403 })), 'the metadata: the answer is 403'],
    ['answers a page', () => Promise.resolve(new Response('hunter2')), 'the metadata: the answer is no JSON'],
    [
      'answers another thing',
      () => Promise.resolve(Response.json({ issuer: 'hunter2' })),
      'the metadata lacks issuer or jwks_uri',
    ],
    [
      'is another one',
      () => Promise.resolve(Response.json({ issuer: 'https://hunter2', jwks_uri: 'https://hunter2' })),
      'the metadata is of another issuer',
    ],
    [
      'has no keys',
      (url) =>
        Promise.resolve(
          Response.json(url.endsWith('/keys') ? 'hunter2' : { issuer: CLOSED, jwks_uri: `${CLOSED}/keys` }),
        ),
      'the key set is none',
    ],
  ])('is it said in the log that an issuer %s, without a word of its own?', async (_what, fetch, reason) => {
    const { said, logger } = listening();
    const keys = new IssuerKeys(CLOSED, fetch, new SetClock(), logger);
    await expect(keys.source({ alg: 'ES256', kid: 'one' }, { payload: '', signature: '' })).rejects.toThrow(
      'keys-unavailable',
    );
    expect(said).toEqual([[{ issuer: CLOSED, reason }, 'the keys of an issuer cannot be had']]);
  });

  it('takes no keys from metadata that names another issuer', async () => {
    const { issuer, keys } = await setUp();
    issuer.says = 'https://other.example.org';
    expect(await issuer.judge(await issuer.token('one'), keys)).toBe('keys-unavailable');
    expect(issuer.asked).toBe(0);
  });

  it('refuses a token without key id when the issuer has several keys', async () => {
    const { issuer, keys } = await setUp();
    await issuer.rotate('one', 'two');
    const at = issuer.clock.now().getTime() / 1000;
    const token = await new SignJWT({ iss: ISSUER, sub: 's', aud: 'urn:a', iat: at, exp: at + 60 })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT' })
      .sign(issuer.keys.get('one')!.privateKey);
    expect(await issuer.judge(token, keys)).toBe('unknown-key');
  });
});

describe('pinned keys', () => {
  it('judge a token without any network', async () => {
    const { issuer } = await setUp();
    const pinned = { source: pinnedKeySource(usableKeys({ keys: [issuer.keys.get('one')!.jwk] })!) };
    expect(await issuer.judge(await issuer.token('one'), pinned)).toBe('accepted');
    const stranger = (await generateKeyPair('ES256')).privateKey;
    expect(await issuer.judge(await issuer.token('two', stranger), pinned)).toBe('unknown-key');
    expect(issuer.asked).toBe(0);
  });
});

describe('TrustedKeys', () => {
  it('shares one source among all who trust an issuer, and remembers a bounded number', () => {
    const known = new TrustedKeys(() => Promise.reject(new Error('never asked')), new SetClock(), listening().logger);
    const first = known.of('https://0.example.org');
    expect(known.of('https://0.example.org')).toBe(first);
    for (let count = 1; count <= 1_000; count += 1) known.of(`https://${count}.example.org`);
    expect(known.of('https://0.example.org')).not.toBe(first);
  });
});
