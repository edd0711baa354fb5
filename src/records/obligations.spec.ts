import { describe, expect, it } from 'vitest';
import { currentCatalog } from '../catalog/load.js';
import type { TypeDefinition } from '../catalog/record-type.js';
import { ownType } from '../../test/support/record-types.js';
import type { EffectiveRecord } from './effective.js';
import { dueOf, isOfSystems, tooEarlyFor } from './obligations.js';

const restore = ownType('org/restore');
const failed = (overrides: Partial<EffectiveRecord> = {}): EffectiveRecord => ({
  id: 'first',
  version: 1,
  type: 'org/restore',
  naturalKey: '',
  subject: 'emr',
  title: 'A restore',
  ownerId: 'owner',
  systemIds: ['system'],
  fields: { result: 'failed', completedAt: '2026-01-01T12:00:00Z' },
  effectiveFrom: new Date('2026-01-10T00:00:00Z'),
  expiresAt: null,
  goodFrom: new Date('2026-01-01T12:00:00Z'),
  outcome: 'failed',
  fails: true,
  links: [],
  documents: [],
  decidedAt: new Date('2026-01-10T00:00:00Z'),
  disposed: false,
  ...overrides,
});
const at = (text: string) => new Date(text);

describe('does a record make another due?', () => {
  it('from the day that its field says, and overdue only when that is past', () => {
    const [due] = dueOf(restore, failed(), [], at('2026-02-01T12:00:00Z'));
    expect(due).toMatchObject({
      type: 'org/restore',
      dueAt: at('2026-02-01T12:00:00Z'),
      metBy: null,
      isOverdue: false,
    });
    expect(dueOf(restore, failed(), [], at('2026-02-01T12:00:00.001Z'))).toMatchObject([{ isOverdue: true }]);
  });

  it('where the field says nothing, from its effect', () => {
    const [due] = dueOf(restore, failed({ fields: { result: 'failed' } }), [], at('2026-02-01T00:00:00Z'));
    expect(due?.dueAt).toEqual(at('2026-02-10T00:00:00Z'));
  });

  it('not met yet by what was done later', () => {
    const again = failed({
      id: 'again',
      links: [{ kind: 'record', target: 'first', note: '' }],
      goodFrom: at('2026-03-01T00:00:00Z'),
    });
    expect(dueOf(restore, failed(), [again], at('2026-02-28T00:00:00Z'))).toMatchObject([
      { metBy: null, isOverdue: true },
    ]);
    expect(dueOf(restore, failed(), [again], at('2026-03-01T00:00:00Z'))).toMatchObject([{ metBy: 'again' }]);
  });

  it('met by a record of the type that links to it, and by no other', () => {
    const again = failed({ id: 'again', links: [{ kind: 'record', target: 'first', note: '' }] });
    expect(dueOf(restore, failed(), [again], at('2026-09-01T00:00:00Z'))).toMatchObject([
      { metBy: 'again', isOverdue: false },
    ]);
    for (const other of [
      failed({ id: 'again', links: [{ kind: 'evidence', target: 'first', note: '' }] }),
      failed({ id: 'again', links: [{ kind: 'record', target: 'another', note: '' }] }),
      failed({ id: 'again', type: 'org/target', links: [{ kind: 'record', target: 'first', note: '' }] }),
      failed({ links: [{ kind: 'record', target: 'first', note: '' }] }),
    ]) {
      expect(dueOf(restore, failed(), [other], at('2026-09-01T00:00:00Z'))).toMatchObject([{ metBy: null }]);
    }
  });

  it('nothing where the fields do not say so, or its content is no more', () => {
    expect(dueOf(restore, failed({ fields: { result: 'passed' } }), [], at('2026-09-01T00:00:00Z'))).toEqual([]);
    expect(dueOf(restore, failed({ fields: {}, disposed: true }), [], at('2026-09-01T00:00:00Z'))).toEqual([]);
  });
});

