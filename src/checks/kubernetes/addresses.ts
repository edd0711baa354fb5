import ipaddr from 'ipaddr.js';
import { isIPv6 } from 'node:net';
import { described, MalformedError } from './objects.js';

/**
 * Addresses and networks as Kubernetes' CEL libraries have them: strict, no leading zeros, no zones, no IPv4-mapped IPv6.
 * Source: k8s.io/apiserver/pkg/cel/library, ip.go and cidr.go (Go's net/netip).
 */
export type Family = 4 | 6;

const BITS = { 4: 32, 6: 128 } as const;

/** An address is a number of 32 or 128 bits. */
interface Address {
  readonly family: Family;
  readonly value: bigint;
}

export class IpAddress {
  private constructor(
    private readonly address: Address,
    private readonly canonical: string,
  ) {}

  static parse(value: unknown): IpAddress {
    const address = typeof value === 'string' ? IpAddress.tryParse(value) : undefined;
    if (address === undefined) throw new MalformedError(`${described(value)} is not an IP address`);
    return address;
  }

  static tryParse(text: string): IpAddress | undefined {
    const parsed = parseAddress(text);
    if (parsed === undefined) return undefined;
    return new IpAddress(
      { family: parsed.kind() === 'ipv4' ? 4 : 6, value: valueOf(parsed.toByteArray()) },
      parsed.toString(),
    );
  }

  static is(text: string): boolean {
    return IpAddress.tryParse(text) !== undefined;
  }

  /** Whether the address is written in its one canonical form (RFC 5952); what is no address at all is a fault. */
  static isCanonical(text: string): boolean {
    return IpAddress.parse(text).canonical === text;
  }

  /** The address as a number. */
  get value(): bigint {
    return this.address.value;
  }

  family(): Family {
    return this.address.family;
  }

  isUnspecified(): boolean {
    return this.value === 0n;
  }

  isLoopback(): boolean {
    return this.family() === 4 ? this.within('127.0.0.0/8') : this.value === 1n;
  }

  isLinkLocalMulticast(): boolean {
    // ff02::/16 with any of the flags, as Go has it.
    return this.family() === 4 ? this.within('224.0.0.0/24') : (this.value >> 112n) % 16n === 2n && this.isMulticast();
  }

  isLinkLocalUnicast(): boolean {
    return this.within(this.family() === 4 ? '169.254.0.0/16' : 'fe80::/10');
  }

  /** Private addresses are global unicast too: the word is of RFC 4291, not of routing. */
  isGlobalUnicast(): boolean {
    if (this.family() === 4 && this.value === 0xffff_ffffn) return false;
    return !this.isUnspecified() && !this.isLoopback() && !this.isMulticast() && !this.isLinkLocalUnicast();
  }

  equals(other: IpAddress): boolean {
    return this.family() === other.family() && this.value === other.value;
  }

  toString(): string {
    return this.canonical;
  }

  private isMulticast(): boolean {
    return this.within(this.family() === 4 ? '224.0.0.0/4' : 'ff00::/8');
  }

  private within(cidr: string): boolean {
    return Cidr.parse(cidr).containsIP(this);
  }
}

export class Cidr {
  private constructor(
    private readonly address: IpAddress,
    private readonly prefix: number,
  ) {}

  static parse(value: unknown): Cidr {
    const cidr = typeof value === 'string' ? Cidr.tryParse(value) : undefined;
    if (cidr === undefined) throw new MalformedError(`${described(value)} is not a network in CIDR notation`);
    return cidr;
  }

  private static tryParse(text: string): Cidr | undefined {
    const slash = text.lastIndexOf('/');
    const prefix = text.slice(slash + 1);
    const address =
      slash < 0 || !/^(0|[1-9]\d{0,2})$/.test(prefix) ? undefined : IpAddress.tryParse(text.slice(0, slash));
    if (address === undefined || Number(prefix) > BITS[address.family()]) return undefined;
    return new Cidr(address, Number(prefix));
  }

  static is(text: string): boolean {
    return Cidr.tryParse(text) !== undefined;
  }

  /** The address as it was written; bits after the prefix are kept (`192.168.0.1/24`). */
  ip(): IpAddress {
    return this.address;
  }

  masked(): Cidr {
    return Cidr.parse(`${formatted(this.family(), this.first())}/${this.prefix}`);
  }

  prefixLength(): number {
    return this.prefix;
  }

  family(): Family {
    return this.address.family();
  }

  /** The lowest address of the network, as a number. */
  first(): bigint {
    return (this.address.value >> this.hostBits()) << this.hostBits();
  }

  /** The highest address of the network, as a number. */
  last(): bigint {
    return this.first() + (1n << this.hostBits()) - 1n;
  }

  containsIP(other: IpAddress | string): boolean {
    const address = typeof other === 'string' ? IpAddress.parse(other) : other;
    return address.family() === this.family() && address.value >= this.first() && address.value <= this.last();
  }

  containsCIDR(other: Cidr | string): boolean {
    const cidr = typeof other === 'string' ? Cidr.parse(other) : other;
    return cidr.family() === this.family() && cidr.first() >= this.first() && cidr.last() <= this.last();
  }

  equals(other: Cidr): boolean {
    return this.prefix === other.prefix && this.address.equals(other.address);
  }

  toString(): string {
    return `${this.address.toString()}/${this.prefix}`;
  }

  private hostBits(): bigint {
    return BigInt(BITS[this.family()] - this.prefix);
  }
}

function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  // Node's own check is the strict one; the library's expressions let some malformed addresses through.
  if (!isIPv6(text) || text.includes('%')) return undefined;
  // The library takes `::1.2.3.4` for the IPv4-mapped `::ffff:1.2.3.4`, so the last two groups are written out first.
  const address = ipaddr.IPv6.parse(
    text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...octets: string[]) => {
      const [a = 0, b = 0, c = 0, d = 0] = octets.map(Number);
      return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
    }),
  );
  return address.isIPv4MappedAddress() ? undefined : address;
}

const valueOf = (bytes: readonly number[]): bigint => bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);

function formatted(family: Family, value: bigint): string {
  const bytes = Array.from({ length: BITS[family] / 8 }, (_, index) =>
    Number((value >> BigInt(BITS[family] - 8 * (index + 1))) & 0xffn),
  );
  return ipaddr.fromByteArray(bytes).toString();
}
