import type { Check, Freshness, Practice } from '../catalog/catalog.types.js';
import { partsOf } from '../checks/definition.js';
import { benchmarkOf, type Row, type Silence } from './evidence.js';
import type { EvidenceRef, PracticePosture, ResultCounts } from './posture.schema.js';
import { countStatuses, type Status } from './status.js';
import { day, isAre, listed, plural } from './words.js';

const DAY = 24 * 60 * 60 * 1000;

/** All that a practice is judged by, in one system. */
export interface PracticeCase {
  readonly practice: Practice;
  /** Checks of every tool that support it (`Catalog.checksOf`). */
  readonly checks: readonly Check[];
  readonly rows: readonly Row[];
  readonly silences: readonly Silence[];
  readonly benchmarks: ReadonlySet<string>;
  readonly freshness: Freshness;
  /** Milliseconds since 1970. */
  readonly asOf: number;
  readonly systemId: string;
  /** Whether the links from practices to paragraphs were reviewed. */
  readonly isReviewed: boolean;
  readonly maxEvidence: number;
}

interface Verdict {
  status: Status;
  reason: string;
  /** What the status rests on: rows and silences, the oldest of them, and when age alone would end it. */
  rows: readonly Row[];
  silences: readonly Silence[];
  observedAt: number | null;
  staleAt: number | null;
}

/**
 * The rule of a practice in one system, worst first; each step needs what the one before has ruled out:
 * 1. a result that fails makes it failing, whatever its age: that nobody looked again does not mend it;
 * 2. a practice that rests on records (`automation: records`) is missing until records are kept: no scanner sees them;
 * 3. without a pass, stated or by silence, it is missing: `warn`, `error`, `skip` and `manual` say that a tool did not find out;
 * 4. if every pass is older than the limit at the instant asked for, it is stale;
 * 5. it is evidenced only if one tool speaks fully of it (`fullyAt`), the machine can see all of it (`automation: full`), and it asks for no record
 *    beside the machine's word: records are not kept yet, and what is missing makes no pass;
 * 6. else it is partial: something fresh speaks for it.
 */
export function evaluatePractice(input: PracticeCase): PracticePosture {
  const { practice, checks, rows, silences, freshness, isReviewed } = input;
  const verdict = judge(input);
  const used = new Set([...verdict.rows, ...verdict.silences].map(({ check }) => check));
  const evidence = evidenceOf(input);
  return {
    id: practice.id,
    section: practice.section,
    summary: practice.summary,
    automation: practice.automation,
    status: verdict.status,
    reason: verdict.reason,
    systems: countStatuses([verdict.status]),
    counts: countResults(rows, ({ count }) => count),
    phiCounts: countResults(rows, ({ phi }) => phi),
    inferred: verdict.silences.length > 0,
    review:
      isReviewed && [...(used.size > 0 ? used : checks)].every(({ review }) => review === 'reviewed')
        ? 'reviewed'
        : 'proposed',
    observedAt: timeOf(verdict.observedAt),
    staleAt: timeOf(verdict.staleAt),
    freshness: { maxAgeDays: freshness.maxAgeDays, basis: freshness.basis, from: freshness.from },
    records: practice.records.map(({ type }) => type),
    evidence,
    moreEvidence: rows.length + silences.length - evidence.length,
  };
}

