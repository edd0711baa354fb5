import { describe, expect, it } from 'vitest';
import { Refusal } from '../../src/kernel/http/problem.js';
import { periodFromOf } from '../../src/packages/period.js';

const asOf = new Date('2026-11-16T08:30:00Z');

describe('the period of a package', () => {
  it.each([
    ['2026-11-16T08:30:00Z', '2025-11-16T08:30:00.000Z'],
    ['2028-02-29T12:00:00Z', '2027-02-28T12:00:00.000Z'],
    ['2029-02-28T00:00:00Z', '2028-02-28T00:00:00.000Z'],
    ['2026-01-01T00:00:00Z', '2025-01-01T00:00:00.000Z'],
  ])('does it begin, of %s, a year before where nobody says when?', (end, begin) => {
    expect(periodFromOf(undefined, new Date(end)).toISOString()).toBe(begin);
  });

  it('does it begin when the caller says, at the latest with its end?', () => {
    expect(periodFromOf('2020-11-16T00:00:00+02:00', asOf).toISOString()).toBe('2020-11-15T22:00:00.000Z');
    expect(periodFromOf(asOf.toISOString(), asOf)).toEqual(asOf);
    expect(() => periodFromOf('2026-11-16T08:30:00.001Z', asOf)).toThrow(Refusal);
  });
});
