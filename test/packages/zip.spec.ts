import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { zip } from '../../src/packages/zip.js';
import { readZip } from './read-zip.js';

const DAY = new Date('2026-11-23T23:30:00Z');

/** Endless content, which counts what was asked of it and tells when it is closed. */
function endless() {
  const { promise: closed, resolve } = Promise.withResolvers<undefined>();
  const state = { given: 0, closed };
  const content = (async function* () {
    try {
      for (;;) {
        state.given += 1;
        yield await Promise.resolve(randomBytes(65_536));
      }
    } finally {
      resolve(undefined);
    }
  })();
  return { state, content };
}

describe('zip', () => {
  it('gives back what went in, in its order, with one date?', async () => {
    const random = randomBytes(300_000);
    const files = [
      { path: 'b/one.bin', content: [random.subarray(0, 7), random.subarray(7)] },
      { path: 'a/empty', content: [] },
      { path: 'a/text', content: [Buffer.from('text')] },
    ];
    const entries = await readZip(await buffer(zip(files, DAY)));
    expect(entries.map(({ path }) => path)).toEqual(['b/one.bin', 'a/empty', 'a/text']);
    expect(entries[0]?.bytes.equals(random)).toBe(true);
    expect(entries[1]?.bytes).toHaveLength(0);
    for (const { modified } of entries) expect(modified).toBe('2026-11-23T12:00:00.000Z');
  });

  it('gives the same bytes for the same files, however they come in pieces?', async () => {
    const bytes = Buffer.from('a report '.repeat(50_000));
    const whole = await buffer(zip([{ path: 'a', content: [bytes] }], DAY));
    const pieces = Array.from({ length: 45 }, (_, index) => bytes.subarray(index * 10_000, (index + 1) * 10_000));
    expect((await buffer(zip([{ path: 'a', content: pieces }], DAY))).equals(whole)).toBe(true);
  });

  it('ends in an error when a file fails, and opens none after it?', async () => {
    let opened = false;
    const failing = (async function* () {
      yield await Promise.resolve(Buffer.from('half'));
      throw new Error('the file failed');
    })();
    const after = (function* () {
      opened = true;
      yield Buffer.from('x');
    })();
    const archive = zip(
      [
        { path: 'a', content: failing },
        { path: 'b', content: after },
      ],
      DAY,
    );
    await expect(buffer(archive)).rejects.toThrow('the file failed');
    for (let passed = 0; passed < 20; passed += 1) await turn();
    expect(opened).toBe(false);
  });

  it('stops reading and closes the open file when nobody wants the rest?', async () => {
    const { state, content } = endless();
    for await (const _ of zip([{ path: 'a', content }], DAY)) break;
    await state.closed;
    const before = state.given;
    for (let passed = 0; passed < 20; passed += 1) await turn();
    expect(state.given).toBe(before);
  });

  it('reads no faster than it is read?', async () => {
    const { state, content } = endless();
    const reader = zip([{ path: 'a', content, atMost: 1e9 }], DAY)[Symbol.asyncIterator]();
    await reader.next();
    for (let passed = 0; passed < 200; passed += 1) await turn();
    // The streams between hold some hundred kB.
    expect(state.given).toBeLessThan(40);
    await reader.return?.();
    await state.closed;
  });

  it('keeps nothing of the bytes of files that are written?', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const bytes = randomBytes(40_000);
    const files = Array.from({ length: 1_500 }, (_, index) => ({ path: `files/${index}`, content: [bytes] }));
    let [most, read] = [0, 0];
    collect();
    // What other specifications have left in this process is none of it.
    const { arrayBuffers: others } = process.memoryUsage();
    for await (const chunk of zip(files, DAY) as AsyncIterable<Buffer>) {
      const before = read;
      read += chunk.length;
      if (Math.floor(read / 10_000_000) === Math.floor(before / 10_000_000)) continue;
      collect();
      await turn();
      collect();
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    }
    expect(read).toBeGreaterThan(60_000_000);
    expect(most - others).toBeLessThan(10_000_000);
  });
});
