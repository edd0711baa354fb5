import { nameId } from '../kernel/ids.js';

/** The id of a target within its system. */
export const targetId = (kind: string, name: string): string => nameId('target', kind, name);

/** The identity of a check result over time: one check of one source on one resource of one target. */
export const seriesId = (target: string, source: string, check: string, resource: string): string =>
  nameId('series', target, source, check, resource);

/** The identity of a fact over time: one kind of thing that one source says of one subject of one target. */
export const factId = (target: string, source: string, kind: string, subject: string): string =>
  nameId('fact', target, source, kind, subject);
