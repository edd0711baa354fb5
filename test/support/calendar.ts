/** A calendar as it is read: of each event its properties by name, with their values unescaped. */
export interface ReadCalendar {
  properties: Readonly<Record<string, string>>;
  events: readonly Readonly<Record<string, string>>[];
}

/** Reads as much of RFC 5545 as calendars of this service are written in, and refuses everything else. */
export function readCalendar(text: string): ReadCalendar {
  if (!text.endsWith('\r\n')) throw new Error('the last line has no end');
  // Unfolding comes before everything else (section 3.1).
  const lines = text.slice(0, -2).replaceAll('\r\n ', '').split('\r\n');
  const open: string[] = [];
  const properties: Record<string, string> = {};
  const events: Record<string, string>[] = [];
  for (const line of lines) {
    const [, name, value] = /^([A-Z-]+)(?:;[A-Z]+=[A-Z]+)?:([^\r\n]*)$/u.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no content line: ${JSON.stringify(line)}`);
    if (name === 'BEGIN') {
      open.push(value);
      if (value === 'VEVENT') events.push({});
      else if (value !== 'VCALENDAR' || open.length > 1) throw new Error(`what begins is ${value}`);
    } else if (name === 'END') {
      if (open.pop() !== value) throw new Error(`what ends has not begun: ${value}`);
    } else {
      const of = open.at(-1) === 'VEVENT' ? events.at(-1) : properties;
      if (of === undefined || name in of) throw new Error(`the property ${name} is there twice`);
      of[name] = unescaped(value);
    }
  }
  if (open.length > 0 || lines[0] !== 'BEGIN:VCALENDAR') throw new Error('the calendar is not whole');
  for (const name of ['VERSION', 'PRODID']) if (!(name in properties)) throw new Error(`no ${name}`);
  for (const event of events) {
    for (const name of ['UID', 'DTSTAMP', 'DTSTART']) if (!(name in event)) throw new Error(`an event without ${name}`);
  }
  return { properties, events };
}

function unescaped(value: string): string {
  if (/(?<!\\)(?:\\\\)*[;,]/.test(value)) throw new Error(`not escaped: ${value}`);
  return value.replace(/\\([\\;,nN])/g, (_, escaped: string) => (escaped.toLowerCase() === 'n' ? '\n' : escaped));
}
