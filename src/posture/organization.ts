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
  /** How all of it stands in a system. Numbers alone: what is made for each of two hundred items of a thousand systems takes longer than to count them. */
  const ranksIn = (system: number, ranks: Ranks): Ranks => {
    for (let at = 0; at < practices.length; at += 1) {
      const alike = practices[at]?.of(codeAt(system, at));
      ranks.practices[at] = alike?.rank ?? 0;
      ranks.byRecords[at] = alike?.rankByRecords ?? 0;
    }
    for (let at = 0; at < controls.length; at += 1) {
      ranks.controls[at] = controls[at]?.of(codeAt(system, practices.length + at), ranks).rank ?? 0;
    }
    return ranks;
  };
  /** Of the rule on addressable items why it is met in part; null: no item lowers it. */
  const undecidedIn = (ranks: Ranks): string | null => {
    const statusOf = (at: number): Status => statusAt(ranks.controls[at] ?? 0);
    return mayBeLowered(statusOf(ruleAt))
      ? undecided(controls.map(({ control: { id, required } }, at) => ({ id, required, status: statusOf(at) })))
      : null;
  };

  const ranks = new Ranks(catalog);
  const counts = { controls: new Counter(), proposed: new Counter(), practices: new Counter() };
  const counted = systems.map(({ id, name, environment, states }, index) => {
    ranksIn(index, ranks);
    if (undecidedIn(ranks) !== null) ranks.controls[ruleAt] = rankOf('partial');
    for (const counter of Object.values(counts)) counter.clear();
    for (let at = 0; at < practices.length; at += 1) {
      const rank = ranks.practices[at] ?? 0;
      practices[at]?.tally.add(rank, index);
      counts.practices.add(rank);
    }
    for (let at = 0; at < controls.length; at += 1) {
      const judged = controls[at];
      if (judged === undefined) continue;
      const rank = ranks.controls[at] ?? 0;
      judged.tally.add(rank, index);
      counts[judged.counts].add(rank);
    }
    return {
      id,
      name,
      environment,
      states,
      counts: {
        controls: counts.controls.counts,
        proposed: counts.proposed.counts,
        practices: counts.practices.counts,
      },
    };
  });

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
  const lookAt = (system: number) => {
    const judgedHere = new Map(
      practices.map((judged, at) => {
        const { part, status, records } = judged.of(codeAt(system, at));
        return [judged.practice.id, { part, posture: { status, needs: records.needs } }] as const;
      }),
    );
    return { ranks: ranksIn(system, new Ranks(catalog)), judgedHere };
  };
  const shownControls = controls.map((judged, at): OrganizationControl => {
    const { control, links, tally, all, decision } = judged;
    const told = (system: number) => {
      let known = seen.get(system);
      if (known === undefined) seen.set(system, (known = lookAt(system)));
      const { ranks, judgedHere } = known;
      const { records } = judged.of(codeAt(system, practices.length + at), ranks);
      const { reason } = evaluateControl({ control, links, practices: judgedHere, records, decision });
      const open = at === ruleAt ? undecidedIn(ranks) : null;
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
