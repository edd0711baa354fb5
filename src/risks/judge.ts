import { dayOf, earliest } from '../kernel/dates.js';
import type { EffectiveRecord } from '../records/effective.js';
import type { Statement } from '../records/statement.js';
import { analysisOf, planOf, riskOf, type RiskFields } from './fields.js';
import { changesSince, materialChanges, type Surroundings } from './material-change.js';
import { levelOf } from './matrix.js';
import type { RiskNeed } from './needs.js';

const DAY = 86_400_000;
/** Of one need so many risks are named; the last statement counts the others. */
const MAX_TOLD = 20;
const MAX_CHANGES = 5;

export interface RisksInput {
  /** In effect at the instant. */
  analyses: readonly EffectiveRecord[];
  /** Ids of risks and plans that an earlier version calls part of the analysis that speaks: what is rewritten for the next one is approved before it. */
  formerly: ReadonlySet<string>;
  plans: readonly EffectiveRecord[];
  risks: readonly EffectiveRecord[];
  /** Around the analysis that speaks (`latestOf`). */
  around: Surroundings;
  /** The evaluation of the whole organisation that speaks, and what is around it; null: there is none. */
  evaluation: { record: EffectiveRecord; around: Parameters<typeof changesSince>[0] } | null;
}

type Finding = Pick<Statement, 'says' | 'reason' | 'alike' | 'records' | 'until' | 'work'>;

/** Of several records the one whose age counts from the latest instant speaks. */
export function latestOf(records: readonly EffectiveRecord[]): EffectiveRecord | null {
  const [latest] = records.toSorted(
    (a, b) =>
      b.goodFrom.getTime() - a.goodFrom.getTime() ||
      b.effectiveFrom.getTime() - a.effectiveFrom.getTime() ||
      b.decidedAt.getTime() - a.decidedAt.getTime() ||
      (a.id < b.id ? -1 : 1),
  );
  return latest ?? null;
}

/**
 * What the risk analysis, its risks and the plan for them say (45 CFR 164.308(a)(1)(ii)(A) and (B)); all of it is the organisation's. An analysis counts for as long
 * as it is fresh and what it was made of has not changed; a plan, while it is of that analysis, and every risk that is not accepted has a day and has not passed it.
 */
export function judge(input: RisksInput, needs: readonly RiskNeed[], asOf: Date): Statement[] {
  const risks = input.risks.map((record) => ({ record, fields: riskOf(record) }));
  const statements = needs.flatMap((need) => {
    const findings = FINDINGS[need.type](input, need, asOf);
    return bounded(findings).map((finding): Statement => ({
      about: need.about,
      need: need.type,
      series: [],
      at: asOf,
      ...finding,
    }));
  });
  const planned = needs.flatMap(({ about, type }) => (type === 'risk_management_plan' ? [about] : []));
  return [...statements, ...planned.flatMap((about) => openWork(risks, input, about, asOf))];
}

const FINDINGS: Readonly<Record<RiskNeed['type'], (input: RisksInput, need: RiskNeed, asOf: Date) => Finding[]>> = {
  risk_analysis: analysisFindings,
  risk_management_plan: planFindings,
  evaluation: evaluationFindings,
};

/**
 * «In response to environmental or operational changes» (45 CFR 164.308(a)(8)): an evaluation that was made before one speaks of something else. Its age, and that
 * there is one, is said by the record itself.
 */
function evaluationFindings({ evaluation }: RisksInput): Finding[] {
  const changes = evaluation === null ? [] : changesSince(evaluation.around);
  if (evaluation === null || changes.length === 0) return [];
  const { record } = evaluation;
  const reason = `Record evaluation: since the one that counts from ${dayOf(record.goodFrom)}, ${told(changes)}. What it says has to be looked at again.`;
  return [{ says: 'stale', reason, records: [record.id], until: null }];
}

function told(changes: readonly string[]): string {
  const more = changes.length > MAX_CHANGES ? `; and ${changes.length - MAX_CHANGES} more` : '';
  return `${changes.slice(0, MAX_CHANGES).join('; ')}${more}`;
}

