import type { Catalog } from '../catalog/catalog.js';
import type { FreshnessOverrides } from '../catalog/catalog.types.js';
import { blindTargets, type BlindTarget } from './blind-spots.js';
import { evaluateControl, withEachDecided } from './control.js';
import type { Asks } from './asks.js';
import { sortEvidence, type SystemEvidence, type Unmapped } from './evidence.js';
import { combinedPart, emptyPart, type PlacePart, type SubjectPart } from './needs.js';
import { evaluatePractice, type JudgedPractice } from './practice.js';
import type { ControlPosture, EvidenceRef, PracticePosture } from './posture.schema.js';
import { rollUp } from './rollup.js';
import { countStatuses, STATUSES, type Status, type StatusCounts } from './status.js';
import { listed, plural } from './words.js';

/*
 * Posture as a pure function: no clock, no database. One system costs time linear in its result and coverage summaries times the practices of a check
 * (two on average), plus the catalogue once (1,300 links from checks to practices).
 */

/** References to evidence that a practice shows. With 124 practices the answer stays far below 1 MB. */
export const MAX_EVIDENCE = 12;

/** Reports that a control names; its practices name more. */
const MAX_REPORTS = 20;

/** By what is judged. */
export interface Yardstick {
  readonly catalog: Catalog;
  readonly asOf: Date;
  readonly freshness: FreshnessOverrides;
  /** What the catalogue asks for in records (`asksOf`). */
  readonly asks: Asks;
}

export interface SystemInput {
  readonly id: string;
  readonly name: string;
  readonly evidence: SystemEvidence;
  /** What its own records say. */
  readonly part: PlacePart;
}

export interface Evaluation {
  controls: ControlPosture[];
  practices: PracticePosture[];
}

export interface SystemEvaluation extends Evaluation {
  readonly id: string;
  readonly name: string;
  readonly unmapped: readonly Unmapped[];
  readonly blindTargets: readonly BlindTarget[];
}

/** `whole`: what the organisation's records say of all its systems. */
export function evaluateSystem(
  yardstick: Yardstick,
  { id, name, evidence, part }: SystemInput,
  whole: PlacePart,
  maxEvidence = MAX_EVIDENCE,
): SystemEvaluation {
  const { catalog, asOf, freshness, asks } = yardstick;
  const sorted = sortEvidence(catalog, evidence);
  const limits = new Map(
    catalog.practices.map((practice) => [practice.id, catalog.freshnessOf(practice.id, freshness).scanner]),
  );
  const both = (kind: 'practices' | 'controls', subject: string): SubjectPart =>
    combinedPart(
      asks[kind].get(subject) ?? [],
      part[kind].get(subject) ?? NOTHING,
      whole[kind].get(subject) ?? NOTHING,
    );
  const judged = new Map(
    catalog.practices.map((practice): [string, JudgedPractice] => [
      practice.id,
      evaluatePractice({
        practice,
        checks: catalog.checksOf(practice.id),
        rows: sorted.rows.get(practice.id) ?? [],
        silences: sorted.silences.get(practice.id) ?? [],
        benchmarks: sorted.benchmarks,
        freshness: limits.get(practice.id) ?? practice.scannerFreshness,
        asOf: asOf.getTime(),
        accepted: part.accepted,
        records: both('practices', practice.id),
        covered: part.accepted.practices.has(practice.id) || whole.accepted.practices.has(practice.id),
        systemId: id,
        isReviewed: catalog.review.status === 'reviewed',
        maxEvidence,
      }),
    ]),
  );
  const practices = [...judged.values()].map(({ posture }) => posture);
  const controls = catalog.controls.map((control) => {
    const links = catalog.practicesOf(control.id);
    const records = both('controls', control.id);
    const decision = whole.accepted.controls.get(control.id);
    return {
      ...evaluateControl({ control, links, practices: judged, records, decision }),
      ...reportsBehind(catalog, control, practices),
    };
  });
  return {
    id,
    name,
    practices,
    controls: withEachDecided(controls),
    unmapped: sorted.unmapped,
    blindTargets: blindTargets(id, evidence, asOf, [...limits.values()]),
  };
}

