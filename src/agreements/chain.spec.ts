import { describe, expect, it } from 'vitest';
import { bondFault, chainOf, MAX_CHAIN, type Bond } from './chain.js';

const day = (number: number): Date => new Date(Date.UTC(2026, 0, number));
const bond = (vendorId: string, parentId: string, from = 1, to: number | null = null): Bond => ({
  vendorId,
  parentId,
  from: day(from),
  to: to === null ? null : day(to),
});
const line = (length: number): Bond[] => Array.from({ length }, (_, index) => bond(`v${index}`, `v${index + 1}`));

describe('whom does a vendor work for?', () => {
  const parents = new Map<string, string | null>([
    ['hosting', 'imaging'],
    ['imaging', null],
    ['one', 'two'],
    ['two', 'one'],
    ['orphan', 'gone'],
  ]);
  const chain = (id: string) => chainOf(id, (of) => parents.get(of));

  it('the vendors above it, up to the one that works for the organisation', () => {
    expect(chain('hosting')).toEqual({ ids: ['imaging'], fault: null });
    expect(chain('imaging')).toEqual({ ids: [], fault: null });
  });

  it('nobody that can be told, where the chain comes back to itself or to a vendor that is not there', () => {
    expect(chain('one')).toEqual({ ids: ['two'], fault: 'cycle' });
    expect(chain('orphan')).toEqual({ ids: ['gone'], fault: 'broken' });
  });

  it('no more than so many', () => {
    const all = new Map(line(MAX_CHAIN + 5).map(({ vendorId, parentId }) => [vendorId, parentId]));
    const { ids, fault } = chainOf('v0', (of) => all.get(of) ?? null);
    expect([ids.length, fault]).toEqual([MAX_CHAIN, 'too-long']);
    expect(chainOf('v5', (of) => all.get(of) ?? null).fault).toBeNull();
  });
});

describe('does a bond close a circle?', () => {
  it('if the vendor is above its own parent, over however many', () => {
    expect(bondFault(bond('a', 'b'), [bond('b', 'c'), bond('c', 'a')])).toBe('cycle');
    expect(bondFault(bond('a', 'a'), [])).toBe('cycle');
    expect(bondFault(bond('a', 'b'), [bond('b', 'c'), bond('c', 'd')])).toBeNull();
  });

  it('if the bonds hold at one time, and not if each ended before the next began', () => {
    expect(bondFault(bond('a', 'b', 10), [bond('b', 'a', 1, 11)])).toBe('cycle');
    expect(bondFault(bond('a', 'b', 10), [bond('b', 'a', 1, 10)])).toBeNull();
    expect(bondFault(bond('a', 'b', 10), [bond('b', 'c', 1, 20), bond('c', 'a', 20, 30)])).toBeNull();
    expect(bondFault(bond('a', 'b', 10), [bond('b', 'c', 1, 21), bond('c', 'a', 20, 30)])).toBe('cycle');
  });

  it('a circle of others, which is there already, does not keep it walking', () => {
    expect(bondFault(bond('a', 'b'), [bond('b', 'c'), bond('c', 'b')])).toBe('too-long');
  });

  it('a chain of twenty is taken, and none longer', () => {
    const under = (length: number) => bondFault(bond('new', 'v0'), line(length));
    expect([under(MAX_CHAIN - 1), under(MAX_CHAIN)]).toEqual([null, 'too-long']);
  });
});
