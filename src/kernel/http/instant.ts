import { Refusal } from './problem.js';

/** What was so at `asOf`, as it was known at `knownAt`. */
export interface Instant {
  asOf: Date;
  knownAt: Date;
}

/** The instants of a request (`instantQuery`); what is yet to come cannot be asked for. */
export function instantOf(query: { asOf?: string | undefined; knownAt?: string | undefined }, now: Date): Instant {
  return { asOf: past('asOf', query.asOf, now), knownAt: past('knownAt', query.knownAt, now) };
}

function past(name: 'asOf' | 'knownAt', text: string | undefined, now: Date): Date {
  if (text === undefined) return now;
  const instant = new Date(text);
  if (instant > now) {
    throw new Refusal('invalid-request', 'The instant lies in the future.', { pointer: `query/${name}` });
  }
  return instant;
}
