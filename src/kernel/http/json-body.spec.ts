import { PassThrough } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readJson } from './json-body.js';

const requestOf = () => Object.assign(new PassThrough(), { headers: { 'content-type': 'application/json' } });

describe('a JSON body', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => vi.useRealTimers());

  it('is it read in however many parts it comes?', async () => {
    const request = requestOf();
    const read = readJson(request, 'POST');
    for (const part of ['{"na', 'me": ', '"a"}']) {
      request.write(part);
      await turn();
    }
    request.end();
    expect((await read).value).toEqual({ name: 'a' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is one that comes drop by drop refused in half a minute, and its connection left to the answer?', async () => {
    const request = requestOf();
    const read = readJson(request, 'POST').catch((error: unknown) => error);
    for (let second = 0; second < 30; second += 5) {
      request.write(' ');
      await turn();
      await vi.advanceTimersByTimeAsync(5_000);
    }
    expect(await read).toMatchObject({ code: 'truncated-body' });
    expect(request.destroyed).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is one that is too large refused before it has come whole, and its connection left to the answer?', async () => {
    const request = requestOf();
    const read = readJson(request, 'POST').catch((error: unknown) => error);
    request.write(Buffer.alloc(1024 * 1024 + 1, ' '));
    expect(await read).toMatchObject({ code: 'too-large' });
    expect(request.destroyed).toBe(false);
  });

  it('does one whose sender goes away end by its error alone?', async () => {
    const request = requestOf();
    const read = readJson(request, 'POST').catch((error: unknown) => error);
    await turn();
    request.destroy(new Error('aborted'));
    expect(await read).toMatchObject({ message: 'aborted' });
    expect(vi.getTimerCount()).toBe(0);
  });
});
