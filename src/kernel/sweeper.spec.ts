import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Sweeper } from './sweeper.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('does it sweep after a start and then and again, whatever fails, and no more when it is ended?', async () => {
  const told: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => void told.push(line) });
  const outcomes = [0, new RangeError('a path that nobody is told'), 3];
  const remove = vi.fn(() => {
    const outcome = outcomes.shift() ?? 0;
    return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
  });
  const sweeper = new Sweeper(logger, { every: 1_000, what: 'old leaves', remove });
  sweeper.onApplicationBootstrap();
  await vi.advanceTimersByTimeAsync(2_500);
  sweeper.onApplicationShutdown();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(remove).toHaveBeenCalledTimes(3);
  expect(told.map((line) => JSON.parse(line) as object)).toMatchObject([
    { kind: 'RangeError', msg: 'removing old leaves failed' },
    { removed: 3, msg: 'removed old leaves' },
  ]);
  expect(told.join()).not.toContain('nobody is told');
});
