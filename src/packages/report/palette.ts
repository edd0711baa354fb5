import type { Tone } from './model.js';

/** Strokes or dots over a colour: who cannot tell the colours apart, or prints them grey, goes by these. In pixels; `turn` in radians. */
export interface Pattern {
  color: string;
  /** Drawn and left out, along and across. */
  along: readonly [number, number];
  across: readonly [number, number];
  turn: number;
}

const LIGHT = 'rgba(255,255,255,0.6)';
const DARK = 'rgba(0,0,0,0.28)';

const strokes = (color: string, wide: number, apart: number, turn: number): Pattern => ({
  color,
  along: [1, 0],
  across: [wide, apart],
  turn,
});

/** Colours after Okabe and Ito («Color Universal Design», 2008), which people with every kind of colour vision tell apart; of levels of risk, from pale to strong. */
export const PALETTE: Readonly<Record<Tone, { color: string; pattern: Pattern | null }>> = {
  failing: { color: '#c0341d', pattern: strokes(LIGHT, 2, 4, Math.PI / 4) },
  missing: { color: '#8a5a9e', pattern: { color: LIGHT, along: [2, 4], across: [2, 4], turn: 0 } },
  stale: { color: '#e69f00', pattern: strokes(DARK, 1, 5, 0) },
  partial: { color: '#f0e442', pattern: strokes(DARK, 1, 6, -Math.PI / 4) },
  excepted: { color: '#56b4e9', pattern: strokes(DARK, 1, 5, Math.PI / 2) },
  evidenced: { color: '#009e73', pattern: null },
  not_applicable: { color: '#d0d7de', pattern: { color: DARK, along: [1, 6], across: [1, 6], turn: Math.PI / 4 } },
  low: { color: '#d9f0e6', pattern: null },
  moderate: { color: '#fbf3b0', pattern: null },
  high: { color: '#f5c27a', pattern: null },
  critical: { color: '#e58e7e', pattern: null },
};

export const INK = '#1b1f24';
export const FAINT = '#57606a';
export const RULE = '#d0d7de';
export const ALARM = { edge: '#c0341d', ground: '#fdf1ee' };
