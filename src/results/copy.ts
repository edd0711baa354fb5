import { seriesId } from './series.js';

/** One row of a report, ready for the store. */
export interface StagedResult {
  targetId: string;
  source: string;
  check: string;
  resource: string;
  namespace: string | null;
  status: string;
  severity: string;
  title: string;
  message: string;
}

/** The staging table's columns, in the order that `copyLine` writes them. */
export const STAGING_COLUMNS = `series uuid, target_id uuid, source text, check_id text, resource text, namespace text,
  status text, severity text, title text, message text`;

/** One line of COPY's text format (PostgreSQL documentation, COPY, «Text Format»). */
export const copyLine = (result: StagedResult): string =>
  `${seriesId(result.targetId, result.source, result.check, result.resource)}\t${result.targetId}\t${escape(result.source)}\t${escape(result.check)}\t${escape(result.resource)}\t${result.namespace === null ? '\\N' : escape(result.namespace)}\t${result.status}\t${result.severity}\t${escape(result.title)}\t${escape(result.message)}\n`;

const SPECIAL = /[\\\t\n\r]/;
const EACH_SPECIAL = /[\\\t\n\r]/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Most texts have nothing to escape, and looking is cheaper than replacing. */
const escape = (text: string): string =>
  SPECIAL.test(text) ? text.replace(EACH_SPECIAL, (character) => ESCAPES[character] ?? character) : text;
