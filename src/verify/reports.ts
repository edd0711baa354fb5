import { FORMATS, readReport } from '../scans/formats/index.js';
import { TARGET_KINDS, type TargetKind } from '../scans/report.js';
import { readDocument, TEXT_LIMITS } from '../scans/text/read-document.js';
import { Fault } from './fault.js';
import type { WholeLog } from './log.js';
import type { PackageFiles } from './package-files.js';
import type { PackageIndex } from './package-index.js';
import { readFile } from './read.js';
import { ShownCoverage } from './shown-coverage.js';
import { ShownEvents } from './shown-events.js';
import { ShownIntervals } from './shown-intervals.js';
import { Reading, isCompared } from './reading.js';
import { FACTS, RESULTS, shownFacts, shownResults, type ShownLine } from './shown-lines.js';
import { readScans, type StoredScan } from './stored-scans.js';

/** One report is read for each scan that it was posted as, and for each change of the rules that it was judged by: so often, and no more. */
const MAX_READINGS = 16;

/** What the package says was read out of its reports is what they say when they are read again, and nothing of it that counts is left out. */
export async function checkReports(files: PackageFiles, log: WholeLog, index: PackageIndex): Promise<string> {
  const scans = await readScans(files, log, index);
  return new Comparison(scans, index).run(files);
}

class Comparison {
  private readonly places: ReadonlyMap<string, number>;
  private readonly results = new ShownIntervals(RESULTS);
  private readonly facts = new ShownIntervals(FACTS);
  private readonly coverage = new ShownCoverage();
  private readonly events: ShownEvents;
  /** Places of the scans whose reports were read again. */
  private readonly read = new Set<number>();
  private readonly readings = new Map<string, number>();
  /** By system: kinds of targets of which a report may have spoken that was not read again, or was read by other readers. */
  private readonly unsure = new Map<string, Set<TargetKind>>();

  constructor(
    private readonly scans: readonly StoredScan[],
    index: PackageIndex,
  ) {
    this.places = new Map(scans.map(({ id }, place) => [id, place]));
    this.events = new ShownEvents(index.asOf);
  }

  async run(files: PackageFiles): Promise<string> {
    const judged =
      (await this.show(this.results, RESULTS, shownResults(files))) +
      (await this.show(this.facts, FACTS, shownFacts(files))) +
      (await this.coverage.read(files, this.scans, this.places, isCompared));
    await this.events.read(files, this.scans, this.places);
    for (const [place, scan] of this.scans.entries()) await this.readAgain(files, scan, place);
    return this.said(judged);
  }

  /** How many lines are passed over. */
  private async show(into: ShownIntervals, path: string, lines: AsyncIterable<ShownLine>): Promise<number> {
    let passed = 0;
    for await (const line of lines) {
      const place = this.places.get(line.scanId);
      const scan = place === undefined ? undefined : this.scans[place];
      if (place === undefined || scan?.systemId !== line.systemId || scan.evidenceId !== line.evidenceId) {
        throw new Fault(`${path}: series ${line.series} names a scan of its system that the package does not have`);
      }
      if (!isOfTime(line, scan)) throw new Fault(`${path}: series ${line.series} begins at another time than its scan`);
      if (isCompared(line.source)) into.add(line.systemId, line.series, place, line.whole, line.says);
      else passed += 1;
    }
    return passed;
  }

  private async readAgain(files: PackageFiles, scan: StoredScan, place: number): Promise<void> {
    const format = FORMATS.find(({ slug }) => slug === scan.format);
    const readings = (this.readings.get(scan.evidenceId) ?? 0) + 1;
    this.readings.set(scan.evidenceId, readings);
    const { path, size, systemId } = scan;
    if (format === undefined || path === null || size > TEXT_LIMITS.size || readings > MAX_READINGS) {
      this.doubt(systemId, TARGET_KINDS);
      return;
    }
    if (format.dependsOn === 'trust') {
      this.doubt(systemId, format.targets);
      return;
    }
    if (!scan.isReadAlike) this.doubt(systemId, TARGET_KINDS);
    const { results, facts, coverage, events } = this;
    const speaker = { scan, place, unsure: this.unsure.get(systemId) ?? NONE };
    const reading = new Reading(speaker, format, { results, facts, coverage, events });
    const bytes = await readFile(files, `bag/${path}`, TEXT_LIMITS.size);
    const { format: named, ...declared } = scan.declared;
    try {
      reading.finish(readReport(readDocument(bytes), { format: named ?? undefined, declared }, reading));
      this.read.add(place);
    } catch (error) {
      // Other readers may refuse what those of then have taken.
      if (!scan.isReadAlike) return;
      if (error instanceof Fault) throw error;
      throw new Fault(`the report of scan ${scan.id} cannot be read, as it was when it was stored`, { cause: error });
    }
  }

  private doubt(systemId: string, kinds: readonly TargetKind[]): void {
    this.unsure.set(systemId, new Set([...(this.unsure.get(systemId) ?? NONE), ...kinds]));
  }

  private said(judged: number): string {
    const [results, facts, events, coverage] = [this.results, this.facts, this.events, this.coverage].map((of) =>
      of.finish(this.scans, this.read),
    );
    const all = [results, facts, events, coverage];
    const sum = (of: 'unread' | 'unsure'): number => all.reduce((total, counted) => total + (counted?.[of] ?? 0), 0);
    const alike = [...this.read].filter((place) => this.scans[place]?.isReadAlike === true).length;
    return [
      `${this.read.size} of ${this.scans.length} reports were read again: ${results?.same ?? 0} results, ${facts?.same ?? 0} facts, ` +
        `${events?.same ?? 0} security events and ${coverage?.same ?? 0} lines of coverage are what they say`,
      ...told(this.read.size - alike, 'were read by other readers when they came, so that what differs is no fault'),
      ...told(sum('unsure'), 'lines differ or are left out where that cannot be told'),
      ...told(sum('unread'), 'lines rest on reports that were not read again, and are not compared'),
      ...told(judged, 'lines rest on checks of snapshots, and are not compared'),
    ].join('; ');
  }
}

const NONE: ReadonlySet<TargetKind> = new Set();

const told = (count: number, what: string): string[] => (count === 0 ? [] : [`${count} ${what}`]);

/** A row begins with its scan; or later, where a report that came late has taken what was before. */
function isOfTime({ observedFrom, knownFrom }: ShownLine, scan: StoredScan): boolean {
  const known = Date.parse(knownFrom) - Date.parse(scan.knownAt);
  const observed = Date.parse(observedFrom) - Date.parse(scan.observedAt);
  return (known === 0 && observed === 0) || (known > 0 && observed >= 0);
}
