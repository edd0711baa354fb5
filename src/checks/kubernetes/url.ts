import { isIPv6 } from 'node:net';
import { described, MalformedError } from './objects.js';

/**
 * URLs as Kubernetes' CEL library has them: an absolute URI or an absolute path, read as Go's net/url does and not as browsers do, which mend what they
 * read: the text that a check compares is the text that was written. Source: k8s.io/apiserver/pkg/cel/library, urls.go; net/url of Go 1.26.
 *
 * A URL is read byte by byte: in here each character of a string stands for one byte of its UTF-8.
 */
interface Parts {
  readonly scheme: string;
  readonly user: string;
  readonly host: string;
  readonly opaque: string;
  readonly path: string;
  readonly query: string;
  readonly fragment: string;
}

/** More than any server takes. */
const MAX_LENGTH = 65_536;
/** Go's own bound. */
const MAX_PARAMETERS = 10_000;

export class Url {
  private constructor(private readonly parts: Parts) {}

  static parse(value: unknown): Url {
    if (typeof value !== 'string') throw new MalformedError(`a URL is a string, not ${described(value)}`);
    try {
      const bytes = bytesOf(value);
      // Twice, as Kubernetes does: as the target of a request, which knows no fragments, and then with its fragment.
      parsed(bytes, true);
      return new Url(parsed(bytes, false));
    } catch (error) {
      if (error instanceof MalformedError)
        throw new MalformedError(`${described(value)} is not a URL: ${error.message}`);
      throw error;
    }
  }

  static is(text: string): boolean {
    try {
      parsed(bytesOf(text), true);
      return true;
    } catch (error) {
      if (error instanceof MalformedError) return false;
      throw error;
    }
  }

  getScheme(): string {
    return this.parts.scheme;
  }

  /** With its port; IPv6 addresses in brackets. */
  getHost(): string {
    return textOfBytes(this.parts.host);
  }

  /** Without port and brackets. */
  getHostname(): string {
    const host = this.parts.host.replace(/:\d*$/, '');
    return textOfBytes(host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host);
  }

  getPort(): string {
    return /:(\d*)$/.exec(this.parts.host)?.[1] ?? '';
  }

  getEscapedPath(): string {
    return escapedPath(this.parts.path);
  }

  /** Keys and values unescaped; what cannot be unescaped is left out, as Go does. */
  getQuery(): ReadonlyMap<string, readonly string[]> {
    const query = new Map<string, string[]>();
    const pairs = this.parts.query.split('&');
    if (pairs.length > MAX_PARAMETERS) return query;
    for (const pair of pairs) {
      if (pair === '' || pair.includes(';')) continue;
      const [, key = '', value = ''] = /^([^=]*)=?(.*)$/s.exec(pair) ?? [];
      if (!escapesAreWhole(key) || !escapesAreWhole(value)) continue;
      const name = textOfBytes(unescaped(key.replaceAll('+', ' ')));
      const values = query.get(name) ?? [];
      values.push(textOfBytes(unescaped(value.replaceAll('+', ' '))));
      query.set(name, values);
    }
    return query;
  }

  equals(other: Url): boolean {
    return this.toString() === other.toString();
  }

  toString(): string {
    const { scheme, user, host, opaque, path, query, fragment } = this.parts;
    const authority = user === '' && host === '' ? '' : `//${user === '' ? '' : `${user}@`}${host}`;
    const rest = opaque === '' ? authority + escapedPath(path) : opaque;
    return textOfBytes(
      `${scheme === '' ? '' : `${scheme}:`}${rest}${query === '' ? '' : `?${query}`}${fragment === '' ? '' : `#${fragment}`}`,
    );
  }
}

const bytesOf = (text: string): string => {
  if (text.length > MAX_LENGTH) throw new MalformedError('it is too long');
  if (!text.isWellFormed()) throw new MalformedError('it is not Unicode');
  return Buffer.from(text, 'utf8').toString('latin1');
};

const textOfBytes = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

