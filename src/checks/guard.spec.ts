import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { growthByClock } from '../../test/support/growth.js';
import { withinTime } from './guard.js';

describe('is work stopped when its time is over?', () => {
  it('what ends in time has ended', () => {
    let done = false;
    expect(
      withinTime(1_000, () => {
        done = true;
      }),
    ).toBe(true);
    expect(done).toBe(true);
  });

  it.each<[string, () => void]>([
    [
      'a loop without end',
      () => {
        for (;;);
      },
    ],
    [
      'one that catches whatever is thrown',
      () => {
        for (;;)
          try {
            for (;;);
          } catch {
            continue;
          }
      },
    ],
    ['a regular expression', () => /^(a+)+$/.test(`${'a'.repeat(50)}!`)],
  ])('%s', async (_, run) => {
    const stopped = await growthByClock((limit) => expect(withinTime(limit, run)).toBe(false), 10, 10);
    expect(stopped).toBeGreaterThan(2);
    expect(stopped).toBeLessThan(50);
    // And the next one runs.
    expect(withinTime(1_000, () => undefined)).toBe(true);
  });

  it('what is thrown comes through', () => {
    expect(() =>
      withinTime(1_000, () => {
        throw new RangeError('mine');
      }),
    ).toThrow(new RangeError('mine'));
  });

  it('in a thread of its own too, where snapshots are judged', async () => {
    const guard = new URL('./guard.js', import.meta.url).href;
    const code = `import { parentPort } from 'node:worker_threads'; import { withinTime } from '${guard}'; parentPort.postMessage(withinTime(50, () => { for (;;); }));`;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    expect(await once(worker, 'message')).toEqual([false]);
    await worker.terminate();
  });
});
