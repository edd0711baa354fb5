import { describe, expect, it } from 'vitest';
import { failedAgain, FINE, isDelivered, isGone, pauseAfter } from './retries.js';

const HOUR = 3_600_000;

describe('when is what was not delivered tried again?', () => {
  it('does it follow the recommended schedule, and end after ten tries?', () => {
    const pauses = Array.from({ length: 10 }, (_, at) => pauseAfter(at + 1, 0));
    expect(pauses.slice(0, 3)).toEqual([5_000, 300_000, 1_800_000]);
    expect(pauses.slice(3)).toEqual([2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR).concat([null as never]));
  });

  it('does chance add a tenth at most?', () => {
    expect(pauseAfter(2, 0.999)).toBeGreaterThan(300_000);
    expect(pauseAfter(2, 0.999)).toBeLessThan(330_000);
  });
});

describe('when is nobody there any more?', () => {
  const began = new Date('2026-11-26T09:00:00Z');
  const after = (failures: number) =>
    Array.from({ length: failures }).reduce<typeof FINE>((one) => failedAgain(one, began), FINE);

  it('is a receiver given up that failed a hundred times in a minute?', () => {
    expect(isGone(after(100), new Date(began.getTime() + 60_000))).toBe(false);
  });

  it('is one given up that failed few times in a week?', () => {
    expect(isGone(after(19), new Date(began.getTime() + 7 * 24 * HOUR))).toBe(false);
  });

  it('is one given up that has failed twenty times for a day?', () => {
    expect(isGone(after(20), new Date(began.getTime() + 24 * HOUR - 1))).toBe(false);
    expect(isGone(after(20), new Date(began.getTime() + 24 * HOUR))).toBe(true);
  });

  it('is anything but 2xx a delivery?', () => {
    expect([200, 202, 204, 299].every(isDelivered)).toBe(true);
    expect([100, 199, 301, 302, 307, 400, 404, 410, 429, 500, 503].some(isDelivered)).toBe(false);
  });
});
