import { nameId } from '../kernel/ids.js';

/** The id of a target within its system. */
export const targetId = (kind: string, name: string): string => nameId('target', kind, name);

/** The identity of a check result over time: one check of one source on one resource of one target. */
export const seriesId = (
  target: string,
  source: string,
  check: string,
  resource: string,
  places = new Places(),
): string => gathered(places.of(target, source), nameId('series', target, source, check, resource));

/** The identity of a fact over time: one kind of thing that one source says of one subject of one target. */
export const factId = (target: string, source: string, kind: string, subject: string, places = new Places()): string =>
  gathered(places.of(target, source), nameId('fact', target, source, kind, subject));

/**
 * Hexadecimal digits at the head of an id that say where it belongs. Four keep 65,536 places of a system apart; each more would leave less to tell ids apart by, and
 * who names the resources of a cluster may look for two that have one.
 */
const PLACE = 4;

/**
 * What is told of one target by one source lies together in every index that begins with the id: a report that is new fills pages of its own, and does not touch one
 * page for each of its rows among those of all others. 106 bits of the digest are left.
 */
const gathered = (place: string, id: string): string => place + id.slice(PLACE);

/** Where series belong. It remembers the last place, for a report tells one after the other of the same. */
export class Places {
  private last = { target: '', source: '', place: '' };

  of(target: string, source: string): string {
    if (target !== this.last.target || source !== this.last.source) {
      this.last = { target, source, place: nameId('place', target, source).slice(0, PLACE) };
    }
    return this.last.place;
  }
}
