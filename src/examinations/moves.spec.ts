import { describe, expect, it } from 'vitest';
import { isWaiting, moved, MOVES, REQUEST_STATES } from './moves.js';

describe('where does a request for evidence go?', () => {
  it.each([
    ['open', 'answer', 'answered'],
    ['answered', 'accept', 'accepted'],
    ['answered', 'return', 'returned'],
    ['returned', 'answer', 'answered'],
    // Something was forgotten: it is answered again before anybody has looked.
    ['answered', 'answer', 'answered'],
    ['open', 'withdraw', 'withdrawn'],
    ['returned', 'withdraw', 'withdrawn'],
  ] as const)('from %s by %s to %s?', (state, move, to) => {
    expect(moved(state, move)).toBe(to);
  });

  it.each([
    ['open', 'accept'],
    ['open', 'return'],
    ['returned', 'accept'],
  ] as const)('is what nobody has answered neither accepted nor sent back: from %s by %s?', (state, move) => {
    expect(moved(state, move)).toBeNull();
  });

  it('is what is accepted or withdrawn at its end, and still spoken of?', () => {
    for (const state of ['accepted', 'withdrawn'] as const) {
      for (const move of MOVES) {
        if (move === 'open') continue;
        expect(moved(state, move), move).toBe(move === 'comment' ? state : null);
      }
    }
  });

  it('does somebody wait for what is open or sent back, and for nothing else?', () => {
    expect(REQUEST_STATES.filter(isWaiting)).toEqual(['open', 'returned']);
  });
});
