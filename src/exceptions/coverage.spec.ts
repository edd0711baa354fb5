import { describe, expect, it } from 'vitest';
import { effective, idOf, OWNER } from '../../test/support/effective.js';
import { acceptancesOf, checkKey } from './coverage.js';

const NOW = new Date('2026-06-01T00:00:00Z');
const emr = idOf('emr');
const pacs = idOf('pacs');
type Said = NonNullable<Parameters<typeof effective>[3]>;

const exception = (name: string, fields: object, said: Said = {}) =>
  effective('exception', name, { ...fields }, { systemIds: [emr], expires: '2026-07-01T00:00:00Z', ...said });
const decision = (control: string, outcome: string, said: Said = {}) =>
  effective(
    'addressable_decision',
    control,
    { control, size: 'x', infrastructure: 'x', cost: 'x', risk: 'x', outcome },
    said,
  );

const ask = (records: ReturnType<typeof effective>[], place: string | null = emr, asOf = NOW) =>
  acceptancesOf(
    {
      exceptions: records.filter(({ type }) => type === 'exception'),
      decisions: records.filter(({ type }) => type === 'addressable_decision'),
      decisionDays: 365,
      isAddressable: (control) => control !== '164.312(a)(1)',
    },
    place,
    asOf,
  );

describe('when does a decision lift an item?', () => {
  it('from the day on which it was decided, not before', () => {
    const decided = decision('164.312(a)(2)(iii)', 'not_reasonable', { goodFrom: '2026-06-02T00:00:00Z' });
    expect(ask([decided], null).controls.size).toBe(0);
    expect(ask([decided], null, new Date('2026-06-02T00:00:00Z')).controls.size).toBe(1);
  });
});

describe('what does an exception cover?', () => {
  const all = exception(
    'all',
    {
      checks: [{ source: 'kube-bench', check: 'cis-1.12/1.2.16' }],
      results: [
        { systemId: emr, series: idOf('one') },
        { systemId: pacs, series: idOf('two') },
      ],
      practices: ['rbac-least-privilege'],
    },
    { systemIds: [emr, pacs] },
  );

  it('in each of its systems the checks and practices that it names, and the results of that system', () => {
    expect(ask([all])).toEqual({
      results: new Set([idOf('one')]),
      checks: new Set([checkKey('kube-bench', 'cis-1.12/1.2.16')]),
      practices: new Set(['rbac-least-privilege']),
      controls: new Map(),
      until: new Date('2026-07-01T00:00:00Z'),
      ids: [idOf('all')],
      exceptions: [{ recordId: idOf('all'), ownerId: OWNER, until: new Date('2026-07-01T00:00:00Z') }],
    });
    expect(ask([all], pacs).results).toEqual(new Set([idOf('two')]));
    expect(ask([all], idOf('other')).ids).toEqual([]);
    expect(ask([all], null).ids).toEqual([]);
  });

  it('practices alone, if it is of the whole organisation, and there and in no system', () => {
    const whole = exception('whole', { practices: ['p'], checks: [{ source: 's', check: 'c' }] }, { systemIds: [] });
    expect(ask([whole], null)).toMatchObject({ practices: new Set(['p']), checks: new Set(), ids: [idOf('whole')] });
    expect(ask([whole]).ids).toEqual([]);
  });

  it('nothing from the instant of its end on', () => {
    const end = new Date('2026-07-01T00:00:00Z');
    expect(ask([all], emr, new Date(end.getTime() - 1)).ids).toEqual([idOf('all')]);
    expect(ask([all], emr, end)).toMatchObject({
      results: new Set(),
      checks: new Set(),
      practices: new Set(),
      until: null,
    });
  });

  it('nothing before it was approved, from whenever it says that it counts', () => {
    const approved = new Date('2026-06-10T00:00:00Z');
    const backdated = { ...all, decidedAt: approved };
    const before = ask([backdated], emr, new Date(approved.getTime() - 1));
    expect(before).toMatchObject({ ids: [], results: new Set(), checks: new Set(), practices: new Set() });
    // From then on it may be otherwise.
    expect(before.until).toEqual(approved);
    expect(ask([backdated], emr, approved)).toMatchObject({
      ids: [idOf('all')],
      until: new Date('2026-07-01T00:00:00Z'),
    });
  });

  it('nothing without an end, and nothing where it cannot be read', () => {
    const { expiresAt: _end, ...rest } = all;
    expect(ask([{ ...rest, expiresAt: null }]).ids).toEqual([]);
    expect(ask([{ ...all, fields: { practices: 'all' } }]).ids).toEqual([]);
    expect(ask([{ ...all, fields: {}, disposed: true }])).toMatchObject({ practices: new Set(), checks: new Set() });
  });

  it('ends when the first of them does', () => {
    const sooner = exception('sooner', { practices: ['p'] }, { expires: '2026-06-02T00:00:00Z' });
    expect(ask([all, sooner])).toMatchObject({
      until: new Date('2026-06-02T00:00:00Z'),
      ids: [idOf('all'), idOf('sooner')],
    });
  });
});

describe('which specifications are met otherwise?', () => {
  const lifted = (...records: ReturnType<typeof effective>[]) => [...ask(records, null).controls.keys()];

  it('those decided so, of the organisation alone', () => {
    const records = [decision('a', 'alternative'), decision('b', 'not_reasonable'), decision('c', 'implement')];
    expect(lifted(...records)).toEqual(['a', 'b']);
    expect([...ask(records).controls]).toEqual([]);
    expect(ask(records, null).controls.get('a')).toEqual({
      recordId: idOf('a'),
      version: 1,
      ownerId: OWNER,
      outcome: 'alternative',
      until: new Date('2027-01-01T00:00:00.001Z'),
    });
  });

  it('while the decision is fresh', () => {
    expect(lifted(decision('a', 'alternative', { from: '2025-06-01T00:00:00Z' }))).toEqual(['a']);
    expect(lifted(decision('a', 'alternative', { from: '2025-05-31T23:59:59Z' }))).toEqual([]);
    expect(lifted(decision('a', 'alternative', { expires: '2026-06-01T00:00:00Z' }))).toEqual([]);
  });

  it('no required one, and none by what cannot be read', () => {
    expect(lifted(decision('164.312(a)(1)', 'alternative'))).toEqual([]);
    expect(lifted({ ...decision('a', 'alternative'), fields: {} })).toEqual([]);
  });
});
