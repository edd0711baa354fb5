import type { Redaction } from '../../evidence/redaction.js';
import { ReportFault } from '../report.js';
import { RULES, type Rule } from './dropped.js';

/** Why a place is a candidate. Numbers, for there may be many. */
export const Why = {
  None: 0,
  /** A value of `data`. */
  Value: 1,
  /** A value of `data` of a member of a list that does not say its kind. */
  ValueOfItem: 2,
  /** `data` itself, where it is no object. */
  Values: 3,
  Matched: 4,
  Body: 5,
  /** Whatever it is in: a key, a value of an environment. */
  EncryptionKey: 6,
  Environment: 7,
} as const;
export type Why = (typeof Why)[keyof typeof Why];

export interface Candidate {
  why: Why;
  /** The depth of the object that decides. */
  owner: number;
  traits: number;
}

/** Places that may be remembered of one report: 44 MB. A cluster has some thousand Secrets; what has more than this is not read with care, but refused. */
const MAX_PLACES = 2_000_000;

const DISMISSED = -1;
const SETTLED = 0;

const RULE_NAMES = Object.keys(RULES) as Rule[];

/** Places in a text, in the order of their beginnings: candidates, and what is sure to be dropped. In columns. */
export class Places {
  length = 0;
  starts = new Float64Array(16);
  ends = new Float64Array(16);
  replacements = new Uint8Array(16);
  whys = new Uint8Array(16);
  traits = new Uint8Array(16);
  owners = new Int16Array(16);
  private rules = new Uint8Array(16);

  push(start: number, end: number, replacement: number, { why, owner, traits }: Candidate): number {
    const place = this.length;
    if (place === this.starts.length) this.grow();
    this.starts[place] = start;
    this.ends[place] = end;
    this.replacements[place] = replacement;
    this.whys[place] = why;
    this.traits[place] = traits;
    this.owners[place] = owner;
    this.length++;
    return place;
  }

  /** A place that is dropped whatever it is in. */
  add(start: number, end: number, replacement: number, rule: Rule): void {
    this.settle(this.push(start, end, replacement, { why: Why.None, owner: SETTLED, traits: 0 }), rule);
  }

  settle(place: number, rule: Rule): void {
    this.owners[place] = SETTLED;
    this.rules[place] = RULE_NAMES.indexOf(rule);
  }

  /** Lets the list decide that a member is in. */
  hand(place: number, list: number, traits: number): void {
    this.owners[place] = list;
    this.whys[place] = Why.ValueOfItem;
    this.traits[place] = traits;
  }

  dismiss(place: number): void {
    this.owners[place] = DISMISSED;
  }

  /** Forgets what was dismissed, from a place on. */
  compact(from: number): void {
    const { starts, ends, replacements, whys, traits, owners, rules } = this;
    let to = from;
    for (let place = from; place < this.length; place++) {
      if (owners[place] === DISMISSED) continue;
      if (to !== place) {
        for (const column of [starts, ends, replacements, whys, traits, owners, rules]) {
          column[to] = column[place] ?? 0;
        }
      }
      to++;
    }
    this.length = to;
  }

  /** What was settled, of these and of others, which are not to be used any more; of what stands within another only the outer. */
  settled(others: Places): Places {
    let reached = -1;
    if (others.length === 0) {
      // Most often, and with the most places: where they are.
      for (let place = 0; place < this.length; place++) {
        if (this.owners[place] === SETTLED && (this.starts[place] ?? 0) >= reached) reached = this.ends[place] ?? 0;
        else this.dismiss(place);
      }
      this.compact(0);
      return this;
    }
    const settled = new Places();
    for (let mine = 0, other = 0; mine < this.length || other < others.length;) {
      const isMine =
        other === others.length || (mine < this.length && (this.starts[mine] ?? 0) <= (others.starts[other] ?? 0));
      const from = isMine ? this : others;
      const place = isMine ? mine++ : other++;
      if (from.owners[place] !== SETTLED || (from.starts[place] ?? 0) < reached) continue;
      settled.copy(from, place, from.starts[place] ?? 0, from.ends[place] ?? 0);
      reached = from.ends[place] ?? 0;
    }
    return settled;
  }

  /** Takes what was settled of a text within this one; `placeOf` says where in this one an offset lies. */
  adopt(settled: Places, placeOf: (offset: number) => number): void {
    for (let place = 0; place < settled.length; place++) {
      this.copy(settled, place, placeOf(settled.starts[place] ?? 0), placeOf(settled.ends[place] ?? 0));
    }
  }

  /** Whether a part of the text lies within one of these, which are settled and do not overlap. */
  holds(start: number, end: number): boolean {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.starts[middle] ?? 0) <= start) low = middle + 1;
      else high = middle;
    }
    return low > 0 && (this.ends[low - 1] ?? 0) >= end;
  }

  /** How many of these, which are settled, each rule drops. */
  dropped(): Record<string, number> {
    const dropped: Record<string, number> = {};
    for (const rule of this.rules.subarray(0, this.length)) {
      const name = RULES[RULE_NAMES[rule] ?? 'embedded'];
      dropped[name] = (dropped[name] ?? 0) + 1;
    }
    return dropped;
  }

  /** Of settled places that do not overlap; null of none. */
  redaction(texts: readonly string[]): Redaction | null {
    if (this.length === 0) return null;
    return {
      starts: this.starts.slice(0, this.length),
      ends: this.ends.slice(0, this.length),
      replacements: this.replacements.slice(0, this.length),
      texts,
      dropped: this.dropped(),
    };
  }

  private copy(from: Places, place: number, start: number, end: number): void {
    const replacement = from.replacements[place] ?? 0;
    const copied = this.push(start, end, replacement, { why: Why.None, owner: SETTLED, traits: 0 });
    this.rules[copied] = from.rules[place] ?? 0;
  }

  private grow(): void {
    if (this.length >= MAX_PLACES) {
      throw new ReportFault('too-many-values', `The report holds more than ${MAX_PLACES} values that may be secrets.`);
    }
    const size = this.length * 2;
    const larger = <Column extends Float64Array | Uint8Array | Int16Array>(column: Column, made: Column): Column => {
      made.set(column);
      return made;
    };
    this.starts = larger(this.starts, new Float64Array(size));
    this.ends = larger(this.ends, new Float64Array(size));
    this.replacements = larger(this.replacements, new Uint8Array(size));
    this.whys = larger(this.whys, new Uint8Array(size));
    this.traits = larger(this.traits, new Uint8Array(size));
    this.owners = larger(this.owners, new Int16Array(size));
    this.rules = larger(this.rules, new Uint8Array(size));
  }
}
