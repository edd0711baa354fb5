import { dayOf } from '../kernel/dates.js';
import type { CalendarDay } from './ics.js';

/** Work as it is shown in a calendar. */
export interface DatedWork {
  readonly id: string;
  readonly kind: string;
  readonly type: string | null;
  readonly what: string;
  readonly practices: readonly string[];
  readonly controls: readonly string[];
  readonly records: readonly string[];
  readonly dueAt: Date | null;
}

/** Work that has a day, the first first. What several reasons ask of the same records by the same day is one. `titleOf`: of a record type. */
export function calendarDays(work: readonly DatedWork[], titleOf: (type: string) => string): CalendarDay[] {
  const dated = work
    .flatMap(({ dueAt, ...item }) => (dueAt === null ? [] : [{ ...item, dueAt }]))
    .sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime() || (a.id < b.id ? -1 : 1));
  const groups = Map.groupBy(dated, ({ id, kind, type, records, dueAt }) =>
    records.length === 0 ? id : JSON.stringify([kind, type, [...records].sort(), dueAt]),
  );
  return [...groups.values()].flatMap((items) => {
    const [first] = items;
    return first === undefined ? [] : [dayOfWork(first, items, titleOf)];
  });
}

type Dated = DatedWork & { readonly dueAt: Date };

function dayOfWork(first: Dated, items: readonly Dated[], titleOf: (type: string) => string): CalendarDay {
  const { id, kind, type, records, dueAt } = first;
  const all = (of: (item: Dated) => readonly string[]): string[] => [...new Set(items.flatMap(of))].sort();
  const line = (name: string, list: readonly string[]): string[] =>
    list.length === 0 ? [] : [`${name}: ${list.join(', ')}`];
  const practices = all((item) => item.practices);
  return {
    uid: `${id}@safeguard`,
    // The last day on which it can still be done: what ends with a day ends at the next one's first instant.
    day: dayOf(new Date(dueAt.getTime() - 1)),
    summary: `${SAID[kind] ?? 'Due'}: ${type === null ? (practices[0] ?? 'work') : titleOf(type)}`,
    description: [
      ...new Set(items.map(({ what }) => what)),
      ...line('Practices', practices),
      ...line(
        'Items',
        all((item) => item.controls),
      ),
      ...line('Records', records),
    ].join('\n'),
    category: kind,
  };
}

const SAID: Readonly<Record<string, string>> = { expiring: 'Ends', due: 'Due', failing: 'Overdue', stale: 'Ended' };
