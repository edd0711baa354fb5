import { expect, it } from 'vitest';
import { slug } from './fields.js';

it.each([
  ['Trivy', 'trivy'],
  ['Kube Bench (v2)', 'kube-bench-v2'],
  ['..a--', 'a'],
  ['Microsoft.CodeAnalysis_Sarif/2', 'microsoft.codeanalysis-sarif-2'],
  ['', 'unknown'],
  [' \n', 'unknown'],
])('is %j the source %s?', (name, source) => {
  expect(slug(name)).toBe(source);
});

it('does a name of a million dots end? (Trimmed before it is cut, it would take minutes.)', () => {
  expect(slug(`a${'.'.repeat(1_000_000)}a`)).toMatch(/^a-[0-9a-f]{8}$/);
});

it('are two names that lose different things two sources?', () => {
  const long = 'x'.repeat(100);
  const names = ['Сканер', 'Проверка', '扫描', '***', 'Prüfer', 'Präfer', 'C', 'C#', 'C++', `${long}1`, `${long}2`];
  const sources = names.map(slug);
  expect(new Set(sources).size).toBe(names.length);
  for (const source of sources) expect(source).toMatch(/^[a-z0-9][a-z0-9.-]{0,99}$/);
  expect(sources).not.toContain('unknown');
});

it('is a name one source, however its letters are written?', () => {
  expect(slug('СКАНЕР')).toBe(slug('сканер'));
  expect(slug('Pru\u0308fer')).toBe(slug('Prüfer'));
});
