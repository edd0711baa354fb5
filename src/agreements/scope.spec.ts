import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coverOf, overlaps, reachOf, uncovered, type Part, type Scope } from './scope.js';

const [emr, pacs] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];
const all: Part = { systemId: null, namespace: null };

describe('what does an agreement cover?', () => {
  it('everything, if it names nothing', () => {
    expect(coverOf([], [])).toEqual([all]);
  });

  it('the namespaces that it names, of each of its systems or of the one that it names with them', () => {
    expect(coverOf([emr, pacs], ['portal', `${pacs.toUpperCase()}/viewer`])).toEqual([
      { systemId: emr, namespace: 'portal' },
      { systemId: pacs, namespace: 'portal' },
      { systemId: pacs, namespace: 'viewer' },
    ]);
  });

  it('nothing of a system that it is not of', () => {
    expect(coverOf([emr], [`${pacs}/viewer`])).toEqual([]);
  });
});

describe('where does a vendor handle ePHI?', () => {
  it('in the whole of its systems, but in those namespaces alone that it links', () => {
    expect(reachOf([emr, pacs], [`${pacs}/viewer`])).toEqual([
      { systemId: emr, namespace: null },
      { systemId: pacs, namespace: 'viewer' },
    ]);
  });

  it('everywhere, if it names no system, whatever namespaces it links', () => {
    expect(reachOf([], [`${pacs}/viewer`])).toEqual([all]);
  });
});

describe('what is left uncovered?', () => {
  it('the namespaces that an agreement does not name', () => {
    expect(uncovered(reachOf([emr], []), coverOf([emr], ['portal']), [emr])).toEqual([
      { systemId: emr, namespace: null },
    ]);
    expect(uncovered(reachOf([emr], [`${emr}/portal`]), coverOf([emr], ['portal']), [emr])).toEqual([]);
  });

  it('of a vendor of the whole organisation, each system in scope without cover', () => {
    expect(uncovered([all], coverOf([emr], []), [emr, pacs])).toEqual([{ systemId: pacs, namespace: null }]);
    expect(uncovered([all], coverOf([emr, pacs], []), [emr, pacs])).toEqual([]);
  });

  it('all of it, where no system is in scope and the agreement is of some', () => {
    expect(uncovered([all], coverOf([emr], []), [])).toEqual([all]);
  });
});

describe('do scopes and their overlap agree with the pairs of systems and namespaces that lie in them?', () => {
  const systems = ['s0', 's1', 's2'];
  const namespaces = ['n0', 'n1'];
  const part = fc.record({
    systemId: fc.constantFrom(null, ...systems),
    namespace: fc.constantFrom(null, ...namespaces),
  });
  const scope = fc.array(part, { maxLength: 4 });
  // One name more on each side stands for all that nobody names.
  const cells = [...systems, 's-other'].flatMap((systemId) =>
    [...namespaces, 'n-other'].map((namespace) => ({ systemId, namespace })),
  );
  const within = (of: Scope, cell: { systemId: string; namespace: string }): boolean =>
    of.some(
      (one) =>
        (one.systemId === null || one.systemId === cell.systemId) &&
        (one.namespace === null || one.namespace === cell.namespace),
    );

  it('of overlaps', () => {
    fc.assert(
      fc.property(scope, scope, (one, other) => {
        expect(overlaps(one, other)).toBe(cells.some((cell) => within(one, cell) && within(other, cell)));
      }),
    );
  });

  it('of cover: what is said to be covered is, in every system in scope', () => {
    fc.assert(
      fc.property(scope, scope, (reach, cover) => {
        if (uncovered(reach, cover, systems).length > 0) return;
        for (const cell of cells.filter(({ systemId }) => systems.includes(systemId))) {
          expect(within(reach, cell) && !within(cover, cell)).toBe(false);
        }
      }),
    );
  });
});
