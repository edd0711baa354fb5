import { z } from 'zod';
import { targetId } from '../results/series.js';
import type { Coverage } from '../scans/report.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import { jsonOf, linesOf } from './read.js';
import { targetIdOf } from './shown-lines.js';
import type { StoredScan } from './stored-scans.js';

export const COVERAGE = 'bag/data/coverage.jsonl';

const lineShape = z.object({
  systemId: z.string(),
  target: z.string(),
  source: z.string(),
  checks: z.array(z.string()).nullable(),
  silentPass: z.array(z.string()),
  observedAt: z.string(),
  scanId: z.string(),
  evidenceId: z.string(),
});

interface Shown {
  place: number;
  silentPass: readonly string[];
  isSame: boolean;
}

/** The latest complete scan of each target, source and set of checks, as the package shows it, held against what the reports say that they covered. */
export class ShownCoverage {
  private readonly lines = new Map<string, Shown>();
  unsure = 0;

  /** `places`: of the scans by their ids. `isCompared`: whether what such a source covered can be read again. */
  async read(
    files: PackageFiles,
    scans: readonly StoredScan[],
    places: ReadonlyMap<string, number>,
    isCompared: (source: string) => boolean,
  ): Promise<number> {
    if (!files.sizes.has(COVERAGE)) return 0;
    let [number, passed] = [0, 0];
    for await (const bytes of linesOf(files, COVERAGE)) {
      const at = `${COVERAGE}, line ${(number += 1)}`;
      const line = jsonOf(lineShape, bytes, at);
      const place = places.get(line.scanId);
      const scan = place === undefined ? undefined : scans[place];
      if (place === undefined || scan?.systemId !== line.systemId || scan.evidenceId !== line.evidenceId) {
        throw new Fault(`${at}: ${SCANS_LACK} ${line.scanId}`);
      }
      if (line.observedAt !== scan.observedAt) throw new Fault(`${at}: scan ${scan.id} is of another instant`);
      if (!isCompared(line.source)) {
        passed += 1;
        continue;
      }
      const key = keyOf(line.systemId, targetIdOf(line.target), line.source, line.checks);
      if (this.lines.has(key)) throw new Fault(`${at} is there twice`);
      this.lines.set(key, { place, silentPass: line.silentPass, isSame: false });
    }
    return passed;
  }

  /** What a report covered completely; the latest report comes first. */
  hear(scan: StoredScan, place: number, { target, source, checks, silentPass }: Coverage): void {
    const of = targetId(target.kind, target.name);
    // In one order, as it is kept.
    const line = this.lines.get(keyOf(scan.systemId, of, source, checks?.toSorted() ?? null));
    if (line?.place === place) line.isSame = line.silentPass.join('\n') === silentPass.join('\n');
    // Of a later scan than this one is nothing else to be expected.
    if (line !== undefined && line.place <= place) return;
    if (!scan.isReadAlike) this.unsure += 1;
    else throw new Fault(`${COVERAGE} leaves out what scan ${scan.id} covered, or names an earlier one`);
  }

  finish(scans: readonly StoredScan[], read: ReadonlySet<number>): { same: number; unread: number; unsure: number } {
    const counted = { same: 0, unread: 0, unsure: this.unsure };
    for (const { place, isSame } of this.lines.values()) {
      if (isSame) counted.same += 1;
      else if (!read.has(place)) counted.unread += 1;
      else if (scans[place]?.isReadAlike === false) counted.unsure += 1;
      else throw new Fault(`${COVERAGE}: scan ${scans[place]?.id ?? ''} did not cover what is said of it`);
    }
    return counted;
  }
}

const SCANS_LACK = 'the package has no such scan of that system and report:';

const keyOf = (systemId: string, of: string, source: string, checks: readonly string[] | null): string =>
  JSON.stringify([systemId, of, source, checks]);
