import { describe, expect, it } from 'vitest';
import { keptUntil, latest } from './retention.js';

const at = (text: string) => new Date(`${text}T00:00:00Z`);
const end = (effectiveTo: string | null, expiresAt: string | null) => ({
  effectiveTo: effectiveTo === null ? null : at(effectiveTo),
  expiresAt: expiresAt === null ? null : at(expiresAt),
});

describe('is a version kept six years from its creation or last effect?', () => {
  it.each([
    ['never in effect: from its creation', '2026-01-01', [], '2032-01-01'],
    ['in effect: no end is known', '2026-01-01', [end(null, null)], null],
    ['superseded: from then', '2026-01-01', [end('2027-03-01', null)], '2033-03-01'],
    ['ended before it was written down: from its creation', '2026-01-01', [end('2025-03-01', null)], '2032-01-01'],
    ['an agreement that ends by itself: from its end', '2026-01-01', [end(null, '2028-01-01')], '2034-01-01'],
    ['superseded after its own end: from that', '2026-01-01', [end('2030-01-01', '2028-01-01')], '2034-01-01'],
    ['of several places: the last', '2026-01-01', [end('2027-01-01', null), end('2029-01-01', null)], '2035-01-01'],
    ['in effect in one of them', '2026-01-01', [end('2027-01-01', null), end(null, null)], null],
    ['a leap day', '2024-02-29', [], '2030-03-01'],
  ] as const)('%s', (_, createdAt, ends, until) => {
    expect(keptUntil({ createdAt: at(createdAt), ends })).toEqual(until === null ? null : at(until));
  });

  it('what several keep is kept as long as the last of them', () => {
    expect(latest([at('2030-01-01'), at('2032-01-01'), at('2031-01-01')])).toEqual(at('2032-01-01'));
    expect(latest([at('2030-01-01'), null])).toBeNull();
    expect(latest([null, at('2030-01-01')])).toBeNull();
    expect(latest([])).toBeNull();
  });
});
