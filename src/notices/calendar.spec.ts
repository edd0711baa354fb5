import { describe, expect, it } from 'vitest';
import { calendarDays, scanDays, statusDays, type DatedWork } from './calendar.js';
import type { ComingTo } from './sources.service.js';

const ORGANIZATION = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a00';
const RECORD = '019ab1c2-7a10-7bd3-9c55-0f6f2b7d8a40';

const work = (more: Partial<DatedWork>): DatedWork => ({
  id: '0c6fdb9a-07d0-8f2e-a4b6-2a40f4ac2b1f',
  kind: 'expiring',
  type: 'baa',
  what: 'The agreement with vendor Lakeside Imaging ends on 2027-06-30.',
  practices: ['vendor-oversight-baa'],
  controls: [],
  records: [RECORD],
  dueAt: new Date('2027-07-01T00:00:00Z'),
  ...more,
});
const titled = (type: string): string => (type === 'baa' ? 'Business associate agreement' : type);

describe('which days are in the calendar?', () => {
  it('is what ends with a day on that day, and said in words?', () => {
    expect(calendarDays(ORGANIZATION, [work({})], titled)).toEqual([
      {
        uid: expect.stringMatching(/^[0-9a-f-]{36}@safeguard$/) as string,
        day: '2027-06-30',
        summary: 'Ends: Business associate agreement',
        description: `The agreement with vendor Lakeside Imaging ends on 2027-06-30.\nPractices: vendor-oversight-baa\nRecords: ${RECORD}`,
        category: 'expiring',
      },
    ]);
  });

  it('is what ends within a day on it too?', () => {
    expect(calendarDays(ORGANIZATION, [work({ dueAt: new Date('2027-06-30T15:00:00Z') })], titled)[0]?.day).toBe(
      '2027-06-30',
    );
  });

  it('is work without a day left out, and the rest in its order?', () => {
    const days = calendarDays(
      ORGANIZATION,
      [
        work({ id: 'b' }),
        work({ id: 'c', dueAt: null }),
        work({ id: 'a', kind: 'due', dueAt: new Date('2027-01-01T12:00:00Z') }),
      ],
      titled,
    );
    expect(days.map(({ summary }) => summary.split(':')[0])).toEqual(['Due', 'Ends']);
  });

  it('is what several reasons ask of one record by one day one day, and of two records two?', () => {
    const other = work({ id: 'z', practices: [], controls: ['164.502(e)(1)'], what: 'An agreement is in force.' });
    const [day, more] = calendarDays(ORGANIZATION, [other, work({})], titled);
    expect(more).toBeUndefined();
    expect(day?.description).toContain('Items: 164.502(e)(1)');
    expect(day?.description).toContain('Practices: vendor-oversight-baa');
    expect(calendarDays(ORGANIZATION, [work({}), work({ id: 'z', records: ['other'] })], titled)).toHaveLength(2);
  });

  it('is the same work the same one in other words, of another kind or day, and another of another organisation?', () => {
    const uids = (organizationId: string, ...all: Partial<DatedWork>[]) =>
      calendarDays(organizationId, all.map(work), titled).map(({ uid }) => uid);
    const before = uids(ORGANIZATION, { what: 'It ends within 90 days.' });
    expect(uids(ORGANIZATION, { id: 'other', what: 'It ends within 60 days.' })).toEqual(before);
    expect(uids(ORGANIZATION, { id: 'other', kind: 'failing', dueAt: new Date('2027-08-01T00:00:00Z') })).toEqual(
      before,
    );
    expect(uids(RECORD, {})).not.toEqual(before);
    expect(uids(RECORD, { records: [] })).not.toEqual(uids(ORGANIZATION, { records: [] }));
    const two = uids(ORGANIZATION, {}, { dueAt: new Date('2027-08-01T00:00:00Z') });
    expect([two[0], new Set(two).size]).toEqual([before[0], 2]);
  });
});

const on = (day: string, time = '00:00'): Date => new Date(`${day}T${time}:00Z`);

