import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinRotations, type Telling } from './rotations.js';

const HOUR = 3_600_000;
const BEGIN = Date.UTC(2026, 0, 1);

const byFact = (source: string, hours: number, version: string | null = null): Telling => ({
  at: new Date(BEGIN + hours * HOUR),
  version,
  source,
  by: { kind: 'fact', series: source, source, scanId: source, automatic: null },
});
const byHand = (recordId: string, hours: number, version: string): Telling => ({
  at: new Date(BEGIN + hours * HOUR),
  version,
  source: recordId,
  by: { kind: 'record', recordId, version: 1 },
});

/** Sources of each rotation, newest rotation first. */
const joined = (...tellings: Telling[]) =>
  joinRotations(tellings).map(({ tellings: its }) => its.map(({ source }) => source).sort());

describe('which tellings are of one rotation?', () => {
  it('those of one version, whenever they say that it was, however it is written', () => {
    expect(joined(byHand('a', 0, 'v3'), byFact('kms', 500, 'projects/p/cryptoKeyVersions/3'))).toEqual([['a', 'kms']]);
  });

  it('those of no version within a day of it, and none beyond', () => {
    expect(joined(byHand('a', 0, '2'), byFact('kms', 24))).toEqual([['a', 'kms']]);
    expect(joined(byHand('a', 0, '2'), byFact('kms', 24.01))).toEqual([['kms'], ['a']]);
  });

  it('the closest, where several would do', () => {
    expect(joined(byHand('a', 0, '2'), byHand('b', 20, '3'), byFact('kms', 12))).toEqual([['b', 'kms'], ['a']]);
    expect(joined(byHand('a', 0, '2'), byHand('b', 20, '3'), byFact('kms', 8))).toEqual([['b'], ['a', 'kms']]);
  });

  it('not two that one source tells apart, nor two of two versions', () => {
    expect(joined(byFact('kms', 0), byFact('kms', 2))).toHaveLength(2);
    expect(joined(byHand('a', 0, '2'), byFact('kms', 0, '3'))).toHaveLength(2);
    expect(joined(byFact('one', 0), byFact('one', 2), byFact('two', 0.5), byFact('two', 2.5))).toEqual([
      ['one', 'two'],
      ['one', 'two'],
    ]);
  });

  it('not a chain of them longer than a day', () => {
    expect(joined(byFact('a', 0), byFact('b', 20), byFact('c', 40))).toHaveLength(2);
  });

  it('and is its instant the provider’s, where it tells of it?', () => {
    const [rotation] = joinRotations([byHand('a', 0, '2'), byFact('kms', 30, '2'), byFact('other', 31, '2')]);
    expect(rotation?.at).toEqual(new Date(BEGIN + 30 * HOUR));
    expect(joinRotations([byHand('a', 5, '2')])[0]?.at).toEqual(new Date(BEGIN + 5 * HOUR));
  });
});

describe('is each rotation counted once, whoever tells of it?', () => {
  /** A rotation at its hour, told by some of a person (within half a day, always with its version) and three sources, each of which names versions or does not. */
  const rotation = fc.record({
    hand: fc.option(fc.integer({ min: -11, max: 11 })),
    sources: fc.array(fc.option(fc.integer({ min: -1, max: 1 })), { minLength: 3, maxLength: 3 }),
  });

  it('for rotations three days apart', () => {
    fc.assert(
      fc.property(
        fc.array(rotation, { maxLength: 12 }),
        fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
        fc.infiniteStream(fc.nat()),
        (rotations, namesVersions, random) => {
          const told = rotations.map(({ hand, sources }, number) => {
            const version = String(number + 2);
            const hour = number * 72;
            return [
              ...(hand === null ? [] : [byHand(`record ${number}`, hour + hand, version)]),
              ...sources.flatMap((jitter, index) =>
                jitter === null
                  ? []
                  : [byFact(`source ${index}`, hour + jitter, namesVersions[index] === true ? version : null)],
              ),
            ];
          });
          const order = (): number => random.next().value ?? 0;
          const shuffled = told
            .flat()
            .map((telling) => ({ telling, rank: order() }))
            .sort((one, other) => one.rank - other.rank)
            .map(({ telling }) => telling);
          const expected = told
            .filter((tellings) => tellings.length > 0)
            .map((tellings) => tellings.map(({ source }) => source).sort())
            .reverse();
          expect(joined(...shuffled)).toEqual(expected);
        },
      ),
    );
  });

  it('and is no telling lost or doubled, however close they lie?', () => {
    const telling = fc.record({
      hours: fc.integer({ min: 0, max: 100 }),
      version: fc.option(fc.constantFrom('1', '2', '3')),
      source: fc.constantFrom('a', 'b', 'c'),
    });
    fc.assert(
      fc.property(fc.array(telling, { maxLength: 20 }), (rows) => {
        const tellings = rows.map(({ source, hours, version }) => byFact(source, hours, version));
        const all = joinRotations(tellings);
        expect(new Set(all.flatMap(({ tellings: its }) => its)).size).toBe(tellings.length);
        for (const { tellings: its } of all) {
          const versions = new Set(its.flatMap(({ version }) => version ?? []));
          expect(versions.size).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
