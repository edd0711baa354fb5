import { isPublicAddress, literalAddress } from '../kernel/http/public-address.js';

/** Names that stand for the machine itself or its network alone: RFC 6761, RFC 6762, RFC 8375, RFC 9476 and ICANN's `internal`. */
const PRIVATE_NAMES = /(^|\.)(localhost|local|home\.arpa|alt|internal|test|invalid|example|onion)$/;

/** Why notices cannot be sent to an address; null: they can, as far as it can be told before its name is looked up (src/kernel/http/outbound.ts does). */
export function refuseAddress(address: string, privateHosts: ReadonlySet<string>): string | null {
  const url = URL.parse(address);
  if (url?.protocol !== 'https:') return 'Notices are sent to https URLs.';
  if (url.username !== '' || url.password !== '') {
    return 'The URL holds a user name or password. Receivers know who sends by the signature.';
  }
  if (url.hash !== '') return 'The URL has a fragment, which is never sent.';
  if (privateHosts.has(url.hostname)) return null;
  const literal = literalAddress(url);
  const name = url.hostname.replace(/\.$/, '');
  const isPublic = literal === null ? name.includes('.') && !PRIVATE_NAMES.test(name) : isPublicAddress(literal);
  return isPublic ? null : 'Notices are sent to the public Internet alone, and to hosts that the operator has named.';
}