describe('which changes of statuses are in the calendar?', () => {
  const standing = (at: Date, statuses: Record<string, string>) => ({
    at,
    statuses: new Map(Object.entries(statuses)),
  });
  const BEFORE = { '164.312(a)(1)': 'evidenced', '164.312(b)': 'evidenced' };

  it('is a day on which some changed one day, with all of them, and one on which none did none?', () => {
    const days = statusDays(ORGANIZATION, [
      standing(on('2027-01-01'), BEFORE),
      standing(on('2027-01-02'), BEFORE),
      standing(on('2027-01-03'), { '164.312(a)(1)': 'stale', '164.312(b)': 'failing' }),
      standing(on('2027-01-03', '15:00'), { '164.312(a)(1)': 'stale', '164.312(b)': 'evidenced' }),
    ]);
    expect(days.map(({ day, summary, category }) => [day, summary, category])).toEqual([
      ['2027-01-02', 'Status changed: 2 items', 'status'],
      ['2027-01-03', '164.312(b): failing → evidenced', 'status'],
    ]);
    expect(days[0]?.description).toBe('164.312(a)(1): evidenced → stale\n164.312(b): evidenced → failing');
  });

  it('is the day the same one for as long as it is shown, and another of another organisation?', () => {
    const uidsAt = (organization: string, from: string) =>
      statusDays(organization, [
        standing(on(from), BEFORE),
        standing(on('2027-01-02'), BEFORE),
        standing(on('2027-01-03'), { '164.312(b)': 'stale' }),
      ]).map(({ uid }) => uid);
    expect(uidsAt(ORGANIZATION, '2027-01-01')).toEqual(uidsAt(ORGANIZATION, '2026-12-31'));
    expect(uidsAt(ORGANIZATION, '2027-01-01')).not.toEqual(uidsAt(RECORD, '2027-01-01'));
  });

  it('is an item that was not known before no change?', () => {
    const days = statusDays(ORGANIZATION, [
      standing(on('2027-01-01'), {}),
      standing(on('2027-01-02'), { 'nprm/164.312(c)': 'missing' }),
    ]);
    expect(days).toEqual([]);
  });
});

describe('which scans are in the calendar?', () => {
  const source = (more: Partial<ComingTo>): ComingTo => ({
    systemId: RECORD,
    systemName: 'emr',
    source: 'trivy/vulnerability',
    lastAt: on('2027-01-01', '02:00'),
    maxAgeDays: 8,
    ...more,
  });
  const seen = (at: Date, ...sources: Partial<ComingTo>[]) => scanDays(ORGANIZATION, sources.map(source), at);
  const said = (at: Date, ...sources: Partial<ComingTo>[]) =>
    seen(at, ...sources).map(({ day, summary }) => [day, summary]);

  it('is a source late when half of its time is over, stopped when all of it is, and before neither?', () => {
    expect(said(on('2027-01-05'), {})).toEqual([]);
    expect(said(on('2027-01-06'), {})).toEqual([['2027-01-09', 'Scans are late: trivy/vulnerability of emr']]);
    expect(said(on('2027-01-09', '02:00'), {})).toEqual([['2027-01-09', expect.stringContaining('late')]]);
    expect(said(on('2027-01-09', '02:01'), {})).toEqual([
      ['2027-01-09', 'Scans have stopped: trivy/vulnerability of emr'],
    ]);
  });

  it('is what stopped on one day one day, and what is good for ever, or was given up a year ago, none?', () => {
    const days = seen(
      on('2027-02-01'),
      { source: 'kubescape' },
      {},
      { source: 'for-ever', maxAgeDays: null },
      { source: 'given-up', lastAt: on('2025-01-01') },
    );
    expect(days.map(({ summary }) => summary)).toEqual(['Scans have stopped: 2 sources']);
    expect(days[0]?.description).toBe(
      'kubescape of emr: last complete scan on 2027-01-01, fresh for 8 days\n' +
        'trivy/vulnerability of emr: last complete scan on 2027-01-01, fresh for 8 days',
    );
  });

  it('is a day of many sources of a bounded length?', () => {
    const many = Array.from({ length: 250 }, (_, index) => ({ systemName: `system ${index}` }));
    const [day] = seen(on('2027-02-01'), ...many);
    expect(day?.description.split('\n')).toHaveLength(101);
    expect(day?.description).toContain('and 150 more');
  });
});
