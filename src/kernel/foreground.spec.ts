import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Foreground } from './foreground.js';

let foreground: Foreground;

/** Work that somebody waits for, until it is told to end. */
function waitedFor() {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { running: foreground.run(() => ended), end };
}

/** Work that took so many milliseconds, and then once more. */
function work(milliseconds: number) {
  return () => new Promise<string>((resolve) => setTimeout(() => resolve('done'), milliseconds));
}

beforeEach(() => {
  vi.useFakeTimers();
  foreground = new Foreground();
});
afterEach(() => vi.useRealTimers());

/** Milliseconds until work of no time began to run. */
async function rested(): Promise<number> {
  const from = performance.now();
  let began = NaN;
  const done = foreground.giveWay(() => {
    began = performance.now();
    return Promise.resolve();
  });
  await vi.runAllTimersAsync();
  await done;
  return began - from;
}

async function took(milliseconds: number): Promise<void> {
  const done = foreground.giveWay(work(milliseconds));
  await vi.runAllTimersAsync();
  expect(await done).toBe('done');
}

describe('work that nobody waits for', () => {
  it('does it begin at once where nobody waits for anything else?', async () => {
    await took(100);
    expect(await rested()).toBe(0);
  });

  it('does it rest beside others, for nine times as long as the last took, and five seconds at most?', async () => {
    await took(100);
    const other = waitedFor();
    expect(await rested()).toBe(900);
    await took(60_000);
    expect(await rested()).toBe(5_000);
    other.end();
    await other.running;
  });

  it('does it go on as soon as the last of the others has ended, also by a failure?', async () => {
    await took(100);
    const first = waitedFor();
    const failing = foreground.run(() => Promise.reject(new Error('broke')));
    let began = false;
    const done = foreground.giveWay(() => {
      began = true;
      return Promise.resolve();
    });
    await expect(failing).rejects.toThrow('broke');
    await vi.advanceTimersByTimeAsync(100);
    expect(began).toBe(false);
    first.end();
    await first.running;
    await done;
    expect(began).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does it rest no more once the server ends?', async () => {
    await took(100);
    const other = waitedFor();
    const resting = foreground.giveWay(() => Promise.resolve('done'));
    foreground.onModuleDestroy();
    expect(await resting).toBe('done');
    expect(vi.getTimerCount()).toBe(0);
    expect(await rested()).toBe(0);
    other.end();
    await other.running;
  });

  it('is how long it took known of what failed too?', async () => {
    const failing = foreground.giveWay(
      () => new Promise((_, reject) => setTimeout(() => reject(new Error('broke')), 200)),
    );
    const met = expect(failing).rejects.toThrow('broke');
    await vi.runAllTimersAsync();
    await met;
    const other = waitedFor();
    expect(await rested()).toBe(1_800);
    other.end();
    await other.running;
  });
});
