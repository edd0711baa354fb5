import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cidr, IpAddress } from './addresses.js';
import { MalformedError } from './objects.js';

const ip = (text: string): IpAddress => IpAddress.parse(text);
const cidr = (text: string): Cidr => Cidr.parse(text);

describe('IpAddress', () => {
  it.each([
    '',
    '127.0.0.256',
    '127.0.0.01',
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    ' 127.0.0.1',
    '127.0.0.1\n',
    '1.2.3.4/32',
    ':::1',
    '1::2::3',
    '12345::',
    'g::',
    '[::1]',
    'fe80::1%eth0',
    '::ffff:1.2.3.4',
    '::ffff:102:304',
    '::1.2.3.256',
    '1:2:3:4:5:6:7',
    'localhost',
  ])('refuses %j?', (text) => {
    expect(IpAddress.is(text)).toBe(false);
    expect(() => ip(text)).toThrow(MalformedError);
    expect(() => IpAddress.isCanonical(text)).toThrow(MalformedError);
  });

  it.each([null, undefined, 1, 1n, {}, []])('refuses %s, which is no text?', (value) => {
    expect(() => IpAddress.parse(value)).toThrow(MalformedError);
    expect(() => Cidr.parse(value)).toThrow(MalformedError);
  });

  // The examples of Kubernetes' documentation.
  it.each([
    ['127.0.0.1', 4, 'isLoopback'],
    ['127.255.0.9', 4, 'isLoopback'],
    ['::1', 6, 'isLoopback'],
    ['0.0.0.0', 4, 'isUnspecified'],
    ['::', 6, 'isUnspecified'],
    ['224.0.0.1', 4, 'isLinkLocalMulticast'],
    ['ff02::1', 6, 'isLinkLocalMulticast'],
    ['ff12::1', 6, 'isLinkLocalMulticast'],
    ['169.254.169.254', 4, 'isLinkLocalUnicast'],
    ['fe80::1', 6, 'isLinkLocalUnicast'],
    ['192.168.0.1', 4, 'isGlobalUnicast'],
    ['2001:db8::abcd', 6, 'isGlobalUnicast'],
    ['224.0.1.1', 4, undefined],
    ['ff00::1', 6, undefined],
    ['255.255.255.255', 4, undefined],
  ] as const)('knows of %s the family %i and %s?', (text, family, kind) => {
    const kinds = [
      'isLoopback',
      'isUnspecified',
      'isLinkLocalMulticast',
      'isLinkLocalUnicast',
      'isGlobalUnicast',
    ] as const;
    expect(ip(text).family()).toBe(family);
    expect(kinds.filter((name) => ip(text)[name]())).toEqual(kind === undefined ? [] : [kind]);
  });

  it('has one canonical form?', () => {
    for (const text of ['127.0.0.1', '2001:db8::abcd', '::', '1::', '::102:304', '1:0:0:2::3']) {
      expect(IpAddress.isCanonical(text), text).toBe(true);
    }
    for (const text of ['2001:DB8::ABCD', '2001:db8::0:0:0:abcd', '::1.2.3.4', '0:0:0:0:0:0:0:0', '1:0:0:0:0:2:0:0']) {
      expect(IpAddress.isCanonical(text), text).toBe(false);
      expect(ip(String(ip(text))).equals(ip(text))).toBe(true);
      expect(IpAddress.isCanonical(String(ip(text)))).toBe(true);
    }
  });

  it('never takes an address of one family for one of the other?', () => {
    expect(ip('0.0.0.1').equals(ip('::1'))).toBe(false);
    expect(cidr('::/0').containsIP('10.0.0.1')).toBe(false);
    expect(cidr('0.0.0.0/0').containsCIDR('::/96')).toBe(false);
  });
});

describe('Cidr', () => {
  it.each([
    '',
    '10.0.0.0',
    '10.0.0.0/',
    '/8',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/+8',
    '10.0.0.0/8 ',
    '10.0.0.0/255.0.0.0',
    '10.0.0/8',
    '::ffff:1.2.3.4/120',
    'fe80::%eth0/64',
    '10.0.0.0/8/8',
    '10.0.0.0/1e1',
  ])('refuses %j?', (text) => {
    expect(Cidr.is(text)).toBe(false);
    expect(() => cidr(text)).toThrow(MalformedError);
  });

  it('contains addresses and networks?', () => {
    expect(cidr('192.168.0.0/24').containsIP('192.168.0.1')).toBe(true);
    expect(cidr('192.168.0.0/24').containsIP(ip('192.168.1.1'))).toBe(false);
    expect(cidr('192.168.0.0/16').containsCIDR(cidr('192.168.10.0/24'))).toBe(true);
    expect(cidr('192.168.1.0/24').containsCIDR('192.168.2.0/24')).toBe(false);
    expect(cidr('192.168.1.0/24').containsCIDR('192.168.0.0/16')).toBe(false);
    expect(() => cidr('10.0.0.0/8').containsIP('10.0.0')).toThrow(MalformedError);
    expect(() => cidr('10.0.0.0/8').containsCIDR('10.0.0.0')).toThrow(MalformedError);
  });

  it('keeps the bits after its prefix, and masks them when asked?', () => {
    const written = cidr('192.168.0.1/24');
    expect(String(written.ip())).toBe('192.168.0.1');
    expect(String(written.masked())).toBe('192.168.0.0/24');
    expect(written.equals(written.masked())).toBe(false);
    expect(cidr('192.168.0.0/24').equals(cidr('192.168.0.0/24').masked())).toBe(true);
    expect(cidr('2001:db8::1/32').masked().toString()).toBe('2001:db8::/32');
    expect(cidr('::1/128').prefixLength()).toBe(128);
  });

  it('orders by containing?', () => {
    const networks = fc
      .record({
        octets: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 4, maxLength: 4 }),
        prefix: fc.integer({ min: 0, max: 32 }),
      })
      .map(({ octets, prefix }) => cidr(`${octets.join('.')}/${prefix}`));
    fc.assert(
      fc.property(networks, networks, networks, (a, b, c) => {
        expect(a.containsCIDR(a)).toBe(true);
        expect(a.containsIP(a.ip())).toBe(true);
        if (a.containsCIDR(b) && b.containsCIDR(c)) expect(a.containsCIDR(c)).toBe(true);
        if (a.containsCIDR(b) && b.containsCIDR(a)) expect(a.masked().equals(b.masked())).toBe(true);
        if (a.containsCIDR(b)) expect(a.containsIP(b.ip())).toBe(true);
      }),
    );
  });

  it('answers or refuses any text, and throws nothing else?', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{1,20}(\/[0-9]{1,3})?$/)),
        (text) => {
          if (IpAddress.is(text)) expect(ip(String(ip(text))).equals(ip(text))).toBe(true);
          else expect(() => ip(text)).toThrow(MalformedError);
          if (Cidr.is(text)) expect(cidr(String(cidr(text))).equals(cidr(text))).toBe(true);
          else expect(() => cidr(text)).toThrow(MalformedError);
        },
      ),
    );
  });
});
