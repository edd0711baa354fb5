import type { SecurityEvent } from '../events/event.js';
import type { FactKind, FactValue } from '../results/fact.js';
import type { Draft } from './formats/draft.js';

/**
 * What every report becomes, whatever tool wrote it.
 *
 * A format is a pure function from a document to what a `Draft` is told. A report says two things apart: what the tool saw (check results, facts, events),
 * and what it looked at (`coverage`). Only coverage may close an earlier result or fact, so a format that is not sure of having seen everything says `partial`.
 */

/** What a tool said of one check. `skip`: not assessed. `manual`: a person has to judge. `warn`: assessed and neither passed nor failed. */
export type CheckStatus = 'pass' | 'fail' | 'warn' | 'error' | 'skip' | 'manual';
export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'info' | 'unknown';
export const TARGET_KINDS = ['cluster', 'node', 'namespace', 'image', 'repository', 'account'] as const;
/** `account`: of a cloud or a key management service (AWS account, Azure vault, Google key ring, Vault mount). */
export type TargetKind = (typeof TARGET_KINDS)[number];

/** What was scanned. The cluster is always `{kind: 'cluster', name: 'cluster'}`: a system is one cluster, and tools name it at random. */
export interface Target {
  readonly kind: TargetKind;
  readonly name: string;
}

/** What a scan covered of one target: only this may close results. */
export interface Coverage {
  target: Target;
  /** One kind of findings of one tool: `kube-bench/master`, `trivy/vulnerability`, `kubescape`, `policy-report/kyverno` … */
  source: string;
  /** `complete`: a result of this target, source and checks that is not in the report is gone. `partial` closes nothing. */
  extent: 'complete' | 'partial';
  /** Where complete: complete for these check ids only. Null: for all checks of the source. */
  checks: string[] | null;
  /** Check-id prefixes for which absence on this completely covered target shows a pass (inferred, and to be marked so). */
  silentPass: string[];
}

/** One row. (target, source, check, resource) occurs once in a report. */
export interface CheckResult {
  target: Target;
  source: string;
  /** The tool's id in its canonical spelling: `KSV-0001`, `cis-1.6/1.2.3`, `C-0017`, `CVE-…`, `policy/rule`. */
  check: string;
  resource: string;
  namespace: string | null;
  title: string;
  status: CheckStatus;
  severity: Severity;
  message: string;
}

/** What the report says is so, and judges not. (target, source, kind, subject) occurs once in a report. */
export interface Fact<Kind extends FactKind = FactKind> {
  target: Target;
  /** What it comes from: `cert-manager`, `aws-kms`, `cyclonedx` … */
  source: string;
  kind: Kind;
  /** What it is about within the target: `namespace/kind/name`, the id of a key, a package URL. */
  subject: string;
  namespace: string | null;
  value: FactValue<Kind>;
}

/** A part of the report that could not be read; what it might have said is not closed. */
export interface Reject {
  /** RFC 6901; the document of a text with several documents is an array of them. */
  pointer: string;
  reason: string;
}

/** What a report says of itself and of what it looked at: all but its rows. */
export interface ReportHead {
  format: string;
  tool: string;
  toolVersion: string | null;
  /** RFC 3339 in UTC; null where the report does not say, says year 1 or says no zone. */
  observedAt: string | null;
  clusterName: string | null;
  /** `metadata.uid` of the namespace kube-system, which names a cluster for as long as it lives. */
  clusterUid: string | null;
  /** Major and minor of its Kubernetes, `1.34`, where a report of the cluster itself says it. */
  clusterVersion?: string;
  coverage: Coverage[];
  /** The first {@link BOUNDS.rejects}; a note gives the number when there were more. */
  rejects: Reject[];
  notes: string[];
}

/** A report in memory, with its rows: for tests, and for whoever reads one without a store. */
export interface Report extends ReportHead {
  results: CheckResult[];
  facts: Fact[];
  events: SecurityEvent[];
}

/**
 * Where rows go while a report is read; none of them is held. `series` is the identity of a row (`seriesId` of a result, `factId` of a fact); `replaces`: it was given
 * before, and this row takes the earlier one's place.
 */
export interface Rows {
  /** The report says, or says more exactly, when it was so: null while it does not. */
  observed(at: string | null): void;
  result(series: string, targetId: string, result: CheckResult, replaces: boolean): void;
  fact(series: string, targetId: string, fact: Fact, replaces: boolean): void;
  event(event: SecurityEvent): void;
}

/** What the poster says the scan was about, where the report cannot know. */
export interface Declared {
  targets: readonly Target[];
  /** True: the poster knows that the scan was restricted; nothing is closed. */
  partial: boolean;
}

export interface Format {
  slug: string;
  title: string;
  tool: string;
  description: string;
  /** What a report of it gives. What is named here is closed by complete coverage, also by a report without any. */
  yields: readonly ('results' | 'facts' | 'events')[];
  /** What a poster may declare that it was about. */
  targets: readonly TargetKind[];
  /** What is read out of it depends on, beside its bytes and what was declared: the rules that its source is judged by, or whose signatures are believed. */
  dependsOn?: 'rules' | 'trust';
  /** Whether the document is of this format. Total: never throws, whatever the document is; looks at the first members of a list and not at all. */
  detect(document: unknown): boolean;
  /** Tells the draft what the document says. Throws `ReportFault` for a document that cannot be taken, and nothing else but `Unreadable`. */
  read(document: unknown, draft: Draft): void;
}

/** Bounds on what a report may become. They keep hostile input out of the database, and are far above what the tools write. */
export const BOUNDS = {
  title: 300,
  message: 2_000,
  check: 500,
  resource: 2_000,
  targetName: 1_000,
  results: 2_000_000,
  events: 2_000_000,
  /** Characters of a fact's value as JSON. */
  factValue: 16_384,
  targets: 10_000,
  /** Check ids in all coverage together. */
  coveredChecks: 200_000,
  rejects: 1_000,
} as const;

export type ReportFaultCode =
  | 'too-large'
  | 'invalid-utf8'
  | 'nul'
  | 'text-output'
  | 'not-json'
  | 'not-yaml'
  | 'not-xml'
  | 'truncated'
  | 'too-deep'
  | 'too-many-values'
  | 'duplicate-key'
  | 'unknown-format'
  | 'wrong-format'
  | 'malformed-report'
  | 'empty-report'
  | 'target-unknown'
  | 'target-mismatch'
  | 'too-many-targets'
  | 'too-many-results';

/** Where in the report a fault lies, as far as it can be said. */
export interface FaultPlace {
  /** RFC 6901. */
  pointer?: string;
  /** Bytes from the start, from 0. */
  offset?: number;
  /** Lines from 1. */
  line?: number;
}

/** A report that cannot be taken as a whole. The detail is for the poster: it never quotes values of the report. */
export class ReportFault extends Error {
  override readonly name = 'ReportFault';

  constructor(
    readonly code: ReportFaultCode,
    readonly detail: string,
    readonly place: FaultPlace = {},
  ) {
    super(`${code}: ${detail}`);
  }
}
