import { DAY_MS, dayOf, later } from '../kernel/dates.js';
import { nameId } from '../kernel/ids.js';
import type { CalendarDay } from './ics.js';
import { hasStopped, MAX_LISTED } from './signals.js';
import type { ComingTo } from './sources.service.js';

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
export function calendarDays(
  organizationId: string,
  work: readonly DatedWork[],
  titleOf: (type: string) => string,
): CalendarDay[] {
  const dated = work
    .flatMap(({ dueAt, ...item }) => (dueAt === null ? [] : [{ ...item, dueAt }]))
    .sort((a, b) => a.dueAt.getTime() - b.dueAt.getTime() || (a.id < b.id ? -1 : 1));
  const groups = Map.groupBy(dated, ({ id, kind, type, records, dueAt }) =>
    records.length === 0 ? id : JSON.stringify([kind, type, [...records].sort(), dueAt]),
  );
  const seen = new Map<string, number>();
  return [...groups.values()].flatMap((items) => {
    const [first] = items;
    if (first === undefined) return [];
    // By what it is of, and not by its words, its kind or its day: these change while it is the same. Of several that are of the same each by its turn.
    const { id, type, records } = first;
    const name = records.length === 0 ? [id] : [type ?? '', ...[...records].sort()];
    const key = JSON.stringify(name);
    const turn = seen.get(key) ?? 0;
    seen.set(key, turn + 1);
    return [dayOfWork(uidOf(organizationId, 'work', ...name, String(turn)), first, items, titleOf)];
  });
}

type Dated = DatedWork & { readonly dueAt: Date };

function dayOfWork(uid: string, first: Dated, items: readonly Dated[], titleOf: (type: string) => string): CalendarDay {
  const { kind, type, records, dueAt } = first;
  const all = (of: (item: Dated) => readonly string[]): string[] => [...new Set(items.flatMap(of))].sort();
  const line = (name: string, list: readonly string[]): string[] =>
    list.length === 0 ? [] : [`${name}: ${list.join(', ')}`];
  const practices = all((item) => item.practices);
  return {
    uid,
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

/** How far back changes of statuses are shown. */
export const CHANGES_SHOWN_DAYS = 30;
/** How long it is shown that a source has stopped: behind that nobody waits for it any more. */
const STOPPED_SHOWN_DAYS = 366;

/** How the items of the law stood at an instant. */
export interface Standing {
  readonly at: Date;
  readonly statuses: ReadonlyMap<string, string>;
}

/** Days within which the status of an item of the law became another, by what is known now: one a day, with all that did. `standings`: the beginnings of days, and now. */
export function statusDays(organizationId: string, standings: readonly Standing[]): CalendarDay[] {
  return standings.slice(1).flatMap(({ statuses }, index) => {
    const before = standings[index];
    if (before === undefined) return [];
    // That an item is what it is where it was not known before is no change.
    const changes = [...statuses].flatMap(([control, status]) => {
      const from = before.statuses.get(control);
      return from === undefined || from === status ? [] : [`${control}: ${from} → ${status}`];
    });
    const [first] = changes;
    if (first === undefined) return [];
    const day = dayOf(before.at);
    return [
      {
        uid: uidOf(organizationId, 'statuses', day),
        day,
        summary: changes.length === 1 ? first : `Status changed: ${changes.length} items`,
        description: listed(changes),
        category: 'status',
      },
    ];
  });
}

/** In the place of them, on this day, where they cannot be told yet: a calendar without them would say that none changed. */
export function statusesToCome(organizationId: string, at: Date): CalendarDay {
  return {
    uid: uidOf(organizationId, 'statuses', 'to come'),
    day: dayOf(at),
    summary: 'Changes of statuses are not shown yet',
    description:
      'How the systems stood on the last days is being counted. All else is here; read the calendar again in some minutes.',
    category: 'status',
  };
}

/**
 * The day from which on what a source has evidenced is too old, of sources that have stopped; and of those that are late: of what a scan is good for half has gone
 * by, and none has come since. One a day, with all of that day.
 */
export function scanDays(organizationId: string, coming: readonly ComingTo[], at: Date): CalendarDay[] {
  const seen = coming.flatMap((source) => {
    const { lastAt, maxAgeDays } = source;
    if (maxAgeDays === null) return [];
    const endsAt = later(lastAt, maxAgeDays);
    const isShown =
      at.getTime() - lastAt.getTime() > (maxAgeDays * DAY_MS) / 2 && later(endsAt, STOPPED_SHOWN_DAYS) >= at;
    return isShown ? [{ source, day: dayOf(endsAt), stopped: hasStopped(source, at), maxAgeDays }] : [];
  });
  const groups = Map.groupBy(seen, ({ day, stopped }) => `${day} ${stopped ? 'stopped' : 'late'}`);
  return [...groups].sort().flatMap(([name, sources]) => {
    const [first] = sources;
    if (first === undefined) return [];
    const said = first.stopped ? 'Scans have stopped' : 'Scans are late';
    const of = (one: ComingTo): string => `${one.source} of ${one.systemName}`;
    return [
      {
        uid: uidOf(organizationId, 'scans', name),
        day: first.day,
        summary: `${said}: ${sources.length === 1 ? of(first.source) : `${sources.length} sources`}`,
        description: listed(
          sources.map(
            ({ source, maxAgeDays }) =>
              `${of(source)}: last complete scan on ${dayOf(source.lastAt)}, fresh for ${maxAgeDays} days`,
          ),
        ),
        category: 'scans',
      },
    ];
  });
}

const uidOf = (...name: readonly string[]): string => `${nameId('calendar', ...name)}@safeguard`;

const listed = (lines: readonly string[]): string =>
  [...lines.slice(0, MAX_LISTED), ...(lines.length > MAX_LISTED ? [`and ${lines.length - MAX_LISTED} more`] : [])].join(
    '\n',
  );