function analysisFindings(input: RisksInput, { days }: RiskNeed, asOf: Date): Finding[] {
  const latest = latestOf(input.analyses);
  if (latest === null) return [];
  const records = [latest.id];
  const of = `the one that counts from ${dayOf(latest.goodFrom)}`;
  const fields = analysisOf(latest);
  if (fields === null) {
    const reason = `Record risk_analysis: ${of} cannot be read: it may have been disposed of.`;
    return [{ says: 'failing', reason, records, until: null }];
  }
  if (!input.risks.some((risk) => speaksFor(risk, riskOf(risk)?.analysis, latest, input))) {
    const reason = `Record risk_analysis: ${of} has no risk in effect: threats, vulnerabilities, likelihood, impact and level are what an analysis is made of.`;
    return [{ says: 'failing', reason, records, until: null }];
  }
  const end = tooOldAt(latest, days);
  if (end !== null && end <= asOf) {
    const reason = `Record risk_analysis: ${of} is older than ${days} days.`;
    return [{ says: 'stale', reason, records, until: null }];
  }
  const changes = materialChanges(fields, input.around);
  if (changes.length > 0) {
    const reason = `Record risk_analysis: since ${of}, ${told(changes)}. It has to be renewed.`;
    return [{ says: 'stale', reason, records, until: null }];
  }
  const reason = `Record risk_analysis: ${of} is in effect, and nothing material has changed since.`;
  return [{ says: 'met', reason, records, until: end }];
}

function planFindings(input: RisksInput, { days }: RiskNeed, asOf: Date): Finding[] {
  // A treatment that is overdue is so whether anybody has written a plan or not.
  const overdue = input.risks.flatMap((record) => treatmentFault(record, asOf));
  if (overdue.length > 0) return overdue;
  // One that is reviewed later says nothing yet.
  const plans = input.plans.filter(({ goodFrom }) => goodFrom <= asOf);
  const analysis = latestOf(input.analyses);
  const isOfIt = (plan: EffectiveRecord): boolean =>
    analysis !== null && speaksFor(plan, planOf(plan)?.analysis, analysis, input);
  const latest = latestOf(plans.filter(isOfIt)) ?? latestOf(plans);
  if (latest === null) return [];
  const records = [latest.id];
  const of = `the one that counts from ${dayOf(latest.goodFrom)}`;
  const fields = planOf(latest);
  if (fields === null) {
    const reason = `Record risk_management_plan: ${of} cannot be read: it may have been disposed of.`;
    return [{ says: 'failing', reason, records, until: null }];
  }
  if (input.risks.length === 0) {
    const reason = `Record risk_management_plan: no risk is in effect that ${of} could be for.`;
    return [{ says: 'failing', reason, records, until: null }];
  }
  const end = tooOldAt(latest, days);
  if (end !== null && end <= asOf) {
    const reason = `Record risk_management_plan: ${of} is older than ${days} days.`;
    return [{ says: 'stale', reason, records, until: null }];
  }
  if (!isOfIt(latest)) {
    const reason = `Record risk_management_plan: ${of} is not of the risk analysis in effect.`;
    return [{ says: 'stale', reason, records, until: null }];
  }
  const due = input.risks.flatMap((record) => {
    const at = openUntil(riskOf(record), asOf);
    return at === null ? [] : [at];
  });
  const until = earliest([end, ...due]);
  const reason =
    'Record risk_management_plan: every risk that is not accepted has an owner and a day, and none is overdue.';
  return [{ says: 'met', reason, records, until }];
}

/** It names that analysis, or an earlier version of it does. One that is yet to come, or never will, lends nothing to the one in effect. */
const speaksFor = (
  { id }: EffectiveRecord,
  named: string | undefined,
  analysis: EffectiveRecord,
  { formerly }: RisksInput,
): boolean => named === analysis.id || (named !== undefined && formerly.has(id));

