import { Cidr, IpAddress } from '../kubernetes/addresses.js';
import { parseImage } from '../kubernetes/image.js';
import { Quantity } from '../kubernetes/quantity.js';
import { SemanticVersion } from '../kubernetes/semantic-version.js';
import { Url } from '../kubernetes/url.js';
import { longestGap } from './cron.js';
import type { CheckFunction } from './function.js';

/** What stands before the dot of `ip.isCanonical`. */
class Ip {
  readonly namespace = 'ip';
}

/** Types of the language beside its own: their values have functions and no fields. */
export const TYPES: Readonly<Record<string, new (...given: never[]) => object>> = {
  'kubernetes.Quantity': Quantity,
  'kubernetes.Semver': SemanticVersion,
  'net.IP': IpAddress,
  'net.CIDR': Cidr,
  'kubernetes.URL': Url,
  Ip,
} as unknown as Readonly<Record<string, new (...given: never[]) => object>>;

export const IP_NAMESPACE = new Ip();

const Q = 'kubernetes.Quantity';
const V = 'kubernetes.Semver';
const U = 'kubernetes.URL';

interface Ordered<T> {
  compareTo(other: T): number;
  isLessThan(other: T): boolean;
  isGreaterThan(other: T): boolean;
}

function ordered<T extends Ordered<T>>(type: string, kubernetes: string): CheckFunction[] {
  return [
    {
      signature: `${type}.isLessThan(${type}): bool`,
      handler: (one: T, other: T) => one.isLessThan(other),
      about: 'Whether it is less.',
      kubernetes,
    },
    {
      signature: `${type}.isGreaterThan(${type}): bool`,
      handler: (one: T, other: T) => one.isGreaterThan(other),
      about: 'Whether it is more.',
      kubernetes,
    },
    {
      signature: `${type}.compareTo(${type}): int`,
      handler: (one: T, other: T) => BigInt(one.compareTo(other)),
      about: '-1 where it is less, 0 where equal, 1 where more.',
      kubernetes,
    },
  ];
}

const QUANTITIES: readonly CheckFunction[] = [
  {
    signature: `quantity(string): ${Q}`,
    handler: (text: string) => Quantity.parse(text),
    about: 'An amount as Kubernetes writes it: `quantity("1.5Gi")`.',
    kubernetes: '1.28',
  },
  {
    signature: 'isQuantity(string): bool',
    handler: (text: string) => Quantity.is(text),
    about: 'Whether the text is one.',
    kubernetes: '1.28',
  },
  ...ordered<Quantity>(Q, '1.28'),
  {
    signature: `${Q}.sign(): int`,
    handler: (one: Quantity) => BigInt(one.sign()),
    about: '1 of what is more than 0, 0, or -1.',
    kubernetes: '1.28',
  },
  {
    signature: `${Q}.isInteger(): bool`,
    handler: (one: Quantity) => one.isInteger(),
    about: 'Whether asInteger() answers.',
    kubernetes: '1.28',
  },
  {
    signature: `${Q}.asInteger(): int`,
    handler: (one: Quantity) => one.asInteger(),
    about: 'As an int; an error of what is none.',
    kubernetes: '1.28',
  },
  {
    signature: `${Q}.asApproximateFloat(): double`,
    handler: (one: Quantity) => one.asApproximateFloat(),
    about: 'As a double, which may lose digits.',
    kubernetes: '1.28',
  },
  {
    signature: `${Q}.add(${Q}): ${Q}`,
    handler: (one: Quantity, other: Quantity) => one.add(other),
    about: 'The sum.',
    kubernetes: '1.28',
  },
  {
    signature: `${Q}.add(int): ${Q}`,
    handler: (one: Quantity, other: bigint) => one.add(other),
    about: 'The sum.',
    kubernetes: '1.28',
  },
  {
    signature: `${Q}.sub(${Q}): ${Q}`,
    handler: (one: Quantity, other: Quantity) => one.sub(other),
    about: 'The difference.',
    kubernetes: '1.28',
  },
  {
    signature: `${Q}.sub(int): ${Q}`,
    handler: (one: Quantity, other: bigint) => one.sub(other),
    about: 'The difference.',
    kubernetes: '1.28',
  },
];

const VERSIONS: readonly CheckFunction[] = [
  {
    signature: `semver(string): ${V}`,
    handler: (text: string) => SemanticVersion.parse(text),
    about: 'A version as semver.org has it: `semver("1.34.1")`.',
    kubernetes: '1.33',
  },
  {
    signature: `semver(string, bool): ${V}`,
    handler: (text: string, normalize: boolean) => SemanticVersion.parse(text, normalize),
    about: 'With true, of what is nearly one: `semver("v1.34", true)`.',
    kubernetes: '1.33',
  },
  {
    signature: 'isSemver(string): bool',
    handler: (text: string) => SemanticVersion.is(text),
    about: 'Whether the text is one.',
    kubernetes: '1.33',
  },
  {
    signature: 'isSemver(string, bool): bool',
    handler: (text: string, normalize: boolean) => SemanticVersion.is(text, normalize),
    about: 'Whether it is, when it is put right.',
    kubernetes: '1.33',
  },
  ...ordered<SemanticVersion>(V, '1.33'),
  {
    signature: `${V}.major(): int`,
    handler: (one: SemanticVersion) => one.major(),
    about: 'Its first number.',
    kubernetes: '1.33',
  },
  {
    signature: `${V}.minor(): int`,
    handler: (one: SemanticVersion) => one.minor(),
    about: 'Its second.',
    kubernetes: '1.33',
  },
  {
    signature: `${V}.patch(): int`,
    handler: (one: SemanticVersion) => one.patch(),
    about: 'Its third.',
    kubernetes: '1.33',
  },
];

