import type { SystemStates } from './states.js';

/*
 * What a place says by itself, from each instant on at which that changed, in few bytes: from one such instant to the next some codes of two hundred change. The present, which is
 * asked for most, is there as it is; what was before is made of it by what was otherwise, backwards.
 *
 * Little-endian, whatever the machine:
 *   u32 how many segments
 *   each, by time: f64 when it begins (milliseconds since 1970), i32 `blind` (-1: null), u16 how many codes it has, u16 how many of them are others than in the next
 *   u16 the codes of the last one
 *   of each but the last, the last of them first: u16 which code, u16 what it is
 */

/** What a place says by itself from an instant on. */
export interface Segment {
  readonly starts: Date;
  readonly states: SystemStates;
}

const COUNT_BYTES = 4;
const HEAD_BYTES = 16;

/**
 * Segments of a place that are kept, the newest ones: a year of a place where something changes every four hours. Each writing writes them all, and what of a place is older is
 * evaluated when it is asked for.
 */
export const MAX_SEGMENTS = 2_190;

export function writeTimeline(all: readonly Segment[]): Buffer {
  const segments = all.slice(-MAX_SEGMENTS);
  const last = segments.at(-1)?.states.codes ?? new Uint16Array();
  const changes = segments
    .slice(0, -1)
    .map(({ states }, at) => differing(states.codes, segments[at + 1]?.states.codes));
  const changed = changes.reduce((sum, { length }) => sum + length, 0);
  const bytes = Buffer.alloc(COUNT_BYTES + HEAD_BYTES * segments.length + 2 * last.length + 4 * changed);
  let at = bytes.writeUInt32LE(segments.length);
  segments.forEach(({ starts, states }, index) => {
    at = bytes.writeDoubleLE(starts.getTime(), at);
    at = bytes.writeInt32LE(states.blind ?? -1, at);
    at = bytes.writeUInt16LE(states.codes.length, at);
    at = bytes.writeUInt16LE(changes[index]?.length ?? 0, at);
  });
  for (const code of last) at = bytes.writeUInt16LE(code, at);
  for (const change of changes.toReversed()) {
    for (const [which, code] of change) at = bytes.writeUInt16LE(code, bytes.writeUInt16LE(which, at));
  }
  return bytes;
}

/** Of the codes those that are others in the next, or not there. */
const differing = (codes: Uint16Array, next: Uint16Array | undefined): [number, number][] =>
  [...codes].flatMap((code, at): [number, number][] => (next?.[at] === code ? [] : [[at, code]]));

export class Timeline {
  private readonly count: number;
  /** Where the codes of the last segment begin. */
  private readonly last: number;

  constructor(readonly bytes: Buffer) {
    this.count = bytes.readUInt32LE(0);
    this.last = COUNT_BYTES + HEAD_BYTES * this.count;
  }

  /** What it said at an instant (milliseconds since 1970); null: before anything that is kept of it begins. `room`: where its codes may be put, if there are as many. */
  at(asOf: number, room?: Uint16Array): SystemStates | null {
    let index = this.count - 1;
    while (index >= 0 && this.startsOf(index) > asOf) index -= 1;
    if (index < 0) return null;
    const width = this.widthOf(this.count - 1);
    const codes = this.back(index, room?.length === width ? room : new Uint16Array(width));
    return { codes, blind: this.blindOf(index) };
  }

  /** Those that begin before an instant. */
  before(until: Date): Segment[] {
    const segments: Segment[] = [];
    this.back(0, new Uint16Array(this.widthOf(this.count - 1)), (index, codes) => {
      const starts = this.startsOf(index);
      if (starts >= until.getTime()) return;
      segments.push({ starts: new Date(starts), states: { codes: codes.slice(), blind: this.blindOf(index) } });
    });
    return segments.reverse();
  }

  private startsOf(index: number): number {
    return this.bytes.readDoubleLE(COUNT_BYTES + HEAD_BYTES * index);
  }

  private widthOf(index: number): number {
    return index < 0 ? 0 : this.bytes.readUInt16LE(COUNT_BYTES + HEAD_BYTES * index + 12);
  }

  /** The codes of a segment, made from those of the newest on; `passed`: told of each on the way. They are in the room of the newest, for as long as there are as many of them. */
  private back(to: number, room: Uint16Array, passed?: (index: number, codes: Uint16Array) => void): Uint16Array {
    let codes = room;
    let at = this.last;
    for (let which = 0; which < codes.length; which += 1, at += 2) codes[which] = this.bytes.readUInt16LE(at);
    for (let index = this.count - 1; index >= to; index -= 1) {
      passed?.(index, codes);
      if (index === to) break;
      // Of an overlay there are more items; what the longer one has more is said whole.
      if (this.widthOf(index - 1) !== codes.length) codes = resized(codes, this.widthOf(index - 1));
      for (let left = this.changesOf(index - 1); left > 0; left -= 1, at += 4) {
        codes[this.bytes.readUInt16LE(at)] = this.bytes.readUInt16LE(at + 2);
      }
    }
    return codes;
  }

  private blindOf(index: number): number | null {
    const blind = this.bytes.readInt32LE(COUNT_BYTES + HEAD_BYTES * index + 8);
    return blind < 0 ? null : blind;
  }

  private changesOf(index: number): number {
    return this.bytes.readUInt16LE(COUNT_BYTES + HEAD_BYTES * index + 14);
  }
}

function resized(codes: Uint16Array, width: number): Uint16Array {
  const other = new Uint16Array(width);
  other.set(codes.subarray(0, width));
  return other;
}
