import { describe, expect, it } from 'vitest';
import { growth } from '../../../test/support/growth.js';
import { isLike } from './strings.js';

describe('does a text fit wildcards?', () => {
  it.each([
    ['registry.example.org/ehr/api:1', 'registry.example.org/*'],
    ['registry.example.org/ehr/api:1', '*'],
    ['registry.example.org/ehr/api:1', '*/api:?'],
    ['registry.example.org/ehr/api:1', 'registry.example.org/ehr/api:1'],
    ['registry.example.org/ehr/api:1', 'registry.example.org/**/api:*'],
    ['aab', '*ab'],
    ['', ''],
    ['', '*'],
    ['a*b', 'a*b'],
  ])('%j fits %j', (text, pattern) => {
    expect(isLike(text, pattern)).toBe(true);
  });

  it.each([
    ['registry.example.org.attacker.net/api:1', 'registry.example.org/*'],
    ['registry.example.org/ehr/api:12', '*/api:?'],
    ['registry.example.org/ehr/api', 'registry.example.org/ehr/ap'],
    ['registry.example.org/ehr', 'registry.example.org/ehr/?'],
    ['a.b', 'a?'],
    ['ab', 'a.'],
    ['a', ''],
    ['', '?'],
  ])('%j does not fit %j', (text, pattern) => {
    expect(isLike(text, pattern)).toBe(false);
  });

  it('takes as long as both are long, and not more, of what makes others go back again and again', async () => {
    const look = (length: number): void => {
      const [text, pattern] = ['a'.repeat(length), `${'a*'.repeat(length * 0.4)}b`];
      for (let time = 0; time < 50; time++) expect(isLike(text, pattern)).toBe(false);
    };
    // Short ones first: whoever goes back again and again comes to an end.
    expect(await growth(look, 10, 2)).toBeLessThan(10);
    expect(await growth(look, 100, 8)).toBeLessThan(40);
    expect(() => isLike('a'.repeat(100_000), 'a'.repeat(100_000))).toThrow('too long');
  });
});
