import { copyLine } from '../results/copy.js';
import type { StagedCoverage } from '../results/staged.js';
import { targetId } from '../results/series.js';
import type { Reject, Report, Target } from './report.js';

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

/** Report → rows. The report's results are consumed. */
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
  const rows: Uint8Array[] = [];
  let chunk: string[] = [];
  let size = 0;
  const flush = () => {
    if (size > 0) rows.push(new TextEncoder().encode(chunk.join('')));
    chunk = [];
    size = 0;
  };
  for (const { target, ...result } of report.results) {
    const line = copyLine({ ...result, targetId: idOf(target) });
    chunk.push(line);
    size += line.length;
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
    coverage: report.coverage.map(({ target, source, extent, checks, silentPass }) => ({
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
