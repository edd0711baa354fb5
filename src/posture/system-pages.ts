import type { InstantQuery } from '../kernel/http/instant.js';
import { decodeCursor, toPage } from '../kernel/http/page.js';
import { countedSystem } from './document.js';
import type { SystemPage } from './posture.service.js';

/** Milliseconds. A replica goes on with the pages of another whose clock is this far ahead of its own. */
const CLOCKS_APART = 60_000;

/** What a request for a page asks for: every page is of the instants of the first. `latest`: what these may be. */
export function askedPage({ cursor, limit, ...query }: InstantQuery & { cursor?: string | undefined; limit: number }) {
  const [asOf, knownAt, after = null] = decodeCursor(cursor, ['time', 'time', 'uuid']) ?? [];
  return {
    asked: after === null ? query : { asOf, knownAt },
    latest: (present: Date) => (after === null ? present : new Date(present.getTime() + CLOCKS_APART)),
    after,
    limit: limit + 1,
    isFinal: query.knownAt !== undefined,
  };
}

/** `limit`: as it was asked for; there may be one system more, which says that there is another page. */
export function shownPage({ ask, systems }: SystemPage, limit: number) {
  const instants = [ask.asOf.toISOString(), ask.knownAt.toISOString()];
  return toPage(systems, limit, countedSystem, ({ id }) => [...instants, id]);
}
