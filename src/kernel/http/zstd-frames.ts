import { Refusal } from './problem.js';

const FRAME = 0xfd2fb528;
/** 0x184D2A50 to 0x184D2A5F. */
const SKIPPABLE_FRAME = 0x184d2a50;
const RLE_BLOCK = 1;
/** Parallel compressors write a frame per 4 MiB and more; each frame costs a round through the thread pool, so that empty ones must not be free. */
const MAX_FRAMES = 1_024;

/** Bytes that the walk needs next: to read (at most 4), or to step over. */
interface Step {
  bytes: number;
  read: boolean;
}

/**
 * Cuts a zstd stream so that each of its frames (RFC 8878 section 3.1) ends with a chunk. Node's decompressor reads several frames only when they are
 * handed to it so; within a chunk it stops at the end of the first and drops the rest. What follows a frame must be a frame.
 */
export async function* alignZstdFrames(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  const field = Buffer.alloc(4);
  let frames = 0;
  let walk: Generator<Step, void, Buffer> | null = null;
  let step: Step = { bytes: 0, read: false };
  let done = 0;
  for await (const chunk of source) {
    let sent = 0;
    let at = 0;
    while (at < chunk.length) {
      if (walk === null) {
        frames += 1;
        if (frames > MAX_FRAMES) throw new Refusal('malformed-encoding', `More than ${MAX_FRAMES} zstd frames.`);
        walk = walkFrame();
        step = walk.next(field).value as Step;
        done = 0;
      }
      const taken = Math.min(step.bytes - done, chunk.length - at);
      if (step.read) chunk.copy(field, done, at, at + taken);
      done += taken;
      at += taken;
      if (done < step.bytes) continue;
      done = 0;
      const next = walk.next(field);
      if (next.done !== true) {
        step = next.value;
        continue;
      }
      walk = null;
      yield chunk.subarray(sent, at);
      sent = at;
    }
    if (at > sent) yield chunk.subarray(sent);
  }
}

function* walkFrame(): Generator<Step, void, Buffer> {
  const magic = (yield { bytes: 4, read: true }).readUInt32LE();
  if ((magic & ~0xf) >>> 0 === SKIPPABLE_FRAME) {
    const size = (yield { bytes: 4, read: true }).readUInt32LE();
    if (size > 0) yield { bytes: size, read: false };
    return;
  }
  if (magic !== FRAME) throw new Refusal('malformed-encoding', 'The content is not zstd frames from end to end.');
  const descriptor = (yield { bytes: 1, read: true }).readUInt8();
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  const dictionaryId = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const header = contentSize + dictionaryId + (singleSegment ? 0 : 1);
  if (header > 0) yield { bytes: header, read: false };
  for (let last = false; !last;) {
    const block = (yield { bytes: 3, read: true }).readUIntLE(0, 3);
    last = (block & 1) === 1;
    const size = ((block >> 1) & 3) === RLE_BLOCK ? 1 : block >> 3;
    if (size > 0) yield { bytes: size, read: false };
  }
  if ((descriptor & 4) !== 0) yield { bytes: 4, read: false };
}
