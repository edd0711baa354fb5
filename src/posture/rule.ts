import type { Control, Practice } from '../catalog/catalog.types.js';
import type { Status } from './status.js';

/*
 * The rule by which statuses follow from what is known; docs/posture.md says the same in words. Everything is judged by place: a system has what its scanners and
 * its own records say, the organisation what its records say of all systems. A system's answer is both together (`combined`).
 */

/** What scanners say of a practice. `full`: one tool speaks fully and freshly of it; `excepted`: whatever fails was accepted. */
export const SCANNER_STATES = ['none', 'stale', 'partial', 'full', 'failing', 'excepted'] as const;
export type ScannerState = (typeof SCANNER_STATES)[number];

/** What is said of one record type that a practice or an item asks for. */
export const NEED_STATES = ['missing', 'stale', 'met', 'failing'] as const;
export type NeedState = (typeof NEED_STATES)[number];

/** What a place says of one practice. */
export interface Part {
  readonly scanner: ScannerState;
  /** In the order in which the practice asks for them. */
  readonly needs: readonly NeedState[];
  /** Something beside its needs contradicts it. */
  readonly fails: boolean;
  /** An exception in effect accepts that the practice fails. */
  readonly covered: boolean;
}

/**
 * Of a need in two places: a failure of either stays, and else the better speaks, for a record of the organisation holds for every system. Where each of many wants
 * a record of its own (`isEach`), each place's many do: what is stale in one is not made good by the other.
 */
export function combinedNeed(own: NeedState, whole: NeedState, isEach: boolean): NeedState {
  const order: readonly NeedState[] = isEach
    ? ['missing', 'met', 'stale', 'failing']
    : ['missing', 'stale', 'met', 'failing'];
  return order.indexOf(own) >= order.indexOf(whole) ? own : whole;
}

/**
 * Of a need that nobody speaks to in either place, whose records are counted in those of another need (incidents in a register): that there was none is a statement
 * of a person about a period, which has to be there, and fresh, and to say so (`isNone`). Silence is none, and so is a register of twelve of which none is kept.
 */
export const countedNeed = (need: NeedState, count: NeedState, isNone: boolean): NeedState =>
  need === 'missing' && isNone && count !== 'failing' ? count : need;

/** Everything that makes a practice whole but for what fails: a machine has seen all that a machine can see, and whatever records it asks for are good. */
const isWhole = (
  automation: Practice['automation'],
  { scanner, needs }: Part,
  seen: readonly ScannerState[],
  good: readonly NeedState[],
): boolean =>
  (automation === 'records' || seen.includes(scanner)) &&
  // Of what a machine does not see, or not all, somebody has to say something.
  (automation === 'full' || needs.length > 0) &&
  needs.every((need) => good.includes(need));

/** Worst first; each step needs what the one before has ruled out. */
export function practiceStatus(automation: Practice['automation'], part: Part): Status {
  const { scanner, needs, fails, covered } = part;
  const isFailing = scanner === 'failing' || fails || needs.includes('failing');
  if (isFailing && !covered) return 'failing';
  if (isFailing || scanner === 'excepted') {
    // An exception accepts what fails. What nobody has shown it does not accept.
    return isWhole(automation, part, ['full', 'failing', 'excepted'], ['met', 'failing']) ? 'excepted' : 'partial';
  }
  if (isWhole(automation, part, ['full'], ['met'])) return 'evidenced';
  const speaks = needs.includes('met') || (automation !== 'records' && (scanner === 'partial' || scanner === 'full'));
  if (speaks) return 'partial';
  return needs.includes('stale') || (automation !== 'records' && scanner === 'stale') ? 'stale' : 'missing';
}

/** What is known of one item of the law. */
export interface ItemPart {
  /** Of its primary practices. */
  readonly primary: readonly Status[];
  readonly needs: readonly NeedState[];
  readonly fails: boolean;
}

/** An item that is judged by itself (`needs: document`). Scanners alone never evidence one: each has a need of its own. */
export function itemStatus({ primary, needs, fails }: ItemPart): Status {
  if (fails || needs.includes('failing') || primary.includes('failing')) return 'failing';
  if (primary.length + needs.length === 0) return 'missing';
  const areMet = needs.every((need) => need === 'met');
  if (areMet && primary.every((status) => status === 'evidenced')) return 'evidenced';
  if (areMet && primary.every((status) => status === 'evidenced' || status === 'excepted')) return 'excepted';
  const speaks = needs.includes('met') || primary.some((status) => FRESH.includes(status));
  if (speaks) return 'partial';
  return needs.includes('stale') || primary.includes('stale') ? 'stale' : 'missing';
}

const FRESH: readonly Status[] = ['evidenced', 'excepted', 'partial'];

/**
 * An addressable specification may be met otherwise, or need not be met, by a written decision (164.306(d)(3)). It takes the place of what is not evidenced, and of
 * nothing else: a required item has no such way.
 */
export const lifted = (status: Status, required: Control['required'], isDecided: boolean): Status =>
  isDecided && required === 'addressable' && status !== 'evidenced' && status !== 'not_applicable'
    ? 'excepted'
    : status;
