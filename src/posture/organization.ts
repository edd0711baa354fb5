import { ADDRESSABLE_RULE, evaluateControl, mayBeLowered, undecided } from './control.js';
import type { Yardstick } from './evaluate.js';
import {
  Counter,
  JudgedControls,
  JudgedPractices,
  rankOf,
  Ranks,
  statusAt,
  type Alike,
  type Counted,
  type Tally,
} from './judged.js';
import type { NeedPart, PlacePart } from './needs.js';
import type { OrganizationControl, OrganizationPractice, PostureNeedOfMany } from './organization.schema.js';
import { rollUp } from './rollup.js';
import type { NeedState } from './rule.js';
import { unknownStates, type SystemStates } from './states.js';
import { countStatuses, STATUSES, type Status, type StatusCounts } from './status.js';
import { plural } from './words.js';

/*
 * The posture of an organisation, from what each of its systems says by itself and from what its own records say.
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

/** Systems that a reason names of each status. */
const MAX_NAMES = 3;

const NO_SYSTEM = 'No system of the organisation is in scope: none handled PHI at the instant asked for.';

type Named = Pick<OrganizationSystem, 'name' | 'id'>;

/** Two systems may have had one name, one after the other. */
export const byName = (a: Named, b: Named): number =>
  a.name === b.name ? (a.id < b.id ? -1 : Number(a.id > b.id)) : a.name < b.name ? -1 : 1;

/** The organisation over its systems in scope (rollup.ts says how); without any, what its own records say. */
export function evaluateOrganization(
  yardstick: Yardstick,
  inScope: readonly OrganizationSystem[],
  whole: PlacePart,
): OrganizationEvaluation {
  const { catalog } = yardstick;
  const isAlone = inScope.length === 0;
  const alone = { id: '', name: 'the organisation', environment: '', states: unknownStates(catalog) };
  const systems = isAlone ? [alone] : [...inScope].sort(byName);
  const practices = catalog.practices.map((practice) => new JudgedPractices(practice, yardstick, whole));
  const controls = catalog.controls.map((control) => new JudgedControls(control, yardstick, whole));
  const ruleAt = controls.findIndex(({ control }) => control.id === ADDRESSABLE_RULE);
  const count = systems.length;
  // Numbers alone, item by item over all systems: what is made, or looked for, for each of two hundred items of a thousand systems takes longer than to count them.
  const codes = new Uint16Array((practices.length + controls.length) * count);
  systems.forEach(({ states }, system) => {
    for (let at = 0; at < states.codes.length; at += 1) codes[at * count + system] = states.codes[at] ?? 0;
  });
  const codeAt = (system: number, at: number): number => codes[at * count + system] ?? 0;
  const ranks = new Ranks(catalog, count);
  practices.forEach((judged, at) => {
    for (let system = 0; system < count; system += 1) {
      const alike = judged.of(codeAt(system, at));
      ranks.practices[at * count + system] = alike.rank;
      ranks.byRecords[at * count + system] = alike.rankByRecords;
    }
  });
  controls.forEach((judged, at) => {
    for (let system = 0; system < count; system += 1) {
      const { rank } = judged.of(codeAt(system, practices.length + at), ranks, system);
      ranks.controls[at * count + system] = rank;
    }
  });
  /** Of the rule on addressable items why it is met in part; null: no item lowers it. */
  const undecidedIn = (system: number): string | null => {
    const statusOf = (at: number): Status => statusAt(ranks.controls[at * count + system] ?? 0);
    return mayBeLowered(statusOf(ruleAt))
      ? undecided(controls.map(({ control: { id, required } }, at) => ({ id, required, status: statusOf(at) })))
      : null;
  };
  const open = systems.map((_, system) => undecidedIn(system));
  open.forEach((reason, system) => {
    if (reason !== null) ranks.controls[ruleAt * count + system] = rankOf('partial');
  });

  const counts = { controls: new Counter(count), proposed: new Counter(count), practices: new Counter(count) };
  const add = (tally: Tally, counter: Counter, all: Uint8Array, at: number): void => {
    for (let system = 0; system < count; system += 1) {
      const rank = all[at * count + system] ?? 0;
      tally.add(system, rank);
      counter.add(system, rank);
    }
  };
  practices.forEach(({ tally }, at) => {
    add(tally, counts.practices, ranks.practices, at);
  });
  controls.forEach(({ tally, counts: of }, at) => {
    add(tally, counts[of], ranks.controls, at);
  });
  const counted = systems.map(({ id, name, environment, states }, system) => ({
    id,
    name,
    environment,
    states,
    counts: {
      controls: counts.controls.of(system),
      proposed: counts.proposed.of(system),
      practices: counts.practices.of(system),
    },
  }));

  const shownPractices = practices.map((judged, at): OrganizationPractice => {
    const { practice, tally, all } = judged;
    const places = placesOf(tally, systems, isAlone, (system) => judged.reason(codeAt(system, at)));
    const { id, section, summary, automation } = practice;
    return {
      id,
      section,
      summary,
      automation,
      ...toldOf(tally, systems, places, isAlone),
      records: practice.records.map(({ type }) => type),
      needs: worstNeeds(all),
      places,
    };
  });
  const byId = new Map(shownPractices.map(({ id, status }) => [id, status]));
  /** Most items show the same few systems. */
  const seen = new Map<number, ReturnType<typeof lookAt>>();
  const lookAt = (system: number) =>
    new Map(
      practices.map((judged, at) => {
        const { part, status, records } = judged.of(codeAt(system, at));
        return [judged.practice.id, { part, posture: { status, needs: records.needs } }] as const;
      }),
    );
  const shownControls = controls.map((judged, at): OrganizationControl => {
    const { control, links, tally, all, decision } = judged;
    const told = (system: number) => {
      let known = seen.get(system);
      if (known === undefined) seen.set(system, (known = lookAt(system)));
      const { records } = judged.of(codeAt(system, practices.length + at), ranks, system);
      const { reason } = evaluateControl({ control, links, practices: known, records, decision });
      const lowered = at === ruleAt ? (open[system] ?? null) : null;
      return lowered === null ? reason : `${reason} ${lowered}`;
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
      needs: worstNeeds(all),
      decisionId: all.find(({ decisionId }) => decisionId !== null)?.decisionId ?? null,
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
