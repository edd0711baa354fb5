import type { Permission } from '../kernel/principal.js';

/** What a version says: that the record is so from an instant on, or that it has ended. */
export type VersionKind = 'content' | 'end';

/** As it is kept. That an approved version was superseded follows from a later one's approval, and is not kept. */
export const VERSION_STATES = ['draft', 'submitted', 'approved', 'withdrawn'] as const;
export type VersionState = (typeof VERSION_STATES)[number];

export interface MoveRule {
  /** Of the open version, or, for a move that begins one, `none`: there must be none. */
  from: readonly ('none' | 'draft' | 'submitted')[];
  to: VersionState;
  /** Begins a version after an approved one. */
  afterApproved: boolean;
  permission: Permission;
  /** Who wrote or submitted the version may not: in whatever role, by whatever token. */
  notOwnHands: boolean;
  /** Whoever does it is one of those who made the version. */
  addsHand: boolean;
  /** Says why. */
  reason: boolean;
  effect: string;
}

/** The life of a record: all that may happen to its versions. docs/records.md is made of it; the trigger `life` of record_version holds the states. */
export const MOVES = {
  create: {
    from: ['none'],
    to: 'draft',
    afterApproved: false,
    permission: 'records:write',
    notOwnHands: false,
    addsHand: true,
    reason: false,
    effect: 'Version 1.',
  },
  revise: {
    from: ['none'],
    to: 'draft',
    afterApproved: true,
    permission: 'records:write',
    notOwnHands: false,
    addsHand: true,
    reason: false,
    effect: 'A next version, a copy of the last approved one with its links and documents.',
  },
  end: {
    from: ['none'],
    to: 'draft',
    afterApproved: true,
    permission: 'records:write',
    notOwnHands: false,
    addsHand: true,
    reason: true,
    effect: 'A next version that says from when on the record is no more.',
  },
  edit: {
    from: ['draft'],
    to: 'draft',
    afterApproved: false,
    permission: 'records:write',
    notOwnHands: false,
    addsHand: true,
    reason: false,
    effect: 'The content, links or documents of the draft change.',
  },
  submit: {
    from: ['draft'],
    to: 'submitted',
    afterApproved: false,
    permission: 'records:write',
    notOwnHands: false,
    addsHand: true,
    reason: false,
    effect: 'The version is checked against its type, and stays as it is.',
  },
  recall: {
    from: ['submitted'],
    to: 'draft',
    afterApproved: false,
    permission: 'records:write',
    notOwnHands: false,
    addsHand: false,
    reason: false,
    effect: 'Nobody decides on it until it is submitted again.',
  },
  reject: {
    from: ['submitted'],
    to: 'draft',
    afterApproved: false,
    permission: 'records:approve',
    notOwnHands: true,
    addsHand: false,
    reason: true,
    effect: 'Back to who wrote it, with the reason.',
  },
  approve: {
    from: ['submitted'],
    to: 'approved',
    afterApproved: false,
    permission: 'records:approve',
    notOwnHands: true,
    addsHand: false,
    reason: false,
    effect: 'It is in effect from its `effectiveFrom` on, known from the decision on, and is never changed.',
  },
  abandon: {
    from: ['draft', 'submitted'],
    to: 'withdrawn',
    afterApproved: false,
    permission: 'records:write',
    notOwnHands: false,
    addsHand: false,
    reason: true,
    effect: 'The version is never in effect. What was approved before it stays so.',
  },
} as const satisfies Readonly<Record<string, MoveRule>>;
export type Move = keyof typeof MOVES;
export const MOVE_NAMES = Object.keys(MOVES) as Move[];

/** The state of a version as it is shown. */
export type ShownState = VersionState | 'superseded';
export const SHOWN_STATES = [...VERSION_STATES, 'superseded'] as const satisfies readonly ShownState[];

/** `superseded`: a later version was approved; `withdrawn` where that one ends the record. */
export function shownState(
  { version, kind, state }: { version: number; kind: VersionKind; state: VersionState },
  approved: readonly { version: number; kind: VersionKind }[],
): ShownState {
  if (state !== 'approved' || kind === 'end') return state;
  const next = approved.filter((later) => later.version > version).sort((a, b) => a.version - b.version)[0];
  if (next === undefined) return 'approved';
  return next.kind === 'end' ? 'withdrawn' : 'superseded';
}
