import type { Catalog } from '../catalog/catalog.js';
import type { Control, Practice, PracticeLink } from '../catalog/catalog.types.js';
import type { Ask } from './asks.js';
import { liftedStatus } from './control.js';
import type { Yardstick } from './evaluate.js';
import { combinedPart, statedPart, type OwnPart, type PlacePart, type SubjectPart } from './needs.js';
import { practiceReason } from './practice.js';
import { itemStatus, practiceStatus, type Part, type ScannerState } from './rule.js';
import { partOf } from './states.js';
import { countStatuses, STATUSES, type Status, type StatusCounts } from './status.js';

/*
 * What of many systems is judged once: practices and items of the law, for each number that some system says of them (states.ts). Of a thousand systems most say one of a
 * few things of a practice.
 */

/** The law in force apart from what is only proposed. */
export type Counted = 'controls' | 'proposed' | 'practices';

/** Systems that an item shows with their reasons. */
const MAX_PLACES = 5;

/** In the place of what scanners say in full, for which the posture of the system is there. */
const SCANNER_WORDS: Readonly<Record<ScannerState, string>> = {
  none: 'Scanners say nothing of it.',
  stale: 'What scanners have seen pass is too old.',
  partial: 'Scanners have seen a part of it pass.',
  full: 'Scanners have seen all of it pass.',
  failing: 'Results of scanners fail.',
  excepted: 'Results of scanners fail, and were accepted by an exception in effect.',
};

/** Whoever says the same of a practice or item, and what follows. */
export interface Alike {
  readonly status: Status;
  /** Where it stands among STATUSES: what is done for each of a thousand systems and each of two hundred items counts by numbers. */
  readonly rank: number;
  readonly records: SubjectPart;
}

interface PracticeAlike extends Alike {
  readonly part: Part;
  /** Of the status that it has where scanners never count. */
  readonly rankByRecords: number;
}

interface ControlAlike extends Alike {
  readonly decisionId: string | null;
}

export const rankOf = (status: Status): number => STATUSES.indexOf(status);
export const statusAt = (rank: number): Status => STATUSES[rank] ?? 'missing';

/** How many there are of each status, by rank, in each of so many places. */
export class Counter {
  private readonly ranks: Uint32Array;

  constructor(places: number) {
    this.ranks = new Uint32Array(places * STATUSES.length);
  }

  add(place: number, rank: number): number {
    const at = place * STATUSES.length + rank;
    return (this.ranks[at] = (this.ranks[at] ?? 0) + 1);
  }

  of(place: number): StatusCounts {
    const counts = countStatuses([]);
    STATUSES.forEach((status, rank) => (counts[status] = this.ranks[place * STATUSES.length + rank] ?? 0));
    return counts;
  }
}

/** Systems by their status: how many, and the first of each. */
export class Tally {
  private readonly counter = new Counter(1);
  private readonly firstOf = STATUSES.map((): number[] => []);

  add(system: number, rank: number): void {
    if (this.counter.add(0, rank) <= MAX_PLACES) this.firstOf[rank]?.push(system);
  }

  get counts(): StatusCounts {
    return this.counter.of(0);
  }

  first(status: Status): readonly number[] {
    return this.firstOf[rankOf(status)] ?? [];
  }

  /** Worst first. */
  get worst(): { status: Status; system: number }[] {
    return STATUSES.flatMap((status) => this.first(status).map((system) => ({ status, system }))).slice(0, MAX_PLACES);
  }
}

/** How practices and items stand, by rank: of each, in the order of the catalogue, in each system. What is gone through together lies together: item by item over all systems. */
export class Ranks {
  readonly practices: Uint8Array;
  /** Where scanners never count. */
  readonly byRecords: Uint8Array;
  readonly controls: Uint8Array;

  constructor(
    { practices, controls }: Catalog,
    readonly systems: number,
  ) {
    this.practices = new Uint8Array(practices.length * systems);
    this.byRecords = new Uint8Array(practices.length * systems);
    this.controls = new Uint8Array(controls.length * systems);
  }
}

export class JudgedPractices {
  readonly tally = new Tally();
  private readonly asks: readonly Ask[];
  private readonly whole: OwnPart;
  private readonly covered: boolean;
  readonly all: PracticeAlike[] = [];
  /** By code: most are small, and an array is asked faster than a map. */
  private readonly alike: PracticeAlike[] = [];

