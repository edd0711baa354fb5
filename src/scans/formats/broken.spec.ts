import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitting } from '../../../test/fixtures/reports/fitting.js';
import { RULES } from '../../../test/fixtures/reports/rules.js';
import { bytesOf, fixture, fixtureNames } from '../../../test/fixtures/reports/load.js';
import type { Coverage, Report, Target } from '../report.js';
import { ReportFault } from '../report.js';
import { readDocument } from '../text/read-document.js';
import { isFields } from './fields.js';
import { FORMATS, parseReport } from './index.js';

/**
 * Every fixture of every format, broken in many ways: nothing but a ReportFault is ever thrown, and nothing that is missing, cut or of another shape makes a pass,
 * closes more or lets a fact know an instant that nobody said. What is broken how is chosen by chance from a seed: FUZZ_SEED=7 FUZZ_RUNS=20
 * looks elsewhere, and further.
 */
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const FURTHER = Number(process.env['FUZZ_RUNS'] ?? 1);

const ALL = FORMATS.flatMap(({ slug }) => fixtureNames(slug));

/** As many runs as cost about the same whatever the size of the fixture: fewer of large ones. */
const runs = (bytes: Buffer, budget: number, most: number) => ({
  seed: SEED,
  numRuns: FURTHER * Math.max(3, Math.min(most, Math.floor(budget / bytes.length))),
});

function tryParse(bytes: Uint8Array, name: string): Report | null {
  try {
    return parseReport(bytes, { declared: fitting(name), rules: () => RULES });
  } catch (error) {
    if (error instanceof ReportFault) return null;
    throw error;
  }
}

type Container = Record<string, unknown>;

/** A value of a document, by where it is. */
class Place {
  constructor(
    private readonly container: Container,
    readonly key: string,
    /** RFC 6901. */
    readonly pointer: string,
  ) {}

  get value(): unknown {
    return this.container[this.key];
  }

  /** Puts another value there for as long as `use` runs. */
  during(value: unknown, use: () => void): void {
    const right = this.value;
    this.container[this.key] = value;
    try {
      use();
    } finally {
      this.container[this.key] = right;
    }
  }

  [fc.toStringMethod](): string {
    return this.pointer;
  }
}

function placesOf(value: unknown, pointer = '', found: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return found;
  const container = value as Container;
  for (const key of Object.keys(container)) {
    found.push(new Place(container, key, `${pointer}/${key}`));
    placesOf(container[key], `${pointer}/${key}`, found);
  }
  return found;
}

const WRONG = [null, 7, -1, true, false, {}, [], [null], [[]], { x: null }, '', 'x'];

/**
 * What stands in the place of a value: never a text in that of a text or a number in that of a number, for that is another report and no broken one. `chance`
 * decides where there is a choice.
 */
const BREAKS: Readonly<Record<string, (right: unknown, chance: number) => unknown>> = {
  'turns into another type': (right, chance) => {
    const wrong = WRONG.filter((one) => typeof one === 'object' || one === '' || typeof one !== typeof right);
    return wrong[chance % wrong.length];
  },
  'is wrapped in a list': (right) => [right],
  'is wrapped in an object': (right) => ({ value: right }),
  'is unwrapped': (right, chance) => {
    const members = Object.values(right ?? {});
    return typeof right === 'object' ? members[chance % Math.max(1, members.length)] : undefined;
  },
  'is missing': () => undefined,
  'is a list that is cut': (right, chance) => (Array.isArray(right) ? right.slice(0, chance % right.length) : []),
  'is a list with a member twice': (right, chance) =>
    Array.isArray(right) ? [...(right as unknown[]), right[chance % right.length]] : [right, right],
  'is JSON as a text': (right) => (typeof right === 'string' ? null : JSON.stringify(right)),
};

/** What no tool writes in the place of a text, a number or a truth value: whatever holds it cannot be read. */
const UNREADABLE = [{ x: null }, [null], [[]]];

interface Case {
  bytes: Buffer;
  /** The document, if its JSON is a report too (XML is none). */
  document: unknown;
  intact: Report;
}

const CASES = new Map<string, Case>();
function caseOf(name: string): Case {
  let found = CASES.get(name);
  if (found === undefined) {
    const bytes = fixture(name);
    const document = readDocument(bytes);
    const isJson = tryParse(bytesOf(document), name) !== null;
    found = {
      bytes,
      document: isJson ? document : null,
      intact: parseReport(bytes, { declared: fitting(name), rules: () => RULES }),
    };
    CASES.set(name, found);
  }
  return found;
}

/** Members of both; where both have one, either. */
function mixOf(one: unknown, other: unknown, chance: number): unknown {
  if (Array.isArray(one) && Array.isArray(other)) return [...(one as unknown[]), ...(other as unknown[])];
  if (!isFields(one) || !isFields(other)) return one;
  return chance % 2 === 0 ? { ...one, ...other } : { ...other, ...one };
}

/** Files that are judged themselves, where others tell of a run: one that says less, or other things, is another file, and nothing in it tells that it was cut. */
const JUDGED: readonly string[] = ['k8s-audit-policy', 'k8s-encryption-configuration'];

const passesOf = (report: Report | null): number =>
  report === null || JUDGED.includes(report.format)
    ? 0
    : report.results.filter(({ status }) => status === 'pass').length;

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
 * By format, where a value that is gone or has changed its shape makes the report of another run, of which nobody can know that it is broken: what says that
 * something is excepted or left out, and what names the tool that speaks.
 */
