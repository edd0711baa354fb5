import type { Catalog } from '../catalog/catalog.js';
import type { Check, WholeReport } from '../catalog/catalog.types.js';
import type { ResultsService } from '../results/results.service.js';

/** All results of one status that one check of one source gave on one target, counted; as the results room gives them. */
export type CheckSummary = Awaited<ReturnType<ResultsService['summarise']>>[number];
/** The latest complete scan of a target, per source and set of checks. */
export type CoverageSummary = Awaited<ReturnType<ResultsService['findCoverage']>>[number];

/** What is known of one system at an instant. */
export interface SystemEvidence {
  readonly checks: readonly CheckSummary[];
  readonly coverage: readonly CoverageSummary[];
  /** Evidence whose stored bytes are no longer those that were kept: what rests on it can no longer be shown. */
  readonly corrupt: ReadonlySet<string>;
}

/** A summary whose check the catalogue knows. Times are milliseconds since 1970. */
export interface Row {
  readonly check: Check;
  readonly summary: CheckSummary;
  /** When the longest unseen of its results was last seen. */
  readonly seen: number;
  /** The latest complete scan that spoke of this check on this target; null where only partial scans did. */
  readonly complete: number | null;
  /** Whether its target is the system or a machine of it, and its source tells what passed there. */
  readonly whole: boolean;
}

/** A check that passed by silence: its tool lists failures only, looked at the whole target and listed none of this check. */
export interface Silence {
  readonly check: Check;
  readonly coverage: CoverageSummary;
  readonly seen: number;
  readonly whole: boolean;
}

export interface Unmapped {
  source: string;
  check: string;
  count: number;
  failing: number;
  why: string;
}

/** What is known of one system, sorted by what it speaks of. */
export interface SortedEvidence {
  /** By practice. */
  readonly rows: ReadonlyMap<string, readonly Row[]>;
  /** By practice. */
  readonly silences: ReadonlyMap<string, readonly Silence[]>;
  /** Editions of CIS benchmarks that kube-bench was run with: first parts of its check ids, as reported and as the catalogue reads them. */
  readonly benchmarks: ReadonlySet<string>;
  readonly unmapped: readonly Unmapped[];
}

/** A finding of a whole report as its kind has it. None is a pass: what is clean lists none. */
function statusIn({ findings }: WholeReport, status: string): string {
  if (status === 'fail') return findings;
  return status === 'pass' ? 'manual' : status;
}

/**
 * Whether a target is the system or one of its machines. A namespace is a part, an image or repository is not what runs: a pass there says nothing of the
 * rest, so it never makes anything evidenced.
 */
const isWhole = (kind: string): boolean => kind === 'cluster' || kind === 'node';

/** Linear in results summaries and coverage, times the few practices of a check. */
export function sortEvidence(catalog: Catalog, { checks, coverage }: SystemEvidence): SortedEvidence {
  const covered = new Map<string, { at: number; checks: ReadonlySet<string> | null }[]>();
  for (const { targetId, source, observedAt, checks: only } of coverage) {
    push(covered, `${targetId} ${source}`, { at: observedAt.getTime(), checks: only === null ? null : new Set(only) });
  }
  const rows = new Map<string, Row[]>();
  const benchmarks = new Set<string>();
  const unmapped = new Map<string, Unmapped>();
  const lastName = latestNames(catalog, checks);
  /** Checks that have a result, by target. */
  const spoken = new Map<string, Set<Check>>();

  for (const stored of checks) {
    const report = catalog.reportOf(stored.source, stored.check);
    const resolved = catalog.resolveResult(stored.source, stored.check);
    const check = report?.check ?? resolved?.check ?? null;
    const summary = report === null ? stored : { ...stored, status: statusIn(report, stored.status) };
    if (check?.tool === 'kube-bench') {
      for (const id of [summary.check, check.id]) benchmarks.add(benchmarkOf(id));
    }
    const passes = resolved?.passes !== false;
    const why = whyNot(check) ?? (passes || summary.status !== 'pass' ? null : NO_PASSES);
    if (check === null || why !== null) {
      addUnmapped(unmapped, summary, why ?? '');
      continue;
    }
    if (resolved !== null && lastName.get(subjectOf(stored, resolved))?.name !== summary.check) continue;
    let there = spoken.get(summary.targetId);
    if (there === undefined) spoken.set(summary.targetId, (there = new Set()));
    there.add(check);
    let complete: number | null = null;
    for (const scan of covered.get(`${summary.targetId} ${summary.source}`) ?? []) {
      if (scan.checks?.has(summary.check) !== false) complete = Math.max(complete ?? -Infinity, scan.at);
    }
    const row: Row = {
      check,
      summary,
      seen: summary.oldestSeen.getTime(),
      complete,
      whole: passes && isWhole(summary.target.kind),
    };
    for (const practice of check.practices) push(rows, practice, row);
  }
  return {
    rows,
    silences: silencesOf(catalog, coverage, spoken),
    benchmarks,
    unmapped: [...unmapped.values()],
  };
}

