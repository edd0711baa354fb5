import { z } from 'zod';
import { Refusal } from './problem.js';

/** In UTC, after its offset: what Postgres, JavaScript and RFC 3339 write the same way. Nothing this service is about is older than 1970. */
const EARLIEST = Date.UTC(1970, 0, 1);
const LATEST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** An instant that a caller names: RFC 3339 with a zone. */
export const instant = z.iso.datetime({ offset: true }).refine((text) => {
  const at = Date.parse(text);
  return at >= EARLIEST && at <= LATEST;
}, 'The instant is not between 1970 and 9999.');

/** What was so at `asOf`, as it was known at `knownAt`. */
export interface Instant {
  asOf: Date;
  knownAt: Date;
}

/** As a request names them (`instantQuery`). */
export interface InstantQuery {
  asOf?: string | undefined;
  knownAt?: string | undefined;
}

/** The instants of a request; what is yet to come cannot be asked for. */
export function instantOf(query: InstantQuery, now: Date): Instant {
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