/** A breach, of which individuals and the authority are told, by notices of one type. */
const breach: TypeDefinition = {
  ...restore,
  type: 'org/breach',
  obliges: [
    {
      when: { as: ['covered_entity'] },
      type: 'org/notice',
      having: { audience: ['individuals'] },
      within_days: 60,
      from: 'discoveredAt',
      year_end: false,
      items: ['164.404(b)'],
      or_earlier: { type: 'org/incident', field: 'discoveredAt' },
      linked: true,
      unless: 'org/delay',
      says: 'Individuals are told.',
    },
    {
      when: { as: ['covered_entity'] },
      type: 'org/notice',
      having: { audience: ['hhs'] },
      within_days: 0,
      from: 'noticeBy',
      year_end: false,
      items: [],
      or_earlier: null,
      linked: true,
      unless: null,
      says: 'HHS is told.',
    },
  ],
};
const assessed = (fields: Record<string, unknown> = {}) =>
  failed({
    id: 'breach',
    type: 'org/breach',
    fields: { as: 'covered_entity', discoveredAt: '2026-01-01T12:00:00Z', noticeBy: '2026-03-01', ...fields },
  });
const toBreach = [{ kind: 'record' as const, target: 'breach', note: 'assessment' }];
const notice = (audience: unknown, overrides: Partial<EffectiveRecord> = {}) =>
  failed({ id: `to ${String(audience)}`, type: 'org/notice', fields: { audience }, links: toBreach, ...overrides });
const LATE = at('2026-09-01T00:00:00Z');
const met = (others: EffectiveRecord[], asOf = LATE) =>
  dueOf(breach, assessed(), others, asOf).map(({ says, metBy }) => [says, metBy]);

describe('is a duty met by what was done for it alone?', () => {
  it('a notice to individuals is none to HHS, and each meets its own', () => {
    expect(met([notice('individuals')])).toEqual([
      ['Individuals are told.', 'to individuals'],
      ['HHS is told.', null],
    ]);
    expect(met([notice('individuals'), notice('hhs')])).toEqual([
      ['Individuals are told.', 'to individuals'],
      ['HHS is told.', 'to hhs'],
    ]);
  });

  it('a notice that does not say to whom, or says it no more, meets none', () => {
    for (const silent of [
      notice(undefined),
      notice(['individuals', 'hhs']),
      notice('individuals', { fields: {}, disposed: true }),
    ]) {
      expect(met([silent])).toEqual([
        ['Individuals are told.', null],
        ['HHS is told.', null],
      ]);
    }
  });

  it('due within no days, it is due on the day itself, to its end; without a day, from the effect on', () => {
    const hhs = (fields: object, asOf: string) => dueOf(breach, assessed({ ...fields }), [], at(asOf))[1];
    expect(hhs({}, '2026-03-01T23:59:59.999Z')).toMatchObject({
      dueAt: at('2026-03-01T23:59:59.999Z'),
      isOverdue: false,
    });
    expect(hhs({}, '2026-03-02T00:00:00Z')).toMatchObject({ isOverdue: true });
    expect(hhs({ noticeBy: undefined }, '2026-01-10T00:00:00.001Z')).toMatchObject({
      dueAt: at('2026-01-10T00:00:00Z'),
      isOverdue: true,
    });
  });
});

describe('from which discovery do the days count?', () => {
  const incident = (discoveredAt: string) =>
    failed({ id: 'incident', type: 'org/incident', fields: { discoveredAt }, links: [] });
  const linked = { ...assessed(), links: [{ kind: 'record' as const, target: 'incident', note: 'incident' }] };
  const dueAt = (others: EffectiveRecord[], record: EffectiveRecord = linked) =>
    dueOf(breach, record, others, LATE)[0]?.dueAt.toISOString();

  it('from that of the record itself or of the one that it links to, whichever is the earlier', () => {
    expect(dueAt([])).toBe('2026-03-02T12:00:00.000Z');
    expect(dueAt([incident('2025-08-01T09:00:00Z')])).toBe('2025-09-30T09:00:00.000Z');
    expect(dueAt([incident('2026-02-01T09:00:00Z')])).toBe('2026-03-02T12:00:00.000Z');
    expect(dueAt([incident('2025-08-01T09:00:00Z')], { ...linked, links: [] })).toBe('2026-03-02T12:00:00.000Z');
    expect(dueAt([{ ...incident('2025-08-01T09:00:00Z'), type: 'org/target' }])).toBe('2026-03-02T12:00:00.000Z');
  });

  it('and what was done before its day meets nothing', () => {
    const metBy = (day: string, ...others: EffectiveRecord[]) =>
      dueOf(breach, linked, [...others, notice('individuals', { id: day, goodFrom: at(`${day}T00:00:00Z`) })], LATE)[0]
        ?.metBy;
    expect(metBy('2019-05-01')).toBeNull();
    expect(metBy('2025-12-31')).toBeNull();
    expect(metBy('2026-01-01')).toBe('2026-01-01');
    expect(metBy('2025-12-31', incident('2025-12-30T09:00:00Z'))).toBe('2025-12-31');
  });

  it('and what was done on its day west of UTC, where by UTC it is the next one already, meets it', () => {
    const isTooEarly = (discoveredAt: string, day: string) =>
      tooEarlyFor(
        breach,
        assessed({ outcome: 'breach', discoveredAt }),
        notice('individuals', { goodFrom: at(`${day}T00:00:00Z`) }),
        [],
      ) !== null;
    expect(isTooEarly('2026-09-30T22:00:00-04:00', '2026-09-30')).toBe(false);
    expect(isTooEarly('2026-09-30T22:00:00-04:00', '2026-09-29')).toBe(true);
    expect(isTooEarly('2026-10-01T12:00:00Z', '2026-09-30')).toBe(true);
    expect(isTooEarly('2026-10-01', '2026-09-30')).toBe(true);
  });
});

