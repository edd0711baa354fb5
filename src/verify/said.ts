import { hash } from 'node:crypto';
import { eventId } from '../events/staged-event.js';
import type { SecurityEvent } from '../events/event.js';
import { guarded } from '../kernel/tables/formula.js';
import type { FactValue } from '../results/fact.js';
import { valueDigest } from '../results/staged-fact.js';
import type { TargetKind } from '../scans/report.js';

/** What a report says of one series, or a package shows of it: digests, for the texts may be long. */
export interface Said {
  /** Of all that is said, of a result as a table shows it. */
  whole: string;
  /** Of what a later report may say otherwise. */
  says: string;
}

/** A row of a report that is read again. */
export interface SaidRow extends Said {
  kind: 'results' | 'facts';
  series: string;
  targetId: string;
  targetKind: TargetKind;
  source: string;
  /** The check of a result, the kind of a fact: what coverage may be complete for. */
  check: string;
  /** It takes the place of an earlier one of the report. */
  replaces: boolean;
}

/** An event of a log that is read again. */
export interface SaidEvent {
  kind: 'events';
  id: string;
  at: string;
  /** How it is read; all else of it is its id. */
  readAs: string;
}

const digest = (...parts: readonly string[]): string => hash('sha256', JSON.stringify(parts));

/** Of status and severity there are a few. */
const SAYS = new Map<string, string>();
function saysResult(status: string, severity: string): string {
  const key = `${status} ${severity}`;
  const known = SAYS.get(key) ?? digest(status, severity);
  if (SAYS.size < 100) SAYS.set(key, known);
  return known;
}

type Texts = Record<'status' | 'severity' | 'title' | 'message', string>;

/** A result as a table shows it. */
export const shownResult = ({ status, severity, title, message }: Texts, namespace: string): Said => ({
  whole: digest(namespace, status, severity, title, message),
  says: saysResult(status, severity),
});

export const saidResult = ({ title, message, ...of }: Texts, namespace: string | null): Said =>
  shownResult({ ...of, title: guarded(title), message: guarded(message) }, guarded(namespace ?? ''));

export function saidFact(namespace: string | null, value: FactValue): Said {
  const says = valueDigest(value);
  return { whole: digest(namespace === null ? '' : `/${namespace}`, says), says };
}

export const readAs = ({ category, severity }: Pick<SecurityEvent, 'category' | 'severity'>): string =>
  digest(category, severity);

export const saidEvent = (event: SecurityEvent): SaidEvent => ({
  kind: 'events',
  id: eventId(event),
  at: event.at,
  readAs: readAs(event),
});
