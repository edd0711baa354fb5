import type { Practice } from '../catalog/catalog.types.js';
import { earliest } from '../kernel/dates.js';
import type { EvidenceRef, PracticePosture } from './posture.schema.js';
import { latest, type NeedPart, type SubjectPart } from './needs.js';
import { practiceStatus, type Part } from './rule.js';
import { countResults, scannerPart, type ScannerCase, type ScannerPart } from './scanner.js';
import { countStatuses, type Status } from './status.js';

/** All that a practice is judged by, in one system. */
export interface PracticeCase extends ScannerCase {
  /** What records say of it: the system's own and the organisation's together. */
  readonly records: SubjectPart;
  /** Whether people have accepted that it fails. */
  readonly covered: boolean;
  readonly systemId: string;
  /** Whether the links from practices to paragraphs were reviewed. */
  readonly isReviewed: boolean;
  readonly maxEvidence: number;
}

/** What is known of a practice in one system, beside how it is told. */
export interface JudgedPractice {
  readonly posture: PracticePosture;
  readonly part: Part;
}

/** What scanners and records say of a practice in one system, by the rule of rule.ts. */
export function evaluatePractice(input: PracticeCase): JudgedPractice {
  const { practice, checks, rows, silences, freshness, isReviewed, records } = input;
  const scanner = scannerPart(input);
  const part: Part = {
    scanner: scanner.state,
    needs: records.needs.map(({ state }) => state),
    fails: records.failures.length > 0,
    covered: input.covered,
  };
  const status = practiceStatus(practice.automation, part);
  const seen = isSeen(practice, scanner) ? scanner : NOT_SEEN;
  const used = new Set([...seen.rows, ...seen.silences].map(({ check }) => check));
  const evidence = evidenceOf(input);
  const posture: PracticePosture = {
    id: practice.id,
    section: practice.section,
    summary: practice.summary,
    automation: practice.automation,
    status,
    reason: practiceReason(practice, status, scanner, records, input.covered),
    systems: countStatuses([status]),
    counts: countResults(rows, ({ count }) => count),
    phiCounts: countResults(rows, ({ phi }) => phi),
    inferred: seen.silences.length > 0,
    review:
      isReviewed && [...(used.size > 0 ? used : checks)].every(({ review }) => review === 'reviewed')
        ? 'reviewed'
        : 'proposed',
    observedAt: timeOf(seen.observedAt),
    staleAt: staleAtOf(status, seen, records.needs)?.toISOString() ?? null,
    freshness: { maxAgeDays: freshness.maxAgeDays, basis: freshness.basis, from: freshness.from },
    records: practice.records.map(({ type }) => type),
    needs: records.needs.map(needPosture),
    evidence,
    moreEvidence: rows.length + silences.length - evidence.length,
  };
  return { posture, part };
}

const NOT_SEEN: ScannerPart = { state: 'none', reason: '', rows: [], silences: [], observedAt: null, staleAt: null };

export const needPosture = ({ type, state, reason, records, until }: NeedPart): PracticePosture['needs'][number] => ({
  type,
  state,
  reason,
  records: [...records],
  until: until?.toISOString() ?? null,
});

/** Of a practice that rests on records scanners can say only that it fails. */
const isSeen = ({ automation }: Practice, { state }: Pick<ScannerPart, 'state'>): boolean =>
  automation !== 'records' || state === 'failing' || state === 'excepted';

/** What decides first: of what fails, what fails. */
export function practiceReason(
  practice: Practice,
  status: Status,
  scanned: Pick<ScannerPart, 'state' | 'reason'>,
  { needs, failures }: SubjectPart,
  covered: boolean,
): string {
  const failing = [...failures, ...reasonsOf(needs, 'failing')];
  const scanner = isSeen(practice, scanned) ? [scanned.reason] : [];
  if (status === 'failing') {
    return [...(scanned.state === 'failing' ? scanner : []), ...failing].join(' ');
  }
  const accepted = covered && (failing.length > 0 || scanned.state === 'failing') ? [ACCEPTED] : [];
  const open = [...reasonsOf(needs, 'missing'), ...reasonsOf(needs, 'stale')];
  const rest = practice.automation === 'records' ? ['This rests on what people keep.'] : [];
  if (status === 'evidenced' || status === 'excepted') {
    return [...scanner, ...failing, ...accepted, ...reasonsOf(needs, 'met')].join(' ');
  }
  return [...scanner, ...rest, ...failing, ...accepted, ...open, ...reasonsOf(needs, 'met')].join(' ');
}

const ACCEPTED = 'An exception in effect accepts that the practice fails.';

const reasonsOf = (needs: readonly NeedPart[], state: NeedPart['state']): string[] =>
  needs.flatMap((need) => (need.state === state ? [need.reason] : []));

/** When age alone ends the status: of what is evidenced the first end of all that it rests on, of what is partial the last. */
function staleAtOf(status: Status, seen: ScannerPart, needs: readonly NeedPart[]): Date | null {
  const scanner = seen.staleAt === null ? null : new Date(seen.staleAt);
  const met = needs.filter(({ state }) => state === 'met').map(({ until }) => until);
  if (status === 'evidenced') return earliest([scanner, ...met]);
  if (status === 'partial') {
    return latest([...(seen.state === 'partial' || seen.state === 'full' ? [scanner] : []), ...met]);
  }
  return status === 'stale' ? scanner : null;
}

const timeOf = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());

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
