import { lookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { isPublicAddress, literalAddress } from '../organizations/public-address.js';

/** Key sets and metadata have a few kilobytes; Microsoft's common key set about 30. */
const MAX_ANSWER_BYTES = 512 * 1024;
const PATIENCE_MILLISECONDS = 5_000;

export interface OutboundRules {
  /** For addresses that a tenant named: the public Internet alone, told by the address that is connected to and not by the name. */
  publicOnly: boolean;
  /** Development only: http. */
  allowInsecure: boolean;
}

/** What `fetch` is called with by those who ask for one (openid-client). */
export interface OutboundOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** Why there was no answer that could be used, in words of ours: nothing of an answer is in them. */
export class OutboundFault extends Error {}

/** The same of any failure of a call, for the operator's log. What a library says may quote an address or an answer; its code does not. */
export function reasonOf(error: unknown): string {
  if (error instanceof OutboundFault) return error.message;
  if (!(error instanceof Error)) return 'unknown';
  if (error.name === 'TimeoutError') return `no answer within ${PATIENCE_MILLISECONDS} ms`;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : error.name;
}

export type Outbound = (url: string, options?: OutboundOptions) => Promise<Response>;

/**
 * Calls to identity providers: bounded in time and size, no redirect followed, nothing decompressed, no cookie kept. A name that resolves to a private
 * address is not connected to; the check is part of the connection itself, so that no second answer of a name server can come between.
 */
export function outbound(rules: OutboundRules): Outbound {
  const agent = new Agent({
    connect: { timeout: PATIENCE_MILLISECONDS, ...(rules.publicOnly ? { lookup: publicLookup } : {}) },
    headersTimeout: PATIENCE_MILLISECONDS,
    bodyTimeout: PATIENCE_MILLISECONDS,
    maxResponseSize: MAX_ANSWER_BYTES,
    keepAliveTimeout: 1_000,
    connections: 4,
    allowH2: false,
  });
  return async (address, options = {}) => {
    const url = new URL(address);
    if (url.protocol !== 'https:' && !(rules.allowInsecure && url.protocol === 'http:')) {
      throw new OutboundFault('an identity provider is called by https');
    }
    // A literal address is connected to without a lookup.
    const literal = literalAddress(url);
    if (rules.publicOnly && literal !== null && !isPublicAddress(literal)) throw new OutboundFault('a private address');
    const timeout = AbortSignal.timeout(PATIENCE_MILLISECONDS);
    const answer = await request(url, {
      dispatcher: agent,
      method: options.method === 'POST' ? 'POST' : 'GET',
      headers: { ...options.headers, 'accept-encoding': 'identity' },
      body:
        options.body instanceof URLSearchParams || typeof options.body === 'string' ? options.body.toString() : null,
      signal: options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]),
    });
    const body = new Uint8Array(await answer.body.arrayBuffer());
    const headers = new Headers();
    for (const name of ['content-type', 'www-authenticate']) {
      const value = answer.headers[name];
      if (typeof value === 'string') headers.set(name, value);
    }
    if (answer.statusCode < 200 || answer.statusCode > 599) throw new OutboundFault('no HTTP answer');
    const empty = [204, 205, 304].includes(answer.statusCode);
    return new Response(empty ? null : body, { status: answer.statusCode, headers });
  };
}

/** Resolves as the system does, and gives nothing when any address of the name is not public. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error: Error | null, addresses: LookupAddress[]) => {
    const [first] = addresses as LookupAddress[] | [];
    if (error !== null) callback(error, '', 0);
    else if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
      callback(new OutboundFault('the name has a private address'), '', 0);
    } else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
