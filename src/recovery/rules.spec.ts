import { describe, expect, it } from 'vitest';
import { effectiveRecord } from '../../test/support/effective.js';
import { newId } from '../kernel/ids.js';
import type { Candidate, Neighbour } from '../records/rules.js';
import { recoveryRules } from './rules.js';

const OBJECTIVE = newId();
const NOW = new Date('2026-06-01T00:00:00Z');
const candidate = (type: string, fields: Record<string, unknown>, kind: Candidate['kind'] = 'content'): Candidate => ({
  ...effectiveRecord(type, fields),
  kind,
  reason: null,
});
const objective: Neighbour = {
  ...effectiveRecord('recovery_objective', {}, { id: OBJECTIVE }),
  effectiveTo: null,
};
const test = (fields: Record<string, unknown> = {}, kind?: Candidate['kind']) =>
  candidate(
    'restore_test',
    {
      objective: OBJECTIVE,
      startedAt: '2026-05-01T00:00:00Z',
      completedAt: '2026-05-01T01:00:00Z',
      result: 'passed',
      measuredRpoMinutes: 60,
      ...fields,
    },
    kind,
  );
const pointers = (one: Candidate, ...neighbours: Neighbour[]) =>
  recoveryRules.faults(one, neighbours, NOW).map(({ pointer }) => pointer);

describe('which records of recovery are refused?', () => {
  it('a restore test of no objective in effect', () => {
    expect(recoveryRules.neighbours(test())).toEqual([{ types: ['recovery_objective'], ids: [OBJECTIVE] }]);
    expect(pointers(test(), objective)).toEqual([]);
    expect(pointers(test())).toEqual(['/fields/objective']);
    expect(pointers(test({}, 'end'))).toEqual([]);
  });

  it('one that passed and does not say how old its data was', () => {
    expect(pointers(test({ measuredRpoMinutes: undefined }), objective)).toEqual(['/fields/measuredRpoMinutes']);
    expect(pointers(test({ measuredRpoMinutes: undefined, result: 'failed' }), objective)).toEqual([]);
  });

  it('a corrective action of nothing, or that is done without anything to show for it', () => {
    const action = (fields: Record<string, unknown>, more: Partial<Candidate> = {}): Candidate => ({
      ...candidate('corrective_action', { what: 'Print it.', dueOn: '2026-07-01', ...fields }),
      links: [{ kind: 'record', target: OBJECTIVE, note: '' }],
      ...more,
    });
    const evidence = { links: [...action({}).links, { kind: 'evidence' as const, target: OBJECTIVE, note: '' }] };
    expect(pointers(action({}))).toEqual([]);
    expect(pointers(action({}, { links: [] }))).toEqual(['/links']);
    expect(pointers(action({ completedOn: '2026-05-20' }))).toEqual(['/fields/completedOn']);
    expect(pointers(action({ completedOn: '2026-05-20' }, evidence))).toEqual([]);
    expect(pointers(action({ completedOn: '2026-06-02' }, evidence))).toEqual(['/fields/completedOn']);
    expect(pointers(action({ dueOn: 'soon' }))).toEqual(['/fields']);
    expect(pointers(candidate('corrective_action', {}, 'end'))).toEqual([]);
  });

  it('an exercise whose findings cannot be told apart, or are not listed', () => {
    const exercise = (result: string, ...numbers: string[]) =>
      candidate('exercise_report', {
        scenario: 'a',
        heldOn: '2026-05-01',
        result,
        findings: numbers.map((number) => ({ number })),
      });
    expect(pointers(exercise('findings', '1', '2'))).toEqual([]);
    expect(pointers(exercise('no_findings'))).toEqual([]);
    expect(pointers(exercise('findings', '1', '1'))).toEqual(['/fields/findings/1/number']);
    expect(pointers(exercise('findings'))).toEqual(['/fields/findings']);
    expect(pointers(exercise('no_findings', '1'))).toEqual(['/fields/findings']);
  });
});
