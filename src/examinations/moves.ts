/*
 * The life of a request for evidence, as auditors work their lists: what is open is answered, and what is answered is accepted or sent back; until it is accepted the
 * auditor may withdraw it. Pure.
 */

export const REQUEST_STATES = ['open', 'answered', 'returned', 'accepted', 'withdrawn'] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

export const MOVES = ['open', 'answer', 'accept', 'return', 'withdraw', 'comment'] as const;
export type Move = (typeof MOVES)[number];

interface MoveRule {
  from: readonly RequestState[];
  /** Null: it stays where it is. */
  to: RequestState | null;
}

const RULES: Readonly<Record<Exclude<Move, 'open'>, MoveRule>> = {
  answer: { from: ['open', 'answered', 'returned'], to: 'answered' },
  accept: { from: ['answered'], to: 'accepted' },
  return: { from: ['answered'], to: 'returned' },
  withdraw: { from: ['open', 'answered', 'returned'], to: 'withdrawn' },
  comment: { from: REQUEST_STATES, to: null },
};

/** Where a move leads from a state; null where it cannot be made from there. */
export function moved(state: RequestState, move: Exclude<Move, 'open'>): RequestState | null {
  const { from, to } = RULES[move];
  return from.includes(state) ? (to ?? state) : null;
}

/** Whether somebody still waits for it: then it is overdue once its date has passed. */
export const isWaiting = (state: RequestState): boolean => state === 'open' || state === 'returned';
