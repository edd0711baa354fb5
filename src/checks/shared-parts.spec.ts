import { describe, expect, it } from 'vitest';
import { SharedParts } from './shared-parts.js';

const report = (...components: unknown[]) => ({
  apiVersion: 'aquasecurity.github.io/v1alpha1',
  kind: 'SbomReport',
  report: { components: { components } },
});

describe('is what many objects say held once', () => {
  it('where it is the same, and nothing that is said changed?', () => {
    const parts = [
      { type: 'library', name: 'musl', version: '1.2.5' },
      { type: 'library', name: 'musl', version: '1.2.4' },
      { name: 'musl', type: 'library' },
      { name: 'a', version: '1' },
      { nam: 'ea', version: '1' },
      { name: 'counted', count: 1 },
      { name: 'nested', of: { a: 'b' } },
      'text',
      null,
    ];
    const [one, other] = [report(...structuredClone(parts)), report(...structuredClone(parts))];
    const shared = new SharedParts();
    shared.share('SbomReport', one);
    shared.share('SbomReport', other);
    expect(one).toEqual(report(...parts));
    expect(other).toEqual(report(...parts));
    const [first, again] = [one, other].map((object) => object.report.components.components);
    expect(parts.map((_, index) => first![index] === again![index])).toEqual([
      ...[true, true, true, true, true],
      ...[false, false],
      ...[true, true],
    ]);
  });

  it('and is what holds no such list, or is of another kind, left as it is?', () => {
    const shared = new SharedParts();
    for (const components of [undefined, null, 'text', { components: 3 }, []]) {
      const object = { kind: 'SbomReport', report: { components } };
      const before = structuredClone(object);
      shared.share('SbomReport', object);
      expect(object).toEqual(before);
    }
    const [one, other] = [report({ name: 'a' }), report({ name: 'a' })];
    shared.share('Pod', one);
    shared.share('Pod', other);
    expect(one.report.components.components[0]).not.toBe(other.report.components.components[0]);
  });
});