function judge(input: PracticeCase): Verdict {
  const { practice, rows, silences, freshness, asOf } = input;
  const limit = limitOf(freshness);
  const isFresh = (time: number) => asOf - time <= limit;
  const endOf = (time: number) => (Number.isFinite(limit) ? time + limit : null);

  const failing = rows.filter(({ summary }) => summary.status === 'fail');
  if (failing.length > 0) {
    const observedAt = oldest(failing);
    return { ...resting(failing, []), status: 'failing', reason: failingReason(input, failing, isFresh), observedAt };
  }
  if (practice.automation === 'records') {
    return { ...NOTHING, status: 'missing', reason: `This rests on what people keep. ${recordsReason(practice)}` };
  }
  const passes = rows.filter(({ summary }) => summary.status === 'pass');
  if (passes.length + silences.length === 0) return { ...NOTHING, status: 'missing', reason: missingReason(input) };

  const freshPasses = passes.filter(({ seen }) => isFresh(seen));
  const freshSilences = silences.filter(({ seen }) => isFresh(seen));
  if (freshPasses.length + freshSilences.length === 0) {
    const last = Math.max(...[...passes, ...silences].map(({ seen }) => seen));
    const reason =
      `What passed was last seen on ${day(last)} (${toolsOf([...passes, ...silences])}), ` +
      `more than ${freshness.maxAgeDays} days before the instant asked for.${undecidedReason(rows)}`;
    const observedAt = oldest([...passes, ...silences]);
    return { ...resting(passes, silences), status: 'stale', reason, observedAt, staleAt: endOf(last) };
  }

  const full = tools(input)
    .map((tool) => fullyAt(input, tool))
    .filter((spoken) => spoken !== null && isFresh(spoken.observedAt))
    .reduce(
      (best, next) => (best === null || (next !== null && next.observedAt > best.observedAt) ? next : best),
      null,
    );
  if (full !== null && practice.automation === 'full' && practice.records.length === 0) {
    return {
      ...resting(full.rows, full.silences),
      status: 'evidenced',
      reason: evidencedReason(full),
      observedAt: full.observedAt,
      staleAt: endOf(full.observedAt),
    };
  }
  return {
    ...resting(freshPasses, freshSilences),
    status: 'partial',
    reason: partialReason(input, freshPasses, freshSilences, full),
    observedAt: oldest([...freshPasses, ...freshSilences]),
    // It stays partial for as long as one of them is fresh.
    staleAt: endOf(Math.max(...[...freshPasses, ...freshSilences].map(({ seen }) => seen))),
  };
}

interface Spoken {
  tool: string;
  required: readonly Check[];
  rows: readonly Row[];
  silences: readonly Silence[];
  observedAt: number;
}

/** Tools that may speak fully: what is matched by a name that users may have given to something else is a hint. */
const tools = ({ checks }: Pick<PracticeCase, 'checks'>): string[] => [
  ...new Set(checks.filter(({ match }) => match === 'id').map(({ tool }) => tool)),
];

/**
 * Whether a tool speaks fully of a practice, and since when, whatever its age; null where it does not. It does if of each of its checks that support the
 * practice every result is a pass, seen by a complete scan of the system or of a node, or its silence there is one. A pass that only a partial scan saw,
 * or that lies on a target never scanned as a whole, leaves open what else is there; passes on namespaces and repositories add nothing and harm nothing.
 *
 * Of kube-bench the checks of those benchmarks count that its reports used. An edition that lacks a check of its successor does not speak fully of what
 * that check supports: the catalogue of today asks for it. A check that the tool has given up is asked for only where it still reports it.
 *
 * What cannot be seen here: a node that was never reported at all.
 */
function fullyAt({ checks, rows, silences, benchmarks }: PracticeCase, tool: string): Spoken | null {
  const byCheck = Map.groupBy(rows, ({ check }) => check);
  const required = checks.filter(
    (check) =>
      check.tool === tool &&
      check.evidence &&
      (!check.deprecated || byCheck.has(check)) &&
      (tool !== 'kube-bench' || benchmarks.has(benchmarkOf(check.id))),
  );
  if (required.length === 0) return null;
  const spoken = { tool, required, rows: [] as Row[], silences: [] as Silence[], observedAt: Infinity };
  for (const check of required) {
    const results = byCheck.get(check) ?? [];
    const silent = silences.filter((silence) => silence.check === check && silence.whole);
    if (silent.length === 0 && results.every(({ whole }) => !whole)) return null;
    for (const row of results) {
      if (row.summary.status !== 'pass') return null;
      if (!row.whole) continue;
      if (row.complete === null) return null;
      spoken.observedAt = Math.min(spoken.observedAt, row.seen, row.complete);
      spoken.rows.push(row);
    }
    for (const { seen } of silent) spoken.observedAt = Math.min(spoken.observedAt, seen);
    spoken.silences.push(...silent);
  }
  return spoken;
}

