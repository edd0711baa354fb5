import type { NeedLimit, NeedSummary } from './effective.js';
import { WHOLE } from './interval.js';

/** A row of record_interval, as it is read into memory. Instants are milliseconds since 1970, with the fractions that Postgres keeps; Infinity stands for none. */
export interface IntervalRow extends HeldInterval {
  readonly type: string;
  /** A system, or WHOLE. */
  readonly place: string;
  readonly knownFrom: number;
  /** When it was corrected. */
  readonly knownTo: number;
  readonly effectiveFrom: number;
  /** An end, and since when it is known. */
  readonly effectiveTo: number;
  readonly endedKnown: number;
  readonly goodFrom: number;
  readonly expiresAt: number;
  readonly fails: boolean;
}

/** What tells whose an interval is. */
export interface HeldInterval {
  readonly recordId: string;
  readonly version: number;
  /** Empty where the type does not want one for each. */
  readonly subject: string;
  readonly about: readonly string[];
}

/** An interval that has ended, and when it did. */
export interface EndedInterval extends HeldInterval {
  readonly endedAt: Date;
}

const MAX_NAMED = 5;
const DAY = 24 * 3_600_000;

/*
 * What `visibleIntervals` and its like (interval.ts, interval.sql.ts) say of rows, said of rows in memory: the spec of the store holds the one against the other. The numbers of all
 * rows of a bucket lie in one array: tens of thousands of persons are passed by with every question, and nothing is made for each.
 */
const [KNOWN_FROM, KNOWN_TO, FROM, TO, ENDED_KNOWN, GOOD_FROM, EXPIRES, FAILS, WIDTH] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

/** The intervals of one type in one place, in the order of their subjects. */
class Bucket {
  rows: HeldInterval[] = [];
  private numbers = new Float64Array(0);
  /** Of each row the number of its subject. */
  private subjects = new Int32Array(0);
  /** Room for those who speak at an instant. */
  private speaking = new Int32Array(0);

  /** New rows, and rows as they are now; how many are new. */
  apply(changes: readonly IntervalRow[]): number {
    const added = changes.filter((row) => {
      const at = this.find(row);
      if (at !== null) this.numbers.set(numbersOf(row), at * WIDTH);
      return at === null;
    });
    if (added.length === 0) return 0;
    const [before, numbers] = [this.rows, this.numbers];
    const all = [...before.keys(), ...added].sort((a, b) =>
      compare(
        typeof a === 'number' ? before[a]?.subject : a.subject,
        typeof b === 'number' ? before[b]?.subject : b.subject,
      ),
    );
    this.rows = [];
    this.numbers = new Float64Array(all.length * WIDTH);
    this.subjects = new Int32Array(all.length);
    this.speaking = new Int32Array(all.length);
    for (const [at, one] of all.entries()) {
      const row = typeof one === 'number' ? before[one] : one;
      if (row === undefined) throw new RangeError('no such row');
      this.numbers.set(
        typeof one === 'number' ? numbers.subarray(one * WIDTH, (one + 1) * WIDTH) : numbersOf(one),
        at * WIDTH,
      );
      const { recordId, version, subject, about } = row;
      const last = this.rows.at(-1);
      this.subjects[at] = last === undefined ? 0 : (this.subjects[at - 1] ?? 0) + (last.subject === subject ? 0 : 1);
      this.rows.push(typeof one === 'number' ? row : { recordId, version, subject, about });
    }
    return added.length;
  }

  number(at: number, which: number): number {
    return this.numbers[at * WIDTH + which] ?? NaN;
  }

  isVisible(at: number, asOf: number, knownAt: number): boolean {
    return (
      this.isKnown(at, knownAt) &&
      this.number(at, FROM) <= asOf &&
      (this.number(at, TO) > asOf || this.number(at, ENDED_KNOWN) > knownAt)
    );
  }

  /** Of one that is visible: an end to come that was known; Infinity where there is none. */
  plannedEnd(at: number, knownAt: number): number {
    return this.number(at, ENDED_KNOWN) <= knownAt ? this.number(at, TO) : Infinity;
  }