const ADDRESSES: readonly CheckFunction[] = [
  {
    signature: 'ip(string): net.IP',
    handler: (text: string) => IpAddress.parse(text),
    about: 'An address of IPv4 or IPv6.',
    kubernetes: '1.30',
  },
  {
    signature: 'isIP(string): bool',
    handler: (text: string) => IpAddress.is(text),
    about: 'Whether the text is one.',
    kubernetes: '1.30',
  },
  {
    signature: 'Ip.isCanonical(string): bool',
    name: 'ip.isCanonical',
    handler: (_: unknown, text: string) => IpAddress.isCanonical(text),
    about: 'Whether the address is written in its one canonical form.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.IP.family(): int',
    handler: (one: IpAddress) => BigInt(one.family()),
    about: '4 or 6.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.IP.isUnspecified(): bool',
    handler: (one: IpAddress) => one.isUnspecified(),
    about: '0.0.0.0 or ::.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.IP.isLoopback(): bool',
    handler: (one: IpAddress) => one.isLoopback(),
    about: 'Of the machine itself.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.IP.isLinkLocalUnicast(): bool',
    handler: (one: IpAddress) => one.isLinkLocalUnicast(),
    about: '169.254.0.0/16 or fe80::/10.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.IP.isLinkLocalMulticast(): bool',
    handler: (one: IpAddress) => one.isLinkLocalMulticast(),
    about: '224.0.0.0/24 or ff02::/16.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.IP.isGlobalUnicast(): bool',
    handler: (one: IpAddress) => one.isGlobalUnicast(),
    about: 'None of the others; private networks are too, as in Go.',
    kubernetes: '1.30',
  },
  {
    signature: 'cidr(string): net.CIDR',
    handler: (text: string) => Cidr.parse(text),
    about: 'A network: `cidr("10.0.0.0/8")`.',
    kubernetes: '1.30',
  },
  {
    signature: 'isCIDR(string): bool',
    handler: (text: string) => Cidr.is(text),
    about: 'Whether the text is one.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.CIDR.containsIP(net.IP): bool',
    handler: (one: Cidr, other: IpAddress) => one.containsIP(other),
    about: 'Whether the address is in it.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.CIDR.containsIP(string): bool',
    handler: (one: Cidr, other: string) => one.containsIP(other),
    about: 'Whether the address is in it.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.CIDR.containsCIDR(net.CIDR): bool',
    handler: (one: Cidr, other: Cidr) => one.containsCIDR(other),
    about: 'Whether all of the other is in it.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.CIDR.containsCIDR(string): bool',
    handler: (one: Cidr, other: string) => one.containsCIDR(other),
    about: 'Whether all of the other is in it.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.CIDR.ip(): net.IP',
    handler: (one: Cidr) => one.ip(),
    about: 'The address before the slash.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.CIDR.masked(): net.CIDR',
    handler: (one: Cidr) => one.masked(),
    about: 'With its first address.',
    kubernetes: '1.30',
  },
  {
    signature: 'net.CIDR.prefixLength(): int',
    handler: (one: Cidr) => BigInt(one.prefixLength()),
    about: 'The number after the slash.',
    kubernetes: '1.30',
  },
];

const part = (
  name: 'getScheme' | 'getHost' | 'getHostname' | 'getPort' | 'getEscapedPath',
  about: string,
): CheckFunction => ({
  signature: `${U}.${name}(): string`,
  handler: (one: Url) => one[name](),
  about,
  kubernetes: '1.26',
});

const URLS: readonly CheckFunction[] = [
  {
    signature: `url(string): ${U}`,
    handler: (text: string) => Url.parse(text),
    about: 'An absolute URL, or a path from its root.',
    kubernetes: '1.26',
  },
  {
    signature: 'isURL(string): bool',
    handler: (text: string) => Url.is(text),
    about: 'Whether the text is one.',
    kubernetes: '1.26',
  },
  part('getScheme', '`https`.'),
  part('getHost', 'With its port: `db.example.org:5432`.'),
  part('getHostname', 'Without it.'),
  part('getPort', 'The port alone; empty where there is none.'),
  part('getEscapedPath', 'The path, as it is escaped.'),
  {
    signature: `${U}.getQuery(): map<string, list<string>>`,
    handler: (one: Url) => new Map([...one.getQuery()].map(([name, values]) => [name, [...values]])),
    about: 'Its parameters: name → values.',
    kubernetes: '1.26',
  },
];

/** Values that are written as texts: as in the CEL libraries of Kubernetes, and image references. */
export const VALUES: readonly CheckFunction[] = [
  ...QUANTITIES,
  ...VERSIONS,
  ...ADDRESSES,
  ...URLS,
  {
    signature: 'image(string): map<string, string>',
    handler: (reference: string) => ({ ...parseImage(reference) }),
    about:
      'The parts of an image reference as containerd reads it: `registry` (`docker.io` of `nginx`), `repository` (`library/nginx`), `tag` (`latest` where neither tag nor digest is written), `digest`.',
  },
  {
    signature: 'cronGap(string): google.protobuf.Duration',
    handler: longestGap,
    about:
      'The longest time between two runs of a schedule as CronJobs and Velero write it: `cronGap("0 3 * * 1-5")` is 72h.',
  },
];

/** Types whose values are equal by what they say: `==` of two of them. */
export const EQUAL: readonly string[] = [Q, V, 'net.IP', 'net.CIDR', U];
