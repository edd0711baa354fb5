import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCalendar } from '../../test/support/calendar.js';
import { calendarText, type CalendarDay } from './ics.js';

const AT = new Date('2026-11-26T09:00:30.123Z');
const DAY: CalendarDay = {
  uid: '5c6fdb9a-07d0-8f2e-a4b6-2a40f4ac2b1f@safeguard',
  day: '2027-02-28',
  summary: 'Agreement ends; renew it, or not',
  description: 'Line one\nLine two with a back\\slash',
  category: 'expiring',
};

describe('is a calendar what RFC 5545 asks for?', () => {
  it('is a day written as it shall be?', () => {
    expect(calendarText('Safeguard', AT, [DAY]).split('\r\n')).toEqual([
      'BEGIN:VCALENDAR',
      'VERSION:2.0',
      'PRODID:-//Safeguard//Safeguard//EN',
      'CALSCALE:GREGORIAN',
      'X-WR-CALNAME:Safeguard',
      'BEGIN:VEVENT',
      'UID:5c6fdb9a-07d0-8f2e-a4b6-2a40f4ac2b1f@safeguard',
      'DTSTAMP:20261126T090030Z',
      'DTSTART;VALUE=DATE:20270228',
      'SUMMARY:Agreement ends\\; renew it\\, or not',
      'DESCRIPTION:Line one\\nLine two with a back\\\\slash',
      'CATEGORIES:expiring',
      'CLASS:CONFIDENTIAL',
      'TRANSP:TRANSPARENT',
      'END:VEVENT',
      'END:VCALENDAR',
      '',
    ]);
  });

  it('is one without days a calendar too?', () => {
    expect(readCalendar(calendarText('Safeguard', AT, [])).events).toEqual([]);
  });

  it('is any text read back as it was, in lines of at most 75 octets, and can none break out of its line?', () => {
    const text = fc
      .string({ unit: 'grapheme', maxLength: 200 })
      .map((one) => one.toWellFormed().replace(/\p{Cc}/gu, ' '));
    const lines = fc.array(text, { minLength: 1, maxLength: 3 }).map((some) => some.join('\n'));
    fc.assert(
      fc.property(lines, lines, (summary, description) => {
        const written = calendarText('Safeguard', AT, [{ ...DAY, summary, description }]);
        for (const line of written.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
        const { events } = readCalendar(written);
        expect(events).toHaveLength(1);
        expect(events[0]).toMatchObject({ SUMMARY: summary, DESCRIPTION: description, UID: DAY.uid });
      }),
    );
  });

  it('are line ends of others, controls and halves of characters harmless?', () => {
    const summary = 'a\r\nEND:VEVENT\rb\0c\ud800';
    const { events } = readCalendar(calendarText('Safeguard', AT, [{ ...DAY, summary }]));
    expect(events).toHaveLength(1);
    expect(events[0]?.['SUMMARY']).toBe('a\nEND:VEVENT\nb c\ufffd');
  });
});
