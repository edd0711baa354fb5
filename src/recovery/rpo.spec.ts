import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rpoBreaches, type Breach } from './rpo.js';

const MINUTE = 60_000;
const BEGIN = Date.UTC(2026, 0, 1);
const at = (minute: number): Date => new Date(BEGIN + minute * MINUTE);
const minuteOf = (instant: Date): number => (instant.getTime() - BEGIN) / MINUTE;
const seen = (breaches: readonly Breach[]) =>
  breaches.map(({ from, to, minutes, lastBackupAt }) => [
    minuteOf(from),
    minuteOf(to),
    minutes,
    lastBackupAt === null ? null : minuteOf(lastBackupAt),
  ]);
const breaches = (starts: number[], rpo: number, from: number, to: number) =>
  seen(
    rpoBreaches(
      starts.map((start) => ({ startedAt: at(start), goneAt: null })),
      rpo,
      { from: at(from), to: at(to) },
    ),
  );

describe('when is a recovery point objective broken?', () => {
  it('never, where no gap is longer than it', () => {
    expect(breaches([0, 60, 120, 180], 60, 0, 200)).toEqual([]);
  });

  it('from when the last backup is too old until the next began', () => {
    expect(breaches([0, 100], 60, 0, 150)).toEqual([[60, 100, 40, 0]]);
  });

  it('at the beginning by the backups before it, and at the end too', () => {
    expect(breaches([-30, 100], 60, 0, 300)).toEqual([
      [30, 100, 70, -30],
      [160, 300, 140, 100],
    ]);
    expect(breaches([-90], 60, 0, 10)).toEqual([[0, 10, 10, -90]]);
  });

  it('before the first backup that is known, and all the time where none is', () => {
    expect(breaches([20], 60, 0, 50)).toEqual([[0, 20, 20, null]]);
    expect(breaches([], 60, 0, 50)).toEqual([[0, 50, 50, null]]);
  });

  it('is a backup after the period none of it?', () => {
    expect(breaches([60], 60, 0, 50)).toEqual([[0, 50, 50, null]]);
  });

  it('from when the backup that held it was gone, if no other does', () => {
    const kept = (start: number, gone: number | null) => ({
      startedAt: at(start),
      goneAt: gone === null ? null : at(gone),
    });
    const found = (...backups: ReturnType<typeof kept>[]) =>
      seen(rpoBreaches(backups, 60, { from: at(0), to: at(60) }));
    expect(found(kept(0, 20))).toEqual([[20, 60, 40, 0]]);
    expect(found(kept(0, 20), kept(10, null))).toEqual([]);
    expect(found(kept(0, null), kept(10, 20))).toEqual([]);
    expect(found(kept(0, 20), kept(30, 40))).toEqual([
      [20, 30, 10, 0],
      [40, 60, 20, 30],
    ]);
  });

  it('exactly in the minutes in which no backup is young enough, by asking each of them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -200, max: 400 }), { maxLength: 15 }),
        fc.integer({ min: 0, max: 150 }),
        fc.integer({ min: -50, max: 100 }),
        fc.integer({ min: 1, max: 250 }),
        (starts, rpo, from, length) => {
          const to = from + length;
          const found = breaches(starts, rpo, from, to);
          // The middle of each minute, so that none of them is a boundary.
          for (let minute = from; minute < to; minute++) {
            const instant = minute + 0.5;
            const isHeld = starts.some((start) => start <= instant && instant < start + rpo);
            const isIn = found.some(([begin = 0, end = 0]) => (begin ?? 0) < instant && instant < (end ?? 0));
            expect([instant, isIn]).toEqual([instant, !isHeld]);
          }
          for (const [begin, end, minutes] of found) expect(minutes).toBe((end ?? 0) - (begin ?? 0));
        },
      ),
    );
  });
});
