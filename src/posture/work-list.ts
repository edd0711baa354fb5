import type { Catalog } from '../catalog/catalog.js';
import { nameId } from '../kernel/ids.js';
import type { WorkKind } from '../records/statement.js';
import type { WaitingRecords } from '../records/waiting.js';
import type { Ask } from './asks.js';
import type { SystemEvaluation, Yardstick } from './evaluate.js';
import type { NeedPart, PlacePart, Working } from './needs.js';
import type { ScannerState } from './rule.js';
import type { Status } from './status.js';
import { day, plural } from './words.js';

/*
 * What is to be done, from one evaluation: one item for each record that would have to be kept or renewed, and for each practice that scanners leave open. What is
 * to be done in several systems by the same records, or by none yet, is one item.
 */

const DAY = 24 * 60 * 60 * 1000;

/** From how long before its end on a record is on the list: 90 days, and of what is good for less the last third of it. */
const EXPIRING_DAYS = 90;

const MAX_SYSTEMS = 20;
const MAX_RECORDS = 5;

export interface WorkItem {
  readonly id: string;
  readonly kind: WorkKind;
  /** The record type; null: what scanners say of a practice. */
  readonly type: string | null;
  readonly what: string;
  readonly practices: readonly string[];
  readonly controls: readonly string[];
  /** How many items of the law in force are not evidenced and ask for it, by themselves or by a primary practice. */
  readonly heldBack: number;
  /** Empty: of the whole organisation. */
  readonly systems: readonly string[];
  readonly moreSystems: number;
  readonly records: readonly string[];
  readonly ownerId: string | null;
  readonly dueAt: Date | null;
  readonly auditorAsks: readonly string[];
}

interface Group {
  readonly key: string;
  readonly kind: WorkKind;
  readonly type: string | null;
  readonly what: string;
  readonly practices: Set<string>;
  readonly controls: Set<string>;
  readonly held: Set<string>;
  readonly systems: Set<string>;
  readonly records: readonly string[];
  readonly ownerId: string | null;
  readonly dueAt: Date | null;
  readonly auditorAsks: readonly string[];
}

type Found = Pick<Group, 'kind' | 'type' | 'what' | 'records'> &
  Partial<Pick<Group, 'ownerId' | 'dueAt' | 'auditorAsks'>> & {
    /** What tells it from others of its kind, type and records. */
    readonly subject: string;
  };

/** What a piece of work is about in one place. */
interface Place {
  /** Null: the whole organisation. */
  readonly systemId: string | null;
  /** Items of the law in force that are not evidenced there. */
  readonly open: ReadonlySet<string>;
}

/** Systems are added one after another, so that memory holds the evaluation of one. */
export class WorkList {
  private readonly groups = new Map<string, Group>();
  /** Items of the law by their primary practices. */
  private readonly primary: ReadonlyMap<string, readonly string[]>;

  constructor(private readonly yardstick: Yardstick) {
    this.primary = primaryOf(yardstick.catalog);
  }

  /** `systemId` null: the organisation by itself, where it has no system in scope. */
  add(systemId: string | null, evaluation: SystemEvaluation, own: PlacePart, whole: PlacePart): void {
    const open = new Set(evaluation.controls.filter(isOpen).map(({ id }) => id));
    const place = { systemId, open };
    const everywhere = { systemId: null, open };
    for (const work of own.works) this.addWork(place, work);
    for (const work of whole.works) this.addWork(everywhere, work);
    const told = new Set([...own.works, ...whole.works].map((work) => toldKey(aboutOf(work), work.need, work.says)));
    const { asks } = this.yardstick;
    for (const [kind, judged] of [
      ['practices', evaluation.practices],
      ['controls', evaluation.controls],
    ] as const) {
      for (const { id, status, needs } of judged) {
        if (status === 'not_applicable') continue;
        (asks[kind].get(id) ?? []).forEach((ask, at) => {
          const need = needs[at];
          if (need === undefined || told.has(toldKey(id, ask.type, need.state))) return;
          this.addNeed(ask.place === 'organization' ? everywhere : place, kind, id, ask, {
            ...need,
            until: need.until === null ? null : new Date(need.until),
          });
        });
      }
    }
    for (const practice of evaluation.practices) {
      const scanner = evaluation.parts.get(practice.id)?.scanner ?? 'none';
      const kind = practice.automation === 'records' && scanner !== 'failing' ? null : SCANNER_WORK[scanner];
      if (kind === null || practice.status === 'excepted') continue;
      const what = scanner === 'none' ? `Scanners have nothing to say of it yet: ${practice.summary}` : practice.reason;
      this.put(place, 'practices', practice.id, { kind, type: null, subject: practice.id, what, records: [] });
    }
  }

  addWaiting({ type, ownerId, count, firstSubmittedAt, records }: WaitingRecords): void {
    const what = `${plural(count, 'version')} of \`${type}\` ${count === 1 ? 'waits' : 'wait'} for a decision, the first since ${day(firstSubmittedAt.getTime())}.`;
    this.found({ kind: 'waiting', type, subject: ownerId, what, records, ownerId });
  }

  /** Ids of the records of which the owner counts. */
  records(): string[] {
    return [...new Set([...this.groups.values()].flatMap(({ ownerId, records }) => (ownerId === null ? records : [])))];
  }

