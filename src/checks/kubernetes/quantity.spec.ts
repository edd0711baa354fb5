import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { growth } from '../../../test/support/growth.js';
import { MalformedError } from './objects.js';
import { Quantity } from './quantity.js';

const quantity = (text: string): Quantity => Quantity.parse(text);

/** An amount, and what it is in nanos by arithmetic of its own. */
const amounts = fc
  .record({
    negative: fc.boolean(),
    whole: fc.bigInt({ min: 0n, max: 10n ** 15n }),
    suffix: fc.constantFrom(
      ...([
        ['n', 1n],
        ['u', 10n ** 3n],
        ['m', 10n ** 6n],
        ['', 10n ** 9n],
        ['k', 10n ** 12n],
        ['M', 10n ** 15n],
        ['e3', 10n ** 12n],
        ['E-2', 10n ** 7n],
        ['e+1', 10n ** 10n],
        ['E', 10n ** 27n],
      ] as [string, bigint][]),
    ),
  })
  .map(({ negative, whole, suffix: [suffix, unit] }) => ({
    text: `${negative ? '-' : ''}${whole}${suffix}`,
    nanos: (negative ? -1n : 1n) * whole * unit,
  }));

describe('Quantity', () => {
  it('reads every suffix that Kubernetes has?', () => {
    const same: [string, string][] = [
      ['1000n', '1u'],
      ['1000u', '1m'],
      ['1000m', '1'],
      ['1k', '1000'],
      ['1M', '1e6'],
      ['1G', '1E9'],
      ['1T', '1e+12'],
      ['1P', '1e15'],
      ['1E', '1e18'],
      ['1Ki', '1024'],
      ['1Mi', '1024Ki'],
      ['1Gi', '1024Mi'],
      ['1Ti', '1024Gi'],
      ['1Pi', '1024Ti'],
      ['1Ei', '1024Pi'],
      ['1.5Gi', '1536Mi'],
      ['200M', '0.2G'],
      ['.5', '500m'],
      ['1.', '1'],
      ['+1', '1'],
      ['1E2', '100'],
    ];
    for (const [a, b] of same) expect(quantity(a).compareTo(quantity(b)), `${a} = ${b}`).toBe(0);
    expect(quantity('50M').isLessThan(quantity('50Mi'))).toBe(true);
    expect(quantity('50Mi').isGreaterThan(quantity('50M'))).toBe(true);
  });

  it.each([
    '',
    ' 1',
    '1 ',
    '1\n',
    '1K',
    '1ki',
    '1Gib',
    'Mi',
    '.',
    '+',
    '-',
    '1,3G',
    'Three',
    '1e',
    '1e+',
    '1e1.5',
    '0x10',
    '1_000',
    '١',
    'NaN',
    'Infinity',
    '--1',
    '1mi',
    '1.2.3',
  ])('refuses %j?', (text) => {
    expect(Quantity.is(text)).toBe(false);
    expect(() => quantity(text)).toThrow(MalformedError);
  });

  it.each([null, undefined, true, {}, [], Number.NaN, Number.POSITIVE_INFINITY])(
    'refuses %s, which is no text?',
    (value) => {
      expect(() => Quantity.parse(value)).toThrow(MalformedError);
    },
  );

  it('takes numbers as JSON and CEL have them?', () => {
    expect(Quantity.parse(0.5).equals(quantity('500m'))).toBe(true);
    expect(Quantity.parse(12n).equals(quantity('12'))).toBe(true);
    expect(Quantity.parse(1e21).equals(quantity('1e21'))).toBe(true);
  });

  it('builds no number of a thousand million digits?', async () => {
    for (const text of ['1e999999999', '1e-999999999', '1E1001', '9'.repeat(300)])
      expect(Quantity.is(text)).toBe(false);
    const look = (size: number): void => {
      const texts = [`1e${size}`, `1e-${size}`, '9'.repeat(size)];
      for (let time = 0; time < 50; time++) expect(texts.some((text) => Quantity.is(text))).toBe(false);
    };
    expect(await growth(look, 1_001, 200)).toBeLessThan(10);
  });

  it('rounds what is finer than a nano up, and caps binary amounts, as Kubernetes does?', () => {
    expect(quantity('0.1n').equals(quantity('1n'))).toBe(true);
    expect(quantity('-0.1n').equals(quantity('-1n'))).toBe(true);
    expect(quantity('1e-900').equals(quantity('1n'))).toBe(true);
    expect(quantity('0e-900').sign()).toBe(0);
    expect(quantity('9999999999999Ei').asInteger()).toBe(2n ** 63n - 1n);
  });

  it('gives integers exactly or not at all?', () => {
    expect(quantity('50k').asInteger()).toBe(50_000n);
    expect(quantity('9007199254740993').asInteger()).toBe(9007199254740993n);
    expect(quantity('9223372036854775808').isInteger()).toBe(false);
    expect(quantity('-9223372036854775808').isInteger()).toBe(true);
    expect(() => quantity('1500m').asInteger()).toThrow('is not an integer');
    expect(quantity('1500m').asApproximateFloat()).toBe(1.5);
    expect(quantity('1e400').asApproximateFloat()).toBe(Number.POSITIVE_INFINITY);
  });

  it('adds and subtracts quantities and integers?', () => {
    const sum = quantity('50k').add(20).sub(quantity('100k')).sub(-50_000n);
    expect(sum.equals(quantity('20'))).toBe(true);
    expect(String(sum)).toBe('20');
    expect(String(quantity('1').sub(quantity('1n')))).toBe('999999999n');
    expect(() => quantity('1').add(0.5)).toThrow(MalformedError);
  });

  it('orders as the numbers that are meant?', () => {
    fc.assert(
      fc.property(amounts, amounts, (a, b) => {
        const [x, y] = [quantity(a.text), quantity(b.text)];
        expect(x.compareTo(y)).toBe(a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0);
        expect(y.compareTo(x)).toBe(0 - x.compareTo(y));
        expect(x.isLessThan(y)).toBe(a.nanos < b.nanos);
        expect(x.isGreaterThan(y)).toBe(a.nanos > b.nanos);
        expect(x.sub(y).sign()).toBe(x.compareTo(y));
        expect(x.add(y).sub(y).equals(x)).toBe(true);
        expect(Quantity.parse(String(x.add(y))).equals(x.add(y))).toBe(true);
      }),
    );
  });

  it('answers or refuses any text, and throws nothing else?', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^[+-]?[0-9.]{0,30}[eEinumkKMGTP]{0,2}[-+]?[0-9]{0,4}$/)),
        (text) => {
          if (Quantity.is(text)) expect(quantity(text).compareTo(quantity(text))).toBe(0);
          else expect(() => quantity(text)).toThrow(MalformedError);
        },
      ),
    );
  });
});
