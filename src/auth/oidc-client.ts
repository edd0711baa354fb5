import * as oidc from 'openid-client';
import type { Clock } from '../kernel/clock.js';
import type { Outbound } from '../kernel/http/outbound.js';

/** Milliseconds. Metadata changes rarely; endpoints that moved are found within this. */
const FRESH = 60 * 60_000;

export interface OidcClientOptions {
  issuer: string;
  clientId: string;
  clientSecret: string | undefined;
  clientAuthMethod: 'client_secret_post' | 'client_secret_basic';
  /** Development only: http. */
  allowInsecure: boolean;
}

/** This service as a client of one of the deployment's issuers. Its metadata is asked when first needed: an issuer that is down stops no start. */
export class OidcClient {
  private known: { configuration: oidc.Configuration; at: number } | null = null;
  private pending: Promise<oidc.Configuration> | null = null;

  constructor(
    private readonly options: OidcClientOptions,
    private readonly fetch: Outbound,
    private readonly clock: Clock,
  ) {}

  async configuration(): Promise<oidc.Configuration> {
    if (this.known !== null && this.clock.now().getTime() - this.known.at < FRESH) return this.known.configuration;
    this.pending ??= this.discover().finally(() => (this.pending = null));
    return this.pending;
  }

  /** openid-client refuses metadata whose issuer is another one. */
  private async discover(): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret, clientAuthMethod, allowInsecure } = this.options;
    const configuration = await oidc.discovery(
      new URL(issuer),
      clientId,
      undefined,
      clientAuthentication(clientSecret, clientAuthMethod),
      {
        [oidc.customFetch]: (url, options) => this.fetch(url, options),
        timeout: 5,
        // Id tokens come straight from the issuer, by TLS; their signatures are checked all the same.
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- openid-client marks it so to make it stand out; it looks for this very function.
        execute: [oidc.enableNonRepudiationChecks, ...(allowInsecure ? [oidc.allowInsecureRequests] : [])],
      },
    );
    this.known = { configuration, at: this.clock.now().getTime() };
    return configuration;
  }
}

function clientAuthentication(
  secret: string | undefined,
  method: OidcClientOptions['clientAuthMethod'],
): oidc.ClientAuth {
  if (secret === undefined) return oidc.None();
  return method === 'client_secret_basic' ? oidc.ClientSecretBasic(secret) : oidc.ClientSecretPost(secret);
}
