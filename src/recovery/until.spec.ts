import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { effectiveRecord } from '../../test/support/effective.js';
import { DAY_MS } from '../kernel/dates.js';
import { newId } from '../kernel/ids.js';
import { judgeRecovery } from './judge.js';

const BEGIN = Date.UTC(2026, 0, 1);
const at = (day: number): Date => new Date(BEGIN + day * DAY_MS);
const text = (day: number): string => at(day).toISOString();
const dayOf = (day: number): string => text(day).slice(0, 10);

/** Records in effect throughout: what they say is changed by dates alone. */
const RECORDS = fc
  .record({
    objectives: fc.array(
      fc.record({ rpoDays: fc.integer({ min: 1, max: 20 }), created: fc.integer({ min: 0, max: 90 }) }),
      { maxLength: 2 },
    ),
    tests: fc.array(
      fc.record({
        of: fc.nat({ max: 1 }),
        day: fc.integer({ min: 0, max: 100 }),
        result: fc.constantFrom('passed', 'failed'),
      }),
      { maxLength: 4 },
    ),
    reports: fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 3 }),
    stores: fc.array(
      fc.record({ of: fc.nat({ max: 1 }), day: fc.integer({ min: 0, max: 100 }), fails: fc.boolean() }),
      { maxLength: 4 },
    ),
    exercises: fc.array(fc.record({ day: fc.integer({ min: 0, max: 100 }), findings: fc.nat({ max: 2 }) }), {
      maxLength: 2,
    }),
    actions: fc.array(
      fc.record({
        of: fc.nat({ max: 1 }),
        due: fc.integer({ min: 0, max: 100 }),
        done: fc.option(fc.integer({ min: 0, max: 100 })),
      }),
      { maxLength: 3 },
    ),
  })
  .map(({ objectives, tests, reports, stores, exercises, actions }) => {
    const goals = objectives.map(({ rpoDays, created }, index) =>
      effectiveRecord(
        'recovery_objective',
        { scope: `${index}`, namespaces: ['emr'], rtoMinutes: 60, rpoMinutes: rpoDays * 1440, criticality: 'low' },
        { id: newId(), goodFrom: at(created) },
      ),
    );
    const held = exercises.map(({ day, findings }) =>
      effectiveRecord(
        'exercise_report',
        {
          scenario: 'a',
          heldOn: dayOf(day),
          findings: Array.from({ length: findings }, (_, number) => ({ number: `${number}` })),
        },
        { id: newId(), goodFrom: at(day) },
      ),
    );
    return [
      ...goals,
      ...held,
      ...tests.map(({ of, day, result }) =>
        effectiveRecord(
          'restore_test',
          {
            objective: goals[of]?.id ?? newId(),
            startedAt: text(day),
            completedAt: text(day),
            result,
            measuredRpoMinutes: 0,
          },
          { id: newId(), goodFrom: at(day) },
        ),
      ),
      ...reports.map((day) =>
        effectiveRecord(
          'backup_report',
          { namespaces: ['emr'], periodTo: text(day) },
          { id: newId(), goodFrom: at(day) },
        ),
      ),
      ...stores.map(({ of, day, fails }) =>
        effectiveRecord(
          'immutability_evidence',
          { store: `store-${of}`, encryption: null },
          { id: newId(), goodFrom: at(day), fails },
        ),
      ),
      ...actions.map(({ of, due, done }) =>
        effectiveRecord(
          'corrective_action',
          { what: 'a', finding: '0', dueOn: dayOf(due), ...(done === null ? {} : { completedOn: dayOf(done) }) },
          { id: newId(), links: held[of] === undefined ? [] : [{ kind: 'record', target: held[of].id, note: '' }] },
        ),
      ),
    ];
  });

type Records = typeof RECORDS extends fc.Arbitrary<infer Kept> ? Kept : never;

const judged = (records: Records, asOf: Date) =>
  judgeRecovery({
    records,
    runs: [],
    holdsPhi: true,
    phiNamespaces: ['emr'],
    locations: [{ series: newId(), name: 'default', bucket: 'store-0' }],
    limitOf: () => ({ days: 15 }),
    asOf,
  });

const shown = (statements: ReturnType<typeof judged>) =>
  statements
    .map(({ about, need, says, reason, records }) => JSON.stringify([about, need, says, reason, records]))
    .sort();

describe('does a statement stay what it is until the instant that it names?', () => {
  it('whatever objectives, tests, reports and exercises there are', () => {
    fc.assert(
      fc.property(
        RECORDS,
        fc.integer({ min: 0, max: 120 }),
        fc.integer({ min: 0, max: 60 }),
        (records, start, length) => {
          const now = judged(records, at(start));
          const untils = now.flatMap(({ until, again }) => [until, again]).flatMap((until) => until?.getTime() ?? []);
          for (const until of untils) expect(until).toBeGreaterThan(at(start).getTime());
          const end = Math.min(at(start + length).getTime(), ...untils.map((until) => until - 1));
          const then = judged(records, new Date(end));
          // What a practice says nothing of has no instant either: that of which anything was said is held.
          const said = new Set(now.map(({ about }) => JSON.stringify(about)));
          expect(shown(then.filter(({ about }) => said.has(JSON.stringify(about))))).toEqual(shown(now));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
