import { Injectable } from '@nestjs/common';
import type { Tx } from '../kernel/db/database.js';
import type { Instant } from '../kernel/http/instant.js';
import type { EffectiveRecord } from './effective.js';
import { HeldIntervals, type HeldInterval, type IntervalRow } from './held-intervals.js';
import { KNOWN } from './interval.js';

/**
 * Intervals in memory, of all organisations together: some 250 bytes each. An organisation of a thousand systems with fifty thousand records has half as many; of one
 * with more the database is asked each time.
 */
const MAX_INTERVALS = 100_000;

/** Contents in memory, of all organisations together. */
const MAX_CONTENTS = 5_000;

/** With more news than this all is read anew: it is one sorting, and no search for each. */
const MAX_NEWS = 2_000;

const milliseconds = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;

const COLUMNS = `record_id as "recordId", version, type, system_id as place, coalesce(subject::text, '') as subject,
  ${milliseconds('effective_from')} as "effectiveFrom", ${milliseconds('known_from')} as "knownFrom", ${milliseconds('good_from')} as "goodFrom",
  coalesce(${milliseconds('effective_to')}, 'infinity') as "effectiveTo", coalesce(${milliseconds('ended_known')}, 'infinity') as "endedKnown",
  coalesce(${milliseconds('known_to')}, 'infinity') as "knownTo", coalesce(${milliseconds('expires_at')}, 'infinity') as "expiresAt", fails, about`;

/** What a transaction sees of an organisation's intervals, at an instant. */
export interface Recalled {
  readonly intervals: HeldIntervals;
  /** Milliseconds since 1970: as of, and known at. What became known after what the transaction sees is not known at it, whatever was asked for. */
  readonly asOf: number;
  readonly knownAt: number;
}

/** What one process remembers of an organisation. */
interface Held {
  /** The last instant at which anything of it became known, as Postgres writes it. */
  upto: string;
  intervals: HeldIntervals;
  /** By `<record>/<version>`: approved versions do not change, but by a disposal. */
  contents: Map<string, EffectiveRecord>;
}

/**
 * What is known of records, kept in memory: a posture counts tens of thousands of persons' trainings, and is asked for more often than anybody approves one. The database
 * stays the truth. Decisions become known one after another, each at a later instant (IntervalStore.lockDecisions), and rows are only ever added, or given an end that
 * is known from then on: so one instant tells whether anything is new, what is new is all that became known after it, and what is known later does not hide what was
 * known before. Only snapshots are answered from memory: others see
 * more from one statement to the next, and what somebody writes may never be.
 */
@Injectable()
export class IntervalMemory {
  /** The one that was asked for last comes last. */
  private readonly held = new Map<string, Held>();
  private readonly reading = new Map<string, Promise<unknown>>();
  /** Organisations with more than there is room for: rows are only ever added, so the database is asked from then on, and nothing is read only to find that again. */
  private readonly tooLarge = new Set<string>();

  constructor(private readonly maximum = MAX_INTERVALS) {}

  /** Null where the database is to be asked. */
  async recall(tx: Tx, { asOf, knownAt }: Instant): Promise<Recalled | null> {
    if (!tx.isSnapshot || this.maximum === 0 || this.tooLarge.has(tx.organizationId)) return null;
    const seen = await lastDecision(tx);
    if (seen === null) return null;
    const held = await this.holding(tx, seen.text);
    return held && { intervals: held.intervals, asOf: asOf.getTime(), knownAt: Math.min(knownAt.getTime(), seen.at) };
  }

  /** Contents of versions: those in memory, and the others by `read`. `keep`: which of these are worth the room. */
  async contents(
    tx: Tx,
    wanted: readonly HeldInterval[],
    read: (missing: readonly HeldInterval[]) => Promise<EffectiveRecord[]>,
    keep: (record: EffectiveRecord) => boolean,
  ): Promise<EffectiveRecord[]> {
    const seen = await lastDecision(tx);
    const now = this.held.get(tx.organizationId);
    // A transaction that does not see the last decision may still see what that one has disposed of.
    const held = now?.upto === seen?.text ? now : undefined;
    const known = wanted.map((interval) => held?.contents.get(keyOf(interval)));
    const missing = wanted.filter((_, at) => known[at] === undefined);
    if (missing.length === 0) return known.filter((record) => record !== undefined);
    const found = new Map((await read(missing)).map((record) => [`${record.id}/${record.version}`, record]));
    if (held !== undefined && held.upto === seen?.text) {
      for (const interval of missing) {
        const record = found.get(keyOf(interval));
        if (record !== undefined && keep(record)) held.contents.set(keyOf(interval), record);
      }
      this.trim(tx.organizationId);
    }
    return wanted.flatMap((interval, at) => known[at] ?? found.get(keyOf(interval)) ?? []);
  }

