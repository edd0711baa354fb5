import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from './objects.js';
import { SemanticVersion } from './semantic-version.js';

const version = (text: string): SemanticVersion => SemanticVersion.parse(text);

describe('SemanticVersion', () => {
  it('orders versions by precedence?', () => {
    // https://semver.org/#spec-item-11
    const ordered = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.1',
      '1.2.0',
      '1.10.0',
      '2.0.0',
    ];
    for (const [i, a] of ordered.entries()) {
      for (const [j, b] of ordered.entries()) {
        expect(version(a).compareTo(version(b)), `${a} ${b}`).toBe(Math.sign(i - j));
        expect(version(a).isLessThan(version(b))).toBe(i < j);
        expect(version(a).isGreaterThan(version(b))).toBe(i > j);
      }
    }
    expect(version('1.0.0+a').equals(version('1.0.0+b'))).toBe(true);
  });

  it.each([
    '',
    '1',
    '1.0',
    'v1.0.0',
    '=1.0.0',
    ' 1.0.0',
    '1.0.0 ',
    '1.0.0\n',
    '01.0.0',
    '1.0.0-01',
    '1.0.0-',
    '1.0.0+',
    '1.0.0-a..b',
    '1.0.0-ä',
    '-1.0.0',
    '1.0.0.0',
    '200K',
    'Three',
    '9007199254740993.0.0',
    '1.0.0-9007199254740993',
    '1'.repeat(300),
  ])('refuses %j?', (text) => {
    expect(SemanticVersion.is(text)).toBe(false);
    expect(() => version(text)).toThrow(MalformedError);
  });

  it.each([
    ['v1.0.0', '1.0.0'],
    ['1', '1.0.0'],
    ['1.34', '1.34.0'],
    ['v01.01.01', '1.1.1'],
    ['000.0.00', '0.0.0'],
    ['1.2.03-rc.1+b.c', '1.2.3-rc.1+b.c'],
    ['1.2.-rc.1', '1.2.0-rc.1'],
  ])('puts %j right when it is asked to?', (text, normal) => {
    expect(SemanticVersion.parse(text, true).toString()).toBe(normal);
    expect(SemanticVersion.is(text)).toBe(false);
  });

  it.each(['', 'v', 'vv1.0.0', 'V1.0.0', '1.0-alpha', '1+build', '1.0.0.0', '1..0', '1.2.x'])(
    'cannot put %j right?',
    (text) => {
      expect(SemanticVersion.is(text, true)).toBe(false);
      expect(() => SemanticVersion.parse(text, true)).toThrow(MalformedError);
    },
  );

  it('gives its parts?', () => {
    const parts = version('1.34.5-rc.1');
    expect([parts.major(), parts.minor(), parts.patch()]).toEqual([1n, 34n, 5n]);
  });

  it.each([null, undefined, 1.2, {}, ['1.0.0']])('refuses %s, which is no text?', (value) => {
    expect(() => SemanticVersion.parse(value)).toThrow(MalformedError);
  });

  it('answers or refuses any text, and throws nothing else?', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.stringMatching(/^v?[0-9]{0,4}(\.[0-9]{0,4}){0,3}([-+][0-9a-z.]{0,8})?$/)),
        fc.boolean(),
        (text, normalize) => {
          if (SemanticVersion.is(text, normalize))
            expect(SemanticVersion.parse(text, normalize).major()).toBeTypeOf('bigint');
          else expect(() => SemanticVersion.parse(text, normalize)).toThrow(MalformedError);
        },
      ),
    );
  });
});
