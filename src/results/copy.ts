import type { CopyRows } from '../kernel/db/copy-rows.js';

/** One row of a report, ready for the store. */
export interface StagedResult {
  source: string;
  check: string;
  resource: string;
  namespace: string | null;
  status: string;
  severity: string;
  title: string;
  message: string;
}

export const RESULT_STAGING = 'staging_result';
/** The staging table's columns, in the order in which `copyResult` writes them. */
export const STAGING_COLUMNS = `series uuid, target_id uuid, source text, check_id text, resource text, namespace text,
  status text, severity text, title text, message text`;

export function copyResult(to: CopyRows, series: string, targetId: string, result: StagedResult): void {
  to.row(10);
  to.uuid(series);
  to.uuid(targetId);
  to.text(result.source);
  to.text(result.check);
  to.text(result.resource);
  to.text(result.namespace);
  to.text(result.status);
  to.text(result.severity);
  to.text(result.title);
  to.text(result.message);
}
