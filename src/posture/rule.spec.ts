import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  combinedNeed,
  countedNeed,
  itemStatus,
  lifted,
  NEED_STATES,
  practiceStatus,
  SCANNER_STATES,
  type NeedState,
  type Part,
  type ScannerState,
} from './rule.js';
import { STATUSES, type Status } from './status.js';

const part = (change: Partial<Part> = {}): Part => ({
  scanner: 'none',
  needs: [],
  fails: false,
  covered: false,
  ...change,
});

describe('what follows for a practice?', () => {
  it.each<[string, 'full' | 'partial' | 'records', Partial<Part>, Status]>([
    ['nothing known', 'full', {}, 'missing'],
    ['nothing known of what rests on records', 'records', { needs: ['missing'] }, 'missing'],
    ['records that nothing asks for', 'records', {}, 'missing'],
    ['a full pass', 'full', { scanner: 'full' }, 'evidenced'],
    ['a part of it', 'full', { scanner: 'partial' }, 'partial'],
    ['an old pass', 'full', { scanner: 'stale' }, 'stale'],
    ['a full pass, a record missing', 'full', { scanner: 'full', needs: ['missing'] }, 'partial'],
    ['a full pass, a record stale', 'full', { scanner: 'full', needs: ['stale'] }, 'partial'],
    ['a full pass and its record', 'full', { scanner: 'full', needs: ['met'] }, 'evidenced'],
    ['a full pass of what a machine sees in part', 'partial', { scanner: 'full' }, 'partial'],
    ['the same with its record', 'partial', { scanner: 'full', needs: ['met'] }, 'evidenced'],
    ['the record without what a machine could see', 'partial', { needs: ['met'] }, 'partial'],
    ['the record and an old pass', 'partial', { scanner: 'stale', needs: ['met'] }, 'partial'],
    ['an old record and no scan', 'partial', { needs: ['stale'] }, 'stale'],
    ['all records', 'records', { needs: ['met', 'met'] }, 'evidenced'],
    ['some records', 'records', { needs: ['met', 'missing'] }, 'partial'],
    ['an old record and none', 'records', { needs: ['stale', 'missing'] }, 'stale'],
    ['passes of what rests on records', 'records', { scanner: 'full', needs: ['missing'] }, 'missing'],
    ['a failing result of what rests on records', 'records', { scanner: 'failing', needs: ['met'] }, 'failing'],
    ['a failing record', 'full', { scanner: 'full', needs: ['failing'] }, 'failing'],
    ['a statement that it fails', 'full', { scanner: 'full', fails: true }, 'failing'],
    ['failing results, all accepted', 'full', { scanner: 'excepted' }, 'excepted'],
    ['a practice that fails, accepted', 'full', { scanner: 'failing', covered: true }, 'excepted'],
    ['a failing record, accepted, and no scan', 'full', { needs: ['failing'], covered: true }, 'partial'],
    ['accepted results beside a failing record', 'full', { scanner: 'excepted', needs: ['failing'] }, 'failing'],
    ['accepted results, its record missing', 'partial', { scanner: 'excepted', needs: ['missing'] }, 'partial'],
    ['an exception where nothing fails', 'full', { covered: true }, 'missing'],
  ])('%s (%s)', (_name, automation, change, status) => {
    expect(practiceStatus(automation, part(change))).toBe(status);
  });

  const anyPart = fc.record({
    scanner: fc.constantFrom(...SCANNER_STATES),
    needs: fc.array(fc.constantFrom(...NEED_STATES), { maxLength: 3 }),
    fails: fc.boolean(),
    covered: fc.boolean(),
  });
  const automation = fc.constantFrom('full' as const, 'partial' as const, 'records' as const);
  const RANK: readonly Status[] = ['failing', 'missing', 'stale', 'partial', 'excepted', 'evidenced'];
  const rank = (status: Status) => RANK.indexOf(status);

  it('does losing a record, or its age, never improve it?', () => {
    fc.assert(
      fc.property(
        automation,
        anyPart,
        fc.nat(),
        fc.constantFrom('missing' as const, 'stale' as const),
        (kind, before, n, worse) => {
          fc.pre(before.needs.length > 0);
          const at = n % before.needs.length;
          // What fails may cease to be known: that it fails is a fact of its own, which no age takes away (needs.ts).
          fc.pre(before.needs[at] === 'met' || (before.needs[at] === 'stale' && worse === 'missing'));
          const after = { ...before, needs: before.needs.with(at, worse) };
          expect(rank(practiceStatus(kind, after))).toBeLessThanOrEqual(rank(practiceStatus(kind, before)));
        },
      ),
    );
  });

  it('does anything that fails never improve it, and an exception never make it evidenced?', () => {
    fc.assert(
      fc.property(automation, anyPart, (kind, before) => {
        const uncovered = practiceStatus(kind, { ...before, covered: false });
        expect(practiceStatus(kind, { ...before, covered: false, fails: true })).toBe('failing');
        expect(practiceStatus(kind, { ...before, covered: true }) === 'evidenced').toBe(uncovered === 'evidenced');
      }),
    );
  });

  it('is it evidenced only with every need met and, where a machine sees something, all of that seen?', () => {
    fc.assert(
      fc.property(automation, anyPart, (kind, of) => {
        fc.pre(practiceStatus(kind, of) === 'evidenced');
        expect(of.needs.every((need) => need === 'met')).toBe(true);
        expect(of.fails).toBe(false);
        if (kind !== 'records') expect(of.scanner).toBe('full');
        if (kind !== 'full') expect(of.needs.length).toBeGreaterThan(0);
      }),
    );
  });
});

