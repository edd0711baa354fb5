import { createHash, hash } from 'node:crypto';
import { canonicalJson, type JsonValue } from '../kernel/crypto/canonical-json.js';
import type { RowOutcome } from './import.store.js';
import type { RowFault } from './rows.js';

/** Of what has become of an import's rows, in their order, page by page. */
export class RowsDigest {
  private readonly sha256 = createHash('sha256');

  add(rows: readonly RowOutcome[]): void {
    for (const { number, outcome, recordId, version } of rows) {
      this.sha256.update(`${number} ${outcome} ${recordId ?? ''} ${version ?? ''}\n`);
    }
  }

  end(): string {
    return this.sha256.digest('hex');
  }
}

/** The same of rows that are kept, as an aggregate. */
export const ROWS_DIGEST = `encode(sha256(convert_to(string_agg(
  number || ' ' || outcome || ' ' || coalesce(record_id::text, '') || ' ' || coalesce(version::text, '') || E'\\n', '' order by number), 'UTF8')), 'hex')`;

export const faultsDigest = (faults: readonly RowFault[]): string =>
  hash('sha256', canonicalJson(faults as unknown as JsonValue));
