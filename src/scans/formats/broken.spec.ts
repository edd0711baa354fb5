import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitting } from '../../../test/fixtures/reports/fitting.js';
import { anyBreak, anyPut, Broken, FURTHER, SEED, spotsOf, type Spot } from '../../../test/fixtures/reports/broken.js';
import { RULES } from '../../../test/fixtures/reports/rules.js';
import { fixture, fixtureNames } from '../../../test/fixtures/reports/load.js';
import { excuses, newPasses, newPassesOfMix, rowsOf } from '../../../test/fixtures/reports/passes.js';
import type { Coverage, Report, Target } from '../report.js';
import { ReportFault } from '../report.js';
import { readDocument } from '../text/read-document.js';
import { FORMATS, parseReport } from './index.js';

/**
 * Every fixture of every format, broken in many ways: nothing but a ReportFault is ever thrown, and nothing that is missing, cut or of another shape makes a pass,
 * closes more or lets a fact know an instant that nobody said.
 */
const ALL = FORMATS.flatMap(({ slug }) => fixtureNames(slug));

/** As many runs as cost about the same whatever the size of the fixture: fewer of large ones. */
const runs = (bytes: Buffer, budget: number, most: number) => ({
  seed: SEED,
  numRuns: FURTHER * Math.max(8, Math.min(most, Math.floor(budget / bytes.length))),
});

function tryParse(bytes: Uint8Array, name: string): Report | null {
  try {
    return parseReport(bytes, { declared: fitting(name), rules: () => RULES });
  } catch (error) {
    if (error instanceof ReportFault) return null;
    throw error;
  }
}

/** What no tool writes in the place of a text, a number or a truth value: whatever holds it cannot be read. */
const UNREADABLE = [{ x: null }, [null], [[]]];
const UNHEARD = ['unheard', 'PASSED?', '-'];
const nested = (depth: number): unknown => Array.from({ length: depth }).reduce((inner) => [{ x: inner }], {});
const NESTED = [nested(10), nested(28), nested(40)];
const GIANT = 'x'.repeat(1024 * 1024);

interface Case {
  bytes: Buffer;
  spots: readonly Spot[];
  intact: Report;
  /** That it says, to the second. */
  instants: ReadonlySet<string>;
}

const CASES = new Map<string, Case>();
function caseOf(name: string): Case {
  let found = CASES.get(name);
  if (found === undefined) {
    const bytes = fixture(name);
    const intact = parseReport(bytes, { declared: fitting(name), rules: () => RULES });
    const instants = new Set([...secondsIn(intact.facts), ...secondsIn(readDocument(bytes))]);
    found = { bytes, spots: spotsOf(bytes), intact, instants };
    CASES.set(name, found);
  }
  return found;
}

const passesBeyond = (broken: Report | null, whole: Report) => newPasses(rowsOf(broken), rowsOf(whole));

/** Whether what the coverage closes is closed by one of the others. What it is about may be said by another name: an image by its tag. */
function isWithin(coverage: Coverage, others: readonly Coverage[]): boolean {
  const subset = (few: readonly string[], many: readonly string[]): boolean => few.every((one) => many.includes(one));
  return others.some(
    ({ source, extent, checks, silentPass }) =>
      source === coverage.source &&
      extent === 'complete' &&
      (checks === null || (coverage.checks !== null && subset(coverage.checks, checks))) &&
      subset(coverage.silentPass, silentPass),
  );
}

