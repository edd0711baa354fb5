/** A day of a calendar, of all its hours. */
export interface CalendarDay {
  /** The same for as long as it is the same: calendars know it again by it. */
  uid: string;
  /** `YYYY-MM-DD`. */
  day: string;
  summary: string;
  description: string;
  category: string;
}

/** Octets of a line at most, without its end (RFC 5545 section 3.1). */
const LINE_OCTETS = 75;

/** A calendar as text (RFC 5545): lines of CRLF, folded, with texts escaped. No alarms: whoever subscribes sets their own. `at`: of when it is. */
export function calendarText(name: string, at: Date, days: readonly CalendarDay[]): string {
  const stamp = `${at.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Safeguard//Safeguard//EN',
    'CALSCALE:GREGORIAN',
    `X-WR-CALNAME:${escaped(name)}`,
    ...days.flatMap(({ uid, day, summary, description, category }) => [
      'BEGIN:VEVENT',
      `UID:${escaped(uid)}`,
      `DTSTAMP:${stamp}`,
      `DTSTART;VALUE=DATE:${day.replaceAll('-', '')}`,
      `SUMMARY:${escaped(summary)}`,
      `DESCRIPTION:${escaped(description)}`,
      `CATEGORIES:${escaped(category)}`,
      'CLASS:CONFIDENTIAL',
      // A day on which something is due is not a day on which nobody has time.
      'TRANSP:TRANSPARENT',
      'END:VEVENT',
    ]),
    'END:VCALENDAR',
  ];
  return lines.map((line) => `${folded(line)}\r\n`).join('');
}

/** TEXT (section 3.3.11): what has a meaning of its own is escaped, and other controls than line ends have no place in it. */
const escaped = (text: string): string =>
  text
    .toWellFormed()
    .split(/\r\n?|\n/)
    .map((line) => line.replace(/\p{Cc}/gu, ' ').replace(/[\\;,]/g, '\\$&'))
    .join('\\n');

/** Folds before the octet that would be one too many, and within no character. */
function folded(line: string): string {
  const parts: string[] = [];
  let part = '';
  let octets = 0;
  for (const character of line) {
    const size = Buffer.byteLength(character);
    if (octets + size > LINE_OCTETS) {
      parts.push(part);
      // The space that a continued line begins with.
      part = ' ';
      octets = 1;
    }
    part += character;
    octets += size;
  }
  return [...parts, part].join('\r\n');
}
