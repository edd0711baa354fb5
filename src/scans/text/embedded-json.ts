import { ReportFault } from '../report.js';
import { JsonScanner } from './json-scanner.js';

const LIMITS = { depth: 64, values: 1_000_000, texts: 1 };

/**
 * JSON that stands as a text inside of a report, read as strictly as the report itself.
 * Throws `ReportFault` truncated, not-json, too-deep, too-many-values, duplicate-key.
 */
export function readEmbeddedJson(text: string): unknown {
  const bytes = Buffer.from(text);
  new JsonScanner(LIMITS).push(bytes, 0, true);
  try {
    return JSON.parse(text);
  } catch {
    throw new ReportFault('not-json', 'The text is not JSON.');
  }
}
