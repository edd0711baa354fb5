import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';
import { exitCode, Failure, Transient } from './failure.js';
import { printable } from './text.js';

const timeout = 10_000;
/** By the authorities that they trust; '' is the public ones. */
const ways = new Map<string, { direct: Dispatcher; proxied: Dispatcher }>();

/**
 * The way to a host: the proxy that the environment names (HTTP_PROXY, HTTPS_PROXY, NO_PROXY), never for loopback.
 * `ca`: PEM of the authorities that its certificate is checked by, instead of the public ones.
 */
export function dispatcherFor(url: URL, ca = ''): Dispatcher {
  let way = ways.get(ca);
  if (way === undefined) {
    const trust = ca === '' ? {} : { ca };
    way = {
      direct: new Agent({ connect: { timeout, ...trust } }),
      proxied: new EnvHttpProxyAgent({ connect: { timeout, ...trust }, requestTls: trust }),
    };
    ways.set(ca, way);
  }
  return isLoopback(url) ? way.direct : way.proxied;
}

/** `fetch` over the same way, for libraries that ask for one. */
export const fetch = ((input: string, init: Parameters<typeof undiciFetch>[1]) =>
  undiciFetch(input, { ...init, dispatcher: dispatcherFor(new URL(input)) })) as unknown as typeof globalThis.fetch;

/** This machine only (RFC 6761, RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3). */
export function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(\.\d+){3}$/.test(url.hostname);
}

/** Tokens and evidence travel encrypted, or never leave the machine. */
export function isPrivate(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}

const passing: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ECONNABORTED: 'the connection was cut',
  UND_ERR_SOCKET: 'the connection was cut',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer was cut short',
  HPE_INVALID_EOF_STATE: 'the answer was cut short',
  ETIMEDOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped midway',
  OAUTH_TIMEOUT: 'no answer in time',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name service does not answer',
  ENETUNREACH: 'the network is unreachable',
  EHOSTUNREACH: 'the host is unreachable',
  ENETDOWN: 'the network is down',
};

/** The `code` of an error or of what caused it, as far as three causes deep. */
function codeOf(error: unknown): string | undefined {
  let at: unknown = error;
  for (let depth = 0; depth < 4 && at instanceof Error; depth += 1) {
    const known = at instanceof AggregateError ? (at.errors[0] as unknown) : at;
    if (
      known instanceof Error &&
      'code' in known &&
      typeof known.code === 'string' &&
      known.code !== 'OAUTH_INVALID_RESPONSE'
    )
      return known.code;
    at = at.cause;
  }
  return undefined;
}

/**
 * An error of the network as what it means: `Transient` when another try may help, a `Failure` when it will not
 * (certificates, what is no HTTP). Anything else comes back as it was.
 */
export function networkError(error: unknown, url: URL, uploading = false): unknown {
  if (error instanceof Failure || error instanceof Transient) return error;
  const code = codeOf(error);
  if (code === undefined) return error;
  const where = printable(url.origin);
  const meaning = passing[code];
  if (meaning !== undefined) {
    const cut = uploading && /RESET|PIPE|ABORTED|SOCKET/.test(code);
    return new Transient(
      `cannot reach ${where}: ${cut ? 'the connection was cut during the upload' : meaning} (${code})`,
      undefined,
      cut
        ? 'a proxy between may bound uploads: ask for its limit, or send smaller reports; what was sent may be sent again'
        : undefined,
      cut,
    );
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code)) {
    return new Failure(
      exitCode.unreachable,
      `the certificate of ${where} is not trusted (${code})`,
      'for an authority of your own, point NODE_EXTRA_CA_CERTS (agent: --ca-file) at its certificate (PEM)',
    );
  }
  if (code.startsWith('HPE_') || code.startsWith('UND_ERR_') || code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return new Failure(
      exitCode.unreachable,
      `what answers at ${where} does not speak ${url.protocol === 'https:' ? 'HTTPS' : 'HTTP'} as it should (${code})`,
      'check --server: its scheme (http or https) and port',
    );
  }
  return error;
}
