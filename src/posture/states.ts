import type { Catalog } from '../catalog/catalog.js';
import { becomesBlindAt, blindCount } from './blind-spots.js';
import type { SystemInput, Yardstick } from './evaluate.js';
import { sortEvidence, type SystemEvidence } from './evidence.js';
import type { OwnPart, PlacePart } from './needs.js';
import { NEED_STATES, SCANNER_STATES, type NeedState, type Part, type ScannerState } from './rule.js';
import { scannerPart } from './scanner.js';

/*
 * What a system says by itself, without its words: a number for each practice and each item. The organisation's answer is made of these, and of what the
 * organisation's own records say; so it is the same whether they were just read or are remembered.
 */

/** What a system says of an item of the law by its own records. */
export interface ItemStates {
  readonly needs: readonly NeedState[];
  readonly fails: boolean;
}

export interface SystemStates {
  /** Practices, then items of the law, in the order of the catalogue. */
  readonly codes: Uint16Array;
  /** Targets that no complete scan shows freshly; null: no scanner has ever reported. */
  readonly blind: number | null;
}

/** What a system says by itself, of a practice or an item. */
export interface CodedPart extends Part {
  /** What counts the records that are asked for says that there was none. */
  readonly isNone: boolean;
}

const SCANNER_BITS = 3;
const FAILS = 1 << SCANNER_BITS;
const COVERED = FAILS << 1;
const NONE = COVERED << 1;
/** Where needs begin, two bits each. */
const NEEDS_FROM = SCANNER_BITS + 3;
/** As many needs as sixteen bits bear. */
export const MAX_NEEDS = Math.floor((16 - NEEDS_FROM) / 2);

export function codeOf({ scanner, needs, fails, covered, isNone }: CodedPart): number {
  if (needs.length > MAX_NEEDS) throw new RangeError(`more than ${MAX_NEEDS} needs of one practice or item`);
  let code = SCANNER_STATES.indexOf(scanner) | (fails ? FAILS : 0) | (covered ? COVERED : 0) | (isNone ? NONE : 0);
  needs.forEach((need, at) => (code |= NEED_STATES.indexOf(need) << (NEEDS_FROM + 2 * at)));
  return code;
}

/** `needs`: how many the practice or item has. */
export function partOf(code: number, needs: number): CodedPart {
  const scanner = SCANNER_STATES[code & (FAILS - 1)];
  if (scanner === undefined) throw new RangeError('no such code');
  return {
    scanner,
    needs: Array.from({ length: needs }, (_, at) => NEED_STATES[(code >> (NEEDS_FROM + 2 * at)) & 3] ?? 'missing'),
    fails: (code & FAILS) !== 0,
    covered: (code & COVERED) !== 0,
    isNone: (code & NONE) !== 0,
  };
}

export interface Standing {
  readonly states: SystemStates;
  /** The first instant at which age alone may make them others, by what scanners say; null: none does. */
  readonly until: Date | null;
}

export const systemStates = (yardstick: Yardstick, evidence: SystemEvidence, part: PlacePart): SystemStates =>
  standing(yardstick, { evidence, part }).states;

export function standing(
  { catalog, asOf, freshness }: Yardstick,
  { evidence, part }: Pick<SystemInput, 'evidence' | 'part'>,
): Standing {
  const sorted = sortEvidence(catalog, evidence);
  const limits = catalog.practices.map(({ id }) => catalog.freshnessOf(id, freshness).scanner);
  let until = becomesBlindAt(evidence, asOf, limits) ?? Infinity;
  const practices = catalog.practices.map((practice, at): number => {
    const scanner = scannerPart({
      practice,
      checks: catalog.checksOf(practice.id),
      rows: sorted.rows.get(practice.id) ?? [],
      silences: sorted.silences.get(practice.id) ?? [],
      benchmarks: sorted.benchmarks,
      freshness: limits[at] ?? practice.scannerFreshness,
      asOf: asOf.getTime(),
      accepted: part.accepted,
      corrupt: evidence.corrupt,
    });
    // At the last instant of its age it is not too old yet.
    if (scanner.staleAt !== null && scanner.staleAt >= asOf.getTime()) until = Math.min(until, scanner.staleAt + 1);
    return codeOf(ownPart(scanner.state, part.practices.get(practice.id), part.accepted.practices.has(practice.id)));
  });
  const controls = catalog.controls.map(({ id }) => codeOf(ownPart('none', part.controls.get(id), false)));
  return {
    states: { codes: Uint16Array.from([...practices, ...controls]), blind: blindCount(evidence, asOf, limits) },
    until: Number.isFinite(until) ? new Date(until) : null,
  };
}

const ownPart = (scanner: ScannerState, said: OwnPart | undefined, covered: boolean): CodedPart => ({
  scanner,
  needs: said?.needs.map(({ state }) => state) ?? [],
  fails: said !== undefined && said.failures.length > 0,
  covered,
  isNone: said?.isNone ?? false,
});

/** A system of which nothing is known. */
export const unknownStates = ({ practices, controls }: Catalog): SystemStates => ({
  codes: new Uint16Array(practices.length + controls.length),
  blind: null,
});
