import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { pinnedKeys, usableKeys } from './public-keys.js';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicJwk = { ...ec.publicKey.export({ format: 'jwk' }), kid: 'one' };
const privateJwk = { ...ec.privateKey.export({ format: 'jwk' }), kid: 'one' };
const rsa = (modulusLength: number, publicExponent = 65_537) =>
  generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey.export({ format: 'jwk' });

const faults = (value: unknown): string[] => pinnedKeys.safeParse(value).error?.issues.map((one) => one.message) ?? [];

describe('keys that a tenant pins', () => {
  it('are public keys of the usual kinds', () => {
    expect(faults({ keys: [publicJwk] })).toEqual([]);
    expect(faults({ keys: [rsa(2048)] })).toEqual([]);
    expect(pinnedKeys.parse({ keys: [{ ...publicJwk, x5c: ['AAAA'], x5u: 'https://a' }] })).toEqual({
      keys: [publicJwk],
    });
  });

  it('are never private: the caller is told, and the key is not repeated', () => {
    expect(faults({ keys: [privateJwk] })).toEqual([expect.stringContaining('private or secret key')]);
    expect(faults({ keys: [{ kty: 'oct', k: 'AAAA' }] })).not.toEqual([]);
    expect(JSON.stringify(pinnedKeys.safeParse({ keys: [privateJwk] }).error?.issues)).not.toContain(privateJwk.d);
  });

  it('are neither weak nor slow', () => {
    expect(faults({ keys: [rsa(1024)] })).not.toEqual([]);
    expect(faults({ keys: [rsa(2048, 3)] })).not.toEqual([]);
    expect(faults({ keys: [{ kty: 'RSA', e: 'AQAB', n: 'A'.repeat(3_000) }] })).not.toEqual([]);
    expect(faults({ keys: [] })).not.toEqual([]);
    expect(faults({ keys: Array.from({ length: 21 }, (_, index) => ({ ...publicJwk, kid: `${index}` })) })).not.toEqual(
      [],
    );
  });

  it('can be told apart', () => {
    expect(faults({ keys: [publicJwk, publicJwk] })).not.toEqual([]);
    expect(faults({ keys: [publicJwk, { ...publicJwk, kid: 'two' }] })).toEqual([]);
  });
});

describe('keys that an issuer serves', () => {
  it('are used where they can be, and passed over where not', () => {
    expect(
      usableKeys({ keys: [publicJwk, { ...publicJwk, use: 'enc' }, privateJwk, 7, { kty: 'oct', k: 'AA' }] }),
    ).toEqual({
      keys: [publicJwk],
    });
    expect(usableKeys({ keys: 'none' })).toBeNull();
    expect(usableKeys([])).toBeNull();
  });
});
