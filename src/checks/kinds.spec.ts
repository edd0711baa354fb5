import { describe, expect, it } from 'vitest';
import { KINDS, WORKLOADS, kindNamed, kindOf } from './kinds.js';

describe('is the table of kinds sound?', () => {
  it('no two have one name', () => {
    const names = KINDS.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
    expect(names).not.toContain('Cluster');
    expect(names).not.toContain('Workload');
  });

  it('no two are of one group and kind, and each is found by both', () => {
    for (const kind of KINDS) {
      expect(kindOf(kind.group, kind.kind)).toBe(kind);
      expect(kindNamed(kind.name)).toBe(kind);
      if (kind.group !== '') expect(kindNamed(`${kind.kind}.${kind.group}`)).toBe(kind);
    }
  });

  it('the kinds of workloads are in it, under their plain names', () => {
    expect(Object.keys(WORKLOADS).filter((name) => kindNamed(name)?.kind !== name)).toEqual([]);
  });

  it('values of Secrets are not asked for', () => {
    expect(kindNamed('Secret')?.listed).toBe('metadata');
  });

  it('a constraint of Gatekeeper is one whatever its template is called', () => {
    expect(kindOf('constraints.gatekeeper.sh', 'K8sAllowedRepos')?.name).toBe('Constraint');
    expect(kindOf('example.org', 'K8sAllowedRepos')).toBeNull();
  });

  it.each([
    ['apps', 'Pod'],
    ['', 'Deployment'],
    ['velero.io', 'Pod'],
    ['', '__proto__'],
  ])('%s %s is none', (group, kind) => {
    expect(kindOf(group, kind)).toBeNull();
  });
});
