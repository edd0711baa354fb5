import { DAY_MS } from '../kernel/dates.js';
import { nameId } from '../kernel/ids.js';
import type { Notice, NoticeType, NoticeValue } from './events.js';

/** What of an organisation's work notices are made of; as the posture room lists it. */
export interface Work {
  /** The same for as long as the work is the same. */
  readonly id: string;
  readonly kind: string;
  /** The record type; null: what scanners say of a practice. */
  readonly type: string | null;
  readonly practices: readonly string[];
  readonly controls: readonly string[];
  readonly records: readonly string[];
  readonly systems: readonly string[];
  readonly dueAt: Date | null;
}

/** Versions of a type and owner that wait for a decision. */
export interface Waiting {
  readonly type: string;
  /** A member's id; not told. */
  readonly ownerId: string;
  readonly count: number;
  readonly lastSubmittedAt: Date;
  readonly records: readonly string[];
}

/** The newest complete scan of a source of a system, and for how many days what it evidences is fresh; null: for good. */
export interface Coming {
  readonly systemId: string;
  readonly source: string;
  readonly lastAt: Date;
  readonly maxAgeDays: number | null;
}

/** What is seen of an organisation at one instant. */
export interface Sight {
  readonly at: Date;
  /** Status by item of the law. */
  readonly statuses: ReadonlyMap<string, string>;
  readonly work: readonly Work[];
  /** By agreement of which nothing is in force and nothing carries on what it left: by when that is returned. */
  readonly ended: ReadonlyMap<string, Date>;
  readonly waiting: readonly Waiting[];
  readonly coming: readonly Coming[];
}

/** By the name of what may be told, how it stands. What is told is what stands otherwise than when it was last looked at. */
export type Levels = Readonly<Record<string, string>>;

interface Signal {
  type: NoticeType;
  /** What it is of, in its type: of several that are of the same one is told, with what each is about. */
  of: string;
  level: string;
  subject: string;
  data: Readonly<Record<string, NoticeValue>>;
}

/** Days before an end of which each is told once. */
export const NOTICE_DAYS = [90, 60, 30, 7] as const;

/** What a notice names of a sort at most. */
export const MAX_LISTED = 100;

/** Practices that a key which was not rotated in time stands against. */
const ROTATION: ReadonlySet<string> = new Set(['encryption-key-rotation', 'secret-rotation']);
const AGREEMENT = 'baa';
/** What an agreement that has ended or was narrowed, and that no other carries on, makes due: its work names the agreement. */
const RETURN = 'phi_return';

/** What there is to tell, and how all of it stands now. `last` null: nobody has looked before, and what there is already is no news. */
export function lookedAt(
  organizationId: string,
  sight: Sight,
  last: Levels | null,
): { notices: Notice[]; levels: Levels } {
  const signals = mergedSignals(signalsOf(sight));
  const levels = Object.fromEntries(signals.map((signal) => [nameOf(signal), signal.level]));
  const at = sight.at.toISOString();
  const notices = signals
    .filter((signal) => last?.[nameOf(signal)] !== signal.level)
    // That an item is what it is where it was not known before is no change.
    .filter((signal) => signal.type !== 'control.status-changed' || last?.[nameOf(signal)] !== undefined)
    .map(({ type, of, level, subject, data }): Notice => {
      const id = nameId('notice', organizationId, type, of, level, at);
      const from = type === 'control.status-changed' ? { from: last?.[nameOf({ type, of })] ?? null } : {};
      return { id, type, subject, at: sight.at, data: { ...data, ...from } };
    });
  return { notices, levels };
}

const nameOf = ({ type, of }: Pick<Signal, 'type' | 'of'>): string => `${type} ${of}`;

/** What practices and items ask for of one record is on the work list by each of its reasons, and is one thing to be told. */
function mergedSignals(signals: readonly Signal[]): Signal[] {
  return [...Map.groupBy(signals, nameOf).values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : [others.reduce((merged, next) => ({ ...merged, data: merge(merged.data, next.data) }), first)],
  );
}

const isList = (value: NoticeValue | undefined): value is readonly string[] => Array.isArray(value);

