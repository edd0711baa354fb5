import type { Catalog } from '../catalog/catalog.js';
import type { FreshnessOverrides } from '../catalog/catalog.types.js';
import { blindTargets, type BlindTarget } from './blind-spots.js';
import { evaluateControl, withEachDecided } from './control.js';
import type { Asks } from './asks.js';
import { sortEvidence, type SystemEvidence, type Unmapped } from './evidence.js';
import { combinedPart, emptyPart, type OwnPart, type PlacePart, type SubjectPart } from './needs.js';
import { evaluatePractice, type JudgedPractice } from './practice.js';
import type { ControlPosture, EvidenceRef, PracticePosture } from './posture.schema.js';
import type { Part } from './rule.js';
import { countStatuses, type StatusCounts } from './status.js';

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
  /** What each practice's status follows from. */
  readonly parts: ReadonlyMap<string, Part>;
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
        corrupt: evidence.corrupt,
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
    parts: new Map([...judged].map(([practice, { part: told }]) => [practice, told])),
    unmapped: sorted.unmapped,
    blindTargets: blindTargets(id, evidence, asOf, [...limits.values()]),
  };
}

const NOTHING: OwnPart = { needs: [], failures: [], isNone: false };
const NO_EVIDENCE: SystemEvidence = { checks: [], coverage: [], corrupt: new Set() };

/** What the organisation's records say by themselves, as if of a system of which nothing is known. */
export function evaluateAlone(yardstick: Yardstick, whole: PlacePart): SystemEvaluation {
  const none = { id: '', name: '', evidence: NO_EVIDENCE, part: emptyPart(yardstick.asks, null) };
  return evaluateSystem(yardstick, none, whole);
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

const isFailure = ({ status }: EvidenceRef): boolean => status === 'fail';

function summed(all: readonly PracticePosture['counts'][]): PracticePosture['counts'] {
  const sum = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0, manual: 0 };
  for (const counts of all) {
    for (const status of Object.keys(sum) as (keyof typeof sum)[]) sum[status] += counts[status];
  }
  return sum;
}