  /**
   * In the order in which it is to be done: what holds back most, then what is due first. `recordOwners`: by record. `owners`: whom the organisation has named, by
   * record type or practice.
   */
  items(recordOwners: ReadonlyMap<string, string>, owners: Readonly<Record<string, string>>): WorkItem[] {
    return [...this.groups.values()]
      .map((group): WorkItem => {
        const practices = [...group.practices].sort();
        const systems = [...group.systems].sort();
        const named = [...(group.type === null ? [] : [group.type]), ...practices];
        return {
          id: nameId('work', group.key),
          kind: group.kind,
          type: group.type,
          what: group.what,
          practices,
          controls: [...group.controls].sort(),
          heldBack: group.held.size,
          systems: systems.slice(0, MAX_SYSTEMS),
          moreSystems: Math.max(0, systems.length - MAX_SYSTEMS),
          records: group.records,
          ownerId:
            group.ownerId ??
            group.records.flatMap((id) => recordOwners.get(id) ?? [])[0] ??
            named.flatMap((name) => owners[name] ?? [])[0] ??
            null,
          dueAt: group.dueAt,
          auditorAsks: group.auditorAsks,
        };
      })
      .sort(inOrder);
  }

  private addWork(place: Place, statement: Working): void {
    const { need, says, reason, records, work } = statement;
    const kind = 'practice' in statement.about ? 'practices' : 'controls';
    const asks = this.yardstick.asks[kind].get(aboutOf(statement)) ?? [];
    this.put(
      place,
      kind,
      aboutOf(statement),
      {
        kind: work.kind,
        type: need,
        subject: reason,
        what: reason,
        records: records.slice(0, MAX_RECORDS),
        ownerId: work.ownerId,
        dueAt: work.dueAt,
        auditorAsks: asks.find(({ type }) => type === need)?.auditorAsks ?? [],
      },
      says !== 'met',
    );
  }

  private addNeed(place: Place, kind: 'practices' | 'controls', id: string, ask: Ask, need: NeedPart): void {
    // One record about the topmost item meets those below it; one about a practice meets that one.
    const subject = ask.limit.about?.at(-1) ?? '';
    const { type, auditorAsks } = ask;
    if (need.state !== 'met') {
      const what = need.state === 'missing' ? ask.what : need.reason;
      this.put(place, kind, id, { kind: need.state, type, subject, what, records: need.records, auditorAsks });
    } else if (need.records.length > 0 && this.isExpiring(ask, need.until)) {
      const { records, until: dueAt, reason: what } = need;
      this.put(place, kind, id, { kind: 'expiring', type, subject, what, records, dueAt, auditorAsks }, false);
    }
  }

  private isExpiring({ limit }: Ask, until: Date | null): boolean {
    const days = Math.min(EXPIRING_DAYS, (limit.days ?? Infinity) / 3);
    return until !== null && until.getTime() - this.yardstick.asOf.getTime() <= days * DAY;
  }

  private put(place: Place, kind: 'practices' | 'controls', id: string, found: Found, holds = true): void {
    const group = this.found(found);
    group[kind].add(id);
    if (place.systemId !== null) group.systems.add(place.systemId);
    if (!holds) return;
    for (const control of kind === 'controls' ? [id] : (this.primary.get(id) ?? [])) {
      if (place.open.has(control)) group.held.add(control);
    }
  }

  private found({ subject, ...found }: Found): Group {
    const key = JSON.stringify([found.kind, found.type, subject, ...[...found.records].sort()]);
    const known = this.groups.get(key);
    if (known !== undefined) return known;
    const group: Group = {
      ownerId: null,
      dueAt: null,
      auditorAsks: [],
      ...found,
      key,
      practices: new Set(),
      controls: new Set(),
      held: new Set(),
      systems: new Set(),
    };
    this.groups.set(key, group);
    return group;
  }
}

/** What scanners leave to be done. What they only partly show is missing still. */
const SCANNER_WORK: Readonly<Record<ScannerState, WorkKind | null>> = {
  none: 'missing',
  stale: 'stale',
  partial: 'missing',
  full: null,
  failing: 'failing',
  excepted: null,
};

const DONE: ReadonlySet<Status> = new Set(['evidenced', 'excepted', 'not_applicable']);

const isOpen = ({ status, type }: SystemEvaluation['controls'][number]): boolean =>
  type !== 'proposed_requirement' && !DONE.has(status);

const aboutOf = ({ about }: Working): string => ('practice' in about ? about.practice : about.control);

const toldKey = (about: string, need: string | null, says: string): string => `${about}\n${need ?? ''}\n${says}`;

function primaryOf(catalog: Catalog): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id } of catalog.controls) {
    for (const { link, practice } of catalog.practicesOf(id)) {
      if (link !== 'primary') continue;
      const controls = found.get(practice.id);
      if (controls === undefined) found.set(practice.id, [id]);
      else controls.push(id);
    }
  }
  return found;
}

/** Where an item stands in the list. */
export type WorkKey = readonly [heldBack: number, due: string, type: string, id: string];

/** What has no date comes after all that has one. */
export const keyOfWork = ({ heldBack, dueAt, type, id }: WorkItem): WorkKey => [
  heldBack,
  dueAt?.toISOString() ?? 'never',
  type ?? '',
  id,
];

const inOrder = (a: WorkItem, b: WorkItem): number => compareKeys(keyOfWork(a), keyOfWork(b));

export function compareKeys([held, ...rest]: WorkKey, [otherHeld, ...others]: WorkKey): number {
  if (held !== otherHeld) return otherHeld - held;
  for (const [at, one] of rest.entries()) {
    const other = others[at] ?? '';
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}
