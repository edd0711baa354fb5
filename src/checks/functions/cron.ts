import { Duration } from '@marcbachmann/cel-js/evaluator';
import { durationOf, quoted } from './conversions.js';
import { Unanswerable } from './function.js';

/** Minutes, hours, days of the month, months, days of the week: the standard parser of github.com/robfig/cron, which CronJobs and Velero use. */
const FIELDS: readonly { readonly from: number; readonly to: number; readonly names: readonly string[] }[] = [
  { from: 0, to: 59, names: [] },
  { from: 0, to: 23, names: [] },
  { from: 1, to: 31, names: [] },
  { from: 1, to: 12, names: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'] },
  { from: 0, to: 6, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

const DESCRIPTORS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

interface Field {
  readonly values: ReadonlySet<number>;
  /** `*` or `?` without a step: the days of the other field alone count. */
  readonly any: boolean;
}

const DAY = 24 * 60;
/** Days of the week and leap years come round every 28 years; 2100 is no leap year and far off. */
const YEARS = 28;

const known = new Map<string, Duration>();

/** The longest time between two runs, in a zone without summer time: with it an hour more may pass. */
export function longestGap(schedule: string): Duration {
  let gap = known.get(schedule);
  if (gap !== undefined) return gap;
  gap = gapOf(schedule.trim());
  // Schedules come from objects, which are as many as somebody likes.
  if (known.size < 10_000) known.set(schedule, gap);
  return gap;
}

function gapOf(schedule: string): Duration {
  const every = /^@every (\S+)$/.exec(schedule)?.[1];
  if (every !== undefined) {
    const gap = durationOf(every);
    if (gap.seconds < 1n) throw new Unanswerable(`cronGap(): no time between two runs: ${quoted(schedule)}`);
    return gap;
  }
  const bare = schedule.replace(/^(CRON_)?TZ=\S+\s+/, '');
  const texts = (Object.hasOwn(DESCRIPTORS, bare) ? (DESCRIPTORS[bare] ?? '') : bare).split(/\s+/);
  if (texts.length !== FIELDS.length) throw unreadable(schedule);
  const [minutes, hours, days, months, weekdays] = texts.map((text, index) => fieldOf(text, index, schedule)) as [
    Field,
    Field,
    Field,
    Field,
    Field,
  ];
  const times = [...hours.values]
    .flatMap((hour) => [...minutes.values].map((minute) => hour * 60 + minute))
    .sort((a, b) => a - b);
  const [first = 0, last = 0] = [times.at(0), times.at(-1)];
  let longest = times.reduce((most, time, index) => Math.max(most, time - (times[index - 1] ?? time)), 0);
  let before: number | null = null;
  for (let day = 0; day < YEARS * 365.25; day++) {
    const date = new Date(Date.UTC(2024, 0, 1 + day));
    const [onDay, onWeekday] = [days.values.has(date.getUTCDate()), weekdays.values.has(date.getUTCDay())];
    const matches = days.any || weekdays.any ? onDay && onWeekday : onDay || onWeekday;
    if (!matches || !months.values.has(date.getUTCMonth() + 1)) continue;
    if (before !== null) longest = Math.max(longest, (day - before) * DAY - last + first);
    before = day;
  }
  if (before === null || longest === 0) throw new Unanswerable(`cronGap(): never runs twice: ${quoted(schedule)}`);
  return new Duration(BigInt(longest) * 60n);
}

function unreadable(schedule: string): Unanswerable {
  return new Unanswerable(`cronGap(): not a schedule: ${quoted(schedule)}`);
}

function fieldOf(text: string, index: number, schedule: string): Field {
  const values = new Set<number>();
  let any = false;
  for (const range of text.split(',')) {
    const [, low = '', high, step] = /^(\*|\?|[\da-z]{1,3})(?:-([\da-z]{1,3}))?(?:\/(\d{1,2}))?$/i.exec(range) ?? [];
    const field = FIELDS[index];
    if (field === undefined || low === '' || step === '0' || step === '00') throw unreadable(schedule);
    const isAny = low === '*' || low === '?';
    if (isAny && high !== undefined) throw unreadable(schedule);
    const numberOf = (word: string): number => {
      const named = field.names.indexOf(word.toLowerCase());
      const value = named > -1 && word !== '' ? named : /^\d+$/.test(word) ? Number(word) : NaN;
      if (!(value >= field.from && value <= field.to)) throw unreadable(schedule);
      return value;
    };
    const from = isAny ? field.from : numberOf(low);
    // `5/15` is from 5 to the end.
    const to = isAny ? field.to : high === undefined ? (step === undefined ? from : field.to) : numberOf(high);
    if (from > to) throw unreadable(schedule);
    any ||= isAny && (step === undefined || Number(step) === 1);
    for (let value = from; value <= to; value += Number(step ?? 1)) values.add(value);
  }
  return { values, any };
}
