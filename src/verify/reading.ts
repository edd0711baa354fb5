import { SNAPSHOT_CHECKS } from '../checks/snapshot-rules.js';
import type { SecurityEvent } from '../events/event.js';
import type { CheckResult, Fact, Format, ReportHead, Rows } from '../scans/report.js';
import { targetId } from '../results/series.js';
import { Fault } from './fault.js';
import type { ShownCoverage } from './shown-coverage.js';
import type { ShownEvents } from './shown-events.js';
import type { ShownIntervals, Speaker } from './shown-intervals.js';
import { saysFact, saysResult, wholeFact, wholeResult } from './shown-lines.js';
import { rejectsDigest } from './stored-scans.js';

/** What a package shows of its reports. */
export interface Shown {
  results: ShownIntervals;
  facts: ShownIntervals;
  coverage: ShownCoverage;
  events: ShownEvents;
}

/** What an organisation's checks say of a snapshot cannot be judged again by its bytes alone. */
export const isCompared = (source: string): boolean => source !== SNAPSHOT_CHECKS;

/** A report that is read again: what it says is held against what is shown while it is read. */
export class Reading implements Rows {
  private readonly totals = { results: 0, facts: 0, events: 0 };

  constructor(
    private readonly speaker: Speaker,
    private readonly format: Format,
    private readonly shown: Shown,
  ) {}

  observed(): void {
    // The head says it.
  }

  result(series: string, of: string, result: CheckResult, replaces: boolean): void {
    if (!replaces) this.totals.results += 1;
    if (!isCompared(result.source)) return;
    const { target, source, check } = result;
    const said = { whole: () => wholeResult(result), says: () => saysResult(result) };
    this.shown.results.hear(this.speaker, { series, targetId: of, targetKind: target.kind, source, check, ...said });
  }

  fact(series: string, of: string, { target, source, kind, namespace, value }: Fact, replaces: boolean): void {
    if (!replaces) this.totals.facts += 1;
    const said = { whole: () => wholeFact(namespace, value), says: () => saysFact(value) };
    this.shown.facts.hear(this.speaker, {
      series,
      targetId: of,
      targetKind: target.kind,
      source,
      check: kind,
      ...said,
    });
  }

  event(event: SecurityEvent): void {
    this.totals.events += 1;
    this.shown.events.hear(this.speaker.scan, this.speaker.place, event);
  }

  /** Throws a Fault where the scan is said to be another than its report says. */
  finish(head: ReportHead): void {
    const { scan, place } = this.speaker;
    if (scan.isReadAlike) this.requireHead(head);
    const complete = head.coverage.filter(({ source, extent }) => extent === 'complete' && isCompared(source));
    const closed = complete.map(({ target, ...of }) => ({ ...of, targetId: targetId(target.kind, target.name) }));
    for (const kind of ['results', 'facts'] as const) {
      const isTold = this.totals[kind] > 0 || this.format.yields.includes(kind);
      if (isTold) this.shown[kind].close(scan.systemId, closed);
    }
    for (const covered of complete) this.shown.coverage.hear(scan, place, covered);
  }

  private requireHead(head: ReportHead): void {
    const { scan } = this.speaker;
    const { counts } = scan;
    const { results, facts, events } = this.totals;
    const observedAt = head.observedAt ?? scan.declared.observedAt ?? '';
    const isJudged = this.format.dependsOn === 'rules';
    const isSame =
      Date.parse(observedAt) === Date.parse(scan.observedAt) &&
      head.format === scan.format &&
      head.tool === scan.tool &&
      head.clusterName === scan.clusterName &&
      head.clusterUid === scan.clusterUid &&
      facts === (counts.facts?.total ?? 0) &&
      events === (counts.events?.total ?? 0) &&
      // What judges a snapshot says what it is called, and of what it could not judge.
      (isJudged ||
        (head.toolVersion === scan.toolVersion &&
          results === counts.total &&
          head.rejects.length === counts.rejected &&
          rejectsDigest(head.rejects) === scan.rejectsDigest));
    if (!isSame) throw new Fault(`scan ${scan.id} is said to be another than its report says`);
  }
}