/** A treatment that is past its day, or has none, or cannot be read. */
function treatmentFault(record: EffectiveRecord, asOf: Date): Finding[] {
  const fields = riskOf(record);
  const number = record.naturalKey === '' ? 'a risk' : `risk ${record.naturalKey}`;
  const failing = (reason: string, dueAt: Date | null): Finding[] => [
    {
      says: 'failing',
      reason: `Record risk: ${number} ${reason}`,
      records: [record.id],
      until: null,
      work: { kind: 'failing', ownerId: fields?.treatmentOwner ?? record.ownerId, dueAt },
    },
  ];
  if (fields === null) return failing('cannot be read: it may have been disposed of.', null);
  if (fields.treatment === 'accept' || isDone(fields, asOf)) return [];
  if (fields.dueOn === undefined) return failing(`is to be treated (${fields.treatment}) and has no day.`, null);
  const dueAt = endOfDay(fields.dueOn);
  if (dueAt > asOf) return [];
  return failing(`was to be treated (${fields.treatment}) by ${fields.dueOn}, and nothing says that it was.`, dueAt);
}

/** What is still to be done, and accepted risks that nobody shall forget: for the work list, and no part of whether a plan is there. */
function openWork(
  risks: readonly { record: EffectiveRecord; fields: RiskFields | null }[],
  { analyses }: RisksInput,
  about: Statement['about'],
  at: Date,
): Statement[] {
  return risks.flatMap(({ record, fields }): Statement[] => {
    if (fields === null) return [];
    const common = { about, need: 'risk', says: 'met', records: [record.id], series: [], at } as const;
    const dueAt = openUntil(fields, at);
    if (dueAt !== null) {
      const reason = `Record risk: risk ${record.naturalKey} is to be treated (${fields.treatment}) by ${fields.dueOn ?? ''}.`;
      const work = { kind: 'due', ownerId: fields.treatmentOwner, dueAt } as const;
      return [{ ...common, reason, until: dueAt, work }];
    }
    const analysis = analyses.find(({ id }) => id === fields.analysis);
    const matrix = analysis === undefined ? undefined : analysisOf(analysis)?.matrix;
    if (fields.treatment !== 'accept' || levelOf(matrix, fields.likelihood, fields.impact) !== 'critical') return [];
    const reason = `Record risk: risk ${record.naturalKey} is critical and accepted.`;
    const work = { kind: 'due', ownerId: fields.treatmentOwner, dueAt: null } as const;
    return [{ ...common, reason, until: null, work }];
  });
}

/** When a treatment that is neither done nor overdue is due; null of any other. */
function openUntil(fields: RiskFields | null, asOf: Date): Date | null {
  if (fields === null || fields.treatment === 'accept' || isDone(fields, asOf) || fields.dueOn === undefined)
    return null;
  const dueAt = endOfDay(fields.dueOn);
  return dueAt > asOf ? dueAt : null;
}

const isDone = ({ completedOn }: RiskFields, asOf: Date): boolean =>
  completedOn !== undefined && Date.parse(completedOn) <= asOf.getTime();

/** A day is one in UTC, and what is due on it is overdue from the next one on. */
const endOfDay = (day: string): Date => new Date(Date.parse(day) + DAY);
/** The first instant at which it is too old; at the last of its age it is not. */
const tooOldAt = ({ goodFrom }: EffectiveRecord, days: number | null): Date | null =>
  days === null ? null : new Date(goodFrom.getTime() + days * DAY + 1);

function bounded(findings: readonly Finding[]): Finding[] {
  if (findings.length <= MAX_TOLD) return [...findings];
  const [first] = findings;
  const rest = findings.length - (MAX_TOLD - 1);
  return [
    ...findings.slice(0, MAX_TOLD - 1),
    {
      says: first?.says ?? 'failing',
      reason: `Record risk: ${rest} more of the same sort.`,
      alike: rest,
      records: findings
        .slice(MAX_TOLD - 1)
        .flatMap(({ records }) => records)
        .slice(0, 5),
      until: null,
    },
  ];
}