describe('what do two places say of a need?', () => {
  it.each<[NeedState, NeedState, NeedState, NeedState]>([
    ['missing', 'missing', 'missing', 'missing'],
    ['missing', 'stale', 'stale', 'stale'],
    ['missing', 'met', 'met', 'met'],
    ['stale', 'met', 'met', 'stale'],
    ['met', 'met', 'met', 'met'],
    ['failing', 'met', 'failing', 'failing'],
    ['failing', 'missing', 'failing', 'failing'],
  ])('%s and %s: %s, and of each: %s', (one, other, best, each) => {
    for (const [own, whole] of [
      [one, other],
      [other, one],
    ] as const) {
      expect(combinedNeed(own, whole, false)).toBe(best);
      expect(combinedNeed(own, whole, true)).toBe(each);
    }
  });
});

describe('what follows where nothing happened?', () => {
  it.each<[NeedState, NeedState, NeedState]>([
    // Nobody has said anything: silence is no pass.
    ['missing', 'missing', 'missing'],
    ['missing', 'failing', 'missing'],
    ['missing', 'stale', 'stale'],
    ['missing', 'met', 'met'],
    // What was kept speaks for itself, whatever is said of the period.
    ['stale', 'met', 'stale'],
    ['failing', 'met', 'failing'],
    ['met', 'missing', 'met'],
  ])('%s, and %s of what counts it: %s', (need, count, expected) => {
    expect(countedNeed(need, count, true)).toBe(expected);
    // What says that there were some speaks in nobody's place.
    expect(countedNeed(need, count, false)).toBe(need);
  });
});

describe('what follows for an item of the law?', () => {
  it.each<[readonly Status[], readonly NeedState[], Status]>([
    [[], [], 'missing'],
    [[], ['met'], 'evidenced'],
    [['evidenced'], ['met'], 'evidenced'],
    [['evidenced', 'evidenced'], ['missing'], 'partial'],
    [['evidenced', 'missing'], ['met'], 'partial'],
    [['evidenced', 'excepted'], ['met'], 'excepted'],
    [['excepted'], ['stale'], 'partial'],
    [['missing'], ['missing'], 'missing'],
    [['missing'], ['met'], 'partial'],
    [['stale', 'missing'], ['missing'], 'stale'],
    [['missing'], ['stale'], 'stale'],
    [['failing', 'evidenced'], ['met'], 'failing'],
    [['evidenced'], ['failing'], 'failing'],
  ])('primary practices %j, needs %j: %s', (primary, needs, status) => {
    expect(itemStatus({ primary, needs, fails: false })).toBe(status);
    expect(itemStatus({ primary: primary.toReversed(), needs, fails: false })).toBe(status);
    expect(itemStatus({ primary, needs, fails: true })).toBe('failing');
  });

  it('does a decision stand in the place of what an addressable item lacks, and of nothing else?', () => {
    for (const status of STATUSES) {
      expect(lifted(status, 'required', true)).toBe(status);
      expect(lifted(status, 'addressable', false)).toBe(status);
      const isDone = status === 'evidenced' || status === 'not_applicable';
      expect(lifted(status, 'addressable', true)).toBe(isDone ? status : 'excepted');
    }
  });

  it('is every state of scanners told apart?', () => {
    const said = (scanner: ScannerState) => practiceStatus('full', part({ scanner }));
    expect(SCANNER_STATES.map(said)).toEqual(['missing', 'stale', 'partial', 'evidenced', 'failing', 'excepted']);
  });
});
