import { Readable, pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { z } from 'zod';
import { unguarded } from '../kernel/tables/formula.js';
import { RESULT_COLUMNS } from '../results/result-columns.js';
import { factId, Places, seriesId, targetId } from '../results/series.js';
import type { FactValue } from '../results/fact.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import { jsonOf, linesOf } from './read.js';
import { saidFact, shownResult, type Said } from './said.js';

export const RESULTS = 'bag/data/results.csv';
export const FACTS = 'bag/data/facts.jsonl';

/** A row of a package that rests on a scan. */
export interface ShownLine extends Said {
  systemId: string;
  series: string;
  source: string;
  scanId: string;
  evidenceId: string | null;
  observedFrom: string;
  knownFrom: string;
}

/** A message has 2,000 characters, a resource as many, a target's name 1,000; each may be quoted. */
const MAX_ROW = 64 * 1024;

/** The results that the package shows, each of the series that it says it is of. */
export async function* shownResults(files: PackageFiles): AsyncGenerator<ShownLine, void> {
  if (!files.sizes.has(RESULTS)) return;
  const parser = parse({ record_delimiter: '\r\n', max_record_size: MAX_ROW });
  // The parser is destroyed with what ends the pipeline, and whoever reads it is told.
  pipeline(Readable.from(files.open(RESULTS)), parser, () => undefined);
  const ids = new SeriesIds(RESULTS);
  let number = 0;
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      number += 1;
      if (number === 1) {
        if (cells.join() !== RESULT_COLUMNS.join()) throw new Fault(`${RESULTS} has other columns than results have`);
        continue;
      }
      yield resultOf(cells, ids);
    }
  } catch (error) {
    if (error instanceof CsvError) throw new Fault(`${RESULTS}, row ${number + 1}, does not read as CSV`);
    throw error;
  }
}

function resultOf(cells: readonly string[], ids: SeriesIds): ShownLine {
  // The parser has refused a row of another length than the first.
  const row = Object.fromEntries(RESULT_COLUMNS.map((column, at) => [column, cells[at] ?? ''])) as ResultRow;
  const source = unguarded(row.source);
  ids.require(row.series, row.target, (of, places) =>
    seriesId(of, source, unguarded(row.check), unguarded(row.resource), places),
  );
  return {
    ...{ systemId: row.system_id, series: row.series, source, scanId: row.scan_id },
    evidenceId: row.evidence_id === '' ? null : row.evidence_id,
    ...{ observedFrom: row.observed_from, knownFrom: row.known_from },
    ...shownResult(row, row.namespace),
  };
}

type ResultRow = Record<(typeof RESULT_COLUMNS)[number], string>;

const factShape = z.object({
  systemId: z.string(),
  series: z.string(),
  target: z.string(),
  source: z.string(),
  kind: z.string(),
  subject: z.string(),
  namespace: z.string().nullable(),
  value: z.record(z.string(), z.json()),
  observedFrom: z.string(),
  knownFrom: z.string(),
  scanId: z.string(),
  evidenceId: z.string().nullable(),
});

/** The facts that the package shows, likewise. */
export async function* shownFacts(files: PackageFiles): AsyncGenerator<ShownLine, void> {
  if (!files.sizes.has(FACTS)) return;
  const ids = new SeriesIds(FACTS);
  let number = 0;
  for await (const line of linesOf(files, FACTS)) {
    const fact = jsonOf(factShape, line, `${FACTS}, line ${(number += 1)}`);
    const value = fact.value as unknown as FactValue;
    ids.require(fact.series, fact.target, (of, places) => factId(of, fact.source, fact.kind, fact.subject, places));
    const { systemId, series, source, scanId, evidenceId, observedFrom, knownFrom } = fact;
    const said = saidOf(fact.namespace, value, number);
    yield { ...{ systemId, series, source, scanId, evidenceId, observedFrom, knownFrom }, ...said };
  }
}

function saidOf(namespace: string | null, value: FactValue, number: number): Said {
  try {
    return saidFact(namespace, value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new Fault(`${FACTS}, line ${number}: its value is none that a fact may have`);
  }
}

/** A series is a digest of what it is of: who changes one of the two has to change the other. */
class SeriesIds {
  private readonly places = new Places();
  private last = { target: '', id: '' };

  constructor(private readonly path: string) {}

  require(series: string, target: string, idOf: (targetId: string, places: Places) => string): void {
    if (target !== this.last.target) this.last = { target, id: targetIdOf(target) };
    if (series === idOf(this.last.id, this.places)) return;
    throw new Fault(`${this.path}: what is said of series ${JSON.stringify(series.slice(0, 36))} is of another series`);
  }
}

/** `kind/name`, and names may have slashes. */
export function targetIdOf(target: string): string {
  const slash = target.indexOf('/');
  return targetId(target.slice(0, slash), target.slice(slash + 1));
}
