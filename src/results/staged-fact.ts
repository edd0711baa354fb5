import { canonicalJson } from '../kernel/crypto/canonical-json.js';
import { copyRow } from '../kernel/db/copy-text.js';
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
/** The staging table's columns, in the order that `factLine` writes them. */
export const FACT_STAGING_COLUMNS = `series uuid, target_id uuid, source text, kind text, subject text, namespace text,
  value jsonb, value_digest uuid`;

export const factLine = ({ series, targetId, source, kind, subject, namespace, value }: StagedFact): string =>
  copyRow([series, targetId, source, kind, subject, namespace, JSON.stringify(value), valueDigest(value)]);

/** Equal values have equal digests, in whatever order their members come: two rows differ where these do, and the values need not be read. */
export const valueDigest = (value: FactValue): string => nameId('value', canonicalJson(value));