const NOTHING: SubjectPart = { needs: [], failures: [] };

/** The organisation over its systems in scope (rollup.ts says how); without any, what its own records say. */
export function evaluateOrganization(
  yardstick: Yardstick,
  systems: readonly SystemEvaluation[],
  whole: PlacePart,
): Evaluation {
  const { catalog } = yardstick;
  const none = { id: '', name: '', evidence: { checks: [], coverage: [] }, part: emptyPart(yardstick.asks, null) };
  const alone = evaluateSystem(yardstick, none, whole);
  if (systems.length === 0) {
    const told = <T extends { status: Status; reason: string }>(one: T): T =>
      one.status === 'not_applicable' ? one : { ...one, reason: `${NO_SYSTEM} ${one.reason}` };
    return {
      practices: alone.practices.map((practice) => ({ ...told(practice), systems: countStatuses([]) })),
      controls: alone.controls.map(told),
    };
  }
  const bySystem = systems.map(({ name, practices, controls }) => ({
    name,
    practices: new Map(practices.map((practice) => [practice.id, practice])),
    controls: new Map(controls.map((control) => [control.id, control])),
  }));
  const practices = alone.practices.map((empty) =>
    rolledUp(
      empty,
      bySystem.flatMap(({ name, practices: own }) => {
        const practice = own.get(empty.id);
        return practice === undefined ? [] : [{ name, practice }];
      }),
    ),
  );
  const byId = new Map(practices.map((practice) => [practice.id, practice.status]));
  const controls = alone.controls.map((control): ControlPosture => {
    const theirs = bySystem.flatMap(({ name, controls: own }) => {
      const found = own.get(control.id);
      return found === undefined ? [] : [{ name, ...found }];
    });
    const shown = {
      ...control,
      practices: control.practices.map((link) => ({ ...link, status: byId.get(link.id) ?? 'missing' })),
      ...reportsBehind(catalog, control, practices),
    };
    if (control.status === 'not_applicable') return shown;
    const status = rollUp(theirs.map((one) => one.status));
    const decisionId = theirs.find((one) => one.decisionId !== null)?.decisionId ?? null;
    return { ...shown, status, reason: reasonOf(status, theirs), needs: worstNeeds(theirs), decisionId };
  });
  return { controls, practices };
}

const NO_SYSTEM = 'No system of the organisation is in scope: none handled PHI at the instant asked for.';

type Needs = PracticePosture['needs'];

/** Of each need how it stands where it stands worst. */
function worstNeeds(systems: readonly { needs: Needs }[]): Needs {
  const order = ['failing', 'missing', 'stale', 'met'];
  const [first] = systems;
  return (first?.needs ?? []).map((need, at) =>
    systems
      .flatMap(({ needs }) => needs[at] ?? [])
      .reduce((worst, next) => (order.indexOf(next.state) < order.indexOf(worst.state) ? next : worst), need),
  );
}

/** The law in force apart from what is only proposed. */
export function countsOf({
  controls,
  practices,
}: Evaluation): Record<'controls' | 'proposed' | 'practices', StatusCounts> {
  const isProposed = ({ type }: ControlPosture) => type === 'proposed_requirement';
  return {
    controls: countStatuses(controls.filter((control) => !isProposed(control)).map(({ status }) => status)),
    proposed: countStatuses(controls.filter(isProposed).map(({ status }) => status)),
    practices: countStatuses(practices.map(({ status }) => status)),
  };
}