describe('is a duty lifted, and for how long?', () => {
  const delay = (overrides: Partial<EffectiveRecord> = {}) =>
    failed({
      id: 'delay',
      type: 'org/delay',
      fields: {},
      links: toBreach,
      expiresAt: at('2026-06-01T00:00:00Z'),
      ...overrides,
    });
  const dues = (other: EffectiveRecord, asOf: string) =>
    dueOf(breach, assessed(), [other], at(asOf)).map(({ says, isOverdue }) => [says, isOverdue]);

  it('while the record that lifts it has not expired, and of that duty alone', () => {
    expect(dues(delay(), '2026-05-31T23:59:59.999Z')).toEqual([['HHS is told.', true]]);
    expect(dues(delay({ expiresAt: null }), '2026-09-01T00:00:00Z')).toEqual([['HHS is told.', true]]);
  });

  it('from its expiry on it is due as it was, and so where the record speaks of something else', () => {
    for (const [other, asOf] of [
      [delay(), '2026-06-01T00:00:00Z'],
      [delay({ links: [] }), '2026-05-01T00:00:00Z'],
      [delay({ links: [{ kind: 'record', target: 'another breach', note: '' }] }), '2026-05-01T00:00:00Z'],
      [delay({ links: [{ kind: 'evidence', target: 'breach', note: '' }] }), '2026-05-01T00:00:00Z'],
      [delay({ type: 'org/notice' }), '2026-05-01T00:00:00Z'],
    ] as const) {
      expect(dues(other, asOf)).toEqual([
        ['Individuals are told.', true],
        ['HHS is told.', true],
      ]);
    }
  });
});

