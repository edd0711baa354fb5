import type { Check, Freshness, Practice } from '../catalog/catalog.types.js';
import { partsOf } from '../checks/definition.js';
import { benchmarkOf, type Row, type Silence } from './evidence.js';
import type { Accepted } from './needs.js';
import type { ResultCounts } from './posture.schema.js';
import type { ScannerState } from './rule.js';
import { day, isAre, listed, plural } from './words.js';

const DAY = 24 * 60 * 60 * 1000;

/** All that scanners say of a practice in one system, and by what it is judged. */
export interface ScannerCase {
  readonly practice: Practice;
  /** Checks of every tool that support it (`Catalog.checksOf`). */
  readonly checks: readonly Check[];
  readonly rows: readonly Row[];
  readonly silences: readonly Silence[];
  readonly benchmarks: ReadonlySet<string>;
  readonly freshness: Freshness;
  /** Milliseconds since 1970. */
  readonly asOf: number;
  /** Failing results that people have accepted. */
  readonly accepted: Pick<Accepted, 'checks'>;
  /** Evidence whose stored bytes are no longer those that were kept. */
  readonly corrupt: ReadonlySet<string>;
}

export interface ScannerPart {
  readonly state: ScannerState;
  readonly reason: string;
  /** What the state rests on: rows and silences, the oldest of them, and when age alone would end it. */
  readonly rows: readonly Row[];
  readonly silences: readonly Silence[];
  readonly observedAt: number | null;
  readonly staleAt: number | null;
}

/**
 * What scanners say of a practice in one system, worst first; each step needs what the one before has ruled out:
 * 0. what rests on a report that is no longer what was kept makes it failing: nobody can show what it said; a later report of the same takes its place;
 * 1. a result that fails makes it failing, whatever its age: that nobody looked again does not mend it; where all that fail were accepted, `acceptedPart` says what it is;
 * 2. without a pass, stated or by silence, they say nothing: `warn`, `error`, `skip` and `manual` say that a tool did not find out;
 * 3. if every pass is older than the limit at the instant asked for, it is stale;
 * 4. it is full if one tool speaks fully and freshly of it (`fullyAt`);
 * 5. else it is partial: something fresh speaks for it.
 */
export function scannerPart(input: ScannerCase): ScannerPart {
  const { rows, silences, freshness, asOf, accepted } = input;
  const limit = limitOf(freshness);
  const isFresh = (time: number) => asOf - time <= limit;
  const endOf = (time: number) => (Number.isFinite(limit) ? time + limit : null);

  const lost = lostPart(input);
  if (lost !== null) return lost;
  const failing = rows.filter(({ summary }) => summary.status === 'fail');
  const open = failing.filter((row) => !isAccepted(row, accepted));
  if (open.length > 0) {
    const parts = [failingReason(input, open, isFresh)];
    if (open.length < failing.length) parts.push(acceptedReason(failing.filter((row) => !open.includes(row))));
    return { ...resting(failing, []), state: 'failing', reason: parts.join(' '), observedAt: oldest(failing) };
  }
  if (failing.length > 0) return acceptedPart(input, failing);
  const passes = rows.filter(({ summary }) => summary.status === 'pass');
  if (passes.length + silences.length === 0) return { ...NOTHING, state: 'none', reason: missingReason(input) };

  const freshPasses = passes.filter(({ seen }) => isFresh(seen));
  const freshSilences = silences.filter(({ seen }) => isFresh(seen));
  if (freshPasses.length + freshSilences.length === 0) {
    const last = Math.max(...[...passes, ...silences].map(({ seen }) => seen));
    const reason =
      `What passed was last seen on ${day(last)} (${toolsOf([...passes, ...silences])}), ` +
      `more than ${freshness.maxAgeDays} days before the instant asked for.${undecidedReason(rows)}`;
    const observedAt = oldest([...passes, ...silences]);
    return { ...resting(passes, silences), state: 'stale', reason, observedAt, staleAt: endOf(last) };
  }

  const full = fullest(input);
  if (full !== null) {
    return {
      ...resting(full.rows, full.silences),
      state: 'full',
      reason: `${fullReason(full)}${partReason(input)}`,
      observedAt: full.observedAt,
      staleAt: endOf(full.observedAt),
    };
  }
  return {
    ...resting(freshPasses, freshSilences),
    state: 'partial',
    reason: partialReason(input, freshPasses, freshSilences),
    observedAt: oldest([...freshPasses, ...freshSilences]),
    // It stays partial for as long as one of them is fresh.
    staleAt: endOf(Math.max(...[...freshPasses, ...freshSilences].map(({ seen }) => seen))),
  };
}

/**
 * All that fails was accepted. An exception accepts what fails, and never what nobody has shown: it is excepted while a tool would speak fully and freshly of it if the
 * accepted results had passed; else what was seen is a part, or too old. Of a practice that rests on records nothing else of scanners is asked.
 */