function parsed(url: string, asRequest: boolean): Parts {
  const hash = asRequest ? -1 : url.indexOf('#');
  const fragment = hash < 0 ? '' : url.slice(hash + 1);
  const whole = hash < 0 ? url : url.slice(0, hash);
  if (/[^ -~\x80-\xff]/.test(whole)) throw new MalformedError('it has a control character');
  if (asRequest && whole === '') throw new MalformedError('it is empty');
  requireEscapes(fragment);
  const none: Parts = { scheme: '', user: '', host: '', opaque: '', path: '', query: '', fragment };
  if (whole === '*') return { ...none, path: '*' };

  const { scheme, rest } = splitScheme(whole);
  const mark = rest.indexOf('?');
  const query = mark < 0 ? '' : rest.slice(mark + 1);
  const target = mark < 0 ? rest : rest.slice(0, mark);

  if (!target.startsWith('/')) {
    if (scheme !== '') return { ...none, scheme, opaque: target, query };
    throw new MalformedError('it is neither absolute nor an absolute path');
  }
  const hasAuthority = target.startsWith('//') && (scheme !== '' || (!asRequest && !target.startsWith('///')));
  const slash = hasAuthority ? target.indexOf('/', 2) : 0;
  const path = slash < 0 ? '' : target.slice(slash);
  const authority = hasAuthority ? target.slice(2, slash < 0 ? undefined : slash) : '';
  requireEscapes(path);
  return { ...none, scheme, ...splitAuthority(scheme, authority), path, query };
}

function splitScheme(url: string): { scheme: string; rest: string } {
  if (url.startsWith(':')) throw new MalformedError('its scheme is missing');
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(url)?.[1];
  return scheme === undefined
    ? { scheme: '', rest: url }
    : { scheme: scheme.toLowerCase(), rest: url.slice(scheme.length + 1) };
}

function splitAuthority(scheme: string, authority: string): { user: string; host: string } {
  const at = authority.lastIndexOf('@');
  const user = authority.slice(0, Math.max(at, 0));
  if (!/^[A-Za-z0-9\-._:~!$&'()*+,;=%@]*$/.test(user)) throw new MalformedError('its user is malformed');
  requireEscapes(user);
  return { user, host: hostOf(scheme, authority.slice(at + 1)) };
}

function hostOf(scheme: string, host: string): string {
  if (host.includes('[')) {
    const close = host.lastIndexOf(']');
    if (!host.startsWith('[') || host.lastIndexOf('[') > 0 || close < 0)
      throw new MalformedError('its IP literal is malformed');
    requirePort(host.slice(close + 1));
    const [, name = '', zone = ''] = /^(.*?)(%25.*)?$/s.exec(host.slice(1, close)) ?? [];
    const literal = unescapedHost(name) + unescapedHost(zone, true);
    if (!isIPv6(literal)) throw new MalformedError('its IP literal is not an IPv6 address');
    return `[${literal}]${host.slice(close + 1)}`;
  }
  // Two colons are refused of a web address; of others the last one begins the port, as it was for all before Go 1.26.
  const strict = scheme === 'http' || scheme === 'https';
  const colon = strict ? host.indexOf(':') : host.lastIndexOf(':');
  if (colon >= 0) requirePort(host.slice(colon));
  return unescapedHost(host);
}

function requirePort(port: string): void {
  if (!/^(?::[0-9]*)?$/.test(port)) throw new MalformedError('its port is malformed');
}

/** In a host only bytes past ASCII may be escaped (RFC 6874 allows more in a zone), and no character may stand that would end it. */
function unescapedHost(host: string, zone = false): string {
  requireEscapes(host);
  for (const [escape] of host.matchAll(/%../g)) {
    const byte = unescaped(escape);
    const allowed = zone
      ? escape === '%25' || byte === ' ' || HOST_BYTE.test(byte)
      : byte >= '\x80' || escape === '%25';
    if (!allowed) throw new MalformedError('its host is escaped where it must not be');
  }
  if (!HOST.test(host)) throw new MalformedError('its host has a character that hosts have not');
  return unescaped(host);
}

const HOST_BYTE = /^[A-Za-z0-9\-._~!$&'()*+,;=:[\]<>"]$/;
const HOST = /^[A-Za-z0-9\-._~!$&'()*+,;=:[\]<>"%\x80-\xff]*$/;

const escapesAreWhole = (text: string): boolean => !/%(?![0-9a-fA-F]{2})/.test(text);

function requireEscapes(text: string): void {
  if (!escapesAreWhole(text)) throw new MalformedError('a % in it escapes nothing');
}

const unescaped = (text: string): string =>
  text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** As it was written, if that is a valid escaping; else escaped anew. */
function escapedPath(path: string): string {
  if (path === '*' || /^[A-Za-z0-9\-._~$&+,/:;=@!'()*[\]%]*$/.test(path)) return path;
  return unescaped(path).replace(
    /[^A-Za-z0-9\-._~$&+,/:;=@]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
