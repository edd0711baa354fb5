import type { Catalog } from '../catalog/catalog.js';
import type { FreshnessOverrides } from '../catalog/catalog.types.js';
import { blindTargets, type BlindTarget } from './blind-spots.js';
import { evaluateControl } from './control.js';
import { sortEvidence, type SystemEvidence, type Unmapped } from './evidence.js';
import { evaluatePractice } from './practice.js';
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
}

export interface SystemInput {
  readonly id: string;
  readonly name: string;
  readonly evidence: SystemEvidence;
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

export function evaluateSystem(
  { catalog, asOf, freshness }: Yardstick,
  { id, name, evidence }: SystemInput,
  maxEvidence = MAX_EVIDENCE,
): SystemEvaluation {
  const sorted = sortEvidence(catalog, evidence);
  const limits = new Map(
    catalog.practices.map((practice) => [practice.id, catalog.freshnessOf(practice.id, freshness).scanner]),
  );
  const practices = catalog.practices.map((practice) =>
    evaluatePractice({
      practice,
      checks: catalog.checksOf(practice.id),
      rows: sorted.rows.get(practice.id) ?? [],
      silences: sorted.silences.get(practice.id) ?? [],
      benchmarks: sorted.benchmarks,
      freshness: limits.get(practice.id) ?? practice.scannerFreshness,
      asOf: asOf.getTime(),
      systemId: id,
      isReviewed: catalog.review.status === 'reviewed',
      maxEvidence,
    }),
  );
  return {
    id,
    name,
    practices,
    controls: controlsOf(catalog, practices),
    unmapped: sorted.unmapped,
    blindTargets: blindTargets(id, evidence, asOf, [...limits.values()]),
  };
}

/** The organisation over its systems in scope (rollup.ts says how). */
export function evaluateOrganization(
  { catalog, freshness }: Yardstick,
  systems: readonly SystemEvaluation[],
): Evaluation {
  const bySystem = systems.map(({ id, name, practices, controls }) => ({
    id,
    name,
    practices: new Map(practices.map((practice) => [practice.id, practice])),
    controls: new Map(controls.map((control) => [control.id, control])),
  }));
  const practices = nothingKnown(catalog, freshness).map((empty) =>
    rolledUp(
      empty,
      bySystem.flatMap(({ name, practices: own }) => {
        const practice = own.get(empty.id);
        return practice === undefined ? [] : [{ name, practice }];
      }),
    ),
  );
  const controls = controlsOf(catalog, practices).map((control) => {
    const theirs = bySystem.flatMap(({ name, controls: own }) => {
      const found = own.get(control.id);
      return found === undefined ? [] : [{ name, ...found }];
    });
    if (control.status === 'not_applicable') return control;
    const status = rollUp(theirs.map((one) => one.status));
    return { ...control, status, reason: reasonOf(status, theirs) };
  });
  return { controls, practices };
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

function controlsOf(catalog: Catalog, practices: readonly PracticePosture[]): ControlPosture[] {
  const byId = new Map(practices.map((practice) => [practice.id, practice]));
  return catalog.controls.map((control) => {
    const links = catalog.practicesOf(control.id);
    const behind =
      control.scanners === 'never'
        ? []
        : links.filter(({ link }) => link === 'primary').flatMap(({ practice }) => byId.get(practice.id) ?? []);
    return {
      ...evaluateControl(control, links, (practice) => byId.get(practice)?.status ?? 'missing'),
      counts: summed(behind.map(({ counts }) => counts)),
      ...reportsBehind(behind),
    };
  });
}

function reportsBehind(practices: readonly PracticePosture[]): { scanIds: string[]; evidenceIds: string[] } {
  const evidence = practices.flatMap((practice) => practice.evidence);
  const sorted = [...evidence.filter(isFailure), ...evidence.filter((ref) => !isFailure(ref))];
  const first = (ids: string[]) => [...new Set(ids)].slice(0, MAX_REPORTS);
  return {
    scanIds: first(sorted.map(({ scanId }) => scanId)),
    evidenceIds: first(sorted.map(({ evidenceId }) => evidenceId)),
  };
}

/** Every practice as it stands without any system: what the roll-up starts from. */
function nothingKnown(catalog: Catalog, freshness: FreshnessOverrides): PracticePosture[] {
  const none = { id: '', name: '', evidence: { checks: [], coverage: [] } };
  return evaluateSystem({ catalog, freshness, asOf: new Date(0) }, none).practices;
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
  if (only === undefined)
    return 'No system of the organisation is in scope: none handled PHI at the instant asked for.';
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
