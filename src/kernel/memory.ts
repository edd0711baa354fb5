import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/*
 * The bytes of reports pass through buffers outside of V8's heap, which are freed only when the small objects that stand for them are collected. V8 counts them in its
 * own way: by default 64 MB of them begin a mark and compact of all of the heap, however little of it is garbage (a fifth of the server's time while it takes reports);
 * counted as part of the heap's limit, they are left to lie until JavaScript has filled its young generation, hundreds of megabytes later. So they are counted the
 * second way, and whoever lets many of them pass says so, and has them collected: a millisecond for every 16 MiB. That limit then has to have room for so many: V8 sets
 * it so little above what it last found alive that it began anew while each 16 MiB passed; with half as much above, it does not. What was measured is in
 * docs/performance.md.
 *
 * Of code that makes objects for one question V8 learns, wrongly, that they live long (they were there when the young generation was collected once), and makes the next ones
 * among the old at once: garbage that only a mark and compact finds, three times as many of them. So it is not to learn that. And such a collection marks in small steps between what
 * else is done, and not in a thread beside it: on two cores that thread takes the one that Postgres is on, and whoever asks waits for both.
 */
setFlagsFromString('--external-memory-accounted-in-global-limit');
setFlagsFromString('--heap-growing-percent=50');
setFlagsFromString('--no-allocation-site-pretenuring');
setFlagsFromString('--no-concurrent-marking');
// It stays so: flags are the process's, and of two threads that load this at once one would take it from the other before it has what it asked for.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (options: {
  type: 'minor' | 'major';
  execution: 'sync';
  flavor?: 'last-resort';
}) => void;

/**
 * What Node has to be told before it starts. By itself V8 let the heap of who serves grow to 211 MB while a hundred requests a second came beside a large report; with
 * young objects bounded so, to 106 MB.
 */
export const SERVING_FLAGS = ['--max-semi-space-size=8'] as const;

/** Bytes of buffers after which they are worth collecting. */
const WORTH = 16 * 1024 * 1024;
let passed = 0;

/** Says that buffers of so many bytes were used and are garbage now, in this thread. */
export function buffersPassed(bytes: number): void {
  passed += bytes;
  if (passed < WORTH) return;
  passed = 0;
  collect({ type: 'minor', execution: 'sync' });
}

/**
 * Gives back the memory of a buffer of its own that nobody will look at again: without waiting until its object is found to be garbage, which is long where it was still in use
 * when the young generation was collected twice.
 */
export function freeBuffer({ buffer }: ArrayBufferView): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/** Gives back what was needed once: the program's start leaves twice as much garbage as it leaves behind. */
export function releaseMemory(): void {
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
