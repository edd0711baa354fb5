import type { Control, Practice, PracticeLink } from '../catalog/catalog.types.js';
import type { Ask } from './asks.js';
import { ADDRESSABLE_RULE, evaluateControl, liftedStatus, mayBeLowered, undecided } from './control.js';
import type { Yardstick } from './evaluate.js';
import { combinedPart, statedPart, type NeedPart, type PlacePart, type SubjectPart } from './needs.js';
import type { OrganizationControl, OrganizationPractice, PostureNeedOfMany } from './organization.schema.js';
import { practiceReason } from './practice.js';
import { rollUp } from './rollup.js';
import { itemStatus, practiceStatus, type NeedState, type Part, type ScannerState } from './rule.js';
import { partOf, unknownStates, type SystemStates } from './states.js';
import { countStatuses, STATUSES, type Status, type StatusCounts } from './status.js';
import { plural } from './words.js';

/*
 * The posture of an organisation, from what each of its systems says by itself and from what its own records say. Of a thousand systems most say one of a few things
 * of a practice: each of these is judged once.
 */

export interface OrganizationSystem {
  readonly id: string;
  readonly name: string;
  readonly environment: string;
  readonly states: SystemStates;
}

export interface OrganizationEvaluation {
  readonly controls: OrganizationControl[];
  readonly practices: OrganizationPractice[];
  /** By name, each with how its own posture counts. */
  readonly systems: readonly (OrganizationSystem & { readonly counts: Record<Counted, StatusCounts> })[];
}

/** The law in force apart from what is only proposed. */
export type Counted = 'controls' | 'proposed' | 'practices';

/** Systems that an item shows with their reasons. */
const MAX_PLACES = 5;

/** Systems that a reason names of each status. */
const MAX_NAMES = 3;

const NO_SYSTEM = 'No system of the organisation is in scope: none handled PHI at the instant asked for.';

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
interface Alike {
  readonly status: Status;
  /** Where it stands among STATUSES: what is done for each of a thousand systems and each of two hundred items counts by numbers. */
  readonly rank: number;
  readonly records: SubjectPart;
}

interface PracticeAlike extends Alike {
  readonly part: Part;
  /** Bits of its status, and of that which it has where scanners never count. */
  readonly bit: number;
  readonly bitByRecords: number;
}

interface ControlAlike extends Alike {
  readonly decisionId: string | null;
}

const rankOf = (status: Status): number => STATUSES.indexOf(status);

/** How many there are of each status, by rank. */
class Counter {
  private readonly ranks = new Uint32Array(STATUSES.length);

  add(rank: number): number {
    return (this.ranks[rank] = (this.ranks[rank] ?? 0) + 1);
  }

  get counts(): StatusCounts {
    const counts = countStatuses([]);
    STATUSES.forEach((status, rank) => (counts[status] = this.ranks[rank] ?? 0));
    return counts;
  }
}

/** Systems by their status: how many, and the first of each. */
class Tally {
  private readonly counter = new Counter();
  private readonly firstOf = STATUSES.map((): number[] => []);

  add(rank: number, system: number): void {
    if (this.counter.add(rank) <= MAX_PLACES) this.firstOf[rank]?.push(system);
  }

  get counts(): StatusCounts {
    return this.counter.counts;
  }

  first(status: Status): readonly number[] {
    return this.firstOf[rankOf(status)] ?? [];
  }

  /** Worst first. */
  get worst(): { status: Status; system: number }[] {
    return STATUSES.flatMap((status) => this.first(status).map((system) => ({ status, system }))).slice(0, MAX_PLACES);
  }
}

const bitOf = (status: Status): number => 1 << rankOf(status);

class JudgedPractices {
  readonly tally = new Tally();
  private readonly asks: readonly Ask[];
  private readonly whole: SubjectPart;
  private readonly covered: boolean;
  readonly alike = new Map<number, PracticeAlike>();

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
    let found = this.alike.get(code);
    if (found === undefined) this.alike.set(code, (found = this.judge(code)));
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
    const bitByRecords = bitOf(practiceStatus('records', { ...part, scanner: 'none' }));
    return { part, records, status, rank: rankOf(status), bit: bitOf(status), bitByRecords };
  }

  reason(code: number): string {
    const { part, records, status } = this.of(code);
    const scanner = { state: part.scanner, reason: SCANNER_WORDS[part.scanner] };
    return practiceReason(this.practice, status, scanner, records, part.covered);
  }
}

