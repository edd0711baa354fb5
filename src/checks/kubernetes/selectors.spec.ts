import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MalformedError } from './objects.js';
import { LabelSelector, labelsOf, selects, selectsEverything } from './selectors.js';

const expression = (key: string, operator: string, ...values: string[]) => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 ? { values } : {}) }],
});

describe('label selectors', () => {
  it('select nothing when null, and everything when empty?', () => {
    for (const labels of [{}, { app: 'web' }, null]) {
      expect(selects(null, labels)).toBe(false);
      expect(selects(undefined, labels)).toBe(false);
      expect(selects({}, labels)).toBe(true);
      expect(selects({ matchLabels: null, matchExpressions: [] }, labels)).toBe(true);
    }
    expect([null, {}, { matchLabels: {} }, { matchLabels: { a: 'b' } }].map(selectsEverything)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it('mean all of their parts?', () => {
    const selector = { matchLabels: { app: 'web', tier: '' }, ...expression('env', 'In', 'a', 'b') };
    expect(selects(selector, { app: 'web', tier: '', env: 'a', other: 'x' })).toBe(true);
    expect(selects(selector, { app: 'web', env: 'a' })).toBe(false);
    expect(selects(selector, { app: 'web', tier: '', env: 'c' })).toBe(false);
    expect(selects(selector, { app: 'Web', tier: '', env: 'a' })).toBe(false);
  });

  it.each([
    ['In', ['a'], true, false, false],
    ['NotIn', ['a'], false, true, true],
    ['Exists', [], true, true, false],
    ['DoesNotExist', [], false, false, true],
  ])('know %s %j of a label that is there, is another, is not there?', (operator, values, there, other, none) => {
    const selector = expression('k', operator, ...values);
    expect([{ k: 'a' }, { k: 'b' }, {}].map((labels) => selects(selector, labels))).toEqual([there, other, none]);
  });

  it('take no inherited property for a label?', () => {
    expect(selects(expression('constructor', 'Exists'), {})).toBe(false);
    expect(selects(expression('toString', 'DoesNotExist'), {})).toBe(true);
    expect(selects(expression('constructor', 'Exists'), { constructor: 'x' })).toBe(true);
  });

  it.each([
    ['a text', 'app=web'],
    ['a list', []],
    ['the plain map of a Service', { app: 'web' }],
    ['a misspelt part', { matchLabel: { app: 'web' } }],
    ['labels that are no map', { matchLabels: ['app'] }],
    ['a value that is no text', { matchLabels: { app: 1 } }],
    ['a value that is null', { matchLabels: { app: null }, matchExpressions: [{}] }],
    ['an unknown operator', expression('a', 'Gt', '1')],
    ['an operator in small letters', expression('a', 'in', '1')],
    ['In without values', expression('a', 'In')],
    ['NotIn without values', expression('a', 'NotIn')],
    ['Exists with values', expression('a', 'Exists', 'b')],
    ['DoesNotExist with values', expression('a', 'DoesNotExist', 'b')],
    ['no key', { matchExpressions: [{ operator: 'Exists' }] }],
    ['a key that is none', expression('-a', 'Exists')],
    ['a key of two slashes', expression('a/b/c', 'Exists')],
    ['a key without name', expression('a.b/', 'Exists')],
    ['a prefix in capitals', expression('A.b/c', 'Exists')],
    ['a key too long', expression('a'.repeat(64), 'Exists')],
    ['a value that is none', expression('a', 'In', 'a b')],
    ['a value too long', expression('a', 'In', 'a'.repeat(64))],
    ['expressions that are no list', { matchExpressions: {} }],
  ])('refuse %s?', (_, selector) => {
    expect(() => selects(selector, {})).toThrow(MalformedError);
  });

  it.each([
    ['a text', 'app'],
    ['a list', ['app']],
    ['a number as value', { app: 1 }],
  ])('refuse labels that are %s?', (_, labels) => {
    expect(() => selects({}, labels)).toThrow(MalformedError);
    expect(() => labelsOf(labels)).toThrow(MalformedError);
  });

  const keys = fc.constantFrom('a', 'b', 'x.io/c');
  const values = fc.constantFrom('', '1', '2');
  const labels = fc.dictionary(keys, values);
  const requirements = fc.oneof(
    fc.record({ key: keys, operator: fc.constantFrom('In', 'NotIn'), values: fc.array(values, { minLength: 1 }) }),
    fc.record({ key: keys, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  );
  const selectors = fc.record({ matchLabels: labels, matchExpressions: fc.array(requirements, { maxLength: 3 }) });
  const opposite: Record<string, string> = { In: 'NotIn', NotIn: 'In', Exists: 'DoesNotExist', DoesNotExist: 'Exists' };

  it('keep the laws of their algebra?', () => {
    fc.assert(
      fc.property(selectors, selectors, requirements, labels, (a, b, requirement, own) => {
        const one = (part: { operator: string }) => selects({ matchExpressions: [part] }, own);
        // An operator and its opposite part all labels in two.
        expect(one({ ...requirement, operator: opposite[requirement.operator]! })).toBe(!one(requirement));
        // Two selectors in one are both; more requirements never select more.
        const both = {
          matchExpressions: [
            ...a.matchExpressions,
            ...b.matchExpressions,
            ...Object.entries({ ...a.matchLabels }).map(([key, value]) => ({ key, operator: 'In', values: [value] })),
            ...Object.entries(b.matchLabels).map(([key, value]) => ({ key, operator: 'In', values: [value] })),
          ],
        };
        expect(selects(both, own)).toBe(selects(a, own) && selects(b, own));
        // Labels select the object that has them, and it has them still with more.
        expect(selects({ matchLabels: a.matchLabels }, { ...own, ...a.matchLabels })).toBe(true);
        // Who is selected has one of the labels named, where the selector names any: the index that stands on it misses nobody.
        const { candidates } = LabelSelector.parse(a);
        if (candidates !== null && selects(a, own)) {
          expect(Object.entries(own).some(([key, value]) => candidates.includes(`${key}=${value}`))).toBe(true);
        }
      }),
    );
  });
});