/**
 * After a benchmark's new edition the results under the old one stay open: the new report does not list their ids. Both are names of one check, and of two
 * names of one check on one target the one that was seen last speaks. Two rules of one policy are no two names of it: both speak.
 */
function latestNames(catalog: Catalog, checks: readonly CheckSummary[]): Map<string, { name: string; seen: number }> {
  const latest = new Map<string, { name: string; seen: number }>();
  for (const summary of checks) {
    const resolved = catalog.resolveResult(summary.source, summary.check);
    if (resolved === null) continue;
    const key = subjectOf(summary, resolved);
    const seen = summary.newestSeen.getTime();
    const before = latest.get(key);
    if (before === undefined || seen > before.seen) latest.set(key, { name: summary.check, seen });
  }
  return latest;
}

/** What a result is about, whatever name it gives the check. */
function subjectOf({ targetId, source }: CheckSummary, { check, part }: { check: Check; part: string }): string {
  return `${targetId} ${source} ${check.id}/${part}`;
}

/** `cis-1.12/1.2.16` → `cis-1.12`. */
export const benchmarkOf = (id: string): string => id.slice(0, id.indexOf('/'));

const NO_PASSES = 'Of this source only what fails counts: it does not tell for certain what passed.';

function whyNot(check: Check | null): string | null {
  if (check === null) return 'The catalogue does not know this check.';
  if (!check.evidence) return 'What this check says proves nothing.';
  return check.practices.length === 0 ? (check.unmapped ?? 'It supports no practice.') : null;
}

function addUnmapped(unmapped: Map<string, Unmapped>, { source, check, count, status }: CheckSummary, why: string) {
  const key = `${source}\n${check}`;
  const before = unmapped.get(key) ?? { source, check, count: 0, failing: 0, why };
  before.count += count;
  if (status === 'fail') before.failing += count;
  unmapped.set(key, before);
}

/**
 * Silence is a pass only if all of this holds: the tool lists failures only (where it lists all, a check without a result was not run); a complete scan of
 * the target vouches for checks of this prefix; and no result of the check, whatever its status and age, is open on that target. Of each check the newest
 * silence of a whole target and the newest of a part are kept: more of them would say no more.
 */
function silencesOf(
  catalog: Catalog,
  coverage: readonly CoverageSummary[],
  spoken: ReadonlyMap<string, ReadonlySet<Check>>,
): Map<string, Silence[]> {
  const newest = { whole: new Map<Check, Silence>(), part: new Map<Check, Silence>() };
  const vouchedFor = new Map<string, Check[]>();
  for (const scan of coverage) {
    if (scan.silentPass.length === 0) continue;
    const tool = catalog.toolOf(scan.source);
    if (tool === null) continue;
    const key = [tool, ...scan.silentPass].join('\n');
    let checks = vouchedFor.get(key);
    if (checks === undefined) vouchedFor.set(key, (checks = silentChecks(catalog, tool, scan.silentPass)));
    const whole = isWhole(scan.target.kind);
    const kept = whole ? newest.whole : newest.part;
    const seen = scan.observedAt.getTime();
    for (const check of checks) {
      if (seen <= (kept.get(check)?.seen ?? -Infinity)) continue;
      if (scan.checks !== null && !scan.checks.includes(check.id)) continue;
      if (spoken.get(scan.targetId)?.has(check) !== true) kept.set(check, { check, coverage: scan, seen, whole });
    }
  }
  // A whole report that lists nothing of a target says that the target was looked at: of a part, so it proves no practice by itself.
  for (const scan of coverage) {
    const check = catalog.reportOf(scan.source)?.check ?? null;
    if (check === null || scan.checks !== null || spoken.get(scan.targetId)?.has(check) === true) continue;
    const seen = scan.observedAt.getTime();
    if (seen > (newest.part.get(check)?.seen ?? -Infinity))
      newest.part.set(check, { check, coverage: scan, seen, whole: false });
  }
  const silences = new Map<string, Silence[]>();
  for (const silence of [...newest.whole.values(), ...newest.part.values()]) {
    for (const practice of silence.check.practices) push(silences, practice, silence);
  }
  return silences;
}

function silentChecks(catalog: Catalog, tool: string, prefixes: readonly string[]): Check[] {
  const reports = catalog.reportsOf(tool);
  if (reports.length === 0 || reports.some(({ lists }) => lists !== 'failures')) return [];
  return catalog.checks.filter(
    (check) => check.tool === tool && check.evidence && prefixes.some((prefix) => check.id.startsWith(prefix)),
  );
}

function push<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}
