import { describe, expect, it } from 'vitest';
import { loadCatalog } from '../catalog/load.js';
import type { TypeDefinition } from '../catalog/record-type.js';
import { asksOf } from './asks.js';
import type { CoverageSummary } from './evidence.js';
import { emptyPart, type PlacePart } from './needs.js';
import { SCANNER_STATES } from './rule.js';
import { partOf } from './states.js';
import { walk } from './walk.js';

const DAY = 24 * 60 * 60 * 1000;
const catalog = loadCatalog();
const types = new Map(catalog.recordTypes.map((definition): [string, TypeDefinition] => [definition.type, definition]));
const asks = asksOf(catalog, {}, types);
const NOTHING = emptyPart(asks, 'a');
const PRACTICE = catalog.practices.findIndex(({ id }) => id === 'read-only-root-filesystem');
const at = (days: number, milliseconds = 0): Date => new Date(Date.UTC(2026, 0, 1) + days * DAY + milliseconds);
const ID = '00000000-0000-4000-8000-000000000001';

const scan = (observedAt: Date): CoverageSummary => ({
  targetId: ID,
  target: { kind: 'cluster', name: 'cluster' },
  source: 'trivy/misconfiguration',
  checks: null,
  silentPass: ['KSV-'],
  observedAt,
  scanId: ID,
  evidenceId: ID,
});

/** What is remembered of a system that is scanned at these instants; and at which it was read. */
async function remembered(scans: readonly Date[], from = new Date(0), part: (asOf: Date) => PlacePart = () => NOTHING) {
  const read: Date[] = [];
  const segments = await walk(from, {
    points: scans,
    see: (asOf) => {
      read.push(asOf);
      const last = scans.filter((one) => one <= asOf).at(-1);
      const evidence = { checks: [], coverage: last === undefined ? [] : [scan(last)], corrupt: new Set<string>() };
      return Promise.resolve({
        yardstick: { catalog, asOf, freshness: {}, asks },
        input: { id: 'a', name: 'a', evidence, part: part(asOf) },
      });
    },
  });
  const told = segments.map(({ starts, states }): [Date, string] => [
    starts,
    partOf(states.codes[PRACTICE] ?? 0, asks.practices.get('read-only-root-filesystem')?.length ?? 0).scanner,
  ]);
  // Of one practice: others may have changed meanwhile.
  return { read, segments, told: told.filter(([, state], index) => told[index - 1]?.[1] !== state) };
}

describe('from when on does a system say what?', () => {
  it('from a scan on it is full, and from the first instant after its age it is stale, without being read again', async () => {
    expect(SCANNER_STATES).toContain('full');
    const { told, read } = await remembered([at(0)]);
    expect(told).toEqual([
      [new Date(0), 'none'],
      [at(0), 'full'],
      [at(8, 1), 'stale'],
    ]);
    expect(read).toEqual([new Date(0), at(0)]);
  });

  it('scans that change nothing make no row, and put off the end', async () => {
    const scans = [0, 3, 6, 9].map((days) => at(days));
    const { told, segments } = await remembered(scans);
    expect(told.slice(1)).toEqual([
      [at(0), 'full'],
      [at(17, 1), 'stale'],
    ]);
    expect(segments.some(({ starts }) => scans.slice(1).some((one) => one.getTime() === starts.getTime()))).toBe(false);
  });

  it('does it begin anew in the midst of it as it was before?', async () => {
    const whole = (await remembered([at(0), at(20)])).segments;
    const later = (await remembered([at(0), at(20)], at(20))).segments;
    expect(later).toEqual(whole.filter(({ starts }) => starts >= at(20)));
  });

  it('where records say when they change, they are read then, and not for ever', async () => {
    const ends = [at(2), at(5, 1)];
    const part = (asOf: Date): PlacePart => ({ ...NOTHING, until: ends.find((end) => end > asOf) ?? null });
    const { read } = await remembered([at(0)], new Date(0), part);
    expect(read).toEqual([new Date(0), at(0), at(2), at(5, 1)]);
  });
});
