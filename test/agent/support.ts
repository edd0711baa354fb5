import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/agent/clock.js';
import type { Written } from '../../src/agent/document.js';

/** A clock whose pauses are over at once: it goes on by them, and remembers them. */
export interface QuickClock extends Clock {
  pauses: number[];
  /** Sets it, by so many milliseconds. */
  set(by: number): void;
}

export function quickClock(start = Date.now()): QuickClock {
  let now = start;
  const pauses: number[] = [];
  return {
    pauses,
    now: () => now,
    set: (by) => {
      now += by;
    },
    random: () => 0.5,
    async pause(milliseconds, signal) {
      signal?.throwIfAborted();
      pauses.push(milliseconds);
      now += milliseconds;
      // Who waits lets others go first.
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    },
  };
}

export async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'safeguard-agent-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** What a document says, frame by frame. */
export async function textOf({ file, frames }: Pick<Written, 'file' | 'frames'>): Promise<string> {
  const bytes = await readFile(file);
  return frames
    .map((end, at) => zstdDecompressSync(bytes.subarray(frames[at - 1] ?? 0, end)).toString('utf8'))
    .join('');
}