describe('is what was done too late told apart from what was done in time?', () => {
  const told = (others: EffectiveRecord[], asOf = LATE) => dueOf(breach, assessed(), others, asOf)[0];
  const sent = (day: string, overrides: Partial<EffectiveRecord> = {}) =>
    notice('individuals', { id: day, goodFrom: at(`${day}T00:00:00Z`), ...overrides });

  it('by the first record that met it, against the last instant at which it was due', () => {
    expect(told([sent('2026-03-02')])).toMatchObject({ metAt: at('2026-03-02T00:00:00Z'), isLate: false });
    expect(told([sent('2026-03-03')])).toMatchObject({ metBy: '2026-03-03', isLate: true, isOverdue: false });
    expect(told([sent('2026-05-01'), sent('2026-02-01')])).toMatchObject({ metBy: '2026-02-01', isLate: false });
    expect(told([])).toMatchObject({ metAt: null, isLate: false, isOverdue: true });
  });

  it('in time while a delay that lifted it had not expired', () => {
    const delay = failed({ id: 'delay', type: 'org/delay', links: toBreach, expiresAt: at('2026-04-01T00:00:00Z') });
    expect(told([sent('2026-04-01'), delay])).toMatchObject({ isLate: false });
    expect(told([sent('2026-04-02'), delay])).toMatchObject({ isLate: true });
    expect(told([sent('2026-03-20'), { ...delay, links: [] }])).toMatchObject({ isLate: true });
  });

  it('late where a delay was asked for when the day had passed, and overdue during it', () => {
    const delay = (asked: string, until: string) =>
      failed({
        id: asked,
        type: 'org/delay',
        links: toBreach,
        goodFrom: at(`${asked}T00:00:00Z`),
        expiresAt: at(`${until}T00:00:00Z`),
      });
    const missed = delay('2026-03-03', '2026-08-01');
    expect(told([missed], at('2026-07-01T00:00:00Z'))).toMatchObject({ isOverdue: true });
    expect(told([sent('2026-07-20'), missed])).toMatchObject({ metBy: '2026-07-20', isLate: true });
    // Nothing was put off before it was asked for, though its record begin earlier.
    const begun = { ...delay('2026-02-20', '2026-08-01'), effectiveFrom: at('2026-01-10T00:00:00Z') };
    expect(told([begun], at('2026-02-19T00:00:00Z'))).toMatchObject({ says: 'Individuals are told.' });
    // On the last day it was in time, and so is another that is asked for while the first lasts.
    const inTime = delay('2026-03-02', '2026-04-01');
    expect(told([inTime], at('2026-03-20T00:00:00Z'))).toMatchObject({ says: 'HHS is told.' });
    expect(told([sent('2026-06-01'), delay('2026-03-31', '2026-07-01'), inTime])).toMatchObject({ isLate: false });
    expect(told([sent('2026-06-01'), delay('2026-04-02', '2026-07-01'), inTime])).toMatchObject({ isLate: true });
  });

  it('and answered by a corrective action for it, from the day on which that was completed', () => {
    const action = (completedOn: string | undefined, overrides: Partial<EffectiveRecord> = {}) =>
      failed({ id: 'action', type: 'corrective_action', fields: { completedOn }, links: toBreach, ...overrides });
    const late = sent('2026-03-03');
    expect(told([late, action('2026-09-01')])).toMatchObject({ isLate: true, answeredBy: 'action', answeredAt: null });
    expect(told([late, action('2026-09-02')])).toMatchObject({
      answeredBy: null,
      answeredAt: at('2026-09-02T00:00:00Z'),
    });
    expect(told([late, action(undefined)])).toMatchObject({ answeredBy: null, answeredAt: null });
    expect(told([late, action('2026-05-01', { links: [] })])).toMatchObject({ answeredBy: null });
    expect(told([sent('2026-02-01'), action('2026-05-01')])).toMatchObject({ isLate: false, answeredBy: null });
  });
});

describe('is an obligation a system’s own?', () => {
  it('where all records that it speaks of are of systems', () => {
    const places = (place: 'system' | 'organization', delays: 'system' | 'organization' | undefined) =>
      breach.obliges.map((obligation) =>
        isOfSystems({ ...breach, place }, obligation, (type) => (type === 'org/delay' ? delays : 'system')),
      );
    expect(places('system', 'system')).toEqual([true, true]);
    expect(places('system', 'organization')).toEqual([false, true]);
    expect(places('system', undefined)).toEqual([false, true]);
    expect(places('organization', 'system')).toEqual([false, false]);
  });
});

describe('when are smaller breaches told to HHS?', () => {
  const { obliges } = currentCatalog().recordType('breach_assessment')!;
  const dueAt = (discoveredAt: string, scale = 'under_500') =>
    dueOf({ ...breach, obliges }, assessed({ outcome: 'breach', scale, discoveredAt }), [], LATE).flatMap((due) =>
      due.items.includes('164.408(a)') ? [due.dueAt.toISOString()] : [],
    );

  it('within 60 days after the end of the calendar year of discovery, and by no date that somebody enters', () => {
    expect(dueAt('2026-01-01T00:00:00Z')).toEqual(['2027-03-01T23:59:59.999Z']);
    expect(dueAt('2026-12-31T23:59:59Z')).toEqual(['2027-03-01T23:59:59.999Z']);
    // A leap year has a day more before the 60th.
    expect(dueAt('2027-06-01T12:00:00Z')).toEqual(['2028-02-29T23:59:59.999Z']);
  });

  it('larger ones within 60 days of it', () => {
    expect(dueAt('2026-01-01T12:00:00Z', '500_or_more')).toEqual(['2026-03-02T12:00:00.000Z']);
  });
});