/** Null: for the life of what it is about. */
export const limitOf = ({ maxAgeDays }: Pick<Freshness, 'maxAgeDays'>): number =>
  maxAgeDays === null ? Infinity : maxAgeDays * DAY;

const NOTHING = { rows: [], silences: [], observedAt: null, staleAt: null };

const resting = (rows: readonly Row[], silences: readonly Silence[]) => ({ rows, silences, staleAt: null });

const oldest = (seen: readonly { seen: number }[]): number => Math.min(...seen.map((one) => one.seen));

const timeOf = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());

const toolsOf = (seen: readonly { check: Check }[]): string => listed(seen.map(({ check }) => check.tool));

const resultsIn = (rows: readonly Row[]): number => rows.reduce((sum, { summary }) => sum + summary.count, 0);

const checksIn = (rows: readonly Row[]): number => new Set(rows.map(({ check }) => check)).size;

function failingReason(input: PracticeCase, failing: readonly Row[], isFresh: (time: number) => boolean): string {
  const count = resultsIn(failing);
  const phi = failing.reduce((sum, { summary }) => sum + summary.phi, 0);
  const old = failing.filter(({ seen }) => !isFresh(seen));
  const parts = [
    `${plural(count, 'result')} of ${plural(checksIn(failing), 'check')} ${count === 1 ? 'fails' : 'fail'} (${toolsOf(failing)}).`,
  ];
  if (phi > 0) parts.push(`${phi} ${isAre(phi)} in namespaces that hold PHI.`);
  if (old.length > 0) {
    parts.push(
      `Some were last seen on ${day(oldest(old))}, more than ${input.freshness.maxAgeDays} days before: nothing newer says that they are gone.`,
    );
  }
  return parts.join(' ');
}

function missingReason({ practice, checks, rows }: PracticeCase): string {
  const none =
    rows.length > 0
      ? `None of ${plural(resultsIn(rows), 'result')} is a pass (${statusesIn(rows)}).${insteadReason(rows)}`
      : checks.some(({ evidence }) => evidence)
        ? 'No scanner has reported on it.'
        : 'No check of a scanner that is known here supports it.';
  return practice.records.length > 0 ? `${none} ${recordsReason(practice)}` : none;
}

function evidencedReason({ tool, required, rows, silences, observedAt }: Spoken): string {
  const parts = [
    `${required.length === 1 ? 'The one check' : `All ${required.length} checks`} of ${tool} for it passed, as seen since ${day(observedAt)}.`,
  ];
  if (rows.length > 0) parts.push(`${plural(resultsIn(rows), 'result')} passed.`);
  if (silences.length > 0) parts.push(silenceReason(silences));
  return `${parts.join(' ')}${ownReason(rows)}`;
}

/** Whoever reads a pass should know that those who passed have written the check. */
function ownReason(rows: readonly Row[]): string {
  const own = new Set(rows.flatMap(({ check }) => (check.by === 'organization' ? [check] : [])));
  return own.size === 0
    ? ''
    : ` ${plural(own.size, 'check')} of them ${isAre(own.size)} in the organisation’s own words.`;
}

function partialReason(
  { practice, checks, rows }: PracticeCase,
  passes: readonly Row[],
  silences: readonly Silence[],
  full: Spoken | null,
): string {
  const parts: string[] = [];
  if (passes.length > 0) {
    parts.push(
      `${plural(resultsIn(passes), 'result')} of ${plural(checksIn(passes), 'check')} passed (${toolsOf(passes)}).`,
    );
  }
  if (silences.length > 0) parts.push(silenceReason(silences));
  if (practice.automation === 'partial') parts.push('Scanners see only a part of this practice.');
  if (practice.records.length > 0) parts.push(recordsReason(practice));
  if (full === null) {
    parts.push(
      tools({ checks }).length === 0 || passes.every(({ check }) => check.match === 'name-hint')
        ? 'Policies are matched by name, which is a hint only.'
        : 'No tool has fresh, complete passes of all its checks for it.',
    );
  }
  return `${parts.join(' ')}${ownReason(passes)}${undecidedReason(rows)}`;
}

