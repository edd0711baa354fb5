import { setTimeout as wait } from 'node:timers/promises';

/** Time as the agent knows it: what waits, waits here. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects when the signal ends it. */
  pause(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** 0 up to 1. */
  random(): number;
}

export const realClock: Clock = {
  now: () => Date.now(),
  pause: (milliseconds, signal) => wait(milliseconds, undefined, signal === undefined ? {} : { signal }),
  random: () => Math.random(),
};

/**
 * How long to wait before the next try: doubling, with jitter over the upper half, for a fleet that lost the same server does not
 * come back at the same instant. What the other side asked for (`Retry-After`) is the least; it is spread too, upwards.
 */
export function backoff(
  clock: Clock,
  tries: number,
  { first, longest, after = 0 }: { first: number; longest: number; after?: number | undefined },
): number {
  const ceiling = Math.min(longest, first * 2 ** Math.min(tries, 30));
  const own = ceiling / 2 + (clock.random() * ceiling) / 2;
  return after > own ? after + (clock.random() * ceiling) / 2 : own;
}
