import { describe, expect, it } from 'vitest';
import { calendarDays, type DatedWork } from './calendar.js';

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
    expect(calendarDays([work({})], titled)).toEqual([
      {
        uid: '0c6fdb9a-07d0-8f2e-a4b6-2a40f4ac2b1f@safeguard',
        day: '2027-06-30',
        summary: 'Ends: Business associate agreement',
        description: `The agreement with vendor Lakeside Imaging ends on 2027-06-30.\nPractices: vendor-oversight-baa\nRecords: ${RECORD}`,
        category: 'expiring',
      },
    ]);
  });

  it('is what ends within a day on it too?', () => {
    expect(calendarDays([work({ dueAt: new Date('2027-06-30T15:00:00Z') })], titled)[0]?.day).toBe('2027-06-30');
  });

  it('is work without a day left out, and the rest in its order?', () => {
    const days = calendarDays(
      [
        work({ id: 'b' }),
        work({ id: 'c', dueAt: null }),
        work({ id: 'a', kind: 'due', dueAt: new Date('2027-01-01T12:00:00Z') }),
      ],
      titled,
    );
    expect(days.map(({ uid, summary }) => [uid, summary.split(':')[0]])).toEqual([
      ['a@safeguard', 'Due'],
      ['b@safeguard', 'Ends'],
    ]);
  });

  it('is what several reasons ask of one record by one day one day, and of two records two?', () => {
    const other = work({ id: 'z', practices: [], controls: ['164.502(e)(1)'], what: 'An agreement is in force.' });
    const [day, more] = calendarDays([other, work({})], titled);
    expect(more).toBeUndefined();
    expect(day?.description).toContain('Items: 164.502(e)(1)');
    expect(day?.description).toContain('Practices: vendor-oversight-baa');
    expect(calendarDays([work({}), work({ id: 'z', records: ['other'] })], titled)).toHaveLength(2);
  });
});