  /** From when on nobody speaks for the subjects of those who do; Infinity where somebody will. */
  lastEnd(speakers: Int32Array, about: readonly string[] | undefined, knownAt: number): number {
    let last = -Infinity;
    for (const at of speakers) {
      const end = this.plannedEnd(at, knownAt);
      if (end === Infinity || this.isSpokenFor(at, about, end, knownAt)) return Infinity;
      last = Math.max(last, end);
    }
    return last;
  }

  /** Whether anybody speaks for the subject of a row at an instant. */
  private isSpokenFor(at: number, about: readonly string[] | undefined, asOf: number, knownAt: number): boolean {
    let [from, to] = [at, at];
    while (this.subjects[from - 1] === this.subjects[at]) from -= 1;
    while (this.subjects[to + 1] === this.subjects[at]) to += 1;
    for (let row = from; row <= to; row += 1) if (this.speaks(row, about, asOf, knownAt)) return true;
    return false;
  }

  private speaks(at: number, about: readonly string[] | undefined, asOf: number, knownAt: number): boolean {
    if (this.number(at, GOOD_FROM) > asOf || !this.isVisible(at, asOf, knownAt)) return false;
    return about === undefined || this.rows[at]?.about.some((id) => about.includes(id)) === true;
  }

  hasEnded(at: number, asOf: number, knownAt: number): boolean {
    return this.isKnown(at, knownAt) && this.number(at, TO) <= asOf && this.number(at, ENDED_KNOWN) <= knownAt;
  }

  private isKnown(at: number, knownAt: number): boolean {
    return this.number(at, KNOWN_FROM) <= knownAt && this.number(at, KNOWN_TO) > knownAt;
  }

  lastKnown(knownAt: number): number {
    return this.rows
      .flatMap((_, at) => [KNOWN_FROM, ENDED_KNOWN, KNOWN_TO].map((which) => this.number(at, which)))
      .reduce(laterUpTo(knownAt), -Infinity);
  }

  /** Of each subject the one that speaks for it; what was given before is overwritten, for with every question tens of thousands speak. */
  speakers(about: readonly string[] | undefined, asOf: number, knownAt: number): Int32Array {
    let count = 0;
    let last = -1;
    for (let at = 0; at < this.rows.length; at += 1) {
      if (!this.speaks(at, about, asOf, knownAt)) continue;
      if (last === -1 || this.subjects[last] !== this.subjects[at]) count += 1;
      else if (!this.isLouder(at, last, asOf)) continue;
      this.speaking[count - 1] = at;
      last = at;
    }
    return this.speaking.subarray(0, count);
  }

  /** What has not expired, then what counts from later; of two of one day the one that fails. */
  private isLouder(one: number, other: number, asOf: number): boolean {
    const [oneExpired, otherExpired] = [this.number(one, EXPIRES) <= asOf, this.number(other, EXPIRES) <= asOf];
    if (oneExpired !== otherExpired) return otherExpired;
    for (const which of [GOOD_FROM, FAILS, FROM]) {
      if (this.number(one, which) !== this.number(other, which))
        return this.number(one, which) > this.number(other, which);
    }
    return this.idOf(one) < this.idOf(other);
  }

  /** The few that are named: failing ones first, then expired ones, then the oldest. */
  named(speakers: Int32Array, asOf: number): string[] {
    const named: number[] = [];
    for (const one of speakers) {
      let at = named.length;
      for (let other = named[at - 1]; other !== undefined; other = named[at - 1]) {
        if (!this.isNamedBefore(one, other, asOf)) break;
        at -= 1;
      }
      if (at === MAX_NAMED) continue;
      named.splice(at, 0, one);
      if (named.length > MAX_NAMED) named.pop();
    }
    return named.map((at) => this.idOf(at));
  }

  private isNamedBefore(one: number, other: number, asOf: number): boolean {
    const fails = this.number(one, FAILS) - this.number(other, FAILS);
    if (fails !== 0) return fails > 0;
    const isExpired = this.number(one, EXPIRES) <= asOf;
    if (isExpired !== this.number(other, EXPIRES) <= asOf) return isExpired;
    const later = this.number(one, GOOD_FROM) - this.number(other, GOOD_FROM);
    return later === 0 ? this.idOf(one) < this.idOf(other) : later < 0;
  }