/** Results behind the primary practices of an item, and their reports. */
function reportsBehind(
  catalog: Catalog,
  { id }: Pick<ControlPosture, 'id'>,
  practices: readonly PracticePosture[],
): Pick<ControlPosture, 'counts' | 'scanIds' | 'evidenceIds'> {
  const primary = new Set(
    catalog.practicesOf(id).flatMap(({ link, practice }) => (link === 'primary' ? [practice.id] : [])),
  );
  const behind =
    catalog.control(id)?.scanners === 'never' ? [] : practices.filter((practice) => primary.has(practice.id));
  const evidence = behind.flatMap((practice) => practice.evidence);
  const sorted = [...evidence.filter(isFailure), ...evidence.filter((ref) => !isFailure(ref))];
  const first = (ids: string[]) => [...new Set(ids)].slice(0, MAX_REPORTS);
  return {
    counts: summed(behind.map(({ counts }) => counts)),
    scanIds: first(sorted.map(({ scanId }) => scanId)),
    evidenceIds: first(sorted.map(({ evidenceId }) => evidenceId)),
  };
}

function rolledUp(
  empty: PracticePosture,
  systems: readonly { name: string; practice: PracticePosture }[],
): PracticePosture {
  const practices = systems.map(({ practice }) => practice);
  const status = rollUp(practices.map((practice) => practice.status));
  const evidence = practices.flatMap((practice) => practice.evidence);
  // Failures first; each system's own references are sorted already.
  const shown = [...evidence.filter(isFailure), ...evidence.filter((ref) => !isFailure(ref))].slice(0, MAX_EVIDENCE);
  const more = practices.reduce((sum, practice) => sum + practice.moreEvidence, 0);
  // What the status rests on is what those systems rest on that have it, or all of them where no single status stands for all.
  const same = practices.filter((practice) => practice.status === status);
  const resting = same.length > 0 ? same : practices;
  return {
    ...empty,
    status,
    reason: reasonOf(
      status,
      systems.map(({ name, practice }) => ({ name, status: practice.status, reason: practice.reason })),
    ),
    systems: countStatuses(practices.map((practice) => practice.status)),
    counts: summed(practices.map(({ counts }) => counts)),
    phiCounts: summed(practices.map(({ phiCounts }) => phiCounts)),
    inferred: resting.some(({ inferred }) => inferred),
    needs: worstNeeds(practices),
    review: practices.every(({ review }) => review === 'reviewed') && practices.length > 0 ? 'reviewed' : empty.review,
    observedAt: earliest(resting.map(({ observedAt }) => observedAt)),
    staleAt: earliest(resting.map(({ staleAt }) => staleAt)),
    evidence: shown,
    moreEvidence: more + evidence.length - shown.length,
  };
}

/** «failing in 2 of 3 systems (a, b); partial in 1»; of a single system its own reason. */
function reasonOf(status: Status, systems: readonly { name: string; status: Status; reason: string }[]): string {
  const [only, second] = systems;
  if (only === undefined) return NO_SYSTEM;
  if (second === undefined) return only.reason;
  const parts = STATUSES.flatMap((one) => {
    const names = systems.filter((system) => system.status === one).map(({ name }) => name);
    return names.length === 0 ? [] : [`${one.replace('_', ' ')} in ${names.length} (${listed(names, 3)})`];
  });
  const first = systems.find((system) => system.status === status);
  return `Of ${plural(systems.length, 'system')}: ${parts.join('; ')}.${first === undefined ? '' : ` ${first.name}: ${first.reason}`}`;
}

const isFailure = ({ status }: EvidenceRef): boolean => status === 'fail';

function summed(all: readonly PracticePosture['counts'][]): PracticePosture['counts'] {
  const sum = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0, manual: 0 };
  for (const counts of all) {
    for (const status of Object.keys(sum) as (keyof typeof sum)[]) sum[status] += counts[status];
  }
  return sum;
}

/** ISO instants in UTC sort as texts. */
function earliest(times: readonly (string | null)[]): string | null {
  return times.filter((time) => time !== null).sort()[0] ?? null;
}
