import { canonicalJson } from '../kernel/crypto/canonical-json.js';
import type { CopyRows } from '../kernel/db/copy-rows.js';
import { nameId } from '../kernel/ids.js';
import type { FactKind, FactValue } from './fact.js';

/** One fact of a report, ready for the store. */
export interface StagedFact {
  /** `factId` of the four that identify it. */
  series: string;
  targetId: string;
  source: string;
  kind: FactKind;
  subject: string;
  namespace: string | null;
  value: FactValue;
}

export const FACT_STAGING = 'staging_fact';
/** The staging table's columns, in the order in which `copyFact` writes them. */
export const FACT_STAGING_COLUMNS = `series uuid, target_id uuid, source text, kind text, subject text, namespace text,
  value jsonb, value_digest uuid`;

export function copyFact(
  to: CopyRows,
  { series, targetId, source, kind, subject, namespace, value }: StagedFact,
): void {
  to.row(8);
  to.uuid(series);
  to.uuid(targetId);
  to.text(source);
  to.text(kind);
  to.text(subject);
  to.text(namespace);
  to.jsonb(JSON.stringify(value));
  to.uuid(valueDigest(value));
}

/** Equal values have equal digests, in whatever order their members come: two rows differ where these do, and the values need not be read. */
export const valueDigest = (value: FactValue): string => nameId('value', canonicalJson(value));
