import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_SEGMENTS, Timeline, writeTimeline, type Segment } from './timeline.js';

const segment = (starts: number, codes: readonly number[], blind: number | null = null): Segment => ({
  starts: new Date(starts),
  states: { codes: Uint16Array.from(codes), blind },
});

/** A history as places have them: mostly the same codes, now and then more or fewer of them (an overlay switched on or off). */
const histories = fc
  .array(
    fc.record({
      starts: fc.integer({ min: 0, max: 1_000 }),
      codes: fc.oneof(
        fc.array(fc.constantFrom(0, 1, 65_535), { minLength: 5, maxLength: 5 }),
        fc.array(fc.integer({ min: 0, max: 65_535 }), { maxLength: 8 }),
      ),
      blind: fc.option(fc.integer({ min: 0, max: 2 ** 31 - 1 })),
    }),
    { maxLength: 20 },
  )
  .map((all) =>
    [...new Map(all.map((one) => [one.starts, one])).values()]
      .sort((a, b) => a.starts - b.starts)
      .map(({ starts, codes, blind }) => segment(starts, codes, blind)),
  );

describe('what is remembered of a place', () => {
  it('does it say at every instant what the segment then in force says?', () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: -1, max: 1_001 }), (segments, at) => {
        const inForce = segments.findLast(({ starts }) => starts.getTime() <= at);
        expect(new Timeline(writeTimeline(segments)).at(at)).toEqual(inForce?.states ?? null);
      }),
    );
  });

  it('does it give back what began before an instant, to be gone on from?', () => {
    fc.assert(
      fc.property(histories, fc.integer({ min: -1, max: 1_001 }), (segments, until) => {
        const before = segments.filter(({ starts }) => starts.getTime() < until);
        expect(new Timeline(writeTimeline(segments)).before(new Date(until))).toEqual(before);
      }),
    );
  });

  it('does asking of the past leave the present as it is?', () => {
    const timeline = new Timeline(writeTimeline([segment(0, [1, 2, 3]), segment(10, [1, 9, 3]), segment(20, [7, 9])]));
    expect(timeline.at(0)?.codes).toEqual(Uint16Array.of(1, 2, 3));
    expect(timeline.at(20)?.codes).toEqual(Uint16Array.of(7, 9));
    expect(timeline.at(10)?.codes).toEqual(Uint16Array.of(1, 9, 3));
  });

  it('of a long history are the newest changes kept, and nothing said of what was before?', () => {
    const many = Array.from({ length: MAX_SEGMENTS + 10 }, (_, at) => segment(at, [at % 7, 1]));
    const timeline = new Timeline(writeTimeline(many));
    expect(timeline.before(new Date(1e9))).toEqual(many.slice(10));
    expect(timeline.at(9)).toBeNull();
    expect(timeline.at(10)).toEqual(many[10]?.states);
  });

  it('does a change of a few codes take a few bytes?', () => {
    const codes = Array.from({ length: 242 }, (_, at) => at);
    const many = Array.from({ length: 100 }, (_, at) => segment(at, codes.with(at, 999)));
    expect(writeTimeline(many).length).toBeLessThan(100 * 30 + 2 * 242);
  });
});
