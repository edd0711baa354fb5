import { SNAPSHOT_CHECKS } from '../checks/snapshot-rules.js';
import type { Format, ReportHead } from '../scans/report.js';
import { targetId } from '../results/series.js';
import { Fault } from './fault.js';
import type { SaidEvent, SaidRow } from './said.js';
import type { ShownCoverage } from './shown-coverage.js';
import type { ShownEvents } from './shown-events.js';
import type { ShownIntervals, Speaker } from './shown-intervals.js';
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
export class Reading {
  private readonly totals = { results: 0, facts: 0, events: 0 };

  constructor(
    private readonly speaker: Speaker,
    private readonly format: Format,
    private readonly shown: Shown,
  ) {}

  hear(said: readonly (SaidRow | SaidEvent)[]): void {
    for (const one of said) {
      if (one.kind === 'events') {
        this.totals.events += 1;
        this.shown.events.hear(this.speaker.scan, this.speaker.place, one);
        continue;
      }
      if (!one.replaces) this.totals[one.kind] += 1;
      if (isCompared(one.source)) this.shown[one.kind].hear(this.speaker, one);
    }
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