  private async holding(tx: Tx, upto: string): Promise<Held | null> {
    const { organizationId } = tx;
    // Of several who find that there is something new one reads it.
    for (let other; (other = this.reading.get(organizationId)) !== undefined;) await other;
    const held = this.held.get(organizationId);
    if (held?.upto === upto) {
      this.held.delete(organizationId);
      this.held.set(organizationId, held);
      return held;
    }
    const reading = this.read(tx, held ?? null, upto);
    this.reading.set(
      organizationId,
      reading.catch(() => undefined).finally(() => this.reading.delete(organizationId)),
    );
    return reading;
  }

  private async read(tx: Tx, held: Held | null, upto: string): Promise<Held | null> {
    const news = held === null ? null : await this.rows(tx, held.upto, upto, MAX_NEWS);
    if (held !== null && news !== null && news.length > 0) {
      held.intervals.apply(news);
      if (news.some(({ type }) => type === 'record_disposal')) held.contents.clear();
      held.upto = upto;
      this.held.delete(tx.organizationId);
      this.held.set(tx.organizationId, held);
      this.trim(tx.organizationId);
      return held;
    }
    // Nothing of it yet, too much that is new, or nothing, since the transaction sees less than is held: an older snapshot, or a database that was restored.
    this.held.delete(tx.organizationId);
    const all = await this.rows(tx, '-infinity', upto, this.maximum);
    if (all === null) {
      this.tooLarge.add(tx.organizationId);
      return null;
    }
    const made = { upto, intervals: new HeldIntervals(), contents: new Map<string, EffectiveRecord>() };
    made.intervals.apply(all);
    this.held.set(tx.organizationId, made);
    this.trim(tx.organizationId);
    return made;
  }

  /** What became known after `after` and up to `upto`; null where it is more than `most`. */
  private async rows(tx: Tx, after: string, upto: string, most: number): Promise<IntervalRow[] | null> {
    const rows = await tx.query<IntervalRow>(
      `select ${COLUMNS} from record_interval
       where organization_id = $1 and ${KNOWN} > $2::timestamptz and ${KNOWN} <= $3::timestamptz limit $4`,
      [tx.organizationId, after, upto, most + 1],
    );
    return rows.length > most ? null : rows;
  }

  /** Forgets organisations, those first of which nobody has asked for longest, until there is room; contents of the one that is asked for go first. */
  private trim(organizationId: string): void {
    const sum = (of: (held: Held) => number) => [...this.held.values()].reduce((all, held) => all + of(held), 0);
    for (const other of this.held.keys()) {
      const hasRoom = sum(({ intervals }) => intervals.size) <= this.maximum && sum(contentsOf) <= MAX_CONTENTS;
      if (hasRoom || other === organizationId) break;
      this.held.delete(other);
    }
    const own = this.held.get(organizationId);
    if (own !== undefined && sum(contentsOf) > MAX_CONTENTS) own.contents.clear();
    if (own !== undefined && own.intervals.size > this.maximum) {
      this.held.delete(organizationId);
      this.tooLarge.add(organizationId);
    }
  }
}

const contentsOf = ({ contents }: Held): number => contents.size;

export const keyOf = ({ recordId, version }: Pick<HeldInterval, 'recordId' | 'version'>): string =>
  `${recordId}/${version}`;

/** The last instant at which anything that the transaction sees became known of records of its organisation, as Postgres writes it and in milliseconds; null where nothing was approved. */
export function lastDecision(tx: Tx): Promise<{ text: string; at: number } | null> {
  return tx.once('last decision', async () => {
    const [row] = await tx.query<{ text: string | null; at: number | null }>(
      `select max(${KNOWN})::text as text, ${milliseconds(`max(${KNOWN})`)} as at from record_interval where organization_id = $1`,
      [tx.organizationId],
    );
    return row?.text == null || row.at === null ? null : { text: row.text, at: row.at };
  });
}
