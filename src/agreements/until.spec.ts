import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effective, idOf } from '../../test/support/effective.js';
import type { EffectiveRecord, EndedRecord } from '../records/effective.js';
import type { Statement } from '../records/statement.js';
import { FLOW_DOWN, OVERSIGHT, type AgreementNeed } from './findings.js';
import { judge } from './judge.js';
import type { AgreementsInput } from './standing.js';
import { controlOf, RETURN_CONTROL, TERM_NAMES } from './terms.js';

const DAY = 86_400_000;
const BEGIN = Date.UTC(2026, 0, 1);
const at = (day: number): Date => new Date(BEGIN + day * DAY);
const text = (day: number): string => at(day).toISOString();
const dayOf = (day: number): string => text(day).slice(0, 10);

const NEEDS: AgreementNeed[] = [
  { about: { practice: OVERSIGHT }, type: 'baa', days: 60, term: null },
  { about: { practice: OVERSIGHT }, type: 'vendor_review', days: 40, term: null },
  { about: { practice: FLOW_DOWN }, type: 'baa', days: 50, term: null },
  { about: { control: RETURN_CONTROL }, type: 'baa', days: null, term: '504e2iiJ' },
  { about: { control: controlOf('314B') }, type: 'baa', days: null, term: '314B' },
];

/** What was known by day 30, in effect throughout: what is said of it is changed by dates alone. */
const INPUT = fc
  .record({
    vendors: fc.array(fc.record({ parent: fc.option(fc.nat({ max: 2 })), ephi: fc.boolean() }), { maxLength: 3 }),
    agreements: fc.array(
      fc.record({
        of: fc.nat({ max: 2 }),
        from: fc.integer({ min: -30, max: 30 }),
        expires: fc.option(fc.integer({ min: 31, max: 150 })),
        automatic: fc.boolean(),
        ended: fc.option(fc.integer({ min: 0, max: 30 })),
        endsOn: fc.option(fc.integer({ min: 31, max: 150 })),
        returned: fc.option(fc.integer({ min: -40, max: 30 })),
      }),
      { maxLength: 4 },
    ),
    reviews: fc.array(
      fc.record({ of: fc.nat({ max: 2 }), day: fc.integer({ min: 0, max: 30 }), fails: fc.boolean() }),
      {
        maxLength: 4,
      },
    ),
    none: fc.option(fc.integer({ min: 0, max: 30 })),
  })
  .map(({ vendors, agreements, reviews, none }): AgreementsInput => {
    const kept = agreements.map(({ of, from, expires, automatic, ended }, index): EffectiveRecord | EndedRecord => {
      const record = effective(
        'baa',
        `baa ${index}`,
        {
          vendor: idOf(`vendor ${of}`),
          signedOn: '2025-01-01',
          renewal: automatic ? 'automatic' : 'none',
          incidentNoticeHours: 24,
          returnOrDestroy: 'destroy',
          terms: TERM_NAMES.map((term) => ({ term, clause: '§ 1' })),
        },
        { from: text(from), ...(expires === null ? {} : { expires: text(expires) }) },
      );
      return ended === null ? record : { ...record, endedAt: at(ended) };
    });
    const isEnded = (record: EffectiveRecord | EndedRecord): record is EndedRecord => 'endedAt' in record;
    return {
      vendors: vendors.map(({ parent, ephi }, index) =>
        effective('vendor', `vendor ${index}`, {
          role: 'business_associate',
          ephi,
          ...(parent === null ? {} : { parent: idOf(`vendor ${parent}`) }),
        }),
      ),
      agreements: kept.filter((record) => !isEnded(record)),
      ended: kept.filter(isEnded),
      past: [],
      endings: new Map(
        agreements.flatMap(({ endsOn }, index): [string, Date][] =>
          endsOn === null ? [] : [[idOf(`baa ${index}`), at(endsOn)]],
        ),
      ),
      reviews: reviews.map(({ of, day, fails }, index) =>
        effective('vendor_review', `review ${index}`, { vendor: idOf(`vendor ${of}`) }, { goodFrom: text(day), fails }),
      ),
      returns: agreements.flatMap(({ returned }, index) =>
        returned === null
          ? []
          : [
              effective('phi_return', `return ${index}`, {
                agreement: idOf(`baa ${index}`),
                completedOn: dayOf(returned),
              }),
            ],
      ),
      applicability:
        none === null
          ? []
          : [
              effective(
                'applicability_statement',
                'none',
                { statements: [{ control: '164.308(b)(1)', applies: false }] },
                { goodFrom: text(none) },
              ),
            ],
      systems: [],
      spans: [],
    };
  });

const ORDER = ['failing', 'stale', 'met'] as const;

/** What stands for each practice and item: the worst that is said, and until when where it is met. */
function standing(statements: readonly Statement[]) {
  return new Map(
    [...Map.groupBy(statements, ({ about }) => JSON.stringify(about))].map(([about, said]) => {
      const worst = ORDER.find((one) => said.some(({ says }) => says === one));
      const ends = said.flatMap(({ until }) => (until === null ? [] : [until.getTime()]));
      return [about, { worst, until: Math.min(...ends) }];
    }),
  );
}

describe('is what is met still met at the last instant that is named?', () => {
  it('whatever vendors, agreements, reviews and returns there are', () => {
    fc.assert(
      fc.property(INPUT, fc.integer({ min: 30, max: 120 }), fc.integer({ min: 0, max: 90 }), (input, start, length) => {
        const said = (asOf: Date) => judge(input, { needs: NEEDS, applicabilityDays: 45 }, asOf);
        const now = said(at(start));
        for (const [about, { worst, until }] of standing(now)) {
          expect(until).toBeGreaterThan(at(start).getTime());
          if (worst !== 'met') continue;
          const then = new Date(Math.min(at(start + length).getTime(), until - 1));
          expect([about, standing(said(then)).get(about)?.worst]).toEqual([about, 'met']);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
