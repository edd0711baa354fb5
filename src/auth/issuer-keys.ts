import { createLocalJWKSet, errors, type CryptoKey, type FlattenedJWSInput, type JWSHeaderParameters } from 'jose';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '../kernel/clock.js';
import { usableKeys, type PinnedKeys } from '../organizations/public-keys.js';
import { Denied } from './denied.js';
import { type Outbound, OutboundFault, reasonOf } from '../kernel/http/outbound.js';

/** Finds the key that a token names. */
export type KeySource = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;

/** Milliseconds. Keys that are older are fetched anew beside the request that finds them so: nobody waits for the issuer while they are usable. */
const FRESH = 10 * 60_000;
/** While the issuer cannot be reached its last keys count this long: its outage stops no evidence, and its recall of a key is not lost for ever. */
const USABLE = 60 * 60_000;
/** At most one fetch in this time for keys that nobody has heard of: a flood of made-up `kid`s costs the issuer nothing. */
const COOLDOWN = 30_000;
/** And from the end of a fetch that failed until the next. */
const RETRY = 5_000;

/** A Kubernetes API server gives its keys as the type of RFC 7517 section 8.5 and as no other: whoever asks for plain JSON gets 406. */
const ACCEPTED = 'application/json, application/jwk-set+json';

const metadata = z.object({ issuer: z.string(), jwks_uri: z.url().max(2_000) });

/** Keys that a tenant pinned: nothing is ever fetched. */
export const pinnedKeySource = (jwks: PinnedKeys): KeySource => {
  const keys = createLocalJWKSet(jwks);
  return async (header, token) => {
    try {
      return await keys(header, token);
    } catch {
      throw unknownKey();
    }
  };
};

/** Keys of one issuer, found by OpenID Connect Discovery 1.0 section 4, kept and fetched again. */
export class IssuerKeys {
  private keys: ReturnType<typeof createLocalJWKSet> | null = null;
  private fetchedAt = -Infinity;
  private triedAt = -Infinity;
  private pending: Promise<void> | null = null;

  constructor(
    private readonly issuer: string,
    private readonly fetch: Outbound,
    private readonly clock: Clock,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  readonly source: KeySource = async (header, token) => {
    if (this.age() > FRESH) {
      const fetched = this.refetch(RETRY);
      if (this.age() > USABLE) await fetched;
    }
    if (this.keys === null || this.age() > USABLE) throw new Denied('keys-unavailable');
    try {
      return await this.keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw unknownKey();
    }
    await this.refetch(COOLDOWN);
    try {
      return await this.keys(header, token);
    } catch {
      throw unknownKey();
    }
  };

  /** Of the keys, in milliseconds; without any, infinite. */
  private age(): number {
    return this.clock.now().getTime() - this.fetchedAt;
  }

  /** Joins a fetch under way, or starts one when the last ended long enough ago. Never rejects: perhaps nobody waits for it. */
  private refetch(pause: number): Promise<void> {
    const sinceTry = this.clock.now().getTime() - this.triedAt;
    if (this.pending === null && sinceTry >= pause) this.pending = this.attempt();
    return this.pending ?? Promise.resolve();
  }

  private async attempt(): Promise<void> {
    const startedAt = this.clock.now().getTime();
    try {
      this.keys = await this.load();
      this.fetchedAt = startedAt;
    } catch (error) {
      // What was known is kept until it is too old. Said at each try, of which there is at most one in five seconds.
      this.logger.warn({ issuer: this.issuer, reason: reasonOf(error) }, 'the keys of an issuer cannot be had');
    }
    this.triedAt = this.clock.now().getTime();
    this.pending = null;
  }

  private async load(): Promise<ReturnType<typeof createLocalJWKSet>> {
    const found = metadata.safeParse(
      await this.json(`${this.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, 'the metadata'),
    );
    if (!found.success) throw new OutboundFault('the metadata lacks issuer or jwks_uri');
    if (found.data.issuer !== this.issuer) throw new OutboundFault('the metadata is of another issuer');
    const keys = usableKeys(await this.json(found.data.jwks_uri, 'the key set'));
    if (keys === null) throw new OutboundFault('the key set is none');
    return createLocalJWKSet(keys);
  }

  private async json(url: string, what: string): Promise<unknown> {
    let response;
    try {
      response = await this.fetch(url, { headers: { accept: ACCEPTED } });
    } catch (error) {
      throw new OutboundFault(`${what}: ${reasonOf(error)}`);
    }
    if (response.status !== 200) throw new OutboundFault(`${what}: the answer is ${response.status}`);
    try {
      return await response.json();
    } catch {
      throw new OutboundFault(`${what}: the answer is no JSON`);
    }
  }
}

/** No such key, several, or one that is none (a point that lies on no curve): for the token it comes to the same. */
const unknownKey = () => new Denied('unknown-key');

/** How many tenants' issuers are remembered at once; the one unused longest is forgotten first. */
const MAX_ISSUERS = 1_000;

/** Key sources of the issuers that tenants trust, shared by all tenants who trust the same. */
export class TrustedKeys {
  private readonly known = new Map<string, IssuerKeys>();

  constructor(
    private readonly fetch: Outbound,
    private readonly clock: Clock,
    private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  of(issuer: string): KeySource {
    const keys = this.known.get(issuer) ?? new IssuerKeys(issuer, this.fetch, this.clock, this.logger);
    this.known.delete(issuer);
    this.known.set(issuer, keys);
    const [oldest] = this.known.keys();
    if (this.known.size > MAX_ISSUERS && oldest !== undefined) this.known.delete(oldest);
    return keys.source;
  }
}