class JudgedControls {
  readonly tally = new Tally();
  /** What it counts among. */
  readonly counts: 'controls' | 'proposed';
  readonly links: readonly PracticeLink[];
  /** Where its primary practices stand among the catalogue's. */
  readonly primary: readonly number[];
  readonly decision: ReturnType<PlacePart['accepted']['controls']['get']>;
  readonly alike = new Map<number, ControlAlike>();
  private readonly asks: readonly Ask[];
  private readonly whole: SubjectPart;

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
  of(code: number, practices: readonly PracticeAlike[]): ControlAlike {
    const isNever = this.control.scanners === 'never';
    let statuses = 0;
    for (const at of this.primary) {
      const practice = practices[at];
      if (practice !== undefined) statuses |= isNever ? practice.bitByRecords : practice.bit;
    }
    const key = (statuses << 16) | code;
    let found = this.alike.get(key);
    if (found === undefined) this.alike.set(key, (found = this.judge(code, statuses)));
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

const NOTHING: SubjectPart = { needs: [], failures: [] };

/** The organisation over its systems in scope (rollup.ts says how); without any, what its own records say. */
export function evaluateOrganization(
  yardstick: Yardstick,
  inScope: readonly OrganizationSystem[],
  whole: PlacePart,
): OrganizationEvaluation {
  const { catalog } = yardstick;
  const isAlone = inScope.length === 0;
  const alone = { id: '', name: 'the organisation', environment: '', states: unknownStates(catalog) };
  const systems = isAlone ? [alone] : [...inScope].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const practices = catalog.practices.map((practice) => new JudgedPractices(practice, yardstick, whole));
  const controls = catalog.controls.map((control) => new JudgedControls(control, yardstick, whole));
  const ruleAt = controls.findIndex(({ control }) => control.id === ADDRESSABLE_RULE);
  const codeAt = (system: number, at: number): number => systems[system]?.states.codes[at] ?? 0;
  const practicesIn = (system: number) => practices.map((judged, at) => judged.of(codeAt(system, at)));

  const itemsIn = (system: number, here: readonly PracticeAlike[]) =>
    controls.map((judged, at) => judged.of(codeAt(system, practices.length + at), here));
  /** Of the rule on addressable items why it is met in part; null: no item lowers it. */
  const undecidedIn = (items: readonly ControlAlike[]): string | null =>
    mayBeLowered(items[ruleAt]?.status)
      ? undecided(
          controls.map(({ control: { id, required } }, at) => ({
            id,
            required,
            status: items[at]?.status ?? 'missing',
          })),
        )
      : null;

  const [partial, missing] = [rankOf('partial'), rankOf('missing')];
  const counted = systems.map((system, index) => {
    const counts = { controls: new Counter(), proposed: new Counter(), practices: new Counter() };
    const here = practicesIn(index);
    for (const [at, { rank }] of here.entries()) {
      practices[at]?.tally.add(rank, index);
      counts.practices.add(rank);
    }
    const items = itemsIn(index, here);
    const isOpen = undecidedIn(items) !== null;
    for (const [at, { tally, counts: kind }] of controls.entries()) {
      const rank = isOpen && at === ruleAt ? partial : (items[at]?.rank ?? missing);
      tally.add(rank, index);
      counts[kind].add(rank);
    }
    return {
      ...system,
      counts: {
        controls: counts.controls.counts,
        proposed: counts.proposed.counts,
        practices: counts.practices.counts,
      },
    };
  });

  const shownPractices = practices.map((judged, at): OrganizationPractice => {
    const { practice, tally, alike } = judged;
    const places = placesOf(tally, systems, isAlone, (system) => judged.reason(codeAt(system, at)));
    const { id, section, summary, automation } = practice;
    return {
      id,
      section,
      summary,
      automation,
      ...toldOf(tally, systems, places, isAlone),
      records: practice.records.map(({ type }) => type),
      needs: worstNeeds([...alike.values()]),
      places,
    };
  });
  const byId = new Map(shownPractices.map(({ id, status }) => [id, status]));
  /** Most items show the same few systems. */
  const seen = new Map<number, ReturnType<typeof lookAt>>();
  const lookAt = (system: number) => {
    const here = practicesIn(system);
    const judgedHere = new Map(
      practices.map(({ practice }, of) => {
        const one = here[of];
        return [
          practice.id,
          {
            part: one?.part ?? UNKNOWN,
            posture: { status: one?.status ?? 'missing', needs: one?.records.needs ?? [] },
          },
        ] as const;
      }),
    );
    return { here, judgedHere };
  };
  const shownControls = controls.map((judged, at): OrganizationControl => {
    const { control, links, tally, alike, decision } = judged;
    const told = (system: number) => {
      let known = seen.get(system);
      if (known === undefined) seen.set(system, (known = lookAt(system)));
      const { here, judgedHere } = known;
      const { records } = judged.of(codeAt(system, practices.length + at), here);
      const { reason } = evaluateControl({ control, links, practices: judgedHere, records, decision });
      const open = at === ruleAt ? undecidedIn(itemsIn(system, here)) : null;
      return open === null ? reason : `${reason} ${open}`;
    };
    const places = placesOf(tally, systems, isAlone, told);
    const { id, title, citation, family, type, required, overlay } = control;
    return {
      id,
      title,
      citation,
      family,
      type,
      required,
      overlay,
      ...toldOf(tally, systems, places, isAlone && control.needs !== 'nothing'),
      needs: worstNeeds([...alike.values()]),
      decisionId: [...alike.values()].find(({ decisionId }) => decisionId !== null)?.decisionId ?? null,
      practices: links.map(({ link, practice }) => ({
        id: practice.id,
        link,
        status: byId.get(practice.id) ?? 'missing',
      })),
      places,
    };
  });
  return { practices: shownPractices, controls: shownControls, systems: isAlone ? [] : counted };
}

const UNKNOWN: Part = { scanner: 'none', needs: [], fails: false, covered: false };

type Place = OrganizationPractice['places'][number];

const placesOf = (
  tally: Tally,
  systems: readonly OrganizationSystem[],
  isAlone: boolean,
  reason: (system: number) => string,
): Place[] =>
  tally.worst.map(({ status, system }) => ({
    systemId: isAlone ? null : (systems[system]?.id ?? null),
    name: systems[system]?.name ?? '',
    status,
    reason: reason(system),
  }));

/** «Of 3 systems: failing in 2 (a, b); partial in 1 (c)»; of a single one its own reason. */
function toldOf(
  tally: Tally,
  systems: readonly OrganizationSystem[],
  places: readonly Place[],
  isAlone: boolean,
): Pick<OrganizationPractice, 'status' | 'reason' | 'systems'> {
  const { counts } = tally;
  const status = rollUp(counts);
  const [worst] = places;
  if (isAlone) return { status, reason: `${NO_SYSTEM} ${worst?.reason ?? ''}`, systems: countStatuses([]) };
  const total = STATUSES.reduce((sum, one) => sum + counts[one], 0);
  if (total === 1) return { status, reason: worst?.reason ?? '', systems: counts };
  const parts = STATUSES.flatMap((one) => {
    const names = tally
      .first(one)
      .slice(0, MAX_NAMES)
      .map((system) => systems[system]?.name ?? '');
    const more = counts[one] - names.length;
    return counts[one] === 0
      ? []
      : [`${one.replace('_', ' ')} in ${counts[one]} (${names.join(', ')}${more > 0 ? ` and ${more} more` : ''})`];
  });
  const behind = places.find((place) => place.status === status);
  return {
    status,
    reason: `Of ${plural(total, 'system')}: ${parts.join('; ')}.${behind === undefined ? '' : ` ${behind.name}: ${behind.reason}`}`,
    systems: counts,
  };
}

/** Of each need how it stands where it stands worst. */
function worstNeeds(alike: readonly Alike[]): PostureNeedOfMany[] {
  const order: readonly NeedState[] = ['failing', 'missing', 'stale', 'met'];
  const [first] = alike;
  return (first?.records.needs ?? []).map((need, at) => {
    const worst = alike
      .flatMap(({ records }) => records.needs[at] ?? [])
      .reduce<NeedPart>((found, next) => (order.indexOf(next.state) < order.indexOf(found.state) ? next : found), need);
    return { type: worst.type, state: worst.state, reason: worst.reason, records: [...worst.records] };
  });
}
