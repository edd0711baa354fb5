import { Refusal, type ProblemCode } from '../kernel/http/problem.js';
import type { ParseOutcome } from './parse.thread.js';
import type { Declaration, Scan, ScanFlag, ScanProblem } from './scan.entity.js';
import type { StagedReport } from './stage.js';

/** Clocks of nodes differ; a report from further ahead than this is wrong about its time, and would outlive its freshness. */
const CLOCK_SKEW = 5 * 60_000;

export const isAhead = (observedAt: Date, now: Date): boolean => observedAt.getTime() > now.getTime() + CLOCK_SKEW;

/** What is wrong with a report, whatever the system holds; or when what it says was so. */
export function judge(
  outcome: ParseOutcome | 'limit',
  declared: Declaration,
  now: Date,
): { report: StagedReport; observedAt: Date } | { problem: ScanProblem } {
  if (outcome === 'limit') {
    return {
      problem: { code: 'parse-limit', detail: 'The report needs more memory or time than a report is given.' },
    };
  }
  if ('fault' in outcome) {
    const { code, detail, place } = outcome.fault;
    return { problem: { code, detail, ...place } };
  }
  const { report } = outcome;
  const said = report.observedAt === null ? null : new Date(report.observedAt);
  const declaredAt = declared.observedAt === null ? null : new Date(declared.observedAt);
  const observedAt = said ?? declaredAt;
  if (observedAt === null) {
    return {
      problem: {
        code: 'observed-at-required',
        detail: 'The report does not say when it was made. Post it with observedAt=<RFC 3339 time of the scan>.',
      },
    };
  }
  if (said !== null && declaredAt !== null && Math.abs(said.getTime() - declaredAt.getTime()) >= 1_000) {
    return {
      problem: {
        code: 'observed-at-mismatch',
        detail: 'The report says another time than observedAt. Post it without observedAt.',
      },
    };
  }
  if (isAhead(observedAt, now)) {
    return {
      problem: {
        code: 'observed-in-future',
        detail: 'The report was made more than 5 minutes from now. Check the clocks.',
      },
    };
  }
  return { report, observedAt };
}

/** A report of another cluster than the system's last ones is taken, for clusters are renamed and rebuilt; but nobody should have to find it out by himself. */
export function clusterFlags(
  { clusterName, clusterUid }: Pick<StagedReport, 'clusterName' | 'clusterUid'>,
  last: { uid: string | null; name: string | null },
): ScanFlag[] {
  const flags: ScanFlag[] = [];
  if (clusterUid !== null && last.uid !== null && last.uid !== clusterUid) {
    flags.push({
      code: 'cluster-uid-differs',
      detail: 'The report is of another cluster (uid) than the last one of this system.',
    });
  }
  if (clusterName !== null && last.name !== null && last.name !== clusterName) {
    flags.push({
      code: 'cluster-name-differs',
      detail: 'The report names another cluster than the last one of this tool for this system.',
    });
  }
  return flags;
}

/** The caller is told why, and where the bytes lie. */
export function refusalOf(scan: Scan, { code, detail, ...place }: ScanProblem): Refusal {
  const problem: ProblemCode =
    code === 'observed-at-required' || code === 'observed-in-future'
      ? code
      : code === 'parse-limit'
        ? 'too-large'
        : 'report-refused';
  const { pointer, ...where } = place;
  return new Refusal(problem, detail, {
    ...(pointer === undefined ? {} : { pointer }),
    extra: { ...where, reason: code, scanId: scan.id, evidenceId: scan.evidenceId },
  });
}
