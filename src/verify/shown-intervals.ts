import type { TargetKind } from '../scans/report.js';
import { Fault } from './fault.js';
import type { Said, SaidRow } from './said.js';
import { NOBODY, OTHER, SAME, ShownRows, UNKNOWN, UNSURE } from './shown-rows.js';
import type { StoredScan } from './stored-scans.js';

/** A report that is being read again. */
export interface Speaker {
  scan: StoredScan;
  /** Its place among the scans, the latest first. */
  place: number;
  /** Kinds of targets of which reports of this instant or later may say what cannot be read here. */
  unsure: ReadonlySet<TargetKind>;
}

export interface CompletelyCovered {
  targetId: string;
  source: string;
  /** Null: for all. */
  checks: readonly string[] | null;
}

/**
 * Results or facts that a package shows, held against the reports, which come the latest first. The scan that a row rests on has to say all that the row says; the last that spoke of the
 * series has to say what the row does, which may be said again by many and is kept as it was said first; and what the last that spoke of it says has to be shown.
 */
export class ShownIntervals {
  /** By system. */
  private readonly rows = new Map<string, ShownRows>();
  /** By system, and by target and source: what later reports have said by saying nothing of it. Null: all. */
  private readonly closed = new Map<string, Map<string, Set<string> | null>>();
  /** Rows that reports may say otherwise, as far as can be told here. */
  unsure = 0;

  constructor(private readonly path: string) {}

  add(systemId: string, series: string, scan: number, said: Said): void {
    if (this.of(systemId).add(series, scan, said)) return;
    throw new Fault(`${this.path} has series ${series} twice`);
  }

  /** Of one series twice in one report, the last word stands. */
  hear({ scan, place, unsure }: Speaker, row: SaidRow): void {
    const rows = this.of(scan.systemId);
    const at = rows.find(row.series);
    if (at !== null && rows.scanOf(at) === place) rows.setOwn(at, rows.isWhole(at, row) ? SAME : OTHER);
    const speaker = at === null ? NOBODY : rows.speakerOf(at);
    if (speaker !== NOBODY && speaker !== place) return;
    const isUnsure = unsure.has(row.targetKind);
    const isClosed = this.isClosed(scan.systemId, row);
    if (at === null) {
      if (isClosed) return;
      if (!isUnsure) throw new Fault(`${this.path} leaves out series ${row.series}, as scan ${scan.id} says it`);
      this.unsure += 1;
      return;
    }
    const isAsSaid = !isClosed && rows.doesSay(at, row);
    rows.setLast(at, place, isAsSaid ? SAME : isUnsure ? UNSURE : OTHER);
  }

  /** The report of that place was not read to its end: what it said last of a series, nobody has heard. */
  doubt(place: number): void {
    for (const rows of this.rows.values()) {
      for (let row = 0; row < rows.size; row += 1) if (rows.speakerOf(row) === place) rows.setLast(row, place, UNSURE);
    }
  }

  /** What a report was complete for, after its rows. */
  close(systemId: string, covered: Iterable<CompletelyCovered>): void {
    const closed = this.closed.get(systemId) ?? new Map<string, Set<string> | null>();
    this.closed.set(systemId, closed);
    for (const { targetId, source, checks } of covered) {
      const key = `${targetId} ${source}`;
      const before = closed.get(key);
      if (checks === null) closed.set(key, null);
      else if (before === undefined) closed.set(key, new Set(checks));
      else for (const check of checks) before?.add(check);
    }
  }

  /** How many rows are what the scans that they rest on say. `read`: places of those that were read again. Throws a Fault where one is not. */
  finish(scans: readonly StoredScan[], read: ReadonlySet<number>): Counted {
    const counted = { same: 0, unread: 0, unsure: this.unsure };
    for (const rows of this.rows.values()) {
      for (let row = 0; row < rows.size; row += 1) {
        const place = rows.scanOf(row);
        const scan = scans[place];
        const own = rows.ownOutcome(row);
        const last = rows.lastOutcome(row);
        if (last === OTHER) {
          const speaker = scans[rows.speakerOf(row)]?.id ?? '';
          throw new Fault(`${this.path}: series ${rows.idOf(row)} is not what scan ${speaker} says`);
        }
        const isRead = scan !== undefined && read.has(place);
        if (isRead && scan.isReadAlike && own !== SAME) {
          const what = own === UNKNOWN ? 'is not in' : 'is another in';
          throw new Fault(
            `${this.path}: series ${rows.idOf(row)} ${what} the report of scan ${scan.id}, which it names`,
          );
        }
        if (last === UNSURE) counted.unsure += 1;
        else if (!isRead) counted.unread += 1;
        else if (own === SAME) counted.same += 1;
        else counted.unsure += 1;
      }
    }
    return counted;
  }

  private of(systemId: string): ShownRows {
    const rows = this.rows.get(systemId) ?? new ShownRows();
    this.rows.set(systemId, rows);
    return rows;
  }

  private isClosed(systemId: string, { targetId, source, check }: SaidRow): boolean {
    const checks = this.closed.get(systemId)?.get(`${targetId} ${source}`);
    return checks === null || checks?.has(check) === true;
  }
}

export interface Counted {
  /** As the report says that they rest on. */
  same: number;
  /** Of reports that were not read again. */
  unread: number;
  /** May be otherwise, and it cannot be told here. */
  unsure: number;
}