  private idOf(at: number): string {
    return this.rows[at]?.recordId ?? '';
  }

  private find(row: IntervalRow): number | null {
    let [at, to] = [0, this.rows.length];
    while (at < to) {
      const middle = (at + to) >>> 1;
      if (compare(this.rows[middle]?.subject, row.subject) < 0) at = middle + 1;
      else to = middle;
    }
    for (; this.rows[at]?.subject === row.subject; at += 1) {
      const other = this.rows[at];
      const isSame =
        other?.recordId === row.recordId &&
        other.version === row.version &&
        this.number(at, FROM) === row.effectiveFrom &&
        this.number(at, KNOWN_FROM) === row.knownFrom;
      if (isSame) return at;
    }
    return null;
  }
}

/** What is known of records of an organisation. */
export class HeldIntervals {
  /** By type, then by place. */
  private readonly types = new Map<string, Map<string, Bucket>>();
  /** By place: when anything last became known of it. */
  private readonly last = new Map<string, number>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** New rows, and rows as they are now. */
  apply(rows: readonly IntervalRow[]): void {
    for (const [type, ofType] of Map.groupBy(rows, (row) => row.type)) {
      let places = this.types.get(type);
      if (places === undefined) this.types.set(type, (places = new Map<string, Bucket>()));
      for (const [place, changes] of Map.groupBy(ofType, (row) => row.place)) {
        let bucket = places.get(place);
        if (bucket === undefined) places.set(place, (bucket = new Bucket()));
        this.count += bucket.apply(changes);
        const known = changes.flatMap(({ knownFrom, endedKnown, knownTo }) => [knownFrom, endedKnown, knownTo]);
        this.last.set(place, known.reduce(laterUpTo(Number.MAX_VALUE), this.last.get(place) ?? -Infinity));
      }
    }
  }

  /** Of each version that is in effect one interval. `place`: null: everywhere. */
  effective(types: readonly string[], place: string | null, asOf: number, knownAt: number): HeldInterval[] {
    const found = new Map<string, HeldInterval>();
    for (const bucket of this.buckets(types, place)) {
      for (const [at, row] of bucket.rows.entries()) {
        if (bucket.isVisible(at, asOf, knownAt)) found.set(`${row.recordId}/${row.version}`, row);
      }
    }
    return [...found.values()];
  }

  /** Of each record of which nothing is in effect the interval that ended last. */
  ended(types: readonly string[], place: string | null, asOf: number, knownAt: number): EndedInterval[] {
    const last = new Map<string, EndedInterval>();
    for (const bucket of this.buckets(types, place)) {
      for (const [at, row] of bucket.rows.entries()) {
        if (!bucket.hasEnded(at, asOf, knownAt)) continue;
        const endedAt = new Date(bucket.number(at, TO));
        const before = last.get(row.recordId);
        const isLater =
          before === undefined ||
          endedAt > before.endedAt ||
          (endedAt.getTime() === before.endedAt.getTime() && row.version > before.version);
        if (isLater) last.set(row.recordId, { ...row, endedAt });
      }
    }
    if (last.size > 0) for (const { recordId } of this.effective(types, null, asOf, knownAt)) last.delete(recordId);
    return [...last.values()];
  }

  /** Each version that was in effect and is no more, with when it ended. */
  past(types: readonly string[], asOf: number, knownAt: number): EndedInterval[] {
    const found = new Map<string, EndedInterval>();
    for (const bucket of this.buckets(types, null)) {
      for (const [at, row] of bucket.rows.entries()) {
        if (!bucket.hasEnded(at, asOf, knownAt)) continue;
        found.set(`${row.recordId}/${row.version}`, { ...row, endedAt: new Date(bucket.number(at, TO)) });
      }
    }
    return [...found.values()];
  }

