import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from './canonical-json.js';
import { isAuthentic, jsonMac } from './json-mac.js';

const SECRET = 'a secret of the tests and of nobody else';
const value = { name: 'EMR', tags: ['phi', null, 1.5, true] };
const mac = jsonMac(SECRET, 'answer|1', value);

describe('the code of a JSON value', () => {
  it('is it the HMAC of its place and its canonical text, as it was kept by every version?', () => {
    const text = 'answer|1|{"name":"EMR","tags":["phi",null,1.5,true]}';
    expect(mac).toBe(createHmac('sha256', SECRET).update(text).digest('base64url'));
  });

  it('does it fit the same value, in whatever order its members were read back?', () => {
    expect(isAuthentic(SECRET, 'answer|1', { tags: value.tags, name: value.name }, mac)).toBe(true);
  });

  it.each<[string, string, string, unknown, unknown]>([
    ['another secret', 'another', 'answer|1', value, mac],
    ['another place', SECRET, 'answer|2', value, mac],
    ['another value', SECRET, 'answer|1', { ...value, name: 'Lab' }, mac],
    ['a member more', SECRET, 'answer|1', { ...value, more: null }, mac],
    ['no value', SECRET, 'answer|1', undefined, mac],
    ['a code that is cut', SECRET, 'answer|1', value, mac.slice(0, -2)],
    ['a code that is none', SECRET, 'answer|1', value, { length: 32 }],
    ['no code', SECRET, 'answer|1', value, undefined],
  ])('does it fit %s?', (_, secret, place, kept, found) => {
    expect(isAuthentic(secret, place, kept, found)).toBe(false);
  });

  const nested = JSON.parse('['.repeat(300) + ']'.repeat(300)) as JsonValue;
  it.each<[string, JsonValue]>([
    ['half of a surrogate pair', { name: '\ud800' }],
    ['a nesting that no answer has', nested],
  ])('is %s refused where it is to be kept, and fits nothing where it was read?', (_, kept) => {
    expect(() => jsonMac(SECRET, 'answer|1', kept)).toThrow(TypeError);
    expect(isAuthentic(SECRET, 'answer|1', kept, mac)).toBe(false);
  });
});
