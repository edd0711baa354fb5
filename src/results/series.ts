import { nameId } from '../kernel/ids.js';

/** The id of a target within its system. */
export const targetId = (kind: string, name: string): string => nameId('target', kind, name);

/** The identity of a check result over time: one check of one source on one resource of one target. */
export const seriesId = (target: string, source: string, check: string, resource: string): string =>
  gathered(target, source, nameId('series', target, source, check, resource));

/** The identity of a fact over time: one kind of thing that one source says of one subject of one target. */
export const factId = (target: string, source: string, kind: string, subject: string): string =>
  gathered(target, source, nameId('fact', target, source, kind, subject));

/** Hexadecimal digits at the head of an id that say where it belongs: more would leave fewer to tell ids apart by, fewer would mix what belongs apart. */
const PLACE = 8;

/**
 * What is told of one target by one source lies together in every index that begins with the id: a report that is new fills pages of its own, and does not touch one
 * page for each of its rows among those of all others. 90 bits of the digest are left.
 */
function gathered(target: string, source: string, id: string): string {
  if (target !== last.target || source !== last.source) {
    last = { target, source, place: nameId('place', target, source).slice(0, PLACE) };
  }
  return last.place + id.slice(PLACE);
}

/** A report tells one after the other of the same. */
let last = { target: '', source: '', place: '' };