/** Rows of the whole that the broken report closes: it does not list them, and says that it looked at what they are about. */
function closedBy({ results, facts, coverage }: Report, whole: Report): string[] {
  const keyOf = (target: Target, ...parts: string[]): string => [target.kind, target.name, ...parts].join(' ');
  const rowsOf = (report: Pick<Report, 'results' | 'facts'>) => [
    ...report.results.map(({ target, source, check, resource }) => ({ target, source, check, what: resource })),
    ...report.facts.map(({ target, source, kind, subject }) => ({
      target,
      source,
      check: null,
      what: `${kind} ${subject}`,
    })),
  ];
  const listed = new Set(
    rowsOf({ results, facts }).map(({ target, source, check, what }) => keyOf(target, source, check ?? '', what)),
  );
  return rowsOf(whole).flatMap(({ target, source, check, what }) => {
    const key = keyOf(target, source, check ?? '', what);
    const isClosed = coverage.some(
      (one) =>
        one.extent === 'complete' &&
        keyOf(one.target, one.source) === keyOf(target, source) &&
        (one.checks === null || (check !== null && one.checks.includes(check))),
    );
    return isClosed && !listed.has(key) ? [key] : [];
  });
}

const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
/** To the second. Where a tool counts seconds or nanoseconds, any small number is a time of 1970. */
const secondsIn = (value: unknown): string[] =>
  (JSON.stringify(value).match(INSTANT) ?? [])
    .map((instant) => instant.slice(0, 19))
    .filter((instant) => !instant.startsWith('1970-'));

/**
 * By format, what says what the run was of or that it left something out. Where it is gone or has another shape, the report is that of another run, which closes what
 * such a run closes: by another name of its tool, benchmark or category, or without the options that left something out.
 */
const OTHER_RUN: Readonly<Record<string, RegExp>> = {
  cyclonedx: /\/compositions$/,
  grype: /\/descriptor\/configuration\/only-fixed$/,
  ocsf: /\/metadata\/product\/name$/,
  openreports: /\/configuration(\/limits)?$/,
  sarif: /\/automationDetails(\/id)?$/,
  xccdf: /\/(\w+:)?(benchmark|profile)(\/@\w+)?$|Benchmark\/@id$/,
};

function expectNoMore(broken: Report | null, { intact, instants }: Case, at: string): void {
  if (broken === null) return;
  if (!excuses(broken.format, at)) expect(passesBeyond(broken, intact)).toEqual([]);
  for (const one of broken.coverage) {
    if (one.extent === 'partial') expect([one.checks, one.silentPass]).toEqual([null, []]);
    else if (!OTHER_RUN[broken.format]?.test(at) && !isWithin(one, intact.coverage)) {
      expect.fail(`closes more than the whole: ${JSON.stringify(one)}`);
    }
  }
  expect(secondsIn(broken.facts).filter((instant) => !instants.has(instant))).toEqual([]);
}

/** By format, what is judged here and not by the tool, or says of itself neither what it is of nor by what check: with more of it another thing is judged. */
const JUDGED: Readonly<Record<string, RegExp>> = {
  'cluster-snapshot': /\/(metadata|labels)$/,
  // Tests of a control.
  hdf: /\/results$/,
  // Tests of a node or of the cluster.
  'kube-bench': /\/(tests|results)$/,
};

/** With what another fixture has in a place of the same name, too. */
const anyMix = (spots: readonly Spot[], others: readonly string[]) =>
  fc.tuple(fc.constantFrom(...spots), fc.constantFrom(...others), fc.nat(1_000)).map(([spot, other, chance]) => {
    const same = caseOf(other).spots.filter(({ key }) => key === spot.key);
    const from = same[chance % Math.max(1, same.length)] ?? spot;
    return Object.assign(new Broken(spot.at, `with ${other} ${from.at}`, spot.mix(from)), { other });
  });

