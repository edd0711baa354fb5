import { describe, expect, it } from 'vitest';
import { returnPath } from './return-to.js';

const here = 'https://safeguard.example.org';

describe('where the browser goes after the login', () => {
  it('is the path that was asked for', () => {
    expect(returnPath('/posture?asOf=2026-11-23#b17', here)).toBe('/posture?asOf=2026-11-23#b17');
    expect(returnPath(undefined, here)).toBe('/');
  });

  it.each([
    'https://evil.example/',
    '//evil.example/',
    '///evil.example/',
    '/\\evil.example/',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example/',
    '/.//evil.example',
    '/a/..//evil.example',
    'javascript:alert(1)',
    '',
    '@evil.example',
    `/${'a'.repeat(3_000)}`,
  ])('is the start page and not %j', (asked) => {
    const path = returnPath(asked, here);
    expect(new URL(path, here).origin).toBe(here);
    expect(path.startsWith('//')).toBe(false);
    expect(path).toBe('/');
  });
});
