/** No chain of subcontractors that anybody keeps books of is longer. */
export const MAX_CHAIN = 20;

export interface Chain {
  /** From the vendor's parent upwards. */
  ids: readonly string[];
  /** Why it does not end at a vendor that works for the organisation itself: it comes back to itself, it is too long, or a vendor in it is not in effect. */
  fault: 'cycle' | 'too-long' | 'broken' | null;
}

/** `parentOf`: null: it has none; undefined: there is no such vendor in effect, or it cannot be read. */
export function chainOf(id: string, parentOf: (id: string) => string | null | undefined): Chain {
  const ids: string[] = [];
  const met = new Set([id]);
  for (let at = parentOf(id); at !== null; at = parentOf(at)) {
    if (at === undefined) return { ids, fault: 'broken' };
    if (met.has(at)) return { ids, fault: 'cycle' };
    if (ids.length === MAX_CHAIN) return { ids, fault: 'too-long' };
    met.add(at);
    ids.push(at);
  }
  return { ids, fault: null };
}

/** That one vendor works under another from one instant up to another (null: without end). */
export interface Bond {
  vendorId: string;
  parentId: string;
  from: Date;
  to: Date | null;
}

/**
 * Whether a bond would close a circle, or make a chain longer than MAX_CHAIN, at any instant at which it holds: what a vendor is under changes with time, and
 * bonds that never held together are no circle.
 */
export function bondFault(bond: Bond, others: readonly Bond[]): 'cycle' | 'too-long' | null {
  const byVendor = Map.groupBy(others, ({ vendorId }) => vendorId);
  const walk = (id: string, from: number, to: number, length: number): 'cycle' | 'too-long' | null => {
    if (id === bond.vendorId) return 'cycle';
    if (length > MAX_CHAIN) return 'too-long';
    for (const { parentId, from: begins, to: ends } of byVendor.get(id) ?? []) {
      const [start, end] = [Math.max(from, begins.getTime()), Math.min(to, ends?.getTime() ?? Infinity)];
      const fault = start < end ? walk(parentId, start, end, length + 1) : null;
      if (fault !== null) return fault;
    }
    return null;
  };
  return walk(bond.parentId, bond.from.getTime(), bond.to?.getTime() ?? Infinity, 1);
}
