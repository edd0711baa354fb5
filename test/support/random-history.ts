import fc from 'fast-check';
import type { History, Said } from './history.js';

/** Every instant lies on a grid, so that many of them are equal; later than any clock, so that what is known is told apart from what is now. */
const STEP = 6 * 3_600_000;
const BEGIN = Date.UTC(2100, 0, 1);

export const onGrid = (step: number): Date => new Date(BEGIN + step * STEP);

/** What a node is asked for, of one source. */
const SAID = fc.record({
  complete: fc.constantFrom(true, false, false),
  checks: fc.constantFrom<(string[] | null)[]>(null, null, ['a'], ['a', 'b'], ['b', 'c', 'd']),
  states: fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('pass' as const, 'fail' as const)),
});

const PLACES = [
  { target: 'n1', source: 'one' },
  { target: 'n1', source: 'two' },
  { target: 'n2', source: 'one' },
];

const SCAN = fc.record({
  /** Steps by which it is known later than it was observed. A scan may lie a day ahead. */
  lag: fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 5, 7, 20, -1, -4),
  said: fc
    .tuple(...PLACES.map(() => fc.option(SAID)))
    .map((all) => PLACES.flatMap((place, index): Said[] => (all[index] == null ? [] : [{ ...place, ...all[index] }]))),
  /** That it says what the scan so many before it said, if that can be. */
  repeats: fc.oneof({ arbitrary: fc.constant(null), weight: 4 }, fc.nat({ max: 2 })),
});

export type RandomScan = typeof SCAN extends fc.Arbitrary<infer Scan> ? Scan : never;

/** Scans in the order in which they become known, two steps apart. */
export const SCANS = fc.array(SCAN, { minLength: 1, maxLength: 14 });

/** Instants on the grid, before, within and after what `SCANS` can tell. */
export const INSTANTS = fc.array(
  fc.record({
    asOf: fc.integer({ min: -22, max: 30 }).map(onGrid),
    knownAt: fc.integer({ min: -1, max: 29 }).map(onGrid),
  }),
  { minLength: 6, maxLength: 10 },
);

/** `repeating` is told of each scan that may say what an earlier one said, before it is, and whether it could be taken as such. */
export async function tell(
  history: History,
  systemId: string,
  scans: readonly RandomScan[],
  repeating?: (earlierId: string, observedAt: Date) => Promise<(wasTaken: boolean) => void>,
): Promise<void> {
  const told: string[] = [];
  for (const [index, { lag, said, repeats }] of scans.entries()) {
    const scanned = { observedAt: onGrid(2 * index - lag), knownAt: onGrid(2 * index) };
    const earlierId = repeats === null ? undefined : told.at(-1 - repeats);
    if (earlierId === undefined) {
      // On nodes of its own: sightings are the organisation's, and what one system's merges write of them shall not stand in for another's.
      const own = said.map((one) => ({ ...one, target: `${one.target} of ${systemId}` }));
      told.push(await history.write((tx) => history.post(tx, systemId, { ...scanned, said: own })));
      continue;
    }
    const done = await repeating?.(earlierId, scanned.observedAt);
    const scanId = await history.write((tx) => history.repeat(tx, systemId, earlierId, scanned));
    done?.(scanId !== null);
    if (scanId !== null) told.push(scanId);
  }
}
