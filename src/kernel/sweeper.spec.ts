import { pino } from 'pino';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Swept, Sweeper } from './sweeper.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const prepare = (remove: (ending: AbortSignal) => Promise<Swept>) => {
  const told: string[] = [];
  const logger = pino({ base: null }, { write: (line: string) => void told.push(line) });
  return { sweeper: new Sweeper(logger, { every: 1_000, what: 'old leaves', remove }), told };
};

const swept = async (...each: readonly (() => Promise<boolean>)[]): Promise<Swept> => {
  const done = new Swept();
  for (const remove of each) await done.one(remove);
  return done;
};
const there = (): Promise<boolean> => Promise.resolve(true);
const gone = (): Promise<boolean> => Promise.resolve(false);
const stuck = (code: string) => (): Promise<boolean> =>
  Promise.reject(Object.assign(new Error('a path that nobody is told'), { code }));

it('does it sweep after a start and then and again, whatever fails, and no more when it is ended?', async () => {
  const turns = [
    () => swept(),
    () => Promise.reject(new RangeError('a path that nobody is told')),
    () => swept(stuck('EACCES'), there, stuck('EIO'), gone, stuck('EACCES'), there),
  ];
  const remove = vi.fn(() => turns.shift()?.() ?? swept());
  const { sweeper, told } = prepare(remove);
  sweeper.onApplicationBootstrap();
  await vi.advanceTimersByTimeAsync(2_500);
  await sweeper.beforeApplicationShutdown();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(remove).toHaveBeenCalledTimes(3);
  expect(told.map((line) => JSON.parse(line) as object)).toMatchObject([
    { reason: 'RangeError', msg: 'removing old leaves failed' },
    { removed: 2, msg: 'removed old leaves' },
    { stay: { EACCES: 2, EIO: 1 }, msg: 'removing old leaves failed' },
  ]);
  expect(told.join()).not.toContain('nobody is told');
});

it('does one time wait for the one before, and a shutdown for what is being removed?', async () => {
  const turn = Promise.withResolvers<Swept>();
  const remove = vi.fn((_: AbortSignal) => turn.promise);
  const { sweeper } = prepare(remove);
  sweeper.onApplicationBootstrap();
  await vi.advanceTimersByTimeAsync(5_500);
  expect(remove).toHaveBeenCalledTimes(1);
  const [[ending] = []] = remove.mock.calls;
  expect(ending?.aborted).toBe(false);
  let isOver = false;
  const over = sweeper.beforeApplicationShutdown().then(() => (isOver = true));
  expect(ending?.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(100);
  expect(isOver).toBe(false);
  turn.resolve(new Swept());
  await over;
});
