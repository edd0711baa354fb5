import type { EffectiveFilter } from '../records/effective.js';
import type { Candidate, Neighbour, RecordFault } from '../records/rules.js';
import { applicabilityOf, decisionOf, exceptionOf, type DecisionFields } from './fields.js';

const DAY = 86_400_000;

/** A year and a day, that a yearly review may fall on the same day: what is accepted for longer is decided on anew. */
export const MAX_EXCEPTION_DAYS = 366;

const unreadable = (what: string): RecordFault[] => [
  { pointer: '/fields', detail: `The fields are not those of ${what}.` },
];

/** What an exception says of itself; whether the results that it names fail is asked of them. */
export function exceptionFaults(candidate: Candidate, now: Date): RecordFault[] {
  const exception = exceptionOf(candidate);
  if (exception === null) return unreadable('an exception');
  const { checks, results, practices } = exception;
  const { systemIds, expiresAt, effectiveFrom } = candidate;
  const faults: RecordFault[] = [];
  if (checks.length + results.length + practices.length === 0) {
    faults.push({ pointer: '/fields', detail: 'An exception covers results, checks or practices: name them.' });
  }
  if (systemIds.length === 0 && checks.length + results.length > 0) {
    faults.push({
      pointer: '/systemIds',
      detail: 'Results and checks are of systems: name them. An exception of the whole organisation covers practices.',
    });
  } else {
    for (const [index, { systemId }] of results.entries()) {
      if (systemIds.includes(systemId)) continue;
      const detail = 'The exception is not of this system: see systemIds.';
      faults.push({ pointer: `/fields/results/${index}/systemId`, detail });
    }
  }
  const until = '/fields/until';
  if (expiresAt === null) faults.push({ pointer: until, detail: 'An exception has an end.' });
  else if (expiresAt <= now) {
    faults.push({
      pointer: until,
      detail: 'It has passed: what it covered is back, and is accepted anew or not at all.',
    });
  } else if (expiresAt.getTime() - effectiveFrom.getTime() > MAX_EXCEPTION_DAYS * DAY) {
    faults.push({
      pointer: until,
      detail: `An exception ends ${MAX_EXCEPTION_DAYS} days after its effect at the latest.`,
    });
  }
  return faults;
}

const FACTORS = ['size', 'infrastructure', 'cost', 'risk'] as const;

/** Two words can say something of a factor («no difference»); these do not. */
const MIN_WORDS = 2;
const EMPTY =
  /^(n a|not (applicable|relevant|assessed|known)|no (comment|answer)|see (above|below)|to be (decided|done))$/u;
function saysSomething(text: string): boolean {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.length >= MIN_WORDS && !EMPTY.test(words.join(' '));
}

/**
 * A decision on an addressable specification (45 CFR 164.306(d)(3)): implement it; or say why that is not reasonable and appropriate, what is done in its place if
 * anything is, and how the standard is met all the same. All four factors of 164.306(b)(2) are to be taken into account; «cost is not meant to free covered
 * entities from this responsibility» (68 FR 8343).
 */
export function decisionFaults(
  candidate: Candidate,
  neighbours: readonly Neighbour[],
  now: Date,
  isAddressable: (control: string) => boolean,
): RecordFault[] {
  const decision = decisionOf(candidate);
  if (decision === null) return unreadable('a decision on an addressable specification');
  const faults: RecordFault[] = [];
  if (!isAddressable(decision.control)) {
    faults.push({ pointer: '/fields/control', detail: 'The law in force has no such addressable specification.' });
  }
  const silent = FACTORS.filter((factor) => !saysSomething(decision[factor]));
  for (const factor of silent) {
    const detail =
      silent.length === FACTORS.length - 1 && !silent.includes('cost')
        ? 'Cost alone decides nothing: the other three factors are to be assessed too.'
        : 'All four factors are assessed: say something of this one.';
    faults.push({ pointer: `/fields/${factor}`, detail });
  }
  if (decision.outcome === 'implement') return faults;
  const isInEffect = neighbours.some(
    ({ id, effectiveFrom, effectiveTo }) =>
      id === decision.analysis && effectiveFrom <= now && (effectiveTo === null || effectiveTo > now),
  );
  return [...faults, ...otherwiseFaults(candidate, decision, isInEffect)];
}

/** The analysis that a decision rests on. */
export function decisionNeighbours(candidate: Candidate): EffectiveFilter[] {
  const analysis = candidate.kind === 'end' ? undefined : decisionOf(candidate)?.analysis;
  return analysis === undefined ? [] : [{ types: ['risk_analysis'], ids: [analysis] }];
}

function otherwiseFaults(
  { documents, links }: Candidate,
  decision: DecisionFields,
  isInEffect: boolean,
): RecordFault[] {
  const faults: RecordFault[] = [];
  if (!saysSomething(decision.standardMet ?? '')) {
    faults.push({ pointer: '/fields/standardMet', detail: 'Say how the standard is met all the same.' });
  }
  if (decision.analysis === undefined) {
    faults.push({ pointer: '/fields/analysis', detail: 'The decision rests on a risk analysis: name it.' });
  } else if (!isInEffect) {
    faults.push({
      pointer: '/fields/analysis',
      detail: 'The risk analysis is not in effect: nothing rests on a draft, or on one that has ended.',
    });
  }
  if (decision.outcome === 'alternative') {
    if (!saysSomething(decision.alternative ?? '')) {
      faults.push({ pointer: '/fields/alternative', detail: 'Say what is done in its place.' });
    }
    // What a practice shows today it need not show tomorrow, and one that is missing shows nothing.
    const isShown = documents.length > 0 || links.some(({ kind }) => kind === 'evidence');
    if (!isShown) {
      faults.push({
        pointer: '/documents',
        detail: 'The alternative is shown by a document, or by a link to evidence.',
      });
    }
  }
  return faults;
}

/**
 * A statement of applicability evidences the items that it names. That one does not apply is said with its reason; that it does apply is met by something, such as
 * the document of a group health plan (164.314(b)(2)), which is named and enclosed: else saying that there is such a plan would evidence what its document has to say.
 */
export function applicabilityFaults(candidate: Candidate): RecordFault[] {
  const statement = applicabilityOf(candidate);
  if (statement === null) return unreadable('a statement of applicability');
  const faults: RecordFault[] = [];
  const named = new Set<string>();
  for (const [index, { control, applies, metBy }] of statement.statements.entries()) {
    const pointer = `/fields/statements/${index}`;
    if (named.has(control))
      faults.push({ pointer: `${pointer}/control`, detail: 'One thing is said of an item, once.' });
    named.add(control);
    if (applies && !saysSomething(metBy ?? '')) {
      faults.push({ pointer: `${pointer}/metBy`, detail: 'It applies: say what meets it, and where that stands.' });
    }
  }
  // Records are found by the items that they link to as well: one that the statement says nothing of would be evidenced by its silence.
  for (const [index, { kind, target }] of candidate.links.entries()) {
    if (kind !== 'control' || named.has(target)) continue;
    faults.push({ pointer: `/links/${index}`, detail: 'The statement says nothing of this item.' });
  }
  if (statement.statements.some(({ applies }) => applies) && candidate.documents.length === 0) {
    faults.push({
      pointer: '/documents',
      detail: 'What applies is shown by a document: the plan document, the arrangement.',
    });
  }
  return faults;
}
