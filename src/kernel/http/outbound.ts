import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { isPublicAddress, literalAddress } from './public-address.js';

/** Key sets and metadata have a few kilobytes; Microsoft's common key set about 30. */
const MAX_ANSWER_BYTES = 512 * 1024;
const PATIENCE_MILLISECONDS = 5_000;

export interface OutboundRules {
  /** For addresses that a tenant named: the public Internet alone, told by the address that is connected to and not by the name. */
  publicOnly: boolean;
  /** Hosts, as URLs write them, that are called all the same: the operator has named them. */
  privateHosts?: ReadonlySet<string>;
  /** Development only: http. */
  allowInsecure: boolean;
  /** Milliseconds within which the answer is there. */
  patience?: number;
  /** What addresses a name has; the system's own unless a test gives another. */
  resolve?: Resolve;
}

/** As `lookup` of node:dns. */
export type Resolve = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

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
  const { code } = error as NodeJS.ErrnoException;
  // Of two limits of one length either may strike first.
  if (error.name === 'TimeoutError' || code === 'UND_ERR_HEADERS_TIMEOUT') return 'no answer in time';
  return typeof code === 'string' ? code : error.name;
}

export type Outbound = (url: string, options?: OutboundOptions) => Promise<Response>;

/** Sends a text; gives the status of the answer, and reads nothing else of it. */
export type Post = (url: string, headers: Readonly<Record<string, string>>, body: string) => Promise<number>;

/**
 * Calls to identity providers, witnesses and time-stamping authorities: bounded in time and size, no redirect followed, nothing decompressed, no cookie kept. A name that resolves to a private
 * address is not connected to; the check is part of the connection itself, so that no second answer of a name server can come between.
 */
export function outbound(rules: OutboundRules): Outbound {
  const callee = calleeBy(rules);
  return async (address, options = {}) => {
    const { url, dispatcher, timeout } = callee(address);
    const answer = await request(url, {
      dispatcher,
      method: options.method === 'POST' ? 'POST' : 'GET',
      headers: { ...options.headers, 'accept-encoding': 'identity' },
      body: bodyOf(options.body),
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

function bodyOf(body: unknown): string | Uint8Array | null {
  if (body instanceof Uint8Array) return body;
  return body instanceof URLSearchParams || typeof body === 'string' ? body.toString() : null;
}

/** Calls to whatever tenants want to be told by, under the same bounds. An answer's body may be of any length: its connection is closed. */
export function poster(rules: OutboundRules): Post {
  const callee = calleeBy(rules);
  return async (address, headers, body) => {
    const { url, dispatcher, timeout } = callee(address);
    const answer = await request(url, { dispatcher, method: 'POST', headers, body, signal: timeout });
    answer.body.on('error', () => undefined).destroy();
    return answer.statusCode;
  };
}

interface Callee {
  url: URL;
  dispatcher: Agent;
  timeout: AbortSignal;
}

/** Refuses what may not be called; what a name stands for is looked at when it is connected to. */
function calleeBy(rules: OutboundRules): (address: string) => Callee {
  const { allowInsecure, privateHosts = new Set(), patience = PATIENCE_MILLISECONDS, resolve = lookup } = rules;
  const agentOf = (isPublic: boolean): Agent =>
    new Agent({
      connect: { timeout: patience, ...(isPublic ? { lookup: publicLookup(resolve) } : {}) },
      headersTimeout: patience,
      bodyTimeout: patience,
      maxResponseSize: MAX_ANSWER_BYTES,
      keepAliveTimeout: 1_000,
      connections: 4,
      allowH2: false,
    });
  const anywhere = agentOf(false);
  const publicly = agentOf(true);
  return (address) => {
    const url = new URL(address);
    if (url.protocol !== 'https:' && !(allowInsecure && url.protocol === 'http:')) {
      throw new OutboundFault('only https is called');
    }
    const isPublic = rules.publicOnly && !privateHosts.has(url.hostname);
    // A literal address is connected to without a lookup.
    const literal = literalAddress(url);
    if (isPublic && literal !== null && !isPublicAddress(literal)) throw new OutboundFault('a private address');
    return { url, dispatcher: isPublic ? publicly : anywhere, timeout: AbortSignal.timeout(patience) };
  };
}

/** Resolves as the system does, and gives nothing when any address of the name is not public. */
const publicLookup =
  (resolve: Resolve): LookupFunction =>
  (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = (addresses as LookupAddress[] | [] | undefined) ?? [];
      if (error !== null) callback(error, '', 0);
      else if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
        callback(new OutboundFault('the name has a private address'), '', 0);
      } else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
