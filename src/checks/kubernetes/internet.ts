import { Cidr, type Family } from './addresses.js';
import { Fields } from './objects.js';

/** Addresses from the first to the last, both included. */
type Range = readonly [first: bigint, last: bigint];

const ranges = (...cidrs: string[]): Range[] => cidrs.map((text) => rangeOf(Cidr.parse(text)));
const rangeOf = (cidr: Cidr): Range => [cidr.first(), cidr.last()];

/**
 * What is not the internet: the blocks of https://www.iana.org/assignments/iana-ipv4-special-registry/ that are not globally reachable, multicast and
 * what is reserved. Of IPv6 the internet is what is assigned of it, 2000::/3.
 */
const NOT_PUBLIC_IPV4 = ranges(
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
);
const NOT_PUBLIC_IPV6 = ranges('::/3', '4000::/2', '8000::/1', '2001:db8::/32');
/** The IPv4 internet as a cluster of IPv6 alone reaches it (RFC 6052). */
const NAT64 = Cidr.parse('64:ff9b::/96');

/**
 * The most public addresses that one organisation was ever given: a /8 of IPv4, a /16 of IPv6. Who allows more allows no partner but the internet, in
 * however many blocks it is written and whatever is excepted from them.
 */
const MOST_OF_ONE: Record<Family, bigint> = { 4: 2n ** 24n, 6: 2n ** 112n };

/** Whether peers (as `NetworkPolicies.peers` gives them) let a pod speak with the internet: with everything, or with more networks than are anybody's. */
export function allowsInternet(peers: readonly unknown[]): boolean {
  const allowed: Record<Family, Range[]> = { 4: [], 6: [] };
  for (const [index, value] of peers.entries()) {
    const peer = Fields.of(value, `peers[${index}]`);
    if (peer.bool('everything') === true) return true;
    const text = peer.text('cidr') ?? '';
    if (text === '') continue;
    const cidr = Cidr.parse(text);
    const except = peer.texts('except').map((item) => Cidr.parse(item));
    const left = without([rangeOf(cidr)], except.filter((item) => item.family() === cidr.family()).map(rangeOf));
    allowed[cidr.family()].push(...left);
    if (cidr.family() === 6) allowed[4].push(...throughNat64(left));
  }
  return (
    count(without(union(allowed[4]), NOT_PUBLIC_IPV4)) > MOST_OF_ONE[4] ||
    count(without(union(allowed[6]), NOT_PUBLIC_IPV6)) > MOST_OF_ONE[6]
  );
}

/** The IPv4 addresses that stand behind IPv6 addresses of NAT64. */
function throughNat64(left: readonly Range[]): Range[] {
  const [low, high] = rangeOf(NAT64);
  return left
    .filter(([first, last]) => first <= high && last >= low)
    .map(([first, last]) => [(first > low ? first : low) - low, (last < high ? last : high) - low]);
}

/** The same addresses, sorted, none of them twice. */
function union(list: readonly Range[]): Range[] {
  const sorted = [...list].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const merged: [bigint, bigint][] = [];
  for (const [first, last] of sorted) {
    const open = merged.at(-1);
    if (open !== undefined && first <= open[1] + 1n) open[1] = last > open[1] ? last : open[1];
    else merged.push([first, last]);
  }
  return merged;
}

/** Both sides are walked once: excepted blocks may be as many as a policy holds. */
function without(list: readonly Range[], excepted: readonly Range[]): Range[] {
  const holes = union(excepted);
  return list.flatMap(([first, last]) => {
    const left: Range[] = [];
    let from = first;
    for (const [low, high] of holes) {
      if (high < from) continue;
      if (low > last) break;
      if (low > from) left.push([from, low - 1n]);
      from = high + 1n;
    }
    if (from <= last) left.push([from, last]);
    return left;
  });
}

const count = (list: readonly Range[]): bigint => list.reduce((sum, [first, last]) => sum + last - first + 1n, 0n);
