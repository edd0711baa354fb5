import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type JsonValue } from './canonical-json.js';

describe('canonical JSON (RFC 8785)', () => {
  it.each<[JsonValue, string]>([
    [null, 'null'],
    [true, 'true'],
    ['', '""'],
    [[], '[]'],
    [{}, '{}'],
    [-0, '0'],
    [1e21, '1e+21'],
    [1e-7, '1e-7'],
    [0.000001, '0.000001'],
    [333333333.3333333, '333333333.3333333'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ['€$\u000f\nA\'B"\\\\"/', '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'],
    [{ b: 1, a: [{ d: null, c: false }] }, '{"a":[{"c":false,"d":null}],"b":1}'],
  ])('writes %j as the RFC says?', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });

  it('sorts names by UTF-16 code units, not by code points or locale (section 3.2.3)?', () => {
    const names = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
    const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'];
    const text = canonicalJson(Object.fromEntries(names.map((name) => [name, 0])));
    expect(Object.keys(JSON.parse(text) as object).filter((name) => name !== '1')).toEqual(
      sorted.filter((name) => name !== '1'),
    );
    expect(text.indexOf('"1"')).toBeGreaterThan(text.indexOf('"\\r"'));
  });

  it('says the same of every order of members, and parses back to the value?', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = canonicalJson(value as JsonValue);
        const reversed = JSON.parse(text, (_name, member: unknown) =>
          typeof member === 'object' && member !== null && !Array.isArray(member)
            ? Object.fromEntries(Object.entries(member).reverse())
            : member,
        ) as JsonValue;
        expect(canonicalJson(reversed)).toBe(text);
      }),
    );
  });

  it.each([
    ['undefined', undefined],
    ['an undefined member', { a: undefined }],
    ['a hole in an array', Array(1)],
    ['NaN', NaN],
    ['infinity', [Infinity]],
    ['a bigint', 1n],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['a function', () => 0],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate in a name', { '\udc00': 1 }],
  ])('refuses what JSON cannot say: %s?', (_what, value) => {
    expect(() => canonicalJson(value as JsonValue)).toThrow(TypeError);
  });

  it('refuses hostile depth before the stack ends?', () => {
    let deep: JsonValue = 0;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    expect(() => canonicalJson(deep)).toThrow(/nested deeper/);
  });
});
