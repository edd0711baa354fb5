import { describe, expect, it } from 'vitest';
import { described, Fields, lazy, MalformedError } from './objects.js';

describe('Fields', () => {
  it('take null and inherited properties for nothing?', () => {
    const fields = Fields.of(JSON.parse('{"a":null,"__proto__":{"b":1}}'), '');
    expect(fields.has('a')).toBe(false);
    expect(fields.value('b')).toBeUndefined();
    expect(fields.value('toString')).toBeUndefined();
    expect(fields.names()).toEqual(['__proto__']);
    expect(Fields.of(Object.create({ c: 1 }), '').has('c')).toBe(false);
  });

  it('name the path of what is not of its type?', () => {
    const fields = Fields.of({ list: [{ n: 1.5, t: 1, b: 'yes', m: [] }] }, 'spec');
    const item = fields.maps('list')[0]!;
    expect(() => item.integer('n')).toThrow('spec.list[0].n is the number 1.5, not an integer');
    expect(() => item.text('t')).toThrow('spec.list[0].t is the number 1, not a string');
    expect(() => item.bool('b')).toThrow('spec.list[0].b is "yes", not a boolean');
    expect(() => item.map('m')).toThrow('spec.list[0].m is a list, not a map');
    expect(() => item.need('x')).toThrow('spec.list[0].x is missing');
    expect(() => fields.maps('list')[0]!.texts('t')).toThrow('not a list');
    expect(() => Fields.of(null, '')).toThrow('the object is null, not a map');
  });

  it('take integers as JSON and as CEL have them?', () => {
    const fields = Fields.of({ number: 8080, bigint: 2n ** 62n, tooLarge: 2 ** 60 }, '');
    expect(fields.integer('number')).toBe(8080n);
    expect(fields.integer('bigint')).toBe(2n ** 62n);
    expect(() => fields.integer('tooLarge')).toThrow(MalformedError);
  });
});

describe('described', () => {
  it.each([
    [undefined, 'nothing'],
    [null, 'null'],
    [[], 'a list'],
    [{}, 'a map'],
    [true, 'the boolean true'],
    [5n, 'the bigint 5'],
    ['a"b', '"a\\"b"'],
    [Symbol('x'), 'a symbol'],
  ])('says %o in words?', (value, words) => {
    expect(described(value)).toBe(words);
    expect(described('x'.repeat(5000)).length).toBeLessThan(100);
  });
});

describe('lazy', () => {
  it('makes once, and fails once?', () => {
    let made = 0;
    const value = lazy(() => ++made);
    expect([value(), value(), made]).toEqual([1, 1, 1]);
    let failed = 0;
    const fault = lazy(() => {
      failed++;
      throw new MalformedError('no');
    });
    expect(fault).toThrow('no');
    expect(fault).toThrow('no');
    expect(failed).toBe(1);
  });
});
