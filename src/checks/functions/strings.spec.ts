import { describe, expect, it } from 'vitest';
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

  it('takes as long as both are long, and not more, of what makes others go back again and again', () => {
    const began = performance.now();
    expect(isLike('a'.repeat(1_000), `${'a*'.repeat(400)}b`)).toBe(false);
    expect(performance.now() - began).toBeLessThan(500);
    expect(() => isLike('a'.repeat(100_000), 'a'.repeat(100_000))).toThrow('too long');
  });
});
