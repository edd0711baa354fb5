import { createSecretKey, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { IntegrityError } from './integrity-error.js';
import { open, seal } from './sealed.js';

const key = createSecretKey(randomBytes(32));
const context = Buffer.from('audit_detail|0192f0c1-0000-7000-8000-000000000001');

describe('sealed values', () => {
  it.each(['', 'x', '{"reason":"quarterly review"}'])('opens what it sealed: %j?', (text) => {
    expect(open(key, seal(key, Buffer.from(text), context), context).toString()).toBe(text);
  });

  it('seals the same value differently each time?', () => {
    expect(seal(key, Buffer.from('same'), context).equals(seal(key, Buffer.from('same'), context))).toBe(false);
  });

  it('refuses every changed byte, another key, another context and a cut value?', () => {
    const sealed = seal(key, Buffer.from('value'), context);
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 0x80;
      expect(() => open(key, changed, context)).toThrow(IntegrityError);
      expect(() => open(key, sealed.subarray(0, at), context)).toThrow(IntegrityError);
    }
    expect(() => open(createSecretKey(randomBytes(32)), sealed, context)).toThrow(IntegrityError);
    expect(() => open(key, sealed, Buffer.from('another'))).toThrow(IntegrityError);
  });
});