  constructor(
    readonly practice: Practice,
    { asks }: Yardstick,
    whole: PlacePart,
  ) {
    this.asks = asks.practices.get(practice.id) ?? [];
    this.whole = whole.practices.get(practice.id) ?? NOTHING;
    this.covered = whole.accepted.practices.has(practice.id);
  }

  of(code: number): PracticeAlike {
    let found = this.alike[code];
    if (found !== undefined) return found;
    this.alike[code] = found = this.judge(code);
    this.all.push(found);
    return found;
  }

  private judge(code: number): PracticeAlike {
    const own = partOf(code, this.asks.length);
    const records = combinedPart(this.asks, statedPart(this.asks, own), this.whole);
    const part: Part = {
      scanner: own.scanner,
      needs: records.needs.map(({ state }) => state),
      fails: records.failures.length > 0,
      covered: own.covered || this.covered,
    };
    const status = practiceStatus(this.practice.automation, part);
    const rankByRecords = rankOf(practiceStatus('records', { ...part, scanner: 'none' }));
    return { part, records, status, rank: rankOf(status), rankByRecords };
  }

  reason(code: number): string {
    const { part, records, status } = this.of(code);
    const scanner = { state: part.scanner, reason: SCANNER_WORDS[part.scanner] };
    return practiceReason(this.practice, status, scanner, records, part.covered);
  }
}

export class JudgedControls {
  readonly tally = new Tally();
  /** What it counts among. */
  readonly counts: Counted;
  readonly links: readonly PracticeLink[];
  /** Where its primary practices stand among the catalogue's. */
  readonly primary: readonly number[];
  readonly decision: ReturnType<PlacePart['accepted']['controls']['get']>;
  readonly all: ControlAlike[] = [];
  private readonly alike = new Map<number, ControlAlike>();
  /** What was found last: of a thousand systems most say what the one before has said. */
  private lastKey = -1;
  private last: ControlAlike | null = null;
  private readonly asks: readonly Ask[];
  private readonly whole: OwnPart;

  constructor(
    readonly control: Control,
    { catalog, asks }: Yardstick,
    whole: PlacePart,
  ) {
    this.counts = control.type === 'proposed_requirement' ? 'proposed' : 'controls';
    this.links = catalog.practicesOf(control.id);
    this.primary = this.links.flatMap(({ link, practice }) =>
      link === 'primary' ? [catalog.practices.findIndex(({ id }) => id === practice.id)] : [],
    );
    this.decision = whole.accepted.controls.get(control.id);
    this.asks = asks.controls.get(control.id) ?? [];
    this.whole = whole.controls.get(control.id) ?? NOTHING;
  }

  /** By its own code and by which statuses its primary practices have: of how many is the same to the rule. */
  of(code: number, { practices, byRecords, systems }: Ranks, system: number): ControlAlike {
    const ranks = this.control.scanners === 'never' ? byRecords : practices;
    let statuses = 0;
    for (const at of this.primary) statuses |= 1 << (ranks[at * systems + system] ?? 0);
    const key = (statuses << 16) | code;
    if (key === this.lastKey && this.last !== null) return this.last;
    let found = this.alike.get(key);
    if (found === undefined) {
      this.alike.set(key, (found = this.judge(code, statuses)));
      this.all.push(found);
    }
    this.lastKey = key;
    this.last = found;
    return found;
  }

  private judge(code: number, statuses: number): ControlAlike {
    const records = combinedPart(this.asks, statedPart(this.asks, partOf(code, this.asks.length)), this.whole);
    if (this.control.needs === 'nothing') {
      return { status: 'not_applicable', rank: rankOf('not_applicable'), records, decisionId: null };
    }
    const before = itemStatus({
      primary: STATUSES.filter((_, at) => (statuses & (1 << at)) !== 0),
      needs: records.needs.map(({ state }) => state),
      fails: records.failures.length > 0,
    });
    const { status, isLifted } = liftedStatus(this.control, before, this.decision);
    return { status, rank: rankOf(status), records, decisionId: isLifted ? (this.decision?.recordId ?? null) : null };
  }
}

const NOTHING: OwnPart = { needs: [], failures: [], isNone: false };