describe('a broken report', () => {
  it.each(ALL)('does %s, with a value broken anywhere, never pass or close more?', (name) => {
    const of = caseOf(name);
    fc.assert(
      fc.property(anyBreak(of.spots), ({ bytes, at }) => expectNoMore(tryParse(bytes, name), of, at)),
      runs(of.bytes, 400_000, 200),
    );
  });

  it.each(ALL)('does %s, with a value that cannot be read, close nothing of what it said?', (name) => {
    const { bytes: whole, spots, intact } = caseOf(name);
    const scalars = spots.filter(({ isScalar }) => isScalar);
    fc.assert(
      fc.property(anyPut(scalars, UNREADABLE), ({ bytes }) => {
        const broken = tryParse(bytes, name);
        if (broken !== null) expect(closedBy(broken, intact)).toEqual([]);
      }),
      runs(whole, 200_000, 100),
    );
  });

  it.each(ALL)('does %s, with a text that it does not know, never pass more?', (name) => {
    const { bytes: whole, spots, intact } = caseOf(name);
    const texts = spots.filter(({ isText }) => isText);
    if (texts.length === 0) return;
    fc.assert(
      fc.property(anyPut(texts, UNHEARD), ({ bytes }) => {
        expect(passesBeyond(tryParse(bytes, name), intact)).toEqual([]);
      }),
      runs(whole, 200_000, 100),
    );
  });

  it.each(ALL)('does %s, mixed with another fixture of its format, never pass where neither does?', (name) => {
    const { bytes: whole, spots, intact } = caseOf(name);
    const others = fixtureNames(name.slice(0, name.indexOf('/'))).filter((one) => one !== name);
    if (others.length === 0) return;
    fc.assert(
      fc.property(anyMix(spots, others), ({ bytes, at, other }) => {
        const mixed = tryParse(bytes, name);
        if (mixed === null || JUDGED[mixed.format]?.test(at)) return;
        expect(newPassesOfMix(rowsOf(mixed), [intact, caseOf(other).intact].flatMap(rowsOf))).toEqual([]);
      }),
      runs(whole, 150_000, 60),
    );
  });

  it.each(ALL)('does %s, cut anywhere, never pass or close more?', (name) => {
    const of = caseOf(name);
    const { bytes } = of;
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (end) => {
        expectNoMore(tryParse(bytes.subarray(0, end), name), of, '');
      }),
      runs(bytes, 80_000, 40),
    );
  });

  it.each(ALL)('does %s, with bytes changed anywhere, throw nothing but ReportFault?', (name) => {
    const { bytes } = caseOf(name);
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
        const changed = Buffer.from(bytes);
        for (const [at, byte] of changes) changed[at] = byte;
        tryParse(changed, name);
      }),
      runs(bytes, 80_000, 40),
    );
  });

  it.each(ALL)('is %s, nested without end somewhere, taken or refused, and never more than it was?', (name) => {
    const of = caseOf(name);
    fc.assert(
      fc.property(anyPut(of.spots, NESTED), ({ bytes, at }) => expectNoMore(tryParse(bytes, name), of, at)),
      runs(of.bytes, 80_000, 40),
    );
  });

  it.each(ALL)('does %s, with a text of a megabyte, never pass more?', (name) => {
    const { spots, intact } = caseOf(name);
    fc.assert(
      fc.property(anyPut(spots, [GIANT]), ({ bytes }) => {
        expect(passesBeyond(tryParse(bytes, name), intact)).toEqual([]);
      }),
      { seed: SEED, numRuns: 3 * FURTHER },
    );
  });

  it.each(ALL.filter((name) => name.endsWith('json')))('is %s with a member twice refused?', (name) => {
    const { bytes } = caseOf(name);
    const text = bytes.toString('utf8');
    const members = [...text.matchAll(/"\w+"\s*:\s*(?:"[^"\\]*"|\d+|true|false|null)(?=\s*[,}])/g)];
    if (members.length === 0) return;
    fc.assert(
      fc.property(fc.constantFrom(...members), ({ 0: member, index }) => {
        const twice = `${text.slice(0, index)}${member},${text.slice(index)}`;
        expect(tryParse(Buffer.from(twice), name)).toBeNull();
      }),
      { seed: SEED, numRuns: 3 * FURTHER },
    );
  });
});

describe('what is of no format', () => {
  it('does arbitrary JSON belong to no format and break none?', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(FORMATS.filter((format) => format.detect(value))).toEqual([]);
      }),
      { seed: SEED, numRuns: 100 * FURTHER },
    );
  });
});
