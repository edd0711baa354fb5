import { hash } from 'node:crypto';
import { Readable, pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { z } from 'zod';
import { guarded, unguarded } from '../kernel/tables/formula.js';
import { factId, Places, seriesId, targetId } from '../results/series.js';
import { valueDigest } from '../results/staged-fact.js';
import type { FactValue } from '../results/fact.js';
import { Fault } from './fault.js';
import type { PackageFiles } from './package-files.js';
import { jsonOf, linesOf } from './read.js';
import { idBytes } from './shown-rows.js';

export const RESULTS = 'bag/data/results.csv';
export const FACTS = 'bag/data/facts.jsonl';

/** A row of a package that rests on a scan. */
export interface ShownLine {
  systemId: string;
  series: string;
  source: string;
  scanId: string;
  evidenceId: string | null;
  observedFrom: string;
  knownFrom: string;
  whole: Buffer;
  says: Buffer;
}

const digest = (parts: readonly string[]): Buffer => hash('sha256', JSON.stringify(parts), 'buffer');

/** What a report says of a series; of a result as a table shows it. */
export const wholeResult = (result: {
  namespace: string | null;
  status: string;
  severity: string;
  title: string;
  message: string;
}): Buffer =>
  digest([
    guarded(result.namespace ?? ''),
    result.status,
    result.severity,
    guarded(result.title),
    guarded(result.message),
  ]);

const SAID = new Map<string, Buffer>();
/** What a later report may say otherwise of a result: of both there are a few. */
export function saysResult({ status, severity }: { status: string; severity: string }): Buffer {
  const key = `${status} ${severity}`;
  const known = SAID.get(key) ?? digest([status, severity]);
  if (SAID.size < 100) SAID.set(key, known);
  return known;
}

export const wholeFact = (namespace: string | null, value: FactValue): Buffer =>
  digest([namespace === null ? '' : `/${namespace}`, valueDigest(value)]);
export const saysFact = (value: FactValue): Buffer => idBytes(valueDigest(value));

const COLUMNS = [
  'system_id',
  'series',
  'target',
  'source',
  'check',
  'resource',
  'namespace',
  'status',
  'severity',
  'title',
  'message',
  'observed_from',
  'observed_to',
  'known_from',
  'scan_id',
  'evidence_id',
] as const;
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
        if (cells.join() !== COLUMNS.join()) throw new Fault(`${RESULTS} has other columns than results have`);
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
  const [systemId = '', series = '', target = '', source = '', check = '', resource = ''] = cells;
  const [namespace = '', status = '', severity = '', title = '', message = ''] = cells.slice(6);
  const [observedFrom = '', , knownFrom = '', scanId = '', evidenceId = ''] = cells.slice(11);
  ids.require(series, target, (of, places) =>
    seriesId(of, unguarded(source), unguarded(check), unguarded(resource), places),
  );
  return {
    ...{ systemId, series, source: unguarded(source), scanId, observedFrom, knownFrom },
    evidenceId: evidenceId === '' ? null : evidenceId,
    whole: digest([namespace, status, severity, title, message]),
    says: saysResult({ status, severity }),
  };
}

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
    const said = digestsOf(fact.namespace, value, number);
    yield { ...{ systemId, series, source, scanId, evidenceId, observedFrom, knownFrom }, ...said };
  }
}

function digestsOf(namespace: string | null, value: FactValue, number: number): Pick<ShownLine, 'whole' | 'says'> {
  try {
    return { whole: wholeFact(namespace, value), says: saysFact(value) };
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
