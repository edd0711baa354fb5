import type { FactKind } from './fact.js';

/** A fact over one interval, with what it is of and since when it is known. */
export interface ListedFact {
  series: string;
  target: { kind: string; name: string };
  source: string;
  kind: FactKind;
  subject: string;
  namespace: string | null;
  value: object;
  scanId: string;
  observedFrom: Date;
  observedTo: Date | null;
  knownFrom: Date;
  knownTo: Date | null;
}
