import { setTimeout as wait } from 'node:timers/promises';
import { exitCode, Failure, Transient } from './failure.js';
import { say } from './terminal.js';
import { span } from './text.js';

/** First pause and longest pause of our own: doubling from a quarter of a second, so that five minutes are some 15 tries. */
const firstPause = 250;
const longestPause = 30_000;

/**
 * Tries until it succeeds, fails for good, or `retryFor` milliseconds have gone by without anything moving.
 * Pauses double, with jitter over their upper half (a hundred agents that lost the same server do not come back at the
 * same instant); a `Retry-After` of the server is honoured as the least pause.
 * `attempt` calls `moved` when it got further than before (a download that received bytes): the time starts anew.
 */
export async function persist<T>(retryFor: number, attempt: (moved: () => void) => Promise<T>): Promise<T> {
  let since = Date.now();
  let tries = 0;
  const moved = (): void => {
    since = Date.now();
    tries = 0;
  };
  for (;;) {
    try {
      return await attempt(moved);
    } catch (error) {
      if (!(error instanceof Transient)) throw error;
      const ceiling = Math.min(longestPause, firstPause * 2 ** tries);
      const pause = Math.max(error.after ?? 0, ceiling / 2 + (Math.random() * ceiling) / 2);
      tries += 1;
      const next = error.next ?? 'check --server and the network between, or let it try for longer with --retry-for';
      // Who tries by itself wants to know what the server asked for.
      if (retryFor === 0) throw new Transient(error.message, error.after, next, error.ofUpload);
      if (Date.now() + pause > since + retryFor) {
        const given = tries > 1 ? `, ${tries} times` : '';
        throw new Failure(exitCode.unreachable, `${error.message}${given}`, next);
      }
      say(`${error.message}; trying again in ${span(pause)}`);
      await wait(pause);
    }
  }
}

/** Pauses of polling: 0.5 s at first, then half as long as it has lasted, at most 5 s. */
export async function pollPause(startedAt: number): Promise<void> {
  await wait(Math.min(5_000, Math.max(500, (Date.now() - startedAt) / 2)));
}