function silenceReason(silences: readonly Silence[]): string {
  const checks = plural(new Set(silences.map(({ check }) => check)).size, 'check');
  return `Of ${checks} a pass is inferred: ${toolsOf(silences)} lists failures only, and a complete scan lists none.`;
}

function undecidedReason(rows: readonly Row[]): string {
  const undecided = rows.filter(({ summary }) => summary.status !== 'pass');
  return undecided.length === 0 ? '' : ` Not decided: ${statusesIn(undecided)}.${insteadReason(undecided)}`;
}

/** Checks in whose words it is said what does instead. Those of one practice mostly say the same; what each says is in its results too. */
const MAX_INSTEAD = 3;

/** A message without what it says of one object. */
const outline = (message: string): string =>
  partsOf(message)
    .map(({ text, isExpression }) => (isExpression ? '…' : text))
    .join('');

/** What does instead where a check could not look: a managed control plane shows no flags, and a record or the cloud's own answer does. */
function insteadReason(rows: readonly Row[]): string {
  const said = new Set(
    rows.flatMap(({ check, summary }) =>
      summary.status === 'manual' && check.without !== null ? [outline(check.without)] : [],
    ),
  );
  const more = said.size - MAX_INSTEAD;
  const parts = [...said].slice(0, MAX_INSTEAD);
  if (more > 0) parts.push(`The results of ${plural(more, 'other check')} say what does there.`);
  return parts.map((part) => ` ${part}`).join('');
}

function statusesIn(rows: readonly Row[]): string {
  const counts = countResults(rows, ({ count }) => count);
  return Object.entries(counts)
    .flatMap(([status, count]) => (count > 0 ? [`${count} ${status}`] : []))
    .join(', ');
}

function recordsReason({ records }: Practice): string {
  if (records.length === 0) return 'No record of it is kept.';
  return `Not kept yet: ${listed(records.map(({ type }) => `record ${type}`))}.`;
}

function countResults(rows: readonly Row[], of: (summary: Row['summary']) => number): ResultCounts {
  const counts: ResultCounts = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0, manual: 0 };
  for (const { summary } of rows) counts[summary.status as keyof ResultCounts] += of(summary);
  return counts;
}

const WORST_FIRST = ['fail', 'error', 'warn', 'manual', 'skip', 'pass'];

/** References to what is behind it, worst first, then by source and check; bounded. */
function evidenceOf({ rows, silences, systemId, maxEvidence }: PracticeCase): EvidenceRef[] {
  const sorted = [...rows].sort(
    ({ summary: a }, { summary: b }) =>
      WORST_FIRST.indexOf(a.status) - WORST_FIRST.indexOf(b.status) ||
      compare(a.source, b.source) ||
      compare(a.check, b.check) ||
      compare(a.targetId, b.targetId),
  );
  const stated = sorted.slice(0, maxEvidence).map(({ summary }) => ({
    systemId,
    scanId: summary.scanId,
    evidenceId: summary.evidenceId,
    source: summary.source,
    check: summary.check,
    status: summary.status as EvidenceRef['status'],
    count: summary.count,
    inferred: false,
    seenAt: summary.newestSeen.toISOString(),
    longestUnseenAt: summary.oldestSeen.toISOString(),
    series: summary.series,
  }));
  const inferred = silences.slice(0, maxEvidence - stated.length).map(({ check, coverage }) => ({
    systemId,
    scanId: coverage.scanId,
    evidenceId: coverage.evidenceId,
    source: coverage.source,
    check: check.id,
    status: 'pass' as const,
    count: 0,
    inferred: true,
    seenAt: coverage.observedAt.toISOString(),
    longestUnseenAt: coverage.observedAt.toISOString(),
    series: [],
  }));
  return [...stated, ...inferred];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
