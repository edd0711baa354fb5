import { copyLine } from '../results/copy.js';
import type { StagedCoverage } from '../results/staged.js';
import { targetId } from '../results/series.js';
import { ReportFault, type Coverage, type Reject, type Report, type Target } from './report.js';

/** A parsed report in the shape of the store: what crosses from the parser's thread. */
export interface StagedReport {
  format: string;
  tool: string;
  toolVersion: string | null;
  clusterName: string | null;
  observedAt: string | null;
  total: number;
  rejects: Reject[];
  notes: string[];
  coverage: StagedCoverage[];
  /** COPY text, in chunks. */
  rows: Uint8Array[];
}

/** Large enough to be few, small enough to be streamed. */
const CHUNK = 256 * 1024;

/** COPY text of one report at most, in bytes: one message over 100,000 resources becomes fifty times the report that said it. 1,000,000 usual results fit twice. */
const MAX_STAGED = 512 * 1024 * 1024;

/** Report → rows. Throws ReportFault when there are too many. */
export function stageReport(report: Report): StagedReport {
  const ids = new Map<string, string>();
  const idOf = ({ kind, name }: Target): string => {
    const key = `${kind}/${name}`;
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = targetId(kind, name);
    ids.set(key, id);
    return id;
  };
  const covered = new Set(report.coverage.map(({ target, source }) => `${idOf(target)} ${source}`));
  const coverage: Coverage[] = [...report.coverage];
  const rows: Uint8Array[] = [];
  let staged = 0;
  let chunk: string[] = [];
  let size = 0;
  const flush = () => {
    if (size > 0) rows.push(new TextEncoder().encode(chunk.join('')));
    chunk = [];
    size = 0;
  };
  for (const { target, ...result } of report.results) {
    const id = idOf(target);
    // What a report says without saying that it covered it was seen, and no more: it closes nothing.
    if (!covered.has(`${id} ${result.source}`)) {
      covered.add(`${id} ${result.source}`);
      coverage.push({ target, source: result.source, extent: 'partial', checks: null, silentPass: [] });
    }
    const line = copyLine({ ...result, targetId: id });
    chunk.push(line);
    size += line.length;
    staged += line.length;
    if (staged > MAX_STAGED) {
      throw new ReportFault(
        'too-large',
        `The report’s results are larger than ${MAX_STAGED} bytes. Post it in parts, with partial=true.`,
      );
    }
    if (size >= CHUNK) flush();
  }
  flush();
  return {
    format: report.format,
    tool: report.tool,
    toolVersion: report.toolVersion,
    clusterName: report.clusterName,
    observedAt: report.observedAt,
    total: report.results.length,
    rejects: report.rejects,
    notes: report.notes,
    coverage: coverage.map(({ target, source, extent, checks, silentPass }) => ({
      targetId: idOf(target),
      targetKind: target.kind,
      targetName: target.name,
      source,
      complete: extent === 'complete',
      checks: extent === 'complete' ? checks : null,
      silentPass: extent === 'complete' ? silentPass : [],
    })),
    rows,
  };
}
