import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { growth } from '../../../test/support/growth.js';
import { allowsInternet } from './internet.js';
import { MalformedError } from './objects.js';

const network = (cidr: string, ...except: string[]) => ({ everything: false, cidr, except });
const networks = (...cidrs: string[]) => cidrs.map((cidr) => network(cidr));

/** The 2ⁿ parts of a network of IPv4 from 0.0.0.0. */
const parts = (bits: number): string[] =>
  Array.from({ length: 2 ** bits }, (_, index) => {
    const value = index * 2 ** (32 - bits);
    return `${[24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.')}/${bits}`;
  });

describe('allowsInternet', () => {
  it.each<[string, unknown[]]>([
    ['everything', [{ everything: true }]],
    ['all of IPv4', networks('0.0.0.0/0')],
    ['all of IPv6', networks('::/0')],
    ['two halves', networks('0.0.0.0/1', '128.0.0.0/1')],
    ['one half', networks('128.0.0.0/1')],
    ['256 parts in whatever order', networks(...parts(8).reverse())],
    ['all but private networks', [network('0.0.0.0/0', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16')]],
    ['all but the metadata service', [network('0.0.0.0/0', '169.254.169.254/32')]],
    ['all but one half, and that half', [network('0.0.0.0/0', '0.0.0.0/1'), network('0.0.0.0/1')]],
    [
      'what two exceptions leave of each other',
      [network('0.0.0.0/0', '0.0.0.0/1'), network('0.0.0.0/0', '128.0.0.0/1')],
    ],
    ['what is assigned of IPv6', networks('2000::/3')],
    ['two /9 of different places', networks('3.0.0.0/9', '52.0.0.0/9', '8.8.8.8/32')],
    ['a /7', networks('2.0.0.0/7')],
    ['IPv4 behind NAT64', networks('64:ff9b::/96')],
    ['an address with bits after its prefix', networks('8.8.8.8/0')],
  ])('is so of %s?', (_, peers) => {
    expect(allowsInternet(peers)).toBe(true);
  });

  it.each<[string, unknown[]]>([
    ['nobody', []],
    ['pods', [{ everything: false, podSelector: {}, cidr: '' }]],
    ['private networks', networks('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7')],
    ['one address', networks('8.8.8.8/32')],
    ['as much as one organisation has', networks('17.0.0.0/8', '2630::/16')],
    ['one address many times', networks(...Array.from({ length: 1000 }, () => '17.0.0.0/8'))],
    ['multicast and reserved', networks('224.0.0.0/3')],
    ['all but all of it', [network('0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1')]],
    ['one address behind NAT64', networks('64:ff9b::8.8.8.8/128')],
  ])('is not so of %s?', (_, peers) => {
    expect(allowsInternet(peers)).toBe(false);
  });

  it.each([
    ['a peer that is null', [null]],
    ['a network that is none', networks('10.0.0.0')],
    ['a network that is a number', [{ cidr: 10 }]],
    ['an exception that is none', [network('10.0.0.0/8', 'x')]],
    ['everything that is a text', [{ everything: 'false' }]],
  ])('is not guessed of %s?', (_, peers) => {
    expect(() => allowsInternet(peers)).toThrow(MalformedError);
  });

  it('counts the same, in however many parts and whatever order?', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 0, max: 1023 }),
        fc.boolean(),
        (bits, from, twice) => {
          const all = parts(bits);
          const chosen = all.slice(0, 1 + (from % all.length));
          const turned = [
            ...chosen.slice(chosen.length / 2),
            ...chosen.slice(0, chosen.length / 2),
            ...(twice ? chosen : []),
          ];
          expect(allowsInternet(networks(...turned))).toBe(allowsInternet(networks(...chosen)));
          const halved = parts(bits + 1).slice(0, 2 * chosen.length);
          expect(allowsInternet(networks(...halved))).toBe(allowsInternet(networks(...chosen)));
          // More is never less of the internet, and an exception never more of it.
          if (allowsInternet(networks(...chosen))) expect(allowsInternet(networks(...chosen, '8.8.8.8/32'))).toBe(true);
          else expect(allowsInternet(chosen.map((cidr) => network(cidr, '8.0.0.0/8')))).toBe(false);
        },
      ),
    );
  });

  it('is done with ten thousand blocks and exceptions in a time that grows with them, and not with their square?', async () => {
    const look = (count: number): void => {
      const many = parts(Math.log2(count));
      expect(allowsInternet(networks(...many))).toBe(true);
      expect(allowsInternet([network('0.0.0.0/0', ...many)])).toBe(false);
    };
    expect(await growth(look, 2 ** 11, 8)).toBeLessThan(40);
  });
});