function acceptedPart(input: ScannerCase, failing: readonly Row[]): ScannerPart {
  const { practice, rows, silences, freshness, asOf } = input;
  const limit = limitOf(freshness);
  const isFresh = (time: number) => asOf - time <= limit;
  const reason = `${failingReason(input, failing, isFresh)} ${acceptedReason(failing)}`;
  const endOf = (time: number) => (Number.isFinite(limit) ? time + limit : null);
  const asPassed = rows.map((row): Row =>
    row.summary.status === 'fail' ? { ...row, summary: { ...row.summary, status: 'pass' } } : row,
  );
  const full = fullest({ ...input, rows: asPassed });
  if (full !== null || practice.automation === 'records') {
    const staleAt = full === null || practice.automation === 'records' ? null : endOf(full.observedAt);
    return { ...resting(failing, []), state: 'excepted', reason, observedAt: oldest(failing), staleAt };
  }
  const fresh = [...asPassed.filter(({ summary }) => summary.status === 'pass'), ...silences].filter(({ seen }) =>
    isFresh(seen),
  );
  return {
    ...resting(failing, []),
    state: fresh.length > 0 ? 'partial' : 'stale',
    reason: `${reason} What it does not accept no tool has shown freshly and completely.${undecidedReason(rows.filter((row) => !failing.includes(row)))}`,
    observedAt: oldest(failing),
    staleAt: fresh.length > 0 ? endOf(Math.max(...fresh.map(({ seen }) => seen))) : null,
  };
}

function lostPart({ rows, silences, corrupt }: ScannerCase): ScannerPart | null {
  const lostRows = rows.filter(({ summary }) => corrupt.has(summary.evidenceId));
  const lostSilences = silences.filter(({ coverage }) => corrupt.has(coverage.evidenceId));
  const lost = [...lostRows, ...lostSilences];
  if (lost.length === 0) return null;
  const evidence = [...lostRows.map(({ summary }) => summary), ...lostSilences.map(({ coverage }) => coverage)];
  const reason =
    `What was said of it (${toolsOf(lost)}) rests on evidence whose stored bytes are no longer those that were kept: ` +
    `${listed(evidence.map(({ evidenceId }) => evidenceId))}. It can no longer be shown.`;
  return { ...resting(lostRows, lostSilences), state: 'failing', reason, observedAt: oldest(lost) };
}

/** Whether people have accepted all the failing results that a row counts. */
const isAccepted = ({ summary }: Row, { checks }: ScannerCase['accepted']): boolean =>
  summary.accepted >= summary.count || checks.has(`${summary.source}\n${summary.check}`);

const acceptedReason = (rows: readonly Row[]): string =>
  `An exception in effect accepts ${plural(resultsIn(rows), 'failing result')}.`;

/** What the tool says that speaks fully and freshly, the latest of several; null: none does. */
function fullest(input: ScannerCase): Spoken | null {
  const limit = limitOf(input.freshness);
  return tools(input)
    .map((tool) => fullyAt(input, tool))
    .filter((spoken) => spoken !== null && input.asOf - spoken.observedAt <= limit)
    .reduce(
      (best, next) => (best === null || (next !== null && next.observedAt > best.observedAt) ? next : best),
      null,
    );
}

interface Spoken {
  tool: string;
  required: readonly Check[];
  rows: readonly Row[];
  silences: readonly Silence[];
  observedAt: number;
}

/** Tools that may speak fully: what is matched by a name that users may have given to something else, or was read in a file that was posted, is a hint. */
const tools = ({ checks }: Pick<ScannerCase, 'checks'>): string[] => [
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
function fullyAt({ checks, rows, silences, benchmarks }: ScannerCase, tool: string): Spoken | null {
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

const toolsOf = (seen: readonly { check: Check }[]): string => listed(seen.map(({ check }) => check.tool));

const resultsIn = (rows: readonly Row[]): number => rows.reduce((sum, { summary }) => sum + summary.count, 0);

const checksIn = (rows: readonly Row[]): number => new Set(rows.map(({ check }) => check)).size;

function failingReason(input: ScannerCase, failing: readonly Row[], isFresh: (time: number) => boolean): string {
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

function missingReason({ checks, rows }: ScannerCase): string {
  if (rows.length > 0)
    return `None of ${plural(resultsIn(rows), 'result')} is a pass (${statusesIn(rows)}).${insteadReason(rows)}`;
  return checks.some(({ evidence }) => evidence)
    ? 'No scanner has reported on it.'
    : 'No check of a scanner that is known here supports it.';
}

function fullReason({ tool, required, rows, silences, observedAt }: Spoken): string {
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

/** Where a machine sees a part only, a pass is one of that part. */
const partReason = ({ practice }: ScannerCase): string =>
  practice.automation === 'partial' ? ' Scanners see only a part of this practice.' : '';

/** Why it is a part only, by how what passed was matched. */
const WHY_PART: Readonly<Record<Check['match'], string>> = {
  id: 'No tool has fresh, complete passes of all its checks for it.',
  'name-hint': 'Policies are matched by name, which is a hint only.',
  'posted-file': 'It was read in a file that was posted, which is a hint only: the file need not be the one in force.',
};

function partialReason(input: ScannerCase, passes: readonly Row[], silences: readonly Silence[]): string {
  const { rows } = input;
  const parts: string[] = [];
  if (passes.length > 0) {
    parts.push(
      `${plural(resultsIn(passes), 'result')} of ${plural(checksIn(passes), 'check')} passed (${toolsOf(passes)}).`,
    );
  }
  if (silences.length > 0) parts.push(silenceReason(silences));
  const matches = new Set((passes.length > 0 ? passes : silences).map(({ check }) => check.match));
  parts.push(...(matches.has('id') ? [WHY_PART.id] : Array.from(matches, (match) => WHY_PART[match])));
  return `${parts.join(' ')}${partReason(input)}${ownReason(passes)}${undecidedReason(rows)}`;
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

export function countResults(rows: readonly Row[], of: (summary: Row['summary']) => number): ResultCounts {
  const counts: ResultCounts = { pass: 0, fail: 0, warn: 0, error: 0, skip: 0, manual: 0 };
  for (const { summary } of rows) counts[summary.status as keyof ResultCounts] += of(summary);
  return counts;
}