  /** By record: when those in effect end, by ends that are decided on already. A version that another one follows ends no record. */
  endings(types: readonly string[], asOf: number, knownAt: number): Map<string, Date> {
    const endings = new Map<string, Date>();
    for (const bucket of this.buckets(types, null)) {
      for (const [at, { recordId }] of bucket.rows.entries()) {
        const end = bucket.plannedEnd(at, knownAt);
        if (end !== Infinity && bucket.isVisible(at, asOf, knownAt)) endings.set(recordId, new Date(end));
      }
    }
    if (endings.size === 0) return endings;
    for (const bucket of this.buckets(types, null)) {
      for (const [at, { recordId }] of bucket.rows.entries()) {
        const end = endings.get(recordId);
        if (end !== undefined && bucket.isVisible(at, end.getTime(), knownAt)) endings.delete(recordId);
      }
    }
    return endings;
  }

  /** As IntervalStore.needs: null where nobody speaks. */
  need(limit: NeedLimit, systemId: string | null, asOf: number, knownAt: number): NeedSummary | null {
    const { type, days, about } = limit;
    const bucket = this.types.get(type)?.get(systemId ?? WHOLE);
    const speakers = bucket?.speakers(about, asOf, knownAt);
    if (bucket === undefined || speakers === undefined || speakers.length === 0) return null;
    const since = days === null ? -Infinity : asOf - days * DAY;
    const counts = { subjects: speakers.length, failing: 0, expired: 0, fresh: 0 };
    let [newest, oldest, expires] = [-Infinity, Infinity, Infinity];
    for (const at of speakers) {
      const goodFrom = bucket.number(at, GOOD_FROM);
      const expiresAt = bucket.number(at, EXPIRES);
      if (bucket.number(at, FAILS) === 1) counts.failing += 1;
      else if (expiresAt <= asOf) counts.expired += 1;
      else {
        if (goodFrom >= since) counts.fresh += 1;
        newest = Math.max(newest, goodFrom);
        oldest = Math.min(oldest, goodFrom);
        expires = Math.min(expires, expiresAt);
      }
    }
    return {
      limit,
      systemId,
      ...counts,
      newestGoodFrom: dateOf(newest),
      oldestGoodFrom: dateOf(oldest),
      firstExpires: dateOf(expires),
      endsAt: dateOf(bucket.lastEnd(speakers, about, knownAt)),
      records: bucket.named(speakers, asOf),
    };
  }

  /** By place (null: each): the last instant up to `knownAt` at which anything became known of it. */
  told(place: string | null, knownAt: number): Map<string, Date> {
    const told = new Map<string, Date>();
    for (const of of place === null ? this.last.keys() : [place]) {
      let last = this.last.get(of) ?? -Infinity;
      // Of the few of which something has become known since.
      if (last > knownAt) {
        last = this.buckets([...this.types.keys()], of).reduce(
          (later, bucket) => Math.max(later, bucket.lastKnown(knownAt)),
          -Infinity,
        );
      }
      if (Number.isFinite(last)) told.set(of, new Date(last));
    }
    return told;
  }

  /** The last instant up to `knownAt` at which anything became known of a type in a place; null where nothing did. */
  lastKnown(type: string, place: string, knownAt: number): Date | null {
    return dateOf(this.types.get(type)?.get(place)?.lastKnown(knownAt) ?? -Infinity);
  }

  private buckets(types: readonly string[], place: string | null): Bucket[] {
    return [...new Set(types)].flatMap((type) => {
      const places = this.types.get(type);
      return place === null ? [...(places?.values() ?? [])] : (places?.get(place) ?? []);
    });
  }
}

const numbersOf = (row: IntervalRow): number[] => [
  row.knownFrom,
  row.knownTo,
  row.effectiveFrom,
  row.effectiveTo,
  row.endedKnown,
  row.goodFrom,
  row.expiresAt,
  row.fails ? 1 : 0,
];

/** The later of two, without what is past a limit. */
const laterUpTo =
  (limit: number) =>
  (last: number, next: number): number =>
    next <= limit && next > last ? next : last;

const compare = (a = '', b = ''): number => (a < b ? -1 : a > b ? 1 : 0);

const dateOf = (at: number): Date | null => (Number.isFinite(at) ? new Date(at) : null);