const OTHER_RUN: Readonly<Record<string, RegExp>> = {
  // What is marked as holding PHI, and what nobody owns, is judged.
  'cluster-snapshot': /\/(labels|ownerReferences)(\/|$)/,
  // The tool that made the inventory, and what it says that it has left out.
  cyclonedx: /\/(metadata|tools|compositions)(\/|$)/,
  spdx: /\/(creationInfo|creators)(\/|$)/,
  // The framework.
  checkov: /\/check_type(\/|$)/,
  // The options of the run.
  grype: /\/descriptor(\/|$)/,
  // An exception is all that tells an excused failure from a pass; version 2 writes a status as a text, and a control's status as its rules.
  kubescape: /\/(subStatus|rules|status)(\/|$)/,
  // The product that speaks.
  ocsf: /\/metadata\/product(\/|$)/,
  openreports: /\/(configuration|source)(\/|$)/,
  'policy-report': /\/(configuration|source)(\/|$)/,
  // The category of the analysis.
  sarif: /\/automationDetails(\/|$)/,
};

function expectNoMore(broken: Report | null, { document, intact }: Omit<Case, 'bytes'>, pointer: string): void {
  if (broken === null || OTHER_RUN[broken.format]?.test(pointer)) return;
  expect(passesOf(broken)).toBeLessThanOrEqual(passesOf(intact));
  for (const one of broken.coverage) {
    if (one.extent === 'partial') expect([one.checks, one.silentPass]).toEqual([null, []]);
    else if (!isWithin(one, intact.coverage)) expect.fail(`closes more than the whole: ${JSON.stringify(one)}`);
  }
  const known = new Set([...secondsIn(intact.facts), ...secondsIn(document)]);
  expect(secondsIn(broken.facts).filter((instant) => !known.has(instant))).toEqual([]);
}

describe('a broken report', () => {
  it.each(ALL)('does %s, with a value broken anywhere, never pass or close more?', (name) => {
    const { bytes, document, intact } = caseOf(name);
    if (document === null) return;
    fc.assert(
      fc.property(
        fc.constantFrom(...placesOf(document)),
        fc.constantFrom(...Object.keys(BREAKS)),
        fc.nat(1_000),
        (place, way, chance) =>
          place.during(BREAKS[way]?.(place.value, chance), () => {
            expectNoMore(tryParse(bytesOf(document), name), { document, intact }, place.pointer);
          }),
      ),
      runs(bytes, 160_000, 70),
    );
  });

  it.each(ALL)('does %s, with a value that cannot be read, close nothing of what it said?', (name) => {
    const { bytes, document, intact } = caseOf(name);
    const scalars = placesOf(document).filter(({ value }) => typeof value !== 'object');
    if (document === null || scalars.length === 0) return;
    fc.assert(
      fc.property(fc.constantFrom(...scalars), fc.constantFrom(...UNREADABLE), (place, wrong) =>
        place.during(wrong, () => {
          const broken = tryParse(bytesOf(document), name);
          if (broken !== null) expect(closedBy(broken, intact)).toEqual([]);
        }),
      ),
      runs(bytes, 80_000, 35),
    );
  });

  it.each(ALL)('does %s, with a text that it does not know, never pass more?', (name) => {
    const { bytes, document, intact } = caseOf(name);
    const texts = placesOf(document).filter(({ value }) => typeof value === 'string');
    if (document === null || texts.length === 0) return;
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.constantFrom('unheard', 'PASSED?', '-'), (place, unknown) =>
        place.during(unknown, () => {
          expect(passesOf(tryParse(bytesOf(document), name))).toBeLessThanOrEqual(passesOf(intact));
        }),
      ),
      runs(bytes, 80_000, 35),
    );
  });

  it.each(ALL)('does %s, mixed with another fixture of its format, never pass where neither does?', (name) => {
    const { bytes, document, intact } = caseOf(name);
    const others = fixtureNames(name.slice(0, name.indexOf('/'))).filter((one) => one !== name && caseOf(one).document);
    if (document === null || others.length === 0) return;
    const root = { document };
    fc.assert(
      fc.property(
        fc.constantFrom(...placesOf(root)),
        fc.constantFrom(...others),
        fc.nat(1_000),
        (place, one, chance) => {
          const other = caseOf(one);
          const same = placesOf({ document: other.document }).filter(({ key }) => key === place.key);
          const from = same[chance % Math.max(1, same.length)]?.value;
          place.during(mixOf(place.value, from, chance), () => {
            const mixed = tryParse(bytesOf(root.document), name);
            if (passesOf(intact) + passesOf(other.intact) === 0) expect(passesOf(mixed)).toBe(0);
          });
        },
      ),
      runs(bytes, 60_000, 20),
    );
  });

  it.each(ALL)('does %s, cut anywhere, never pass or close more?', (name) => {
    const { bytes, document, intact } = caseOf(name);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), (end) => {
        expectNoMore(tryParse(bytes.subarray(0, end), name), { document, intact }, '');
      }),
      runs(bytes, 40_000, 20),
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
      runs(bytes, 40_000, 20),
    );
  });

  it.each(ALL)(
    'is %s with a text of a megabyte, or nested without end, taken or refused, and never more than it was?',
    (name) => {
      const { document, intact } = caseOf(name);
      if (document === null) return;
      const giant = 'x'.repeat(1024 * 1024);
      const nested = (depth: number): unknown => Array.from({ length: depth }).reduce((inner) => [{ x: inner }], {});
      fc.assert(
        fc.property(
          fc.constantFrom(...placesOf(document)),
          fc.constantFrom(giant, nested(10), nested(28), nested(40)),
          (place, value) =>
            place.during(value, () => {
              expectNoMore(tryParse(bytesOf(document), name), { document, intact }, place.pointer);
            }),
        ),
        { seed: SEED, numRuns: 3 * FURTHER },
      );
    },
  );

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