/** The lists of both, each of a bounded length. */
function merge(one: Signal['data'], other: Signal['data']): Signal['data'] {
  return Object.fromEntries(
    Object.entries(one).map(([name, value]) => {
      const more = other[name];
      return [
        name,
        isList(value) && isList(more) ? [...new Set([...value, ...more])].sort().slice(0, MAX_LISTED) : value,
      ];
    }),
  );
}

function signalsOf(sight: Sight): Signal[] {
  return [
    ...[...sight.statuses].map(([control, status]): Signal => ({
      type: 'control.status-changed',
      of: control,
      level: status,
      subject: `controls/${control}`,
      data: { control, to: status },
    })),
    ...sight.work.flatMap((work) => [...ofWork(work, sight.at), ...ofEnded(work, sight.ended)]),
    ...sight.waiting.map(({ type, ownerId, count, lastSubmittedAt, records }): Signal => ({
      type: 'record.submitted',
      of: `${type} ${ownerId}`,
      level: lastSubmittedAt.toISOString(),
      subject: `record-types/${type}`,
      data: { type, waiting: count, records, lastSubmittedAt: lastSubmittedAt.toISOString() },
    })),
    ...sight.coming.flatMap((coming) => ofScans(coming, sight.at)),
  ];
}

function ofWork(work: Work, at: Date): Signal[] {
  const { id, kind, type, practices, controls, records, systems, dueAt } = work;
  const [record] = records;
  const subject = record === undefined ? (type === null ? `work/${id}` : `record-types/${type}`) : `records/${record}`;
  const data = { type, records, practices, controls, systems, dueAt: dueAt?.toISOString() ?? null };
  const signal = (told: NoticeType, level: string, more: Signal['data'] = {}): Signal[] => [
    { type: told, of: `${subject} ${type ?? ''} ${data.dueAt ?? ''}`, level, subject, data: { ...data, ...more } },
  ];
  if (kind === 'stale' && type !== null) return signal('record.expired', 'expired');
  const isPast = dueAt !== null && dueAt <= at;
  if (kind === 'failing' && isPast && practices.some((practice) => ROTATION.has(practice))) {
    return signal('key.overdue', 'overdue');
  }
  if ((kind !== 'expiring' && kind !== 'due') || dueAt === null) return [];
  const days = NOTICE_DAYS.findLast((limit) => dueAt.getTime() - at.getTime() <= limit * DAY_MS);
  if (days === undefined) return [];
  const told = kind === 'due' ? 'work.due' : type === AGREEMENT ? 'agreement.ending' : 'record.expiring';
  return signal(told, String(days), { days });
}

/** From its end on, whether its return is due yet or overdue; what it covered no longer before then may be on the list beside it. */
function ofEnded({ type, practices, controls, records, systems }: Work, ended: Sight['ended']): Signal[] {
  if (type !== RETURN) return [];
  return records.flatMap((record): Signal[] => {
    const returnBy = ended.get(record)?.toISOString();
    if (returnBy === undefined) return [];
    return [
      {
        type: 'agreement.ended',
        of: record,
        level: returnBy,
        subject: `records/${record}`,
        data: { type: AGREEMENT, records: [record], practices, controls, systems, dueAt: returnBy },
      },
    ];
  });
}

/** Whether no complete scan has come for longer than what it evidences is fresh. */
export const hasStopped = ({ lastAt, maxAgeDays }: Pick<Coming, 'lastAt' | 'maxAgeDays'>, at: Date): boolean =>
  maxAgeDays !== null && at.getTime() - lastAt.getTime() > maxAgeDays * DAY_MS;

function ofScans(coming: Coming, at: Date): Signal[] {
  if (!hasStopped(coming, at)) return [];
  const { systemId, source, lastAt, maxAgeDays } = coming;
  return [
    {
      type: 'scan.stopped',
      of: `${systemId} ${source}`,
      level: lastAt.toISOString(),
      subject: `systems/${systemId}`,
      data: { systemId, source, lastAt: lastAt.toISOString(), maxAgeDays },
    },
  ];
}
