import { copyText as escape } from '../kernel/db/copy-text.js';

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
/** The staging table's columns, in the order that `copyLine` writes them. */
export const STAGING_COLUMNS = `series uuid, target_id uuid, source text, check_id text, resource text, namespace text,
  status text, severity text, title text, message text`;

/** One line of COPY's text format (PostgreSQL documentation, COPY, «Text Format»). */
export const copyLine = (series: string, targetId: string, result: StagedResult): string =>
  `${series}\t${targetId}\t${escape(result.source)}\t${escape(result.check)}\t${escape(result.resource)}\t${result.namespace === null ? '\\N' : escape(result.namespace)}\t${result.status}\t${result.severity}\t${escape(result.title)}\t${escape(result.message)}\n`;
