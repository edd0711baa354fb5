import { FORMATS } from '../scans/formats/index.js';
import { TARGET_KINDS, type TargetKind } from '../scans/report.js';
import { TEXT_LIMITS } from '../scans/text/read-document.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import type { PackageIndex } from './package-index.js';
import { ShownCoverage } from './shown-coverage.js';
import { ShownEvents } from './shown-events.js';
import { ShownIntervals } from './shown-intervals.js';
import { Reading, isCompared } from './reading.js';
import { Rereader, type Time } from './rereader.js';
import { FACTS, RESULTS, shownFacts, shownResults, type ShownLine } from './shown-lines.js';
import type { StoredEvents } from './stored-events.js';
import { readScans, type StoredScan } from './stored-scans.js';

/** One report is read for each scan that it was posted as, and for each change of the rules that it was judged by: so often, and no more. */
const MAX_READINGS = 16;

/** Milliseconds that all reports of a package are given together, and for each megabyte of theirs. */
const TIME: Time = { least: 600_000, perMegabyte: 1_000 };

/** What the package says was read out of its reports is what they say when they are read again, and nothing of it that counts is left out. */
export async function checkReports(
  files: PackageFiles,
  events: StoredEvents,
  index: PackageIndex,
  { ofEach, ofAll = TIME }: { ofEach?: Time; ofAll?: Time } = {},
): Promise<string> {
  const scans = await readScans(files, events, index);
  const end = performance.now() + timeOf(scans, ofAll);
  return new Comparison(scans, index, new Rereader(ofEach), end).run(files);
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
  /** Evidence that took more time or memory than one may: it would again. */
  private readonly unfinished = new Set<string>();
  /** Reports that were not begun, as the time for all was over. */
  private late = 0;
  /** By system: kinds of targets of which a report may have spoken that was not read again, or was read by other readers. */
  private readonly unsure = new Map<string, Set<TargetKind>>();

  constructor(
    private readonly scans: readonly StoredScan[],
    index: PackageIndex,
    private readonly rereader: Rereader,
    /** By `performance.now`. */
    private readonly end: number,
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
      if (isCompared(line.source)) into.add(line.systemId, line.series, place, line);
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
    const isLate = performance.now() >= this.end;
    if (isLate || this.unfinished.has(scan.evidenceId)) {
      if (isLate) this.late += 1;
      this.doubt(systemId, TARGET_KINDS);
      return;
    }
    if (!scan.isReadAlike) this.doubt(systemId, TARGET_KINDS);
    const { results, facts, coverage, events } = this;
    const speaker = { scan, place, unsure: this.unsure.get(systemId) ?? NONE };
    const reading = new Reading(speaker, format, { results, facts, coverage, events });
    const { format: named, ...declared } = scan.declared;
    const ask = { format: named ?? undefined, declared };
    const read = await this.rereader.read(files.open(`bag/${path}`), ask, (said) => reading.hear(said));
    if (read === 'limit') {
      this.unfinished.add(scan.evidenceId);
      for (const shown of [results, facts]) shown.doubt(place);
      this.doubt(systemId, TARGET_KINDS);
    } else if ('head' in read) {
      reading.finish(read.head);
      this.read.add(place);
    } else if (scan.isReadAlike) {
      // Other readers may refuse what those of then have taken.
      throw new Fault(`the report of scan ${scan.id} cannot be read, as it was when it was stored: ${read.unreadable}`);
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
      ...told(this.late, 'came after the time that the reports of a package are given together, and were not read'),
      ...told(this.unfinished.size, 'took more time or memory than a report may, and were not read to their ends'),
      ...told(sum('unsure'), 'lines differ or are left out where that cannot be told'),
      ...told(sum('unread'), 'lines rest on reports that were not read again, and are not compared'),
      ...told(judged, 'lines rest on checks of snapshots, and are not compared'),
    ].join('; ');
  }
}

/** By the size of what is there, each once: a report that many scans name is given no more time for it. */
function timeOf(scans: readonly StoredScan[], { least, perMegabyte }: Time): number {
  const sizes = new Map(
    scans.flatMap(({ evidenceId, path, size }) => (path === null ? [] : [[evidenceId, size] as const])),
  );
  return least + perMegabyte * ([...sizes.values()].reduce((sum, size) => sum + size, 0) / 1e6);
}

const NONE: ReadonlySet<TargetKind> = new Set();

const told = (count: number, what: string): string[] => (count === 0 ? [] : [`${count} ${what}`]);

/** A row begins with its scan; or later, where a report that came late has taken what was before. */
function isOfTime({ observedFrom, knownFrom }: ShownLine, scan: StoredScan): boolean {
  const known = Date.parse(knownFrom) - Date.parse(scan.knownAt);
  const observed = Date.parse(observedFrom) - Date.parse(scan.observedAt);
  return (known === 0 && observed === 0) || (known > 0 && observed >= 0);
}
