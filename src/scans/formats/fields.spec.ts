import { expect, it } from 'vitest';
import { slug } from './fields.js';

it.each([
  ['Trivy', 'trivy'],
  ['Kube Bench (v2)', 'kube-bench-v2'],
  ['..a--', 'a'],
  ['', 'unknown'],
])('is %j the source %s?', (name, source) => {
  expect(slug(name)).toBe(source);
});

it('does a name of a million dots end? (Trimmed before it is cut, it would take minutes.)', () => {
  expect(slug(`a${'.'.repeat(1_000_000)}a`)).toHaveLength(1);
});
